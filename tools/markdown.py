"""Tables of the pages that are written from records."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["table"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, figures: bool = False) -> str:
    """A Markdown table of cells in Markdown. figures: all columns but the first are numbers, and stand to the right."""
    rule = ["---", *("--:" if figures else "---" for _ in head[1:])]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, rule, *rows))
