"""The command that compares methods."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emoticrafter.cli.batch import drawing_stages
from emoticrafter.cli.console import note, say, say_json, warn
from emoticrafter.cli.options import MODEL, OUTPUT, Config, DeviceOption, DtypeOption, Force, Json, RayOptions, absolute, spread
from emoticrafter.errors import InputError, StoppedError
from emoticrafter.escapes import csv_text
from emoticrafter.extras import need_extra
from emoticrafter.files import atomic_path, check_writable
from emoticrafter.watch import Watch, once

if TYPE_CHECKING:
    from emoticrafter.batch.drawing import Engine
    from emoticrafter.evaluation.run import Evaluated
    from emoticrafter.evaluation.suite import Suite
    from emoticrafter.method import Method

ELSEWHERE = "Pictures made elsewhere"


@spread
def evaluate(
    *,
    suite: Annotated[
        str, typer.Option(help="The suite: a TOML file, or the name of one that ships.", metavar="NAME|FILE.toml")
    ] = "storybook",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="The folder to write; one that was begun is taken up.", metavar="REPORT", rich_help_panel=OUTPUT
        ),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            help="The methods, split by commas: ours, rivals, checkpoints, labels of the suite; LABEL=SOURCE gives a name.",
            metavar="METHODS",
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A key of the suite and its value, as in TOML.", metavar="KEY=VALUE"),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            help="Score these pictures, too: a folder, or an index with prompt_id or prompt, valence, arousal, file.",
            metavar="DIR|INDEX",
            rich_help_panel=ELSEWHERE,
        ),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            help="How the files of --images are named; by default {prompt_id}_{valence}_{arousal}_{seed}.png.",
            metavar="NAME",
            rich_help_panel=ELSEWHERE,
        ),
    ] = None,
    name: Annotated[
        str, typer.Option(help="What the report calls the pictures of --images.", rich_help_panel=ELSEWHERE)
    ] = "yours",
    draw: Annotated[
        bool,
        typer.Option(
            "--draw/--no-draw", help="Whether methods are drawn beside the pictures of --images.", rich_help_panel=ELSEWHERE
        ),
    ] = True,
    requests: Annotated[
        Path | None,
        typer.Option(
            help="Write what is to be drawn elsewhere, with ids of the prompts.",
            metavar="FILE.csv",
            rich_help_panel=ELSEWHERE,
        ),
    ] = None,
    force_judge: Annotated[
        bool, typer.Option("--force-judge", help="Take a judge whose validation is below the floor; the report says so.")
    ] = False,
    backbone: Annotated[
        str | None, typer.Option(help="The backbone, instead of the suite's.", metavar="NAME|HUB-ID|PATH", rich_help_panel=MODEL)
    ] = None,
    config: Config = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    ray: RayOptions,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Compare methods by one suite: draw, judge, measure, test, and write one page and one JSON.

    A stage is skipped where nothing that it depends on has changed. A stopped command goes on when it is given again. The page
    needs no other files and no connection. docs/evaluation.md says how to read it, and how to have one's own method scored.

    Examples:

    - `emoticrafter evaluate --suite quick --out reports/quick`
    - `emoticrafter evaluate --suite storybook --methods ours,rewriting,runs/rivals/time_embedding --out reports/storybook`
    - `emoticrafter evaluate --suite ablation-alpha --out reports/alpha`
    - `emoticrafter evaluate --suite quick --requests wanted.csv`
    - `emoticrafter evaluate --suite quick --images mine/ --name mine --out reports/mine`
    - `emoticrafter evaluate --suite sdxl --set judge.emotion=judges/oasis --device cuda --out reports/sdxl`
    """
    need_extra("evaluation", "cv2", "sklearn", "scipy", "pyarrow", "matplotlib", "jinja2")
    ray.check()
    from emoticrafter.backbones.devices import choose_device, choose_precision
    from emoticrafter.backbones.registry import read_outline
    from emoticrafter.evaluation.methods import check_drawing
    from emoticrafter.evaluation.pictures import find_pictures
    from emoticrafter.evaluation.pictures import requests as wanted
    from emoticrafter.evaluation.run import Elsewhere, check_report, check_suite, open_judges
    from emoticrafter.evaluation.run import evaluate as run
    from emoticrafter.evaluation.suite import read_suite
    from emoticrafter.signals import stop_signals

    if (requests is None) == (out is None):
        raise InputError("Either --out or --requests must be given, and not both.", "Give --out REPORT.")
    if pattern is not None and images is None:
        raise InputError("--pattern was given without --images.", "Give --images the folder of the pictures.")
    if images is None and not draw:
        raise InputError("--no-draw was given without --images: nothing would be compared.", "Give --images.")
    chosen, path = read_suite(suite, [*(set_ or ()), *([f"model.backbone={backbone}"] if backbone else [])])
    if methods is not None:
        chosen = chosen.with_methods([text.strip() for text in methods.split(",") if text.strip()])
    elif images is not None:
        chosen = chosen.with_methods([])
    cases = chosen.cases(path.parent)
    if requests is not None:
        _write_requests(list(wanted(cases, chosen)), requests, force)
        return
    assert out is not None
    check_report(out)
    check_suite(chosen, drawn=draw, elsewhere=name if images is not None else None)
    if draw and ray.engine == "local":  # the machines of a cluster may have a model that this one lacks
        check_drawing(chosen, cases, read_outline(chosen.model.backbone, config=config))
        choose_precision(dtype, choose_device(device))
    elsewhere = None
    if images is not None:
        found = find_pictures(images, pattern, cases, chosen.emotions.seeds[0], warn)
        elsewhere = Elsewhere(label=name, pictures=found)
        note(f"{len(found):,} pictures of {len({one.case.id for one in found})} of the suite's prompts")
    judges, doubt = open_judges(chosen, force_judge, "cuda" if str(device).startswith("cuda") else "cpu")
    if doubt:
        warn(doubt)
    say_once = once(warn)
    options = {"device": device, "dtype": dtype, "config": None if config is None else absolute(config)}
    opener = _opener(chosen, options, ray) if draw else None
    command = shlex.join(["emoticrafter", *sys.argv[1:]])
    with stop_signals() as signals, drawing_stages(signals, as_json) as stage:
        watch = Watch(stage=stage, stop=lambda: bool(signals), warn=say_once)
        try:
            done = run(
                chosen, cases, out, judges, opener, name=Path(suite).stem, doubt=doubt, elsewhere=elsewhere, command=command,
                watch=watch, quiet=as_json,
            )  # fmt: skip
        except StoppedError:
            note("stopped; the same command goes on from there")
            raise typer.Exit(128 + (signals[0] if signals else 15)) from None
    _report(done, as_json)


