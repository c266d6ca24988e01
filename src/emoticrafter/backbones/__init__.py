"""Frozen text-to-image models behind one protocol; nothing above names a particular one."""
