"""Commands that bring annotations and prompt pairs into tables, and show what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from emoticrafter.cli.commands import Commands
from emoticrafter.cli.console import note, printable, say, table
from emoticrafter.cli.data import app
from emoticrafter.cli.options import OUTPUT, Force, Json, spread
from emoticrafter.cli.outputs import Report, check_outputs
from emoticrafter.data.importers.registry import DATA_SETS, DataSet, Loader
from emoticrafter.errors import InputError, MissingError
from emoticrafter.extras import need_extra

if TYPE_CHECKING:
    import pandas as pd

    from emoticrafter.data.reports import ImportLedger
    from emoticrafter.prompts.lengths import PromptRuler

imports = Commands(
    name="import", help="Bring a data set, or prompt pairs of your own, into one documented table.", no_args_is_help=True
)
app.add_typer(imports)

_SHOWN = 8  # reasons, tags and regions that are printed


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """What all imports have in common."""

    report: Annotated[
        Path | None,
        typer.Option(
            help="Where every dropped or changed row is listed; by default OUT with .report.csv.",
            metavar="FILE.csv",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first row that would be dropped or changed.")] = False
    force: Force = False
    as_json: Json = False

    def run(self, kind: Literal["annotations", "pairs"], source: Path, out: Path, load: Loader, about: dict[str, Any]) -> None:
        """Check the outputs, load, write table and report, print the summary."""
        from emoticrafter.data.reports import ImportLedger, check_report, report_path, save_import

        report = self.report or report_path(out)
        check_outputs([out], (".parquet",), self.force)
        check_report(report, out, self.force)
        if report.absolute() == out.absolute():
            raise InputError(f"--report and --out both name {str(out)!r}.", "Give the report a name of its own.")
        finished = Report(self.as_json)
        ledger = ImportLedger(source=source.name, strict=self.strict)
        made = load(source, ledger)
        save_import(made, ledger, kind, out, report, about, force=self.force)
        if not self.as_json:
            _note_summary(ledger, len(made), kind)
        finished([out, report], rows=len(made), **ledger.summary())


SourceArgument = Annotated[Path, typer.Argument(help="The file, or the folder that holds it.", metavar="SOURCE")]
Table = Annotated[Path, typer.Option("--out", help="The table to write.", metavar="FILE.parquet", rich_help_panel=OUTPUT)]


def add_importer(name: str, data_set: DataSet) -> None:
    """The command of a data set, made of its entry in the registry."""

    def command(*, source: SourceArgument, out: Table, common: ImportOptions) -> None:
        common.run("annotations", source, out, data_set.loader(), data_set.describe(name))

    example = f"`emoticrafter data import {name} {data_set.file} --out {name}.parquet`"
    command.__doc__ = f"{data_set.about}\n\nExamples:\n\n- {example}\n"
    imports.command(name)(spread(command))


for _name, _data_set in DATA_SETS.items():
    add_importer(_name, _data_set)


@imports.command("table")
@spread
def own(
    *,
    source: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL or parquet with a picture per row.", metavar="FILE")],
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="What the file calls one of our columns: valence, arousal, id, picture, caption, tag, split, dataset,"
            " dominance, valence_sd, arousal_sd, raters.",
            metavar="NAME=THEIRS",
        ),
    ] = None,
    scale: Annotated[
        str, typer.Option(help="The lowest and the highest rating of the scale that people used.", metavar="LOW:HIGH")
    ] = "-3:3",
    dataset: Annotated[
        str | None, typer.Option(help="The data set of rows that name none; by default the file's name.", metavar="NAME")
    ] = None,
    out: Table,
    common: ImportOptions,
) -> None:
    """Import annotations of your own: a valence and an arousal per row, on any scale; captions are kept.

    Examples:

    - `emoticrafter data import table mine.csv --scale 1:9 --column valence=pleasure --out annotations.parquet`
    """
    need_extra("data", "pandas", "pyarrow")
    from emoticrafter.data.importers import table as loader
    from emoticrafter.prompts.pairs import parse_columns

    columns = parse_columns(column or [], (*loader.NEEDED, *loader.OPTIONAL))
    chosen = loader.Scale.parse(scale)

    def load(source: Path, ledger: ImportLedger) -> pd.DataFrame:
        return loader.load(source, ledger, columns=columns, dataset=dataset, scale=chosen)

    common.run("annotations", source, out, load, {"importer": "table", "scale": [chosen.low, chosen.high]})


@imports.command()
@spread
def pairs(
    *,
    source: Annotated[Path, typer.Argument(help="CSV, TSV, JSONL or parquet with a pair per row.", metavar="FILE")],
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="What the file calls one of our columns: valence, arousal, neutral_prompt, emotional_prompt, id, dataset, tag,"
            " picture, split, content, writer, doubts.",
            metavar="NAME=THEIRS",
        ),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="The data set of rows that name none; by default the file's name.", metavar="NAME")
    ] = None,
    backbone: Annotated[
        str,
        typer.Option(
            help="The backbone whose tokens are counted: storybook, sdxl, a hub id, or a folder.", metavar="NAME|HUB-ID|PATH"
        ),
    ] = "storybook",
    long: Annotated[
        str, typer.Option(help="What becomes of pairs with a prompt longer than the backbone reads: drop, cut or keep.")
    ] = "drop",
    out: Table,
    common: ImportOptions,
) -> None:
    """Import pairs of a neutral and an emotional prompt; they are cleaned, and every change is reported.

    The columns of the authors' file (Id, Arousal, Valence, Tag, Dataset, Neutral_Prompt, Emotional_Prompt) are known.

    Examples:

    - `emoticrafter data import pairs pairs.csv --backbone sdxl --out pairs.parquet`
    - `emoticrafter data import pairs mine.tsv --column valence=v --column arousal=a --dataset mine --out pairs.parquet`
    """
    need_extra("data", "pandas", "pyarrow", "ftfy")
    from emoticrafter.prompts import pairs as loader

    columns = loader.parse_columns(column or [])
    choice = loader.parse_long(long)
    about: dict[str, Any] = {"importer": "pairs", "encoder": backbone, "tokens": None, "long": long}

    def load(source: Path, ledger: ImportLedger) -> pd.DataFrame:
        ruler = _ruler(backbone, ledger)
        about["tokens"] = ruler and ruler.limit
        return loader.load(source, ledger, columns=columns, dataset=dataset, ruler=ruler, long=choice)

    common.run("pairs", source, out, load, about)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="A table of annotations or of pairs.", metavar="FILE.parquet")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The picture; by default FILE with .png.", metavar="PICTURE.png", rich_help_panel=OUTPUT),
    ] = None,
    no_picture: Annotated[bool, typer.Option("--no-picture", help="Print the counts only.", rich_help_panel=OUTPUT)] = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Count the rows of a table, and draw where in the valence-arousal plane they lie.

    Examples:

    - `emoticrafter data show annotations.parquet`
    - `emoticrafter data show pairs.parquet --out balance.png --json`
    """
    need_extra("data", "pandas", "pyarrow", "scipy", "matplotlib")
    from emoticrafter.data import counts as showing

    path = out or file.with_suffix(".png")
    if not no_picture:
        check_outputs([path], (".png",), force)
    report = Report(as_json)
    rows, kind, about = showing.read_any(file)
    counts = showing.count(rows)
    if not as_json:
        _say_counts(counts, kind, file)
    if not no_picture:
        from emoticrafter.data.plane import draw

        draw(rows, path, title=f"{len(rows):,} {kind if len(rows) > 1 else kind[:-1]} in {file.name}", force=force)
    report([] if no_picture else [path], kind=kind, about=about, **counts)


