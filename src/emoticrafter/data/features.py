"""Encoded prompts at rest: a folder with a manifest, an index of the pairs, and shards of prompt features.

    manifest.json     what the features are of: see `Manifest`
    index.parquet     a row per pair: id, valence, arousal, dataset, tag, split, content, picture, and the numbers of its two
                      prompts, `neutral` and `emotional`
    shards/tokens-00000.safetensors, ...   each one tensor "tokens" (n, T, C), float16 or bfloat16, of distinct prompts; the
                      prompt of number i is row i % shard_rows of shard i // shard_rows

`emoticrafter data encode` writes such a folder and mends it.
"""

# N prompts, T tokens of a prompt, C channels

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from emoticrafter.errors import InputError, MissingError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FeatureStore", "Manifest", "Shard"]

FORMAT, VERSION = "emoticrafter-features", 1
MANIFEST, INDEX, SHARDS = "manifest.json", "index.parquet", "shards"
TENSOR = "tokens"
DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}
LONG = ("refuse", "cut", "drop")  # what was done with prompts that do not fit in the encoder
_STORED_AS = {"float16": "F16", "bfloat16": "BF16"}
_AGAIN = "Run the `emoticrafter data encode` command that made it again, with --repair."
_MAX_HEADER = 1 << 20  # bytes; ours are a hundred
_MAX_MANIFEST = 1 << 26
_BLOCK = 1 << 22  # bytes read at once for a checksum


