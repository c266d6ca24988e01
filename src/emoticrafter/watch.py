"""What the caller of a long work hears of it, and how they end it. No torch here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emoticrafter.errors import StoppedError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["SILENT", "Preview", "Step", "Watch", "once"]

Step = Callable[[int, int], None]  # (done, total)
Preview = Callable[[int, "Image.Image"], None]  # (number of the picture within the call, how it looks now)


def _no_stage(name: str) -> Step:
    return lambda done, total: None


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One object for a call and all that it calls.

    stage: makes the progress of the stage of a name, which is called with (done, total). warn: called with sentences. stop: asked
    before each further piece of work; true ends the call with a StoppedError. preview: called now and then with a
    running picture; None spares the work.
    """

    stage: Callable[[str], Step] = _no_stage
    warn: Callable[[str], None] = lambda text: None
    stop: Callable[[], bool] = lambda: False
    preview: Preview | None = None

    def check(self) -> None:
        """Raise StoppedError if the work is to end."""
        if self.stop():
            raise StoppedError(
                "The work was stopped before its end.", "The same call goes on where work is kept, else begins anew."
            )


SILENT = Watch()


def once(say: Callable[[str], None]) -> Callable[[str], None]:
    """Says each sentence the first time only."""
    said: set[str] = set()

    def say_new(text: str) -> None:
        if text not in said:
            said.add(text)
            say(text)

    return say_new
