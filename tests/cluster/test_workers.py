"""A cluster's address is knocked at before Ray is asked, which would try for a quarter of an hour."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from emoticrafter.cluster import workers
from emoticrafter.cluster.workers import connected, knock
from emoticrafter.errors import MissingError

ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray")


@pytest.fixture
def dead() -> int:
    """A port at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def silent() -> Iterator[int]:
    """A port at which something listens that never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "localhost:{}", "ray://127.0.0.1:{}", "[::1]:{}"])
@pytest.mark.parametrize("by_environment", [True, False])
def test_a_dead_port_is_told_at_once(dead: int, form: str, by_environment: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    address = form.format(dead)
    monkeypatch.setenv("RAY_ADDRESS", address if by_environment else "other:1")
    waits: list[float | None] = []
    connect = socket.create_connection

    def counted(place: tuple[str, int], timeout: float | None = None) -> socket.socket:
        waits.append(timeout)
        return connect(place, timeout)

    monkeypatch.setattr(socket, "create_connection", counted)
    with pytest.raises(MissingError) as caught:
        knock(None if by_environment else address)
    assert waits == [workers.PATIENCE]
    assert caught.value.problem.startswith(f"There is no Ray cluster at {address!r}: nothing answers there (")
    assert "RAY_ADDRESS" in caught.value.hint


@pytest.mark.parametrize("address", ["127.0.0.1:99999", "no.such.host.invalid:6379", f"{'a' * 80}.x:1"])
def test_addresses_that_cannot_be(address: str) -> None:
    with pytest.raises(MissingError, match="nothing answers there"):
        knock(address)


def test_what_names_no_place_is_left_to_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    for address in ("auto", "local", "other://place", None):
        knock(address)


@pytest.mark.parametrize("address", ["foo", "foo:bar", "ray://foo", "not an address", "127.0.0.1:", ":6379"])
def test_what_is_no_address_is_told_with_how_one_is_written(address: str) -> None:
    with pytest.raises(MissingError) as caught:
        knock(address)
    assert str(caught.value) == (
        f"There is no Ray cluster at {address!r}: an address is HOST:PORT or ray://HOST:PORT. Give --ray-address or RAY_ADDRESS"
        " the HOST:PORT that `ray start --head` tells, or ray://HOST:10001; without either, a cluster is started on this machine."
    )


@pytest.fixture
def web() -> Iterator[int]:
    """A port of a web server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_a_server_of_something_else_is_given_up(
    form: str, web: int, silent: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(workers, "PATIENCE", 0.5)
    for port, reason in ((web, "what answers there is no Ray"), (silent, "what listens there gives no answer")):
        address, begun = form.format(port), time.monotonic()
        with pytest.raises(MissingError) as caught:
            knock(address)
        assert caught.value.problem == f"There is no Ray cluster at {address!r}: {reason}."
        assert "ray://HOST:10001" in caught.value.hint
        assert time.monotonic() - begun < 2


def test_a_host_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    full = socket.create_server(("127.0.0.1", 0), backlog=0)  # its queue is filled, so that further knocks are left unanswered
    port = full.getsockname()[1]
    waiting = [socket.socket() for _ in range(4)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", port))
    monkeypatch.setattr(workers, "PATIENCE", 0.2)
    try:
        with pytest.raises(MissingError, match=r"nothing answers there \(timed out\)"):
            knock(f"127.0.0.1:{port}")
    finally:
        for one in (*waiting, full):
            one.close()


@ray
def test_the_library_knocks_too(dead: int) -> None:
    with pytest.raises(MissingError, match="nothing answers"), connected(f"127.0.0.1:{dead}", None):
        pass


CODE = """
import sys
from emoticrafter.cluster.workers import connected
from emoticrafter.errors import MissingError
try:
    with connected(sys.argv[1], None):
        pass
except MissingError as error:
    print(error)
"""


@ray
@pytest.mark.slow
def test_a_port_of_something_else_is_given_up_within_seconds(silent: int) -> None:
    begun = time.monotonic()
    run = subprocess.run([sys.executable, "-c", CODE, f"127.0.0.1:{silent}"], capture_output=True, text=True, timeout=90)
    assert run.stdout.startswith(f"There is no Ray cluster at '127.0.0.1:{silent}': what listens there gives no"), run.stderr
    assert run.stderr == ""
    assert time.monotonic() - begun < 20


OWN = """
import ray
from emoticrafter.cluster.workers import connected, knock
with connected(None, 1):
    knock(ray.get_runtime_context().gcs_address)
print("answered")
"""


@ray
@pytest.mark.slow
def test_a_real_ray_answers_the_knock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    run = subprocess.run([sys.executable, "-c", OWN], capture_output=True, text=True, timeout=120)
    assert run.stdout == "answered\n", run.stderr
