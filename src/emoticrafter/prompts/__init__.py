"""Pairs of a neutral and an emotional prompt: brought in, checked, or written by rules and language models."""
