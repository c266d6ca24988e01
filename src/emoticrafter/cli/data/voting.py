"""The command that applies people's votes on pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emoticrafter.cli.console import note
from emoticrafter.cli.data import app
from emoticrafter.cli.data.writing import note_reasons
from emoticrafter.cli.options import OUTPUT, Force, Json, spread
from emoticrafter.cli.outputs import Report, check_outputs
from emoticrafter.extras import need_extra


@app.command("apply-votes")
@spread
def apply_votes(
    *,
    votes: Annotated[
        Path, typer.Argument(help="CSV with the columns pair_id, rater and vote (keep or drop).", metavar="VOTES.csv")
    ],
    pairs: Annotated[Path, typer.Option(help="The pairs that were voted on.", metavar="FILE.parquet")] = Path("pairs.parquet"),
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="The table to write; by default PAIRS with .voted.parquet.",
            metavar="FILE.parquet",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    only_voted: Annotated[bool, typer.Option("--only-voted", help="Leave out the pairs that nobody voted on.")] = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Keep the pairs that a majority of an odd number of raters keeps, and say how far the raters agree.

    Examples:

    - `emoticrafter data apply-votes votes.csv`
    - `emoticrafter data apply-votes votes.csv --pairs pairs.parquet --only-voted --out kept.parquet`
    """
    need_extra("data", "pandas", "pyarrow")
    from emoticrafter.data.reports import ImportLedger, check_report, report_path, save_with_report, without_table
    from emoticrafter.data.tables import read_table
    from emoticrafter.prompts import votes as voting

    path = out or pairs.with_suffix(".voted.parquet")
    listing = report_path(path)
    check_outputs([path], (".parquet",), force)
    check_report(listing, path, force)
    report = Report(as_json)
    table, about = read_table(pairs, "pairs")
    cast = voting.read_votes(votes)
    verdict = voting.apply_votes(table, cast, only_voted=only_voted)
    agreed = voting.agreement(cast)
    lines = {str(name): line for line, name in enumerate(table["id"], start=1)}
    listed = ImportLedger(source=pairs.name, unit="row", read=len(table))
    for name, reason, keep, drop in verdict.left_out:
        listed.drop(lines[name], name, reason, "votes", f"{keep} keep, {drop} drop")
    if verdict.kept.empty:
        raise without_table(f"The votes leave none of the {len(table)} pairs.", listed, path, listing, force=force)
    kappas = [{"raters": one.raters, "pairs": one.pairs, "kappa": one.kappa} for one in agreed]
    tally = {"file": votes.name, "left_out": verdict.counts(), "unvoted": verdict.unvoted, "fleiss_kappa": kappas}
    save_with_report(verdict.kept, listed, "pairs", path, listing, {**about, "votes": tally}, force=force)
    if not as_json:
        note(f"{len(table):,} pairs, {len(cast.of):,} of them voted on: {len(verdict.kept):,} stay")
        note_reasons(verdict.counts())
        for count, what in (
            (verdict.unvoted, f"pairs without votes, which {'are left out' if only_voted else 'stay as they are'}"),
            (verdict.unknown, "voted pairs that are not in the table"),
            (cast.empty, "lines without a vote"),
            (cast.again, "votes that a later one of the same rater replaced"),
        ):
            if count:
                note(f"  {count:>7,}  {what}")
        for one in agreed:
            kappa = "not defined, all votes are the same" if one.kappa is None else f"{one.kappa:.3f}"
            note(f"Fleiss' kappa: {kappa} ({one.pairs:,} pairs with {one.raters} votes)")
    counts = {"empty": cast.empty, "replaced": cast.again, "unknown": verdict.unknown}
    report([path, listing], rows=len(table), kept=len(verdict.kept), **tally, **counts)