class Form(Protocol):
    """How the rows of a store look: a manifest, or the plan for one."""

    @property
    def tokens(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def dtype(self) -> str: ...
    @property
    def row_bytes(self) -> int: ...


Made = TypeVar("Made")
Step = Callable[[int, int], None]  # called with (done, total)


@dataclass(frozen=True, kw_only=True)
class Shard:
    """file: below the folder. rows: prompts in it. sha256: of the whole file."""

    file: str
    rows: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a folder of features holds.

    backbone: the family of the encoder, as a checkpoint names it. encoder: sha256 of the text encoders' weights. tokens: T.
    channels: C. dtype: at rest. computed: the dtype that it was computed in. batch: prompts encoded at once; a shard's bytes
    depend on it. long: see `LONG`; cut: prompts that lost their end. prompts, pairs: how many. shard_rows: prompts in every
    shard but the last. source: sha256 of the pairs that were encoded. index: sha256 of the index file.
    """

    backbone: str
    encoder: str
    tokens: int
    channels: int
    dtype: str
    computed: str
    batch: int
    long: str
    cut: int
    prompts: int
    pairs: int
    shard_rows: int
    source: str
    index: str
    shards: tuple[Shard, ...]

    @property
    def row_bytes(self) -> int:
        return 2 * self.tokens * self.channels

    def as_dict(self) -> dict[str, Any]:
        """As it stands in manifest.json."""
        return {"format": FORMAT, "version": VERSION, **asdict(self), "shards": [asdict(shard) for shard in self.shards]}

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """The manifest in a file. Raises InputError if it is damaged or of another version; a missing file is an OSError."""
        try:
            if path.stat().st_size > _MAX_MANIFEST:
                raise ValueError("it is too large")
            entries = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(entries, dict) or entries.get("format") != FORMAT:
                raise ValueError(f'"format" is not {FORMAT!r}')
            if entries.get("version") != VERSION:
                raise InputError(
                    f"{str(path)!r} has version {entries.get('version')!r}; this program reads version {VERSION}.",
                    "Encode the pairs again, or install the emoticrafter that wrote it.",
                )
            shards = entries.get("shards")
            if not isinstance(shards, list):
                raise ValueError('"shards" is no list')
            manifest = _filled(cls, {**entries, "shards": tuple(_filled(Shard, shard) for shard in shards)})
            _check_manifest(manifest)
        except (ValueError, RecursionError) as error:
            raise InputError(f"The manifest {str(path)!r} is damaged: {error}.", _AGAIN) from error
        return manifest


class FeatureStore:
    """The features in a folder, read row by row; `open` makes one. Safe in threads, and in processes after a fork or pickling.

    manifest: what they are. pairs: the index, a row per pair; `neutral` and `emotional` number the prompts for `rows`.
    """

    def __init__(self, folder: Path, manifest: Manifest, pairs: pd.DataFrame, offsets: Sequence[int]) -> None:
        self.folder, self.manifest, self.pairs = folder, manifest, pairs
        self._offsets = list(offsets)  # bytes before the first row of each shard

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> FeatureStore:
        """The store in a folder. Sizes and headers of all shards are checked, their bytes are not: see `check`.

        Raises MissingError where there is no finished store, and InputError for one that is damaged, by the file's name.
        """
        folder = Path(folder)
        if not (folder / MANIFEST).is_file():
            started = (folder / SHARDS).is_dir()
            raise MissingError(
                f"The encoding into {str(folder)!r} was not finished."
                if started
                else f"There are no features in {str(folder)!r}.",
                "Run the same `emoticrafter data encode` command again: it goes on where it stopped."
                if started
                else f"`emoticrafter data encode PAIRS.parquet --out {folder}` makes them.",
            )
        manifest = Manifest.read(folder / MANIFEST)
        offsets, faults = [], []
        for shard in manifest.shards:
            try:
                offsets.append(shard_offset(folder, shard, manifest))
            except InputError as error:
                faults.append(error.problem)
        if faults:
            raise InputError(listed(faults), _AGAIN)
        return cls(folder, manifest, _read_index(folder / INDEX, manifest), offsets)

    def __len__(self) -> int:
        return self.manifest.prompts

    def rows(self, numbers: Sequence[int] | np.ndarray | Tensor) -> Tensor:
        """The features of the prompts of these numbers, (n, T, C) in the stored dtype; numbers may repeat, in any order.

        Only these rows are read, in the order of the files, straight into the tensor that is returned. What is kept beyond
        that is the system's cache of the files, which is not the process's memory: pages of a mapped file would count as
        resident once touched, and a mapped file that is cut short kills its reader. Raises InputError for a damaged file.
        """
        manifest = self.manifest
        wanted = numbers if isinstance(numbers, Tensor) else torch.from_numpy(np.array(numbers, dtype=np.int64))
        wanted = wanted.to("cpu", torch.int64).reshape(-1)
        if len(wanted) and not 0 <= int(wanted.min()) <= int(wanted.max()) < manifest.prompts:
            wrong = next(int(number) for number in wanted if not 0 <= number < manifest.prompts)
            raise InputError(f"There is no prompt {wrong} among {manifest.prompts}.", "Take the numbers from `pairs`.")
        made = torch.empty(len(wanted), manifest.tokens, manifest.channels, dtype=DTYPES[manifest.dtype])
        if not made.numel():
            return made
        places = memoryview(made.view(torch.uint8).numpy()).cast("B")  # type: ignore[arg-type]
        size = manifest.row_bytes
        order = wanted.argsort(stable=True)
        begin, sorted_ = 0, wanted[order]
        while begin < len(order):
            shard = int(sorted_[begin]) // manifest.shard_rows
            end = int(torch.searchsorted(sorted_, (shard + 1) * manifest.shard_rows))
            rows = [(int(number) - shard * manifest.shard_rows) * size for number in sorted_[begin:end]]
            self._read(shard, rows, [places[place * size : (place + 1) * size] for place in order[begin:end].tolist()])
            begin = end
        return made

    def _read(self, shard: int, rows: Sequence[int], places: Sequence[memoryview]) -> None:
        """Copy rows of a shard, given by their bytes' offset, to their places."""
        path = self.folder / self.manifest.shards[shard].file
        try:
            with path.open("rb", buffering=0) as file:
                for row, place in zip(rows, places, strict=True):
                    file.seek(self._offsets[shard] + row)
                    done = 0
                    while done < len(place):
                        count = file.readinto(place[done:])
                        if not count:
                            raise OSError("it was cut short")
                        done += count
        except OSError as error:
            raise InputError(f"The shard {str(path)!r} cannot be read: {error.strerror or error}.", _AGAIN) from error

    def check(self, progress: Step | None = None) -> None:
        """Compare every shard with its checksum; raises InputError that names those that differ."""
        faults = damaged_shards(self.folder, self.manifest, dict(enumerate(self.manifest.shards)), progress)
        if faults:
            raise InputError(listed(list(faults.values())), _AGAIN)

    def require(
        self, *, prompt_channels: int | None = None, positions: int | None = None, backbone: str | None = None,
        encoder: str | None = None,
    ) -> None:  # fmt: skip
        """Raise InputError, with both values, unless the features fit a model or a backbone.

        prompt_channels, positions: of an EIT's config. backbone: the family of a backbone. encoder: sha256 of its text encoders.
        """
        found = self.manifest
        hint = "Encode the pairs for this model: `emoticrafter data encode --backbone NAME`, into another folder."
        if backbone is not None and backbone != found.backbone:
            raise InputError(f"{self._name} holds features of the backbone {found.backbone!r}; {backbone!r} was asked for.", hint)
        if prompt_channels is not None and prompt_channels != found.channels:
            raise InputError(f"{self._name} holds {found.channels} channels per token; the model reads {prompt_channels}.", hint)
        if positions is not None and positions < found.tokens:
            raise InputError(f"{self._name} holds {found.tokens} tokens per prompt; the model has {positions} positions.", hint)
        if encoder is not None and encoder != found.encoder:
            raise InputError(
                f"{self._name} was encoded with text encoders of hash {found.encoder[:16]}; the backbone's have {encoder[:16]}.",
                hint,
            )

    @property
    def _name(self) -> str:
        return repr(str(self.folder))


def shard_offset(folder: Path, shard: Shard, form: Form) -> int:
    """Where the first row of a shard begins. Raises InputError unless the file is there with the right header and size."""
    path = folder / shard.file
    expected = {"dtype": _STORED_AS[form.dtype], "shape": [shard.rows, form.tokens, form.channels]}
    length = shard.rows * form.row_bytes
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size)) if size <= _MAX_HEADER else None
        found = header[TENSOR] if isinstance(header, dict) and set(header) <= {TENSOR, "__metadata__"} else None
        if not isinstance(found, dict) or found != {**expected, "data_offsets": [0, length]}:
            raise ValueError("its header is not the one expected")
        if path.stat().st_size != 8 + size + length:
            raise ValueError(f"it has {path.stat().st_size} bytes of {8 + size + length}")
    except FileNotFoundError:
        raise InputError(f"The shard {str(path)!r} is missing.", _AGAIN) from None
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise InputError(f"The shard {str(path)!r} is damaged: {error}.", _AGAIN) from error
    return 8 + size


