"""Prompt features at rest: `encoding` writes a folder of them, `store` reads it."""
