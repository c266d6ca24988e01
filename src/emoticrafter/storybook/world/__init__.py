"""The picture-book world: scenes described in words of its own, drawn at any emotion and any size. No torch here."""

from emoticrafter.storybook.world.render import render
from emoticrafter.storybook.world.scene import Scene, Subject

__all__ = ["Scene", "Subject", "render"]
