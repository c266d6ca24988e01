"""Whatever a suite draws with: ours, the rivals, and the rows that stand in every table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from emoticrafter.rivals.base import Rival
from emoticrafter.rivals.controls import NEUTRAL, RULES, TRUTH

if TYPE_CHECKING:
    from emoticrafter.evaluation.suite import Suite

__all__ = ["ALWAYS_ZERO", "NEUTRAL", "RULES", "TRUTH", "budget_of", "truth_of"]

ALWAYS_ZERO = "always 0"


def truth_of(suite: Suite) -> str:
    """Who writes the emotional prompts that stand in every table as the truth."""
    return TRUTH if suite.prompts.source == "storybook" else RULES


def budget_of(maker: Any) -> Mapping[str, Any]:
    """What is known of a maker's training: JSON values, empty where nothing is known."""
    if isinstance(maker, Rival):
        module = maker.module
        count = {"parameters": sum(p.numel() for p in module.parameters())} if module is not None else {}
        return {**count, **maker.trained}
    eit = getattr(maker, "eit", None)
    if eit is None:
        return {}
    known = {name: eit.metadata[name] for name in ("step", "pairs", "alpha", "strength") if name in eit.metadata}
    return {"parameters": sum(p.numel() for p in eit.parameters()), **known}
