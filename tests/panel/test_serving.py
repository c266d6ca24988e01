"""The command that serves a study, as a process of its own: begun, killed, taken up, asked to end."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from emoticrafter.errors import OutputError
from emoticrafter.panel.serving import serve
from emoticrafter.panel.store import Store
from tests.panel.studies import answers_to, frozen_study, write_pictures, write_study

S = "session-one"
pytestmark = pytest.mark.slow


@contextmanager
def command(*words: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and the address that it says."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, "-m", "emoticrafter", "panel", *words, "--port", "0"],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def call(base: str, name: str, **content: Any) -> Any:
    body = json.dumps({"session": S, **content}).encode()
    request = urllib.request.Request(f"{base}api/{name}", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def links(folder: Path) -> list[str]:
    with (folder / "links.csv").open(encoding="utf-8", newline="") as file:
        return [row["link"] for row in csv.DictReader(file)]


def test_a_killed_server_goes_on_where_it_was(tmp_path: Path) -> None:
    write_pictures(tmp_path, values=(0.0,))
    write_study(tmp_path, "rate", "[rate]\ninstrument = 'likert'\n[people]\nwanted = 2\n")
    kept = tmp_path / "panels" / "tiny"
    with command("serve", "tiny.toml", folder=tmp_path) as (process, base):
        assert base.startswith("http://127.0.0.1:")
        first, second = links(kept)
        assert first.startswith(f"{base}p/")
        token = first.rpartition("/")[2]
        call(base, "enter", token=token, begin=True)
        with Store.open(kept) as store:  # beside the server
            trials = store.frozen.trials(0)
        for trial in trials[:3]:
            answers, times = answers_to(trial)
            assert call(base, "answer", token=token, trial=trial.trial, answers=answers, rt_ms=times, screen={})["answered"]
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL

    with command("serve", "tiny.toml", folder=tmp_path) as (process, base):
        assert [one.rpartition("/")[2] for one in links(kept)] == [token, second.rpartition("/")[2]]
        told = call(base, "enter", token=token)
        assert (told["state"], told["answered"], told["trials"][0]["trial"]) == ("running", 3, 4)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=1200)
        assert process.returncode == 130
        assert "Traceback" not in err
    with Store.open(kept) as store:
        assert len(store.responses()) == 6


def test_a_second_server_of_one_study_is_refused(tmp_path: Path) -> None:
    write_pictures(tmp_path, values=(0.0,))
    write_study(tmp_path, "rate")
    with command("serve", "tiny.toml", folder=tmp_path), command("serve", "tiny.toml", folder=tmp_path) as (process, base):
        assert base == ""
        _, err = process.communicate(timeout=1200)
        assert process.returncode == 2
        assert "Another server is serving 'panels/tiny'" in err


def test_a_preview_keeps_nothing_and_needs_no_link(tmp_path: Path) -> None:
    write_pictures(tmp_path, values=(0.0,))
    write_study(tmp_path, "rate")
    before = sorted(tmp_path.iterdir())
    with command("preview", "tiny.toml", folder=tmp_path) as (process, base):
        told = call(base, "enter", begin=True)
        assert (told["state"], told["preview"]) == ("running", True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=1200) == 143
    assert sorted(tmp_path.iterdir()) == before


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    frozen = frozen_study(tmp_path, "rate", values=(0.0,))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OutputError, match=f"Nothing can be served at 127.0.0.1:{port}"):
            serve(frozen, host="127.0.0.1", port=port, address=None, told=lambda base, links: None)
    with pytest.raises(OutputError, match="Nothing can be served at no-such-host"):
        serve(frozen, host="no-such-host.invalid", port=0, address=None, told=lambda base, links: None)
