"""The eighteen places, each drawn at any mood."""

from __future__ import annotations

from emoticrafter.storybook.world.places import grounds, indoors, nature, town
from emoticrafter.storybook.world.places.base import Place

PLACES_BY_KEY: dict[str, Place] = {place.key: place for place in (*nature.PLACES, *town.PLACES, *grounds.PLACES, *indoors.PLACES)}

__all__ = ["PLACES_BY_KEY", "Place"]
