"""The manifest of a folder of features, and whether the files are those that it tells of. No torch."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

from emoticrafter.errors import InputError, MissingError
from emoticrafter.features.layout import AGAIN, DTYPES, LONG, SHARDS, Layout
from emoticrafter.inputs.named import file_hash, open_file
from emoticrafter.inputs.records import damaged, parse_json, read_marked
from emoticrafter.inputs.typed import typed
from emoticrafter.watch import Step

__all__ = ["Manifest", "Shard"]

FORMAT, WHOLE, RAGGED = "emoticrafter-features", 1, 2  # versions: every prompt has T tokens; each has its own alone
TENSOR = "tokens"
_MAX_HEADER = 1 << 20  # bytes; ours are a hundred
_MAX_MANIFEST = 1 << 26


@dataclass(frozen=True, kw_only=True)
class Shard:
    """file: below the folder. rows: prompts in it. sha256: of the whole file."""

    file: str
    rows: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest(Layout):
    """What a folder of features holds: its layout, and what its files are. index: sha256 of the index file.

    A store without padding is of another version than one with it, which is written as it always was.
    """

    index: str
    shards: tuple[Shard, ...]

    def as_dict(self) -> dict[str, Any]:
        """As it stands in manifest.json."""
        entries = {**asdict(self), "shards": [asdict(shard) for shard in self.shards]}
        if self.own_tokens is None:
            del entries["own_tokens"]
            return {"format": FORMAT, "version": WHOLE, **entries}
        return {"format": FORMAT, "version": RAGGED, **entries, "saved_bytes": self.saved_bytes}

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """The manifest in a file. Raises InputError if it is missing, damaged or of another version."""
        entries = read_marked(path, FORMAT, (WHOLE, RAGGED), "manifest", AGAIN, most=_MAX_MANIFEST, missing=InputError)
        try:
            manifest: Manifest = typed("", entries, cls)
            if (manifest.own_tokens is None) != (entries["version"] == WHOLE):
                raise ValueError(f'"own_tokens" is {manifest.own_tokens}, and the version {entries["version"]}')
            _check_manifest(manifest)
        except (ValueError, InputError) as error:
            raise damaged(path, "manifest", AGAIN, error) from error
        return manifest


def shard_offset(folder: Path, shard: Shard, layout: Layout, own: int | None = None) -> int:
    """Where the first row of a shard begins. own: tokens in it, where padding is left out.

    Raises InputError unless the file is there with the right header and size.
    """
    path = folder / shard.file
    shape = [*([shard.rows, layout.tokens] if own is None else [own]), layout.channels]
    expected, length = {"dtype": DTYPES[layout.dtype], "shape": shape}, 2 * prod(shape)
    try:
        with open_file(path, "shard", AGAIN) as file:
            size = int.from_bytes(file.read(8), "little")
            header = parse_json(file.read(size)) if size <= _MAX_HEADER else None
            whole = os.fstat(file.fileno()).st_size
        found = header[TENSOR] if isinstance(header, dict) and set(header) <= {TENSOR, "__metadata__"} else None
        if not isinstance(found, dict) or found != {**expected, "data_offsets": [0, length]}:
            raise ValueError("its header is not the one expected")
        if whole != 8 + size + length:
            raise ValueError(f"it has {whole} bytes of {8 + size + length}")
    except MissingError:
        raise InputError(f"The shard {str(path)!r} is missing.", AGAIN) from None
    except (OSError, ValueError) as error:
        raise damaged(path, "shard", AGAIN, error) from error
    return 8 + size


def own_tokens(layout: Layout, lengths: Sequence[int] | None, shard: int) -> int | None:
    """The tokens of the shard of a number, where padding is left out. lengths: the own tokens of each prompt of the store."""
    return None if lengths is None else sum(lengths[shard * layout.shard_rows : (shard + 1) * layout.shard_rows])


def damaged_shards(
    folder: Path,
    layout: Layout,
    shards: Mapping[int, Shard],
    progress: Step | None = None,
    lengths: Sequence[int] | None = None,
) -> dict[int, str]:
    """Number and fault of every one of these shards that is missing or differs from its checksum.

    progress: in prompts. lengths: see `own_tokens`.
    """
    faults: dict[int, str] = {}
    done, total = 0, sum(shard.rows for shard in shards.values())
    for number, shard in shards.items():
        try:
            shard_offset(folder, shard, layout, own_tokens(layout, lengths, number))
            if file_hash(folder / shard.file, "shard", AGAIN, missing=InputError) != shard.sha256:
                faults[number] = f"The shard {str(folder / shard.file)!r} is damaged: its checksum is another."
        except InputError as error:
            faults[number] = error.problem
        done += shard.rows
        if progress is not None:
            progress(done, total)
    return faults


def shard_file(number: int) -> str:
    """The name of a shard below the folder."""
    return f"{SHARDS}/tokens-{number:05d}.safetensors"


def listed(faults: Sequence[str], most: int = 10) -> str:
    """Several faults as one text."""
    rest = len(faults) - most
    return " ".join([*faults[:most], *([f"So are {rest} more."] if rest > 0 else [])])


def _check_manifest(manifest: Manifest) -> None:
    if manifest.dtype not in DTYPES or manifest.long not in LONG:
        raise ValueError(f'"dtype" is {manifest.dtype!r}, "long" is {manifest.long!r}')
    if (
        min(manifest.tokens, manifest.channels, manifest.shard_rows, manifest.batch) < 1
        or min(manifest.prompts, manifest.cut) < 0
        or not 0 <= (manifest.own_tokens or 0) <= manifest.prompts * manifest.tokens
    ):
        raise ValueError("a size is out of its range")
    rows = [shard.rows for shard in manifest.shards]
    full, rest = divmod(manifest.prompts, manifest.shard_rows)
    if rows != [manifest.shard_rows] * full + [rest] * bool(rest):
        raise ValueError(f"its shards do not hold {manifest.prompts} prompts, {manifest.shard_rows} each")
    wrong = [shard.file for number, shard in enumerate(manifest.shards) if shard.file != shard_file(number)]
    if wrong:
        raise ValueError(f"it names a shard {wrong[0][:60]!r}")
    hashes = [manifest.encoder, manifest.source, manifest.index, *(shard.sha256 for shard in manifest.shards)]
    if not all(re.fullmatch("[0-9a-f]{64}", one) for one in hashes):
        raise ValueError("a checksum is not 64 hexadecimal digits")
