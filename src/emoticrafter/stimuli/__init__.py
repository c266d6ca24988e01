"""Sets of pictures for laboratories: so many in each cell of the plane, balanced and matched, with norms.

design       what is wanted, as a TOML file
drawing      more pictures than are needed, through `batch`
properties   luminance, contrast, colour, complexity, and how far two pictures are apart
choosing     which of them make the set: a mixed-integer program
constraints  how well each wish holds
exports      norms, conditions for PsychoPy and jsPsych, a study, a paragraph, a licence note
page         what is looked at
making       all of it, resumable
"""
