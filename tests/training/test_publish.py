"""A checkpoint on its way to the hub and back, against a server on this machine that speaks the hub's protocol."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml

from emoticrafter import checkpoint
from emoticrafter.cli.main import run as run_program
from emoticrafter.errors import CheckpointError, InputError, MissingError, OutputError
from emoticrafter.training.publish import FILES, gather, upload
from tests.tiny import tiny_eit

NAME = "someone/gloomy-sdxl"
RECORD: dict[str, Any] = {
    "finished": True,
    "recipe": {
        "train": {"batch": 768, "rate": 0.001, "schedule": "constant", "weight_decay": 1e-5},
        "objective": {"alpha": 1.5, "affect": 0.1, "semantic": 0.0},
        "density": {"preset": "paper"},
        "data": {"features": "/home/someone/secret/features"},
        "model": {"begin": "/home/someone/secret/begun"},
    },
    "data": {
        "features": "/home/someone/secret/features",
        "pairs": {"train": 39000, "val": 843, "test": 0},
        "datasets": {"oasis": 900, "findingemo": 100, "our own | data<script>": 5},
    },
    "step": 10376, "steps": 10376, "best": {"step": 9000, "loss": 0.5123}, "baselines": {"neutral": 1.25, "ridge": 0.75},
    "seconds": 1100.0, "device": "cuda", "processes": 1, "revision": "abc123", "versions": {"torch": "2.13.0", "scipy": None},
}  # fmt: skip


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """The folder of a run as `emoticrafter train` leaves it."""
    folder = tmp_path / "run"
    checkpoint.save(tiny_eit(), folder / "checkpoint", {"backbone": "sdxl", "prompt_tokens": 12, "strength": 0.8})
    (folder / "run.json").write_text(json.dumps(RECORD))
    (folder / "curves.png").write_bytes(b"png")
    (folder / "states").mkdir()
    (folder / "states" / "large").write_bytes(b"not to be published")
    return folder


def test_a_run_is_gathered_with_a_card_and_without_paths_of_this_machine(finished: Path, tmp_path: Path) -> None:
    paths = gather(finished, NAME, tmp_path / "out")
    assert [path.name for path in paths] == list(FILES)
    everything = b"".join(path.read_bytes() for path in paths)
    assert b"secret" not in everything
    assert checkpoint.load(tmp_path / "out").metadata["strength"] == 0.8


def test_the_card_tells_what_it_is_how_it_was_trained_and_on_which_terms(finished: Path, tmp_path: Path) -> None:
    gather(finished, NAME, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    head = yaml.safe_load(card.split("---")[1])
    assert head["base_model"] == "stabilityai/stable-diffusion-xl-base-1.0"
    assert head["license"] == "cc-by-nc-sa-4.0"  # FindingEmo asks for it
    assert "emotion" in head["tags"]
    assert f"--emotion {NAME}" in card
    assert "| validation loss, weighted | 0.5123 at step 9000 |" in card
    assert "| baseline: ridge | 0.75 |" in card
    assert "affect" in card
    assert "semantic" not in card
    assert "no commercial use" in card
    assert "for research only" in card
    assert "OASIS" in card
    assert "our own \\| data&lt;script>" in card
    assert "publisher" in card  # of the data set that it does not know


def test_names_mean_nothing_in_the_card(finished: Path, tmp_path: Path) -> None:
    odd = {**RECORD, "device": "`cuda` | *x*", "revision": "[a](http://x)", "versions": {"torch": "<b>2</b>"}}
    odd["recipe"] = {**RECORD["recipe"], "density": {"preset": "`p`|"}}
    (finished / "run.json").write_text(json.dumps(odd))
    about = {"backbone": "my |`backbone`\n```", "prompt_tokens": 12}
    checkpoint.save(tiny_eit(), finished / "checkpoint", about, force=True)
    gather(finished, NAME, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| backbone | my \\|\\`backbone\\` \\`\\`\\` |" in card
    assert f"--backbone 'my |`backbone` ```' --emotion {NAME}" in card
    assert "| time | 0.31 hours on 1 x \\`cuda\\` \\| \\*x\\* |" in card
    assert "| commit | \\[a\\](http://x) |" in card
    assert "| versions | torch &lt;b>2&lt;/b> |" in card
    assert "| loss | alpha 1.5, weights `'p'\\|`, affect |" in card


def test_a_checkpoint_alone_can_be_published_and_the_card_admits_what_it_does_not_know(tmp_path: Path) -> None:
    checkpoint.save(tiny_eit(), tmp_path / "emotion", {"backbone": "tiny"})
    paths = gather(tmp_path / "emotion", NAME, tmp_path / "out", licence="apache-2.0")
    assert [path.name for path in paths] == ["README.md", "config.json", "eit.safetensors"]
    card = paths[0].read_text()
    assert "Not recorded" in card
    assert yaml.safe_load(card.split("---")[1])["license"] == "apache-2.0"


@pytest.mark.parametrize(
    "record",
    [
        "{}",
        '{"data": [], "recipe": 3, "best": null, "baselines": {"neutral": "x"}, "seconds": null}',
        '{"seconds": "long", "baselines": {"neutral": 1' + "0" * 400 + '}, "best": {"loss": NaN}}',
    ],
    ids=["empty", "holes", "strange"],
)
def test_a_record_with_holes_still_makes_a_card(finished: Path, tmp_path: Path, record: str) -> None:
    (finished / "run.json").write_text(record)
    gather(finished, NAME, tmp_path / "out")
    assert "How it was trained" in (tmp_path / "out" / "README.md").read_text()


def test_what_cannot_be_published(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="OWNER/NAME"):
        gather(finished, "no-owner", tmp_path / "out")
    with pytest.raises(InputError, match="licence"):
        gather(finished, NAME, tmp_path / "out", licence="Mine: all")
    with pytest.raises(MissingError):
        gather(tmp_path / "nowhere", NAME, tmp_path / "out")
    with pytest.raises(OutputError, match="exists"):
        gather(finished, NAME, finished)
    (finished / "run.json").write_text("[1]")
    with pytest.raises(CheckpointError, match=r"run\.json"):
        gather(finished, NAME, tmp_path / "out")
    (finished / "run.json").write_text(json.dumps(RECORD))
    weights = finished / "checkpoint" / "eit.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(CheckpointError):
        gather(finished, NAME, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_could_not_be_gathered_is_gathered_by_the_same_call(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("shutil.copyfile", full)
        with pytest.raises(OutputError, match="disk is full"):
            gather(finished, NAME, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert len(gather(finished, NAME, tmp_path / "out")) == 5


def test_the_hub_is_asked_for_one_repository_and_one_commit(finished: Path, tmp_path: Path) -> None:
    calls: list[tuple[str, dict[str, Any]]] = []

    def create_repo(name: str, **rest: Any) -> str:
        calls.append(("create", {"name": name, **rest}))
        return "https://hub/x"

    api = SimpleNamespace(create_repo=create_repo, upload_folder=lambda **rest: calls.append(("upload", rest)))
    gather(finished, NAME, tmp_path / "out")
    assert upload(tmp_path / "out", NAME, private=True, api=api) == "https://hub/x"
    assert [name for name, _ in calls] == ["create", "upload"]
    assert calls[0][1] == {"name": NAME, "private": True, "exist_ok": True}
    assert calls[1][1]["repo_id"] == NAME
    assert set(calls[1][1]["allow_patterns"]) == set(FILES)


def test_without_a_token_the_next_step_is_told(finished: Path, tmp_path: Path) -> None:
    from huggingface_hub.errors import LocalTokenNotFoundError

    def refuse(*_: Any, **__: Any) -> None:
        raise LocalTokenNotFoundError("Token is required")

    gather(finished, NAME, tmp_path / "out")
    with pytest.raises(MissingError, match="hf auth login"):
        upload(tmp_path / "out", NAME, api=SimpleNamespace(create_repo=refuse))


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as an upload and a download need. What it holds is in `files`, by repository and path."""

    files: dict[str, dict[str, bytes]]
    asked: list[str]
    token = "hf_right"

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, value: Any, status: int = 200) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", "a" * 40)
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append(self.path)
        if self.headers.get("Authorization") != f"Bearer {self.token}":
            return self.answer({"error": "Invalid username or password."}, 401)
        if self.path == "/api/repos/create":
            entries = json.loads(body)
            name = f"{entries['organization']}/{entries['name']}"
            self.files.setdefault(name, {})
            return self.answer({"url": f"http://{self.headers['Host']}/{name}", "id": name})
        if self.path == "/api/validate-yaml":
            return self.answer({"errors": [], "warnings": []})
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/main", self.path):
            names = [file["path"] for file in json.loads(body)["files"]]
            return self.answer({"files": [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in names]})
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", self.path):
            for line in body.splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    self.files[match[1]][entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
            return self.answer(
                {"commitUrl": f"http://{self.headers['Host']}/{match[1]}/commit/{'a' * 40}", "commitOid": "a" * 40}
            )
        return self.answer({"error": f"unknown {self.path}"}, 404)

    def do_GET(self) -> None:
        self.asked.append(self.path)
        path = self.path.partition("?")[0]
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/(revision|tree)/[^/]+", path):
            files = self.files.get(match[1])
            if files is None:
                return self.answer({"error": "Repository not found"}, 404)
            if match[2] == "tree":
                entries = [{"type": "file", "path": name, "size": len(data), "oid": "b" * 40} for name, data in files.items()]
                return self.answer(entries)
            siblings = [{"rfilename": name} for name in files]
            return self.answer({"id": match[1], "_id": "1", "sha": "a" * 40, "private": False, "siblings": siblings, "tags": []})
        if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path):
            return self.answer(self.files[match[1]][match[2]])
        return self.answer({"error": f"unknown {self.path}"}, 404)

    def do_HEAD(self) -> None:
        self.do_GET()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[Hub]]:
    handler = type("Handler", (Hub,), {"files": {}, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", Hub.token)
    yield handler
    server.shutdown()
    server.server_close()


def program(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        run_program(list(arguments))
    return int(end.value.code or 0)


def test_what_is_pushed_can_be_loaded_by_its_hub_id(
    finished: Path, tmp_path: Path, hub: type[Hub], capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("checkpoint", "push", str(finished), NAME, "--json") == 0, capsys.readouterr().err
    told = json.loads(capsys.readouterr().out)
    assert told["address"].endswith(NAME)
    assert set(hub.files[NAME]) == set(FILES)
    assert b"secret" not in b"".join(hub.files[NAME].values())
    eit = checkpoint.load(NAME)
    mine = checkpoint.load(finished / "checkpoint")
    assert all(torch.equal(tensor, eit.state_dict()[name]) for name, tensor in mine.state_dict().items())
    assert eit.metadata == mine.metadata


def test_a_refused_token_is_an_error_with_the_next_step(
    finished: Path, hub: type[Hub], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert program("checkpoint", "push", str(finished), NAME) == 2
    told = capsys.readouterr()
    assert "could not be uploaded" in told.err
    assert "hf auth login" in told.err
    assert hub.files == {}


def test_a_dry_run_asks_nobody(finished: Path, tmp_path: Path, hub: type[Hub], capsys: pytest.CaptureFixture[str]) -> None:
    assert program("checkpoint", "push", str(finished), NAME, "--dry-run", str(tmp_path / "out")) == 0
    assert [Path(line).name for line in capsys.readouterr().out.splitlines()] == list(FILES)
    assert hub.asked == []
