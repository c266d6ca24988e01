"""Annotations of other people's data sets: a file for each, and its entry in `registry`."""
