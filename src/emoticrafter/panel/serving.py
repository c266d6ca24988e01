"""A study kept and served: a folder, a port, links; or a preview that keeps nothing."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import uvicorn

from emoticrafter.errors import InputError, OutputError
from emoticrafter.escapes import csv_text
from emoticrafter.files import atomic_path, user_path
from emoticrafter.locks import LOCK, hold
from emoticrafter.panel.frozen import Frozen, differing, draft, freeze, is_frozen, open_frozen
from emoticrafter.panel.server import LOCAL, make_app
from emoticrafter.panel.store import Store, StoreEntry
from emoticrafter.panel.study import read_study
from emoticrafter.watch import SILENT, Watch

__all__ = ["LINKS", "begin_or_take_up", "folder_of", "preview", "serve"]

LINKS = "links.csv"
Announce = Callable[[str, Sequence[tuple[str, str]]], None]  # (address of the page, (participant, link) each)
_GRACE_S = 3  # for calls that are under way when the server ends


def begin_or_take_up(source: str | Path, out: str | Path, watch: Watch = SILENT) -> Frozen:
    """The study of a file as it was frozen in the folder `out`, or frozen there now. source: may be that folder itself.

    Raises InputError where the file says something else than what began.
    """
    if is_frozen(source):
        return open_frozen(source)
    if not is_frozen(out):
        return freeze(draft(source), out, watch)
    frozen = open_frozen(out)
    if changed := differing(frozen, read_study(source)[0]):
        raise InputError(
            f"The study in {str(out)!r} has begun, and its file says something else now: {', '.join(changed)[:200]}.",
            "Undo the change, or give another --out for a new study.",
        )
    return frozen


def serve(frozen: Frozen, *, host: str, port: int, address: str | None, told: Announce, simulated: bool = False) -> None:
    """Serve a study until the process is asked to end; one server at a time.

    address: under which people reach the page, where that is not the server's own. told: called once, when all is ready. Raises
    OutputError where another server serves the folder, or the port is taken.
    """
    assert frozen.folder is not None
    problem = f"Another server is serving {str(frozen.folder)!r}."
    with hold(frozen.folder / LOCK, problem, "End that one first."), Store.create(frozen, simulated=simulated) as store:
        people = frozen.study.people
        entries = store.invite(people.wanted) if people.entry == "links" else []
        _run(frozen, store, host, port, address, entries, told, preview=False)


def preview(source: str | Path, *, host: str, port: int, told: Announce) -> None:
    """Serve a study as it would be, to whoever opens the page; nothing of it stays."""
    made = draft(source)
    opened = replace(made, study=replace(made.study, people=replace(made.study.people, entry="open")))
    with tempfile.TemporaryDirectory(prefix="emoticrafter-panel-") as folder:
        frozen = freeze(opened, Path(folder) / "study")
        with Store.create(frozen) as store:
            _run(frozen, store, host, port, None, [], told, preview=True)


def _run(
    frozen: Frozen,
    store: Store,
    host: str,
    port: int,
    address: str | None,
    entries: Sequence[StoreEntry],
    told: Announce,
    *,
    preview: bool,
) -> None:
    taken = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    base = (address or f"http://{shown}:{taken.getsockname()[1]}").rstrip("/")
    links = [(one.participant, f"{base}/p/{one.token}") for one in entries]
    if links and frozen.folder is not None:
        with atomic_path(frozen.folder / LINKS, force=True) as temporary:
            temporary.write_text(csv_text([("participant", "link"), *links]), encoding="utf-8", newline="")
    app = make_app(frozen, store, hosts=LOCAL if host in LOCAL and address is None else ("*",), preview=preview)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=_GRACE_S, server_header=False)
    told(f"{base}/", links)
    uvicorn.Server(config).run(sockets=[taken])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen()  # whoever opens the address at once waits, and is not refused
    except (OSError, OverflowError) as error:
        made.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(
            f"Nothing can be served at {host}:{port}: {reason}.", "Give another --port, or another --host."
        ) from error
    return made


def folder_of(name: str) -> Path:
    """Where a study of a name is kept unless it is said."""
    return user_path("panels") / name
