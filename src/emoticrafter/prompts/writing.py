"""From a table to tasks, and from what a writer made of them to the table of pairs and a report of what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.data.importers.table import CAPTION
from emoticrafter.data.reports import ImportLedger, report_path, save_with_report, without_table
from emoticrafter.data.tables import COLUMNS, Kind, read_table
from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError, reason_of
from emoticrafter.prompts.checks import Ruler, find_doubts
from emoticrafter.prompts.cleaning import content_key
from emoticrafter.prompts.writer import Failure, Pair, PairTask, Tell, Writer

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Source", "Summary", "read_source", "write_pairs"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Rows of annotations or pairs, and for each a task or the reason why there can be none."""

    path: Path
    kind: Kind
    rows: pd.DataFrame
    tasks: list[PairTask | Failure]

    def valid(self) -> list[PairTask]:
        return [task for task in self.tasks if isinstance(task, PairTask)]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What came of it. failures: reasons with their counts, the most frequent first."""

    rows: int
    written: int
    doubtful: int
    failures: dict[str, int]
    report: Path

    @property
    def failed(self) -> int:
        return self.rows - self.written


def read_source(path: Path, *, caption_column: str | None = None, limit: int | None = None) -> Source:
    """Read annotations, or pairs whose neutral prompts are to be written anew for their feelings.

    caption_column: what is to be seen; by default the table's own `caption`, and the tag, or the neutral prompt, where that says
    nothing. limit: only the first rows. Raises MissingError and InputError as `read_table` does, and for a column that is not
    there or ids that are not unique.
    """
    kind: Kind = "annotations"
    try:
        rows, _ = read_table(path, kind)
    except InputError as error:
        try:
            rows, _ = read_table(path, kind := "pairs")
        except InputError:
            raise error from None
    if rows.empty:
        raise InputError(f"{str(path)!r} has no rows.", "Import a data set that has some.")
    if rows["id"].isna().any():
        raise InputError(f"{str(path)!r} has a row without an id.", "Give each row an id of its own.")
    if rows["id"].duplicated().any():
        twice = rows["id"][rows["id"].duplicated()].iloc[0]
        raise InputError(f"{str(path)!r} has the id {twice!r} more than once.", "Give each row an id of its own.")
    if caption_column is not None and caption_column not in rows:
        known = ", ".join(sorted(set(rows.columns) - set(COLUMNS["annotations"]) | {"tag"}))
        raise InputError(f"{str(path)!r} has no column {caption_column!r}.", f"For captions there are: {known}.")
    if caption_column is not None and not rows[caption_column].map(lambda value: isinstance(value, str)).any():
        raise InputError(f"The column {caption_column!r} of {str(path)!r} holds no text.", "Name one with captions.")
    rows = rows.head(limit).reset_index(drop=True) if limit is not None else rows
    told_by = [caption_column] if caption_column else [CAPTION, "tag" if kind == "annotations" else "neutral_prompt"]
    columns = (rows[name] for name in ("id", "valence", "arousal", "picture"))
    tasks = [_task(*row) for row in zip(*columns, _captions(rows, told_by), strict=True)]
    return Source(path=path, kind=kind, rows=rows, tasks=tasks)


def write_pairs(
    source: Source,
    writer: Writer,
    out: Path,
    tell: Tell,
    *,
    ruler: Ruler,
    about: dict[str, Any],
    force: bool = False,
) -> Summary:
    """Have the pairs written and checked, and write the table, and beside it a report of the rows that have none.

    Raises InputError if not one row has a pair, and what the writer raises.
    """
    import pandas as pd

    made = iter(writer.write(source.valid(), tell))
    outcomes = [next(made) if isinstance(task, PairTask) else task for task in source.tasks]
    listed = ImportLedger(source=source.path.name, unit="row")
    for line, (name, outcome) in enumerate(zip(source.rows["id"], outcomes, strict=True), start=1):
        if isinstance(outcome, Failure):
            listed.drop(line, str(name), outcome.reason.replace(";", ","))  # a report splits reasons there
    report, failures = report_path(out), listed.counts("dropped")
    if listed.rows("dropped") == len(outcomes):
        problem = f"Not one of {len(outcomes)} rows has a pair; most often: {next(iter(failures))}."
        raise without_table(problem, listed, out, report, force=force)
    kept = [isinstance(outcome, Pair) for outcome in outcomes]
    pairs = [outcome for outcome in outcomes if isinstance(outcome, Pair)]
    rows = source.rows[kept].reset_index(drop=True)
    names = ("id", "valence", "arousal", "dataset", "tag", "picture", "split")
    table = pd.DataFrame({name: rows[name] for name in names})
    table["neutral_prompt"] = [pair.neutral for pair in pairs]
    table["emotional_prompt"] = [pair.emotional for pair in pairs]
    own = [content_key(pair.neutral) for pair in pairs]
    table["content"] = rows["content"].where(rows["content"].notna(), pd.Series(own)) if "content" in rows else own
    table["writer"] = writer.name
    table["doubts"] = find_doubts(table, ruler)
    doubtful = int((table["doubts"] != "").sum())
    made_by = {"source": source.path.name, "read": len(outcomes), "writer": writer.name, "dropped": failures}
    save_with_report(table, listed, "pairs", out, report, {**made_by, **about}, force=force)
    return Summary(rows=len(outcomes), written=len(pairs), doubtful=doubtful, failures=failures, report=report)


def _captions(rows: pd.DataFrame, columns: Sequence[str]) -> list[str | None]:
    """What is to be seen in each row: by the first of the columns that says something there."""
    each = [[_caption(value, name) for value in rows[name]] for name in columns if name in rows]
    return [next(filter(None, said), None) for said in zip(*each, strict=True)]


def _caption(value: object, column: str) -> str:
    text = value.strip() if isinstance(value, str) else ""
    # "Acorns 1" is the tag of one of several pictures of acorns
    return text.replace("_", " ").rstrip(" 0123456789") if column == "tag" else text


def _task(name: object, valence: object, arousal: object, picture: object, caption: str | None) -> PairTask | Failure:
    try:
        emotion = Emotion(valence=valence, arousal=arousal)  # type: ignore[arg-type]
    except InputError as error:
        return Failure(reason=reason_of(error))
    return PairTask(id=str(name), emotion=emotion, caption=caption, picture=picture if isinstance(picture, str) else None)
