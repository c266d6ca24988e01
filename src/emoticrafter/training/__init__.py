"""The training of the emotion injection transformer: `train` for all of it, `read_recipe` for what to train."""

from __future__ import annotations

from emoticrafter.training.recipe import Recipe, read_recipe
from emoticrafter.training.run import Outcome, train

__all__ = ["Outcome", "Recipe", "read_recipe", "train"]
