from __future__ import annotations

import pytest

from emoticrafter.errors import StoppedError
from emoticrafter.watch import SILENT, Watch


def test_a_watch_stops_when_it_is_told_to() -> None:
    answers = iter([False, True])
    watch = Watch(stop=lambda: next(answers))
    watch.check()
    with pytest.raises(StoppedError, match="stopped"):
        watch.check()


def test_a_silent_watch_hears_nothing_and_never_stops() -> None:
    SILENT.stage("drawing")(1, 2)
    SILENT.warn("nothing")
    SILENT.check()
    assert SILENT.preview is None
