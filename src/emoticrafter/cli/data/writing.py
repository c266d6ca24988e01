"""The command that writes prompt pairs for annotations."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emoticrafter.cli.console import note, printable
from emoticrafter.cli.data import app
from emoticrafter.cli.data.chatting import ChatOptions, say_forecast, tokens
from emoticrafter.cli.options import OUTPUT, Force, Json, spread
from emoticrafter.cli.outputs import Report, check_outputs
from emoticrafter.errors import InputError, MissingError
from emoticrafter.extras import need_extra
from emoticrafter.prompts.writers import WRITERS

if TYPE_CHECKING:
    from emoticrafter.prompts.checks import Ruler
    from emoticrafter.prompts.writer import Tell, Writer, WritingProgress
    from emoticrafter.prompts.writing import Source, Summary

_SHOWN = 8  # reasons that are printed
_SILENCE = 60.0  # seconds between lines where there is no terminal for a bar


@app.command("write-pairs")
@spread
def write_pairs(
    *,
    source: Annotated[
        Path, typer.Argument(help="Annotations, or pairs to write anew for their feelings.", metavar="FILE.parquet")
    ],
    writer: Annotated[
        str,
        typer.Option(
            help="; ".join(f"{name}: {one.about}" for name, one in WRITERS.items()) + ".",
            metavar="|".join(WRITERS),
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The table to write.", metavar="FILE.parquet", rich_help_panel=OUTPUT)],
    caption_column: Annotated[
        str | None,
        typer.Option(
            help="The column that says what is to be seen; by default `caption`, or else the tag, or the neutral prompt.",
            metavar="NAME",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Take only the first rows.", min=1, metavar="N")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed of the rules; another one gives other words. By default 0.")] = None,
    backbone: Annotated[
        str,
        typer.Option(help="The backbone whose encoder must be able to read the whole prompts.", metavar="NAME|HUB-ID|PATH"),
    ] = "storybook",
    chat: ChatOptions,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write a neutral and an emotional prompt for each picture, and mark the doubtful ones.

    Answers of a language model are kept beside the output the moment they arrive (`OUT.answers.jsonl`): the same command,
    started again, asks only for what is missing.

    Examples:

    - `emoticrafter data write-pairs annotations.parquet --writer rules --out pairs.parquet`
    - `emoticrafter data write-pairs oasis.parquet --writer openai --model gpt-5-mini --pictures OASIS --out a.parquet --dry-run`
    - `emoticrafter data write-pairs old.parquet --writer openai --model qwen --base-url http://localhost:8000/v1 --out a.parquet`
    """
    need_extra("data", "pandas", "pyarrow", "ftfy", "pydantic")
    from emoticrafter.data.reports import check_report, report_path
    from emoticrafter.prompts.writers import find_writer, open_writer
    from emoticrafter.prompts.writing import read_source

    asks = find_writer(writer).asks
    if not asks and chat.given():
        raise InputError(f"{', '.join(chat.given())} is for --writer openai, and the writer is {writer!r}.", "Leave it out.")
    if asks and seed is not None:
        offline = " and ".join(name for name, one in WRITERS.items() if not one.asks)
        raise InputError(f"--seed is for --writer {offline}.", "Leave it out; some servers take it in --fields.")
    asking = chat.settings() if asks else {}
    if not chat.dry_run:
        check_outputs([out], (".parquet",), force)
        check_report(report_path(out), out, force)
    report = Report(as_json)
    rows = read_source(source, caption_column=caption_column, limit=limit)
    ruler = _ruler(backbone)
    settings: dict[str, Any] = {"seed": seed or 0, "ruler": ruler}
    if asks:
        longest = int((ruler.limit - 2) * 0.65)  # words, at three tokens for two
        settings = {"ledger": out.with_suffix(".answers.jsonl"), "longest": longest, **asking}
    chosen = open_writer(writer, **settings)
    if chat.dry_run:
        say_forecast(chosen.forecast(rows.valid()), chat, as_json)  # type: ignore[attr-defined]
    else:
        about = {} if asks else {"seed": seed or 0}
        _write(rows, chosen, out, ruler, {"encoder": backbone, "tokens": ruler.limit, **about}, force, chat, report)


def _write(
    rows: Source, writer: Writer, out: Path, ruler: Ruler, about: dict[str, Any], force: bool, chat: ChatOptions, report: Report
) -> None:
    from emoticrafter.prompts import writing as writing

    spent = (0, 0)
    try:
        with _bar(f"writing {len(rows.tasks):,} pairs", chat) as show:

            def tell(progress: WritingProgress) -> None:
                nonlocal spent
                spent = (progress.tokens_in, progress.tokens_out)
                show(progress)

            summary = writing.write_pairs(rows, writer, out, tell, ruler=ruler, about=about, force=force)
    except KeyboardInterrupt:
        if writer.name not in WRITERS:  # those that ask are called after their model, too
            note("Every answer that came is kept: the same command goes on from there.")
        raise
    cost = chat.cost(*spent)
    if not report.as_json:
        _note_summary(summary, rows, spent, cost)
    report(
        [out, summary.report],
        rows=summary.rows, written=summary.written, failed=summary.failed, failures=summary.failures,
        doubtful=summary.doubtful, tokens_in=spent[0], tokens_out=spent[1], cost=cost,
    )  # fmt: skip


def _note_summary(summary: Summary, rows: Source, spent: tuple[int, int], cost: float | None) -> None:
    note(f"{summary.rows:,} rows of {rows.path.name}: {summary.written:,} pairs, {summary.doubtful:,} of them doubtful")
    if summary.failed:
        note(f"{summary.failed:,} rows have no pair; the same command with --force asks again for what may pass")
        note_reasons(summary.failures)
    if any(spent):
        note(f"{tokens(*spent, cost)}")


def note_reasons(reasons: dict[str, int]) -> None:
    for reason, count in list(reasons.items())[:_SHOWN]:
        note(f"  {count:>7,}  {reason}")
    if more := list(reasons.values())[_SHOWN:]:
        note(f"  {sum(more):>7,}  for {len(more)} more reasons")


@contextmanager
def _bar(label: str, chat: ChatOptions) -> Iterator[Tell]:
    """A bar with a running count of tokens, where stderr is a terminal; a line a minute where it is not."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[spent]}"),
    )
    said = time.monotonic()
    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(printable(label), total=None, spent="")

        def show(progress: Any) -> None:
            nonlocal said
            into, out = progress.tokens_in, progress.tokens_out
            spent = tokens(into, out, chat.cost(into, out)) if into or out else ""
            bar.update(task, completed=progress.done, total=progress.total, spent=spent)
            if not console.is_terminal and time.monotonic() - said > _SILENCE:
                said = time.monotonic()
                note(f"{progress.done:,} of {progress.total:,}{'; ' if spent else ''}{spent}")

        yield show


def _ruler(backbone: str) -> Ruler:
    """The backbone's tokenizer; an estimate, with a note, where that of a known one is not at hand."""
    from emoticrafter.backbones.hub import is_hub_id
    from emoticrafter.backbones.registry import NAMES
    from emoticrafter.prompts.checks import LengthEstimate
    from emoticrafter.prompts.lengths import PromptRuler

    try:
        return PromptRuler.of(backbone)
    except MissingError as error:
        if backbone not in NAMES and not is_hub_id(backbone):
            raise
        note(f"note: lengths of prompts are estimated. {error}")
        return LengthEstimate()
