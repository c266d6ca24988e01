"""The eighteen places, each drawn at any mood."""

from __future__ import annotations

from emoticrafter.storybook.world.places import country, grounds, indoors, nature, public, town
from emoticrafter.storybook.world.places.place import Place

PLACES_BY_KEY: dict[str, Place] = {
    place.key: place for module in (nature, grounds, country, town, public, indoors) for place in module.PLACES
}

__all__ = ["PLACES_BY_KEY", "Place"]