def _opener(
    suite: Suite, options: dict[str, Any], ray: RayOptions
) -> Callable[[str, bool], AbstractContextManager[tuple[Method, Engine | None]]]:
    """What opens each method; in this process all share one backbone."""
    from emoticrafter.rivals import open_method

    given = {key: value for key, value in options.items() if value is not None}
    backbone = absolute(suite.model.backbone)
    kept: list[Any] = []

    @contextmanager
    def local(source: str, calibrated: bool) -> Iterator[tuple[Method, Engine | None]]:
        from emoticrafter.backbones.registry import open_backbone

        if not kept:
            kept.append(open_backbone(backbone, **given))
        yield open_method(source, kept[0], calibrated=calibrated), None

    @contextmanager
    def spread_out(source: str, calibrated: bool) -> Iterator[tuple[Method, Engine | None]]:
        from emoticrafter.cluster.drawing import RayMethod

        opener = partial(open_method, absolute(source), backbone, calibrated=calibrated, **given)
        gpu = str(given.get("device")).startswith("cuda")
        with RayMethod(opener, gpu=gpu, address=ray.ray_address, workers=ray.ray_workers) as method:
            yield method, method.engine

    return local if ray.engine == "local" else spread_out


def _write_requests(rows: list[dict[str, Any]], path: Path, force: bool) -> None:
    check_writable(path, force)
    text = csv_text([rows[0], *(row.values() for row in rows)])
    with atomic_path(path, force) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
    say(str(path))
    note(f"{len(rows):,} pictures are wanted; lay them beside names such as {{prompt_id}}_{{valence}}_{{arousal}}_{{seed}}.png")


def _report(done: Evaluated, as_json: bool) -> None:
    if as_json:
        say_json({"path": str(done.html), "json": str(done.json), "stages": done.stages, "report": done.report})
        return
    say(str(done.html))
    say(str(done.json))
    unchanged = sum(one["unchanged"] for one in done.stages)
    note(f"{sum(one['seconds'] for one in done.stages):.0f} s; {unchanged} of {len(done.stages)} stages had nothing to do")
    for row in done.report["rows"]:
        shown = [row["figures"].get(f"{axis}_error") for axis in ("valence", "arousal")]
        errors = ", ".join(f"{axis}-Error {one['value']:.2f}" for axis, one in zip("VA", shown, strict=True) if one)
        note(f"  {row['label']}: {errors}")
    if verdicts := done.report["verdicts"]:
        from emoticrafter.evaluation.comparing import in_short

        note(in_short(verdicts))
