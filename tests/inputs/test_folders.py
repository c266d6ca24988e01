"""Folders of models, with files in them that a library would read for ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from emoticrafter.errors import CheckpointError
from emoticrafter.inputs import folders
from emoticrafter.inputs.folders import check_model_folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    for name in ("model_index.json", "unet/config.json", "unet/model.safetensors", "tokenizer/merges.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    return tmp_path


def test_files_links_to_files_and_links_to_nowhere_pass(model: Path) -> None:
    (model / "vae").symlink_to(model / "unet")
    (model / "README.md").symlink_to("nowhere")
    check_model_folder(model)


@pytest.mark.parametrize("name", ["config.json", "unet/config.json", "unet/model.safetensors", "tokenizer/added_tokens.json"])
def test_a_pipe_or_a_link_to_a_device_is_named(model: Path, name: str) -> None:
    for make, kind in ((lambda path: path.symlink_to("/dev/zero"), "a device"), (os.mkfifo, "a named pipe")):
        (model / name).unlink(missing_ok=True)
        make(model / name)
        with pytest.raises(
            CheckpointError, match=rf"{Path(name).name}' cannot be read: it is {kind}\. Fetch the whole model again"
        ):
            check_model_folder(model)


def test_a_text_has_an_end_and_weights_may_be_long(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_TEXT", 9)
    (model / "unet" / "model.safetensors").write_bytes(b"0" * 100)
    check_model_folder(model)
    (model / "tokenizer" / "merges.txt").write_bytes(b"0" * 10)
    with pytest.raises(CheckpointError, match=r"merges\.txt' is longer than 9 bytes"):
        check_model_folder(model)
