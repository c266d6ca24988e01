"""Commands about studies with people, after they answered and before they are asked: analyse, plan."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emoticrafter.cli.console import note, say, say_json, stages, warn
from emoticrafter.cli.options import OUTPUT, Force, Json
from emoticrafter.cli.panel import Kept, StudyFile, app
from emoticrafter.errors import InputError
from emoticrafter.extras import need_extra
from emoticrafter.watch import Watch

if TYPE_CHECKING:
    from emoticrafter.panel.analysis.power import Spreads
    from emoticrafter.panel.study import Study

ASSUMED = "What is assumed"


@app.command()
def analyse(
    folder: Kept,
    out: Annotated[Path, typer.Option("--out", help="The folder of the report.", metavar="REPORT", rich_help_panel=OUTPUT)],
    mixed: Annotated[
        bool, typer.Option("--mixed/--no-mixed", help="Whether mixed models are fitted, where there is enough.")
    ] = True,
    samples: Annotated[int, typer.Option(help="Samples of the bootstraps.", min=100, max=100_000, metavar="N")] = 2000,
    seed: Annotated[int, typer.Option(help="Decides the bootstraps.", min=0, max=2**31)] = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Analyse what people answered so far: one page, one JSON, norms of the pictures, ratings for `judge validate`.

    Whoever the study's rules exclude is left out and counted. docs/panel-analysis.md says what each figure is.

    Examples:

    - `emoticrafter panel analyse panels/paper-1 --out reports/paper-1`
    - `emoticrafter panel analyse panels/pilot --no-mixed --out reports/pilot --force`
    """
    _need()
    from emoticrafter.panel.report.study_report import report_study

    command = shlex.join(["emoticrafter", *sys.argv[1:]])
    with stages("the answers", as_json) as stage:
        done = report_study(
            folder, out, mixed=mixed, samples=samples, seed=seed, command=command, force=force,
            watch=Watch(stage=stage, warn=warn),
        )  # fmt: skip
    if as_json:
        say_json({"paths": [str(path) for path in done.files], "report": done.report})
        return
    for path in done.files:
        say(str(path))
    people = done.report["people"]
    note(f"{people['analysed']:,} of {people['took_part']:,} people analysed, {people['excluded']:,} left out")
    if done.report["simulated"]:
        note("the participants are programs: the figures say nothing about pictures")
    for measure in done.report["measures"]:
        means = ", ".join(f"{one['method'] or 'all'} {one['value']:.2f}" for one in measure["methods"])
        note(f"  {measure['title']}: {means}")


@app.command()
def plan(
    study: StudyFile,
    effect: Annotated[
        float,
        typer.Option(
            help="The difference of two methods that is to be found, in units of the measure; of compare, how often the better"
            " is preferred, less 0.5.",
            metavar="X",
        ),
    ],
    power: Annotated[float, typer.Option(help="How often it is to be found where it is there.", metavar="SHARE")] = 0.8,
    people: Annotated[
        int | None, typer.Option(help="Say the power of so many people, instead of the number needed.", min=3, metavar="N")
    ] = None,
    contents: Annotated[
        int | None, typer.Option(help="Contents that each person sees; by default what the study says.", min=1, metavar="N")
    ] = None,
    pilot: Annotated[
        Path | None,
        typer.Option(
            help="The report.json of a pilot, whose mixed model says how people and contents differ.",
            metavar="REPORT.json",
            rich_help_panel=ASSUMED,
        ),
    ] = None,
    measure: Annotated[
        str | None, typer.Option(help="The pilot's measure; by default its first.", metavar="NAME", rich_help_panel=ASSUMED)
    ] = None,
    noise: Annotated[
        float | None, typer.Option(help="Standard deviation of an answer.", min=0, metavar="SD", rich_help_panel=ASSUMED)
    ] = None,
    taste: Annotated[
        float | None,
        typer.Option(help="Standard deviation of people's own differences.", min=0, metavar="SD", rich_help_panel=ASSUMED),
    ] = None,
    spread: Annotated[
        float | None,
        typer.Option(help="Standard deviation of contents' own differences.", min=0, metavar="SD", rich_help_panel=ASSUMED),
    ] = None,
    studies: Annotated[int, typer.Option(help="Studies that are simulated for each number.", min=100, max=100_000)] = 1000,
    seed: Annotated[int, typer.Option(help="Decides the simulated studies.", min=0, max=2**31)] = 0,
    as_json: Json = False,
) -> None:
    """Say how many people a study needs to find an effect, by simulating it many times.

    Units: tau-b for rank, points for rate-sets, units of the plane for rate, shares for compare and validate-pairs.

    Examples:

    - `emoticrafter panel plan paper-1 --effect 0.15 --contents 8`
    - `emoticrafter panel plan study.toml --effect 0.1 --people 30`
    - `emoticrafter panel plan study.toml --effect 0.4 --pilot reports/pilot/report.json`
    """
    _need()
    from emoticrafter.panel.analysis.power import people_needed, power_of
    from emoticrafter.panel.study import read_study

    if not 0 < power < 1:
        raise InputError(f"The power is {power:g}; it must be between 0 and 1.", "0.8 is usual.")
    if effect <= 0:
        raise InputError(f"The effect is {effect:g}; it must be above 0.", "Give the least difference that matters.")
    if pilot is None and measure is not None:
        raise InputError("--measure was given without --pilot.", "Give --pilot its report.")
    found, _ = read_study(study)
    seen = contents or found.design.contents
    if seen is None:
        raise InputError("The study does not say how many contents each person sees.", "Give --contents N.")
    spreads = _spreads(found, pilot, measure, {"noise": noise, "taste": taste, "contents": spread})
    within = found.design.methods == "within"
    options: dict[str, Any] = {"within": within, "studies": studies, "seed": seed}
    if people is not None:
        tried = [power_of(found.kind, effect, people, seen, spreads, **options)]
    else:
        tried = people_needed(found.kind, effect, seen, spreads, power=power, **options)
    last = tried[-1]
    if as_json:
        say_json(
            {
                "kind": found.kind, "effect": effect, "power": last.power, "people": last.people, "contents": seen,
                "spreads": vars(spreads), "studies": studies, "forecasts": [vars(one) for one in tried],
            }
        )  # fmt: skip
        return
    for one in tried:
        say(f"{one.people:>5} people  {one.power:6.1%}  ({one.low:.1%} to {one.high:.1%})")
    note(f"an effect of {effect:g} on {seen} contents, {studies:,} simulated studies each; tests at 5%, two-sided")
    note(", ".join(f"{name} {value:g}" for name, value in vars(spreads).items()) + ("" if pilot else "; a pilot knows better"))
    if people is None:
        note(f"{last.people} people find it at least {power:.0%} of the time; ask some more, as some are left out")


def _spreads(study: Study, pilot: Path | None, measure: str | None, given: dict[str, float | None]) -> Spreads:
    """What is assumed: of the kind of study, of a pilot, and what was given by itself."""
    from dataclasses import replace

    from emoticrafter.panel.analysis.power import SPREADS
    from emoticrafter.panel.report.pilot import spreads_of

    known = SPREADS[study.kind] if pilot is None else spreads_of(pilot, measure)
    return replace(known, **{name: value for name, value in given.items() if value is not None})


def _need() -> None:
    need_extra("panel", "scipy", "statsmodels", "pandas", "pyarrow", "matplotlib", "jinja2")
