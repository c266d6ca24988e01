"""Whatever a suite draws with: ours, the rivals, and the rows that stand in every table."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from emoticrafter.rivals.base import Rival

if TYPE_CHECKING:
    from emoticrafter.backbones.base import Backbone
    from emoticrafter.backbones.outline import Outline
    from emoticrafter.evaluation.suite import Suite
    from emoticrafter.maker import Maker

__all__ = [
    "ALWAYS_ZERO",
    "NEUTRAL",
    "RULES",
    "TRUTH",
    "Neutral",
    "budget_of",
    "check_source",
    "open_method_maker",
    "open_upon",
    "truth_of",
]

ALWAYS_ZERO, NEUTRAL, TRUTH, RULES = "always 0", "no emotion", "truth", "rules writer"


class Neutral(Rival):
    """The backbone's own picture of the prompt, whatever is asked for."""

    name = "no_emotion"


def open_upon(backbone: Backbone, source: str, *, calibrated: bool = True, warn: Callable[[str], None] | None = None) -> Maker:
    """The maker of a method's source upon an open backbone.

    "no emotion" draws the prompt as it is; "truth" the emotional prompt of the storybook's grammar; "rules writer" that of the
    rules, for prompts of any kind. Raises InputError, MissingError and CheckpointError.
    """
    from emoticrafter.rivals import open_method

    if source == NEUTRAL:
        return Neutral(backbone, warn=warn)
    if source in (TRUTH, RULES):
        from emoticrafter.rivals.rewriting import Rewriting

        return Rewriting(backbone, {"writer": "storybook" if source == TRUTH else "rules"}, warn=warn)
    named = "emoticrafter" if source == "ours" else source
    return open_method(named, backbone, calibrated=calibrated, warn=warn)


def truth_of(suite: Suite) -> str:
    """Who writes the emotional prompts that stand in every table as the truth."""
    return TRUTH if suite.prompts.source == "storybook" else RULES


def check_source(source: str, outline: Outline) -> None:
    """Raise the error with which `open_upon` would refuse a source upon a model that is not loaded, where that is known."""
    from emoticrafter.rivals.opening import check_method

    if source not in (NEUTRAL, TRUTH, RULES):
        check_method("emoticrafter" if source == "ours" else source, outline)


def open_method_maker(
    backbone: str | os.PathLike[str],
    source: str,
    *,
    calibrated: bool = True,
    warn: Callable[[str], None] | None = None,
    **options: Any,
) -> Maker:
    """The same upon a backbone that is opened by name: what workers of a cluster call. options: those of `open_backbone`."""
    from emoticrafter.backbones.registry import open_backbone

    return open_upon(open_backbone(backbone, **options), source, calibrated=calibrated, warn=warn)


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
