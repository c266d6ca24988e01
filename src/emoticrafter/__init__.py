"""Pictures whose content you say and whose feeling you choose: text, valence and arousal to image."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as typing has it, which takes longer to load than all of this
if TYPE_CHECKING:
    from emoticrafter.crafter import EmotiCrafter
    from emoticrafter.emotion import Emotion
    from emoticrafter.picture import Picture

    __version__: str

__all__ = ["EmotiCrafter", "Emotion", "Picture", "__version__"]

_HOMES = {"EmotiCrafter": "crafter", "Emotion": "emotion", "Picture": "picture"}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: importing the package must not cost the seconds that torch takes."""
    if name == "__version__":
        value: object = import_module(f"{__name__}.version").installed_version()
    elif name in _HOMES:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
