"""What opening any model needs: its fingerprint, and the libraries kept quiet. Nothing here unpickles."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emoticrafter.backbones.outline import FETCH_AGAIN
from emoticrafter.errors import CheckpointError
from emoticrafter.inputs.named import open_file

__all__ = ["fingerprint", "quiet_libraries"]

_SAMPLE = 65_536  # bytes of each weights file that go into a fingerprint
# In a model's folder, and nothing that decides its pixels: the settings that a picture was made with are in its recipe.
_BESIDE = {"emotion", "card.json", "defaults.json", "vocabulary.json"}


def fingerprint(path: Path) -> str:
    """A short hash of a model: names and sizes of its weights, a sample of each, and the configs that decide its pixels."""
    digest = hashlib.sha256()
    root = path if path.is_dir() else path.parent
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        name = file.relative_to(root)
        if file.suffix not in {".json", ".safetensors", ".txt"} or name.parts[0] in _BESIDE or not file.is_file():
            continue
        size = file.stat().st_size
        digest.update(f"{name.as_posix()}\0{size}\0".encode())
        with open_file(file, "model's file", FETCH_AGAIN, error=CheckpointError) as stream:
            digest.update(stream.read(_SAMPLE))
            stream.seek(max(size - _SAMPLE, size // 2))
            digest.update(stream.read(_SAMPLE))
    return digest.hexdigest()[:16]


@contextmanager
def quiet_libraries(*, errors: bool = False) -> Iterator[None]:
    """Without the progress bars and remarks of transformers and diffusers, which mean nothing to a user of this program.

    errors: nor the errors that they write before they raise them.
    """
    import diffusers.utils.logging as diffusers_logging
    import transformers.utils.logging as transformers_logging

    both = (diffusers_logging, transformers_logging)
    before = [(logging.get_verbosity(), logging.is_progress_bar_enabled()) for logging in both]
    try:
        for logging in both:
            logging.set_verbosity(logging.CRITICAL if errors else logging.ERROR)
            logging.disable_progress_bar()
        yield
    finally:
        for logging, (verbosity, bars) in zip(both, before, strict=True):
            logging.set_verbosity(verbosity)
            if bars:
                logging.enable_progress_bar()