def damaged_shards(folder: Path, form: Form, shards: Mapping[int, Shard], progress: Step | None = None) -> dict[int, str]:
    """Number and fault of every one of these shards that is missing or differs from its checksum. progress: in prompts."""
    faults: dict[int, str] = {}
    done, total = 0, sum(shard.rows for shard in shards.values())
    for number, shard in shards.items():
        try:
            shard_offset(folder, shard, form)
            if file_hash(folder / shard.file) != shard.sha256:
                faults[number] = f"The shard {str(folder / shard.file)!r} is damaged: its checksum is another."
        except InputError as error:
            faults[number] = error.problem
        done += shard.rows
        if progress is not None:
            progress(done, total)
    return faults


def file_hash(path: Path) -> str:
    """sha256 of a file. Raises InputError if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror or error}.", _AGAIN) from error
    return digest.hexdigest()


def shard_file(number: int) -> str:
    """The name of a shard below the folder."""
    return f"{SHARDS}/tokens-{number:05d}.safetensors"


def listed(faults: Sequence[str], most: int = 10) -> str:
    """Several faults as one text."""
    rest = len(faults) - most
    return " ".join([*faults[:most], *([f"So are {rest} more."] if rest > 0 else [])])


def check_index(path: Path, manifest: Manifest) -> None:
    """Raise InputError unless the index is there, as it was written."""
    if not path.is_file() or file_hash(path) != manifest.index:
        state = "does not match its checksum" if path.is_file() else "is missing"
        raise InputError(f"The index {str(path)!r} {state}.", _AGAIN)


def _read_index(path: Path, manifest: Manifest) -> pd.DataFrame:
    from emoticrafter.extras import need_extra

    need_extra("data", "pandas", "pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    check_index(path, manifest)
    try:
        pairs = pq.read_table(path).to_pandas()
        numbers = pairs[["neutral", "emotional"]].to_numpy()
        if len(pairs) != manifest.pairs or (numbers.size and not 0 <= numbers.min() <= numbers.max() < manifest.prompts):
            raise ValueError("it does not fit the manifest")
    except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise InputError(f"The index {str(path)!r} is damaged: {error}.", _AGAIN) from error
    return pairs


def _filled(cls: type[Made], entries: Any) -> Made:
    """A dataclass from the entries of its names, each of its declared type; others are left alone."""
    if not isinstance(entries, Mapping):
        raise ValueError(f"{str(entries)[:60]!r} is no object")
    values = {}
    for field in fields(cls):  # type: ignore[arg-type]
        kind = {"str": str, "int": int}.get(str(field.type), tuple)
        if type(entries.get(field.name)) is not kind:
            raise ValueError(f"{field.name!r} is {str(entries.get(field.name))[:60]!r}")
        values[field.name] = entries[field.name]
    return cls(**values)


def _check_manifest(manifest: Manifest) -> None:
    if manifest.dtype not in DTYPES or manifest.long not in LONG:
        raise ValueError(f'"dtype" is {manifest.dtype!r}, "long" is {manifest.long!r}')
    if (
        min(manifest.tokens, manifest.channels, manifest.shard_rows, manifest.batch) < 1
        or min(manifest.prompts, manifest.cut) < 0
    ):
        raise ValueError("a size is below 1")
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
