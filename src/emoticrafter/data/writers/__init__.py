"""Who writes prompt pairs: rules, offline, or a language model behind an OpenAI-compatible server; one protocol for both."""
