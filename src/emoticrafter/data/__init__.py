"""From data sets to training features: annotations, prompt pairs, encoded prompts; a file per format."""
