"""A study on a real server, and a real browser in front of it."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import uvicorn

from emoticrafter.panel.frozen import Frozen
from emoticrafter.panel.server import make_app
from emoticrafter.panel.store import Store

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install chromium")


@dataclass(frozen=True)
class Live:
    """A study that is served at `base`."""

    base: str
    frozen: Frozen
    store: Store

    def links(self, count: int = 1) -> list[str]:
        return [f"{self.base}/p/{one.token}" for one in self.store.invite(count)]


@contextmanager
def serving(frozen: Frozen, *, simulated: bool = False, preview: bool = False) -> Iterator[Live]:
    """The study's server, in a thread of this process, at a free port."""
    with Store.create(frozen, simulated=simulated) as store:
        server = uvicorn.Server(uvicorn.Config(make_app(frozen, store, preview=preview), port=0, log_level="warning"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server has ended"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield Live(f"http://127.0.0.1:{port}", frozen, store)
        finally:
            server.should_exit = True
            thread.join()
