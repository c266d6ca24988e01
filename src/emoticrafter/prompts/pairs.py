"""Prompt pairs from CSV, TSV, JSONL or parquet: cleaned, checked, and every change reported.

The columns of the authors' file, `Id,Arousal,Valence,Tag,Dataset,Neutral_Prompt,Emotional_Prompt`, are known; others are mapped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from emoticrafter.data.reports import Entry, ImportLedger
from emoticrafter.data.sheets import Sheet, SheetRow, key_of, read_sheet
from emoticrafter.data.tables import COLUMNS
from emoticrafter.data.values import folder_path, on_scale
from emoticrafter.errors import InputError
from emoticrafter.prompts.cleaning import clean, content_key

if TYPE_CHECKING:
    import pandas as pd

    from emoticrafter.prompts.lengths import PromptRuler

__all__ = ["NEEDED", "OPTIONAL", "Long", "load", "parse_columns", "parse_long"]

Long = Literal["drop", "cut", "keep"]
NEEDED = ("valence", "arousal", "neutral_prompt", "emotional_prompt")
OPTIONAL = ("id", "dataset", "tag", "picture", "split", "content", "writer", "doubts")
_PROMPTS = ("neutral_prompt", "emotional_prompt")
_SPLITS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val", "test": "test",
    "testing": "test",
}  # fmt: skip
_DATASETS = ("oasis", "emotic", "findingemo")
Cleaned = tuple[str, list[str], str]  # a prompt, why it changed, as it was


def load(
    path: Path,
    ledger: ImportLedger,
    *,
    columns: Mapping[str, str] | None = None,
    dataset: str | None = None,
    ruler: PromptRuler | None = None,
    long: Long = "drop",
) -> pd.DataFrame:
    """The table of pairs, as data.tables describes it, in the order of the file; what was dropped or changed goes to the ledger.

    columns: names of the file by our name, where they differ by more than case and punctuation.
    dataset: for rows that name none; by default the file's name.
    ruler: counts tokens; without one, lengths are not looked at. long: what becomes of a pair with a prompt beyond its limit.
    Raises MissingError and InputError, with a strict ledger at the first row that is not right as it stands.
    """
    import pandas as pd

    sheet = read_sheet(path, warn=None)
    found = sheet.find([*NEEDED, *OPTIONAL], columns)
    sheet.require(NEEDED, found, "Say which of its columns are meant: --column valence=THEIRS, and so on.")
    ledger.unit, ledger.read = sheet.unit, len(sheet.rows)
    ledger.notes += sheet.notes
    if others := [name for i, name in enumerate(sheet.columns) if name and i not in found.values()]:
        ledger.notes.append(f"columns that are not used: {', '.join(others)}")
    cleaned = [
        [] if row.fault else [(*clean(row.cells[found[name]]), row.cells[found[name]]) for name in _PROMPTS] for row in sheet.rows
    ]
    tokens: list[list[int]] = [[] for _ in cleaned]
    if ruler is not None:  # all at once: the tokenizer is quick in batches only
        counts = iter(ruler.count([text for prompts in cleaned for text, _, _ in prompts]))
        tokens = [[next(counts) for _ in prompts] for prompts in cleaned]
    reader = _PairReader(sheet=sheet, found=found, ledger=ledger, dataset=dataset or path.stem, ruler=ruler, long=long)
    read = (reader.read(*parts) for parts in zip(sheet.rows, cleaned, tokens, strict=True))
    table = pd.DataFrame([pair for pair in read if pair is not None], columns=list(COLUMNS["pairs"]))
    if ruler is not None and any("longer than" in reason for reason in ledger.counts("dropped")):
        ledger.notes.append(
            f"tokens were counted for {ruler.backbone}, which reads {ruler.limit}; --backbone names another encoder, and with"
            " --long cut or --long keep such pairs stay"
        )
    return table


def parse_long(text: str) -> Long:
    """Read what is to become of long prompts; raises InputError."""
    for choice in get_args(Long):
        if text == choice:
            return choice
    raise InputError(f"--long is {text[:40]!r}.", f"Choose one of {', '.join(get_args(Long))}.")


def parse_columns(texts: list[str], names: Sequence[str] = (*NEEDED, *OPTIONAL)) -> dict[str, str]:
    """Read NAME=THEIRS, each naming one of our columns and how the file calls it; raises InputError."""
    known = {key_of(name): name for name in names}
    mapped: dict[str, str] = {}
    for text in texts:
        ours, sign, theirs = text.partition("=")
        name = known.get(key_of(ours))
        if not sign or not theirs.strip() or name is None:
            raise InputError(f"The column {text[:60]!r} is not NAME=THEIRS.", f"NAME is one of {', '.join(known.values())}.")
        if name in mapped:
            raise InputError(f"The column {name!r} is given twice, as {mapped[name]!r} and {theirs!r}.", "Leave one of them out.")
        mapped[name] = theirs.strip()
    return mapped


class _RefusedError(Exception):
    """A row that cannot be a pair: the reason, and our name of the column it stands in."""

    def __init__(self, reason: str, column: str = "") -> None:
        super().__init__(reason)
        self.reason, self.column = reason, column


@dataclass(kw_only=True)
class _PairReader:
    """Rows in their order to pairs; remembers which ids and pairs have been."""

    sheet: Sheet
    found: dict[str, int]
    ledger: ImportLedger
    dataset: str
    ruler: PromptRuler | None
    long: Long

    def __post_init__(self) -> None:
        self._ids: set[str] = set()
        self._pairs: set[tuple[object, ...]] = set()
        self._line, self._id = 0, ""  # of the row at hand, and what will be reported of it if it stays
        self._entries: list[Entry] = []

    def read(self, row: SheetRow, prompts: list[Cleaned], tokens: list[int]) -> dict[str, object] | None:
        """The pair of a row, None if it is dropped; the ledger hears of it either way.

        prompts: neutral and emotional. tokens: of each; [] if not counted.
        """
        self._line, self._id, self._entries = row.line, "", []
        try:
            pair = self._pair(row, prompts, tokens)
        except _RefusedError as refused:
            before = self._cell(row, refused.column) if refused.column else row.raw
            self.ledger.drop(row.line, self._id, refused.reason, self._theirs(refused.column), before)
            return None
        for entry in self._entries:
            self.ledger.add(entry)
        return pair

    def _pair(self, row: SheetRow, prompts: list[Cleaned], tokens: list[int]) -> dict[str, object]:
        if row.fault:
            raise _RefusedError(row.fault)
        dataset = _dataset(self._cell(row, "dataset").strip() or self.dataset)
        given = self._cell(row, "id").strip()
        self._id = given if given.startswith(f"{dataset}/") else f"{dataset}/{given or f'{self.sheet.unit} {row.line}'}"
        if row.raw:
            self._note("quotes do not close", "", row.raw, " | ".join(row.cells))
        if "id" in self.found and not given:
            self._note("id is empty", "id", "", self._id)
        if self._id in self._ids:
            raise _RefusedError("id comes twice", "id")
        valence, arousal = self._value(row, "valence"), self._value(row, "arousal")
        doubts = [self._cell(row, "doubts").strip()]
        neutral, emotional = (
            self._prompt(column, prompt, tokens[i] if tokens else 0, doubts)
            for i, (column, prompt) in enumerate(zip(_PROMPTS, prompts, strict=True))
        )
        if content_key(neutral) == content_key(emotional):
            raise _RefusedError("prompts are identical", "emotional_prompt")
        pair = (neutral, emotional, valence, arousal)
        if pair in self._pairs:
            raise _RefusedError("pair comes twice", "emotional_prompt")
        self._ids.add(self._id)
        self._pairs.add(pair)
        picture = self._picture(row)
        content = self._cell(row, "content").strip() or (f"{dataset}/{picture}" if picture else content_key(neutral))
        return {
            "id": self._id, "valence": valence, "arousal": arousal, "dataset": dataset, "tag": self._words(row, "tag"),
            "picture": picture, "split": self._split(row), "content": content, "neutral_prompt": neutral,
            "emotional_prompt": emotional, "writer": self._words(row, "writer"), "doubts": "; ".join(filter(None, doubts)),
        }  # fmt: skip

    def _value(self, row: SheetRow, axis: str) -> float:
        text = self._cell(row, axis)
        value, fault, remark = on_scale(text)
        if fault:
            raise _RefusedError(f"{axis} {fault}", axis)
        if remark:
            self._note(remark, axis, text, f"{value:g}")
        return value

    def _prompt(self, column: str, prompt: Cleaned, tokens: int, doubts: list[str]) -> str:
        """The prompt as it goes into the table; what is doubtful about it is added to `doubts`."""
        text, reasons, before = prompt
        if not text:
            raise _RefusedError("prompt is empty", column)
        which = column.replace("_", " ")
        if "\N{REPLACEMENT CHARACTER}" in text:
            doubts.append(f"{which} has lost characters")
        if self.ruler is not None and tokens > self.ruler.limit:
            too_long = f"longer than {self.ruler.limit} tokens"
            if self.long == "drop":
                raise _RefusedError(too_long, column)
            if self.long == "keep":
                self._note(too_long, column, before, text, what="kept")
                doubts.append(f"{which} is {too_long}")
            else:
                text, reasons = self.ruler.cut(text), [*reasons, f"cut to {self.ruler.limit} tokens"]
                doubts.append(f"{which} was cut")
        if reasons:
            self._note("; ".join(reasons), column, before, text)
        return text

    def _picture(self, row: SheetRow) -> str | None:
        text = self._cell(row, "picture").strip()
        path = folder_path(text)
        if text and path is None:
            self._note("path leads out of the data set's folder", "picture", text, "")
        elif path is not None and path != text.lstrip("/"):
            self._note("path written another way", "picture", text, path)
        return path

    def _split(self, row: SheetRow) -> str | None:
        text = self._cell(row, "split").strip()
        split = _SPLITS.get(text.casefold())
        if text and split is None:
            self._note("split is none of train, val, test", "split", text, "")
        return split

    def _words(self, row: SheetRow, column: str) -> str | None:
        return " ".join(self._cell(row, column).split()) or None

    def _cell(self, row: SheetRow, column: str) -> str:
        return row.cells[self.found[column]] if column in self.found else ""

    def _theirs(self, column: str) -> str:
        return self.sheet.columns[self.found[column]] if column in self.found else column

    def _note(self, reason: str, column: str, before: str, after: str, what: Literal["changed", "kept"] = "changed") -> None:
        self._entries.append(
            Entry(line=self._line, id=self._id, what=what, reason=reason, column=self._theirs(column), before=before, after=after)
        )


def _dataset(name: str) -> str:
    """The name of a data set as other tables have it: the known ones in lower case."""
    plain = " ".join(name.split())
    return plain.casefold() if plain.casefold() in _DATASETS else plain
