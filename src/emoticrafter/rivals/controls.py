"""What stands beside the methods in a comparison: the prompt as it is, and the feeling told in the prompt's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from emoticrafter.rivals.rival import Rival

if TYPE_CHECKING:
    from emoticrafter.backbones.base import Backbone

__all__ = ["CONTROLS", "NEUTRAL", "RULES", "TRUTH", "Neutral"]

NEUTRAL, TRUTH, RULES = "no emotion", "truth", "rules writer"


class Neutral(Rival):
    """The backbone's own picture of the prompt, whatever is asked for."""

    name = "no_emotion"


def _written_by(writer: str) -> Callable[[Backbone], Rival]:
    def upon(backbone: Backbone) -> Rival:
        from emoticrafter.rivals.rewriting import Rewriting

        return Rewriting(backbone, {"writer": writer})

    return upon


# "truth" draws the emotional prompt of the storybook's grammar; "rules writer" that of the rules, for prompts of any kind.
CONTROLS: Mapping[str, Callable[[Backbone], Rival]] = {
    NEUTRAL: Neutral,
    TRUTH: _written_by("storybook"),
    RULES: _written_by("rules"),
}
