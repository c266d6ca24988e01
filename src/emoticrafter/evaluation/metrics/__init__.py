"""The metrics of the comparison: pure functions of arrays, without torch. docs/metrics.md shows how to read them.

emotion: requested against judged emotions. content: what of the prompt is left. smoothness: how pictures change from one emotion
to the next, given any distance between pictures. `evaluation.clip` has those that need CLIP.
"""
