"""Checkpoints for others: gathered into a folder with a model card, and uploaded to the Hugging Face hub."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emoticrafter import checkpoint
from emoticrafter.backbones.hub import is_hub_id
from emoticrafter.errors import CheckpointError, InputError, MissingError, OutputError, reason_of
from emoticrafter.files import atomic_folder, disk_errors, names_in, user_path
from emoticrafter.inputs.records import read_record
from emoticrafter.training.card import NON_COMMERCIAL, without_paths, write_card
from emoticrafter.training.job import CHECKPOINT, CURVES, RUN

__all__ = ["FILES", "gather", "upload"]

FILES = ("README.md", "config.json", "eit.safetensors", RUN, CURVES)
MAX_RECORD = 1 << 24  # bytes of run.json
MESSAGE = "Upload an emotion checkpoint"
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}")


def gather(source: str | os.PathLike[str], name: str, folder: Path, *, licence: str | None = None) -> list[Path]:
    """Write what a hub repository `name` should hold into an empty or new folder; the paths of its files.

    source: the folder of a run, or of a checkpoint alone. licence: of the weights, as the hub names it; by default "other", or
    "cc-by-nc-sa-4.0" where data allow no commercial use. Paths of this machine are left out of the record. Raises
    CheckpointError, MissingError, InputError, OutputError.
    """
    source = user_path(source)
    if not is_hub_id(name):
        raise InputError(f"{name[:100]!r} is not the name of a hub repository.", "Give OWNER/NAME.")
    if licence is not None and not _LICENCE.fullmatch(licence):
        raise InputError(f"The licence is {licence[:60]!r}.", "Give the hub's name for it: apache-2.0, cc-by-nc-sa-4.0, other.")
    kept = source / CHECKPOINT if (source / CHECKPOINT).is_dir() else source
    about = checkpoint.describe(kept)  # reads and checks all of it
    run = _record(source / RUN)
    data = run.get("data") if run else None
    datasets = data.get("datasets") if isinstance(data, dict) else None
    bound = isinstance(datasets, dict) and bool(NON_COMMERCIAL & set(datasets))
    if folder.exists() and (not folder.is_dir() or names_in(folder)):
        raise OutputError(f"The output {str(folder)!r} exists.", "Choose another folder.")
    card = write_card(name, about, run, licence or ("cc-by-nc-sa-4.0" if bound else "other"))
    with disk_errors(f"the folder {str(folder)!r}", "Choose another folder."), atomic_folder(folder) as made:
        for part in ("config.json", "eit.safetensors"):
            shutil.copyfile(kept / part, made / part)
        if run is not None:
            text = json.dumps(without_paths(run), indent=1, ensure_ascii=False)
            (made / RUN).write_text(text + "\n", encoding="utf-8")
            if (source / CURVES).is_file():
                shutil.copyfile(source / CURVES, made / CURVES)
        (made / "README.md").write_text(card, encoding="utf-8")
    return [folder / name for name in FILES if (folder / name).is_file()]


def upload(folder: Path, name: str, *, private: bool = False, api: Any = None) -> str:
    """Upload what `gather` wrote as one commit, into a repository that is made if it is not there; its address.

    api: an HfApi; by default one with the token of `hf auth login` or $HF_TOKEN. Raises OutputError with the hub's reason.
    """
    if api is None:
        from huggingface_hub import HfApi

        api = HfApi(library_name="emoticrafter")
    with _hub_errors(name):
        address = api.create_repo(name, private=private, exist_ok=True)
        api.upload_folder(repo_id=name, folder_path=folder, allow_patterns=list(FILES), commit_message=MESSAGE)
    return str(address)


def _record(path: Path) -> dict[str, Any] | None:
    again = "Run the training's command again."
    try:
        return dict(read_record(path, dict[str, Any], "record", again, most=MAX_RECORD, error=CheckpointError))
    except MissingError:
        return None


@contextmanager
def _hub_errors(name: str) -> Iterator[None]:
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

    try:
        yield
    except LocalTokenNotFoundError as error:
        raise MissingError("No token for the hub was found.", "Run `hf auth login`, or set HF_TOKEN.") from error
    except (HfHubHTTPError, OSError, ValueError, RuntimeError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        login = "Run `hf auth login` with a token that may write there." if status in (401, 403) else "Check name and connection."
        raise OutputError(f"{name} could not be uploaded ({type(error).__name__}: {reason_of(error)}).", login) from error
