"""How many tokens of a backbone's text encoder a prompt takes, and where to cut one that is too long."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emoticrafter.backbones.hub import fetch, is_hub_id
from emoticrafter.backbones.registry import NAMES
from emoticrafter.errors import InputError, MissingError, reason_of
from emoticrafter.files import user_path
from emoticrafter.inputs.folders import check_model_folder

__all__ = ["PromptRuler"]

_BATCH = 4096
_FILES = ("vocab.json", "merges.txt")


class PromptRuler:
    """Counts tokens as a CLIP text encoder does, its frame of start and end included.

    limit: tokens that the encoder takes (77 for SDXL, 48 for storybook); what lies beyond, it never sees.
    """

    def __init__(self, backbone: str, folder: Path) -> None:
        from transformers import CLIPTokenizer

        if absent := [name for name in _FILES if not (folder / name).is_file()]:
            raise MissingError(f"{str(folder)!r} holds no {' and no '.join(absent)}.", "Give a folder with a CLIP tokenizer.")
        check_model_folder(folder)
        try:
            tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
            self.limit = int(tokenizer.model_max_length)
            self._tokenizer: Any = tokenizer.backend_tokenizer
        except Exception as error:  # damaged files fail anywhere in the readers
            problem = f"The tokenizer in {str(folder)!r} cannot be read: {reason_of(error)}."
            raise InputError(problem, "Fetch the model again.") from error
        if not 2 < self.limit < 10**6:  # a tokenizer that names no limit has 1e30
            raise InputError(
                f"The tokenizer in {str(folder)!r} names no limit.", "Set model_max_length in tokenizer_config.json."
            )
        self.backbone = backbone

    @classmethod
    def of(cls, backbone: str) -> PromptRuler:
        """The ruler of a backbone: a known name, a hub id, a pipeline folder, or the folder of a tokenizer.

        Of a hub model only the tokenizer is fetched, unless it is in the cache. Raises MissingError where there is none.
        """
        source = NAMES.get(backbone, backbone)
        folder = user_path(source)
        if not folder.is_dir():
            if folder.exists() or not is_hub_id(source):
                raise MissingError(
                    f"{backbone[:200]!r} is no folder with a tokenizer.", f"Give {', '.join(NAMES)}, a hub id, or a folder."
                )
            folder = fetch(source, ["tokenizer/*"])
        return cls(backbone, folder / "tokenizer" if (folder / "tokenizer").is_dir() else folder)

    def count(self, prompts: Sequence[str]) -> list[int]:
        """The tokens of each prompt; a prompt that comes several times is counted once."""
        distinct = list(dict.fromkeys(prompts))
        counted: dict[str, int] = {}
        for at in range(0, len(distinct), _BATCH):
            batch = distinct[at : at + _BATCH]
            counted |= zip(batch, (len(made.ids) for made in self._tokenizer.encode_batch_fast(batch)), strict=True)
        return [counted[prompt] for prompt in prompts]

    def cut(self, prompt: str) -> str:
        """The beginning of a prompt that fits, up to the end of a word where there is one."""
        made, cut = self._tokenizer.encode(prompt), prompt
        kept = self.limit - 2  # without the frame
        while len(self._tokenizer.encode(cut).ids) > self.limit:  # a letter may be several tokens, so that once is not enough
            end = made.offsets[kept][1]
            if prompt[end - 1 : end + 1].isalnum() and " " in prompt[:end]:
                end = prompt.rindex(" ", 0, end)
            cut = prompt[:end].rstrip(" ,;:-\u2013\u2014(")
            kept -= 1
        return cut
