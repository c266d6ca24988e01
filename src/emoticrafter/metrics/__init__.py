"""The metrics of the comparison: functions of arrays, without torch. docs/metrics.md shows how to read them.

emotion: requested against judged emotions. content: what of the prompt is left. clip: what features of a CLIP say of a picture.
smoothness: how pictures change from one emotion to the next, given one of the `distances` between pictures. statistics: the
intervals of all of them, and tests.
"""
