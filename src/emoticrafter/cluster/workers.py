"""A Ray cluster: connected to or started, its cores and GPUs shared out among workers, its errors made readable."""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from emoticrafter import errors
from emoticrafter.errors import DeviceError, EmotiCrafterError, InputError, MissingError, reason_of

__all__ = ["connected", "error_of", "error_text", "knock", "readable_errors", "shares"]

OBJECT_STORE = 128 << 20  # bytes, of a cluster of our own: prompts, numbers and a few pictures
PATIENCE = 5.0  # seconds that a cluster may take to answer
_HOST_AND_PORT = re.compile(r"(?:ray://)?(?:\[([0-9a-fA-F:.%]+)\]|([^\s:/]+)):(\d{1,5})")
_LEFT_TO_RAY = re.compile(r"auto|local|(?!ray://)[\w.+-]+://.*")
# How gRPC begins a talk, and what it answers: a first frame of settings, which has no stream.
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_ANSWER = re.compile(rb"...\x04.\0{4}", re.DOTALL)
_AGAIN = "Run the same command again: it goes on where it stopped."


def shares(nodes: Sequence[dict[str, Any]], gpu: bool, workers: int | None) -> tuple[int, int]:
    """How many workers, and the cores of each."""
    found = [node["Resources"] for node in nodes if node["Alive"]]
    cores = [int(one.get("CPU", 0)) for one in found]
    if gpu:
        gpus = sum(int(one.get("GPU", 0)) for one in found)
        if not gpus:
            raise DeviceError("The Ray cluster has no GPU.", "Give --device cpu, or the address of another cluster.")
        return min(workers or gpus, gpus), 1
    able = [count for count in cores if count]
    if not able or (workers or 1) > sum(able):
        raise InputError(f"{workers or 1} Ray workers were asked for; the cluster has {sum(able)} cores.", "Ask for fewer.")
    if workers is None:
        return len(able), min(able)
    return workers, max(1, min(sum(able) // workers, max(able)))


def knock(address: str | None) -> None:
    """Raise MissingError unless a server like Ray's answers at the address; Ray itself would try for up to a quarter of an hour.

    address: as `connected` takes it; "auto", "local" and one of another scheme than ray:// are left to Ray.
    """
    address = address or os.environ.get("RAY_ADDRESS") or ""
    if not address or _LEFT_TO_RAY.fullmatch(address):
        return
    place = _HOST_AND_PORT.fullmatch(address)
    if place is None:
        raise _no_cluster(address, "an address is HOST:PORT or ray://HOST:PORT")
    try:
        with socket.create_connection((place[1] or place[2], int(place[3])), timeout=PATIENCE) as line:
            answer = None if os.environ.get("RAY_USE_TLS", "0") != "0" else _greeted(line)
    except (OSError, OverflowError, UnicodeError) as error:  # refused, no answer, no such host; a port beyond all; an odd name
        reason = getattr(error, "strerror", None) or reason_of(error)
        raise _no_cluster(address, f"nothing answers there ({reason})") from error
    if answer is not None and not _ANSWER.fullmatch(answer):
        raise _no_cluster(address, "what answers there is no Ray" if answer else "what listens there gives no answer")


def _greeted(line: socket.socket) -> bytes:
    """The head of the first frame that a server answers gRPC's greeting with; less where it says less in time, or hangs up."""
    end = time.monotonic() + PATIENCE
    answer = b""
    with suppress(TimeoutError, ConnectionError):
        line.sendall(_HELLO)
        while len(answer) < 9 and (left := end - time.monotonic()) > 0:
            line.settimeout(left)
            more = line.recv(9 - len(answer))
            if not more:
                break
            answer += more
    return answer


@contextmanager
def connected(address: str | None, cpus: int | None) -> Iterator[None]:
    """Connected to a cluster: the one that this process is in, the one of the address, or a new one on this machine.

    address: by default $RAY_ADDRESS. Raises MissingError within seconds where there is no cluster.
    """
    address = address or os.environ.get("RAY_ADDRESS") or None
    if address is None and "ray" not in sys.modules:
        # Read when Ray is imported: addresses of this machine only, and a token that nobody else has.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it writes remarks on its own workings to the terminal
        if os.environ.setdefault("RAY_AUTH_MODE", "token") == "token" and "RAY_AUTH_TOKEN_PATH" not in os.environ:
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    if address is not None:  # of what answers and is no Ray
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")
        os.environ.setdefault("RAY_py_gcs_connect_timeout_s", f"{PATIENCE:.0f}")
    import ray

    if ray.is_initialized():
        yield
        return
    knock(address)
    local: dict[str, Any] = {"num_cpus": cpus, "include_dashboard": False, "object_store_memory": OBJECT_STORE}
    options = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address is None:
            ray.init(address="local", **local, **options)
        else:
            with _silenced():  # what answers and is no Ray, its library writes about, whatever its log level
                ray.init(address=address, **options)
    except Exception as error:  # of many kinds: no answer, another version, a wrong token
        reason = reason_of(error, 300)
        if address is not None:
            raise _no_cluster(address, reason) from error
        raise MissingError(f"Ray could not be started here: {reason}.", "Use --engine local.") from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def readable_errors() -> Iterator[None]:
    """What goes wrong in Ray itself, a worker that was killed, say, as an error for people."""
    from ray.exceptions import RayError

    try:
        yield
    except RayError as error:
        raise DeviceError(f"The Ray workers failed: {reason_of(error, 300, last=True)}.", _AGAIN) from error


def error_text(error: EmotiCrafterError) -> str:
    """An error as text, because Ray would wrap it."""
    field = {"field": error.field, "value": error.value} if isinstance(error, InputError) else {}
    return json.dumps([type(error).__name__, error.problem, error.hint, field], default=str)


def error_of(text: str) -> EmotiCrafterError:
    """The error that `error_text` made a text of."""
    name, problem, hint, *field = json.loads(text)
    kind = getattr(errors, name) if name in errors.__all__ else EmotiCrafterError
    return kind(problem, hint, **(field[0] if field else {}))


@contextmanager
def _silenced() -> Iterator[None]:
    """Nothing is written to stderr, from C neither, as long as the block runs."""
    try:
        kept = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _no_cluster(address: str, reason: str) -> MissingError:
    hint = (
        "Give --ray-address or RAY_ADDRESS the HOST:PORT that `ray start --head` tells, or ray://HOST:10001;"
        " without either, a cluster is started on this machine."
    )
    return MissingError(f"There is no Ray cluster at {address!r}: {reason}.", hint)
