"""The options of Ray, for every command that has them."""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Done


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray")
def test_the_commands_give_up_before_ray_tries_for_minutes(cli: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = taken.getsockname()[1]  # nothing listens there once it is closed
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{dead}")
    monkeypatch.setattr("ray.init", lambda *given, **options: pytest.fail("Ray was asked"))
    Path("prompts.txt").write_text("a cat\n")
    for command in (
        ["batch", "prompts.txt", "--out", "made"],
        ["data", "encode", "pairs.parquet", "--out", "made"],
        ["evaluate", "--suite", "quick", "--out", "made"],
    ):
        done = cli(*command, "--engine", "ray")
        assert (done.code, f"no Ray cluster at '127.0.0.1:{dead}'" in done.err) == (2, True), done
        assert not Path("made").exists()
