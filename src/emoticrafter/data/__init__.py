"""Annotations: pictures and the feelings that people gave them, in one table; an importer for each data set."""