def _say_counts(counts: dict[str, Any], kind: str, file: Path) -> None:
    total = counts["rows"]
    means = [f"{axis} {one['mean']:+.2f} (deviation {one['deviation']:.2f})" for axis, one in counts["axes"].items()]
    say(f"{total:,} {kind if total > 1 else kind[:-1]} in {printable(file.name)}; mean {', '.join(means)}")
    for title, key in (("data set", "datasets"), ("split", "splits"), ("quadrant", "quadrants"), ("tag", "tags")):
        found = list(counts[key].items())
        rows: list[tuple[str, ...]] = [
            (f"{number:>8,}", f"{number / total:>6.1%}", printable(name)) for name, number in found[:_SHOWN]
        ]
        if more := found[_SHOWN:]:
            rows.append((f"{sum(number for _, number in more):>8,}", "", f"in {len(more)} more"))
        say(f"\n{title}")
        table(rows) if rows else say("    none")
    regions = counts["regions"]
    fewer = f"{regions['rare']} hold less than a tenth of an even share, {regions['empty']} nothing"
    say(f"\nrarest of {regions['squares']} regions; {fewer}")
    if rare := regions["rarest"][:_SHOWN]:
        table([(f"{one['rows']:>8,}", f"valence {_range(one['valence'])}", f"arousal {_range(one['arousal'])}") for one in rare])


def _range(ends: list[float]) -> str:
    return f"{ends[0]:+.2f} to {ends[1]:+.2f}"


def _ruler(backbone: str, ledger: ImportLedger) -> PromptRuler | None:
    """None, with a note, where the tokenizer is not at hand: the import then cannot look at lengths, and says so."""
    from emoticrafter.prompts.lengths import PromptRuler

    try:
        return PromptRuler.of(backbone)
    except MissingError as error:
        if ledger.strict:
            raise
        ledger.notes.append(f"prompt lengths were not counted. {error}")
        return None


def _note_summary(ledger: ImportLedger, rows: int, kind: str) -> None:
    note(f"{ledger.read:,} {'images' if ledger.unit == 'image' else 'rows'} read from {ledger.source}: {rows:,} {kind}")
    for what in ("dropped", "changed", "kept"):
        if reasons := ledger.counts(what):
            note(f"{'kept although doubtful' if what == 'kept' else what}: {ledger.rows(what):,}")
            for reason, count in reasons.items():
                note(f"  {count:>7,}  {reason}")
    for text in ledger.notes:
        note(f"note: {text}")
