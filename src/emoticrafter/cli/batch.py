"""The command that draws many prompts with many emotions into one folder."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emoticrafter.cli.console import Step, note, say, say_json, stages, warn
from emoticrafter.cli.options import FEELING, OUTPUT, DrawingOptions, Json, ModelOptions, RayOptions, absolute, spread
from emoticrafter.emotion import grid as plane
from emoticrafter.emotion import parse_axis
from emoticrafter.errors import InputError
from emoticrafter.extras import need_extra
from emoticrafter.files import user_path
from emoticrafter.watch import Watch

if TYPE_CHECKING:
    from emoticrafter.batch import Batched, Feeling, Prompt, Row
    from emoticrafter.batch.drawing import Engine
    from emoticrafter.method import Method

FULL_PLANE = "-3:3:5"


@spread
def batch(
    *,
    prompts: Annotated[
        Path,
        typer.Argument(
            help="A .txt with a prompt on each line, or a .csv, .tsv, .jsonl or .parquet with a column `prompt`, and others for a"
            " row's own emotion, seed and settings.",
            metavar="PROMPTS",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", help="The folder to write; one that was begun is taken up.", metavar="DIR", rich_help_panel=OUTPUT),
    ],
    grid: Annotated[
        str | None,
        typer.Option(
            help="Emotions all over the plane, so many valences by so many arousals; by default 5x5.",
            metavar="VxA",
            rich_help_panel=FEELING,
        ),
    ] = None,
    valence: Annotated[
        str | None,
        typer.Option(
            help="The values of this axis, instead of --grid: from:to:count, or split by commas.",
            metavar="AXIS",
            rich_help_panel=FEELING,
        ),
    ] = None,
    arousal: Annotated[
        str | None,
        typer.Option(
            help="The values of this axis, instead of --grid: from:to:count, or split by commas.",
            metavar="AXIS",
            rich_help_panel=FEELING,
        ),
    ] = None,
    emotions: Annotated[
        Path | None,
        typer.Option(
            "--emotions",
            help="A table with columns `valence` and `arousal`, or `mood`, instead of --grid: .csv, .tsv, .jsonl or .parquet.",
            metavar="FILE",
            rich_help_panel=FEELING,
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(help="The seeds, split by commas, or ranges of them: 0,1,2 or 0-9; by default 0.", metavar="SEEDS"),
    ] = None,
    model: ModelOptions,
    drawing: DrawingOptions,
    format: Annotated[
        str, typer.Option("--format", help="The format of the pictures.", metavar="png|webp|jpeg", rich_help_panel=OUTPUT)
    ] = "png",
    table: Annotated[bool, typer.Option("--csv", help="Write the index as CSV, too.", rich_help_panel=OUTPUT)] = False,
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="How many pictures are drawn together, which a killed run may lose. By default as many as suit their size.",
            metavar="N",
        ),
    ] = None,
    ray: RayOptions,
    as_json: Json = False,
) -> None:
    """Draw many prompts with many emotions into one folder, with one index of them.

    A run may be stopped or killed at any point. The same command then draws what is missing and ends in the same bytes. Prompts,
    emotions and seeds may be added; damaged pictures are drawn again. SIGTERM and Ctrl-C finish the batch that is being drawn,
    and end with exit codes 143 and 130. docs/batch.md shows the folder and the columns of the index.

    Examples:

    - `emoticrafter batch prompts.txt --out pictures/`
    - `emoticrafter batch prompts.csv --grid 5x5 --seeds 0-2 --out pictures/ --csv`
    - `emoticrafter batch prompts.txt --valence=-3,0,3 --arousal 0 --strength 1.2 --out pictures/`
    - `emoticrafter batch prompts.jsonl --emotions moods.csv --backbone sdxl --format webp --out pictures/`
    - `emoticrafter batch prompts.txt --backbone sdxl --device cuda --out pictures/ --engine ray --ray-address head:6379`
    """
    need_extra("data", "pandas", "pyarrow")
    ray.check()
    from emoticrafter.batch import plan_rows, run_batch
    from emoticrafter.batch.batched import check_batch
    from emoticrafter.batch.drawing import check_rows
    from emoticrafter.signals import stop_signals

    check_batch(out, format=format, batch=batch_size)
    asked = _asked(prompts, _Emotions(grid=grid, valence=valence, arousal=arousal, file=emotions), seeds, drawing.given())
    rows = plan_rows(*asked)
    if ray.engine == "local":  # the machines of a cluster may have a model that this one lacks
        unopened = model.unopened()
        try:
            check_rows(unopened, rows)
        except InputError as error:
            _tell_origin(error, asked, lambda some: check_rows(unopened, some))
            raise
    with _opened(model, ray) as (method, engine), stop_signals() as signals, drawing_stages(signals, as_json) as stage:
        done = run_batch(
            method,
            rows,
            out,
            format=format,
            batch=batch_size,
            table=table,
            engine=engine,
            watch=Watch(stage=stage, stop=lambda: bool(signals), warn=warn),
        )
    _report(done, signals, as_json)
    if signals and done.missing:
        raise typer.Exit(128 + signals[0])


@dataclass(frozen=True, kw_only=True)
class _Emotions:
    """The options that say which emotions are drawn."""

    grid: str | None
    valence: str | None
    arousal: str | None
    file: Path | None

    def way(self) -> str | None:
        """The one that was given, None for none. Raises InputError where it is more than one."""
        given = {"--grid": self.grid, "--valence/--arousal": self.valence or self.arousal, "--emotions": self.file}
        ways = [name for name, value in given.items() if value]
        if len(ways) > 1:
            raise InputError(f"{' and '.join(ways)} were given together; each says which emotions are drawn.", "Leave one out.")
        return ways[0] if ways else None

    def read(self) -> list[Feeling]:
        from emoticrafter.batch import Feeling, parse_grid, read_emotions

        if self.file is not None:
            return read_emotions(self.file, warn)
        valence, arousal = (self.valence, self.arousal) if self.grid is None else parse_grid(self.grid)
        points = plane(parse_axis(valence or FULL_PLANE, "--valence"), parse_axis(arousal or FULL_PLANE, "--arousal"))
        return [Feeling(emotion=emotion) for emotion in points]


def _asked(
    file: Path, emotions: _Emotions, seeds: str | None, settings: dict[str, Any]
) -> tuple[list[Prompt], list[Feeling], list[int], dict[str, Any]]:
    """What is to be drawn, as `plan_rows` takes it. An option that no row has a use for is refused."""
    from emoticrafter.batch import parse_seeds, read_prompts

    way, numbers = emotions.way(), parse_seeds(seeds or "0")
    prompts = read_prompts(file, warn)
    own = bool(prompts) and prompts[0].emotion is not None
    if own and way:
        raise InputError(
            f"{way} was given, and the rows of {file.name!r} have emotions of their own.", "Leave one or the other out."
        )
    feelings = [] if own else emotions.read()
    options = {"steps" if name == "preview" else name: f"--{name.replace('_', '-')}" for name in settings}
    options |= {"seed": "--seeds"} if seeds else {}
    for name, option in options.items():
        if any(part and all(name in one.settings for one in part) for part in (prompts, feelings)):
            raise InputError(f"{option} was given, and every row has a {name} of its own.", "Leave the option or the column out.")
    return prompts, feelings, numbers, settings


def _tell_origin(
    error: InputError,
    asked: tuple[list[Prompt], list[Feeling], list[int], dict[str, Any]],
    check: Callable[[list[Row]], None],
) -> None:
    """Raise the error with the line of a table where a setting of that line's own is what the model refuses."""
    from emoticrafter.batch import plan_rows

    prompts, feelings, numbers, settings = asked
    alone = [(one, [one], feelings[:1]) for one in prompts] + [(one, prompts[:1], [one]) for one in feelings]
    for part, some, emotions in alone:
        if not part.origin or error.field not in part.settings:
            continue
        try:
            check(plan_rows(some, emotions, numbers[:1], settings))
        except InputError as found:
            raise InputError(f"{part.origin}: {found.problem}", found.hint, field=found.field, value=found.value) from found


@contextmanager
def _opened(model: ModelOptions, ray: RayOptions) -> Iterator[tuple[Method, Engine | None]]:
    """The method, and the engine where it is not this process that draws."""
    open_method = model.opener()
    settings: dict[str, Any] = model.settings()
    # Found from everywhere, by workers too; and in the recipes, so that the pictures are the same from every folder.
    backbone = absolute(model.backbone)
    if "emotion" in settings:
        settings["emotion"] = absolute(settings["emotion"])
    if "loras" in settings:
        settings["loras"] = [_absolute_lora(lora) for lora in settings["loras"]]
    if ray.engine == "local":
        yield open_method(backbone=backbone, **settings), None
        return
    from emoticrafter.cluster.drawing import RayMethod

    gpu = str(model.device).startswith("cuda")
    opener = partial(open_method, backbone=backbone, **settings)
    with RayMethod(opener, gpu=gpu, address=ray.ray_address, workers=ray.ray_workers) as method:
        yield method, method.engine


def _absolute_lora(lora: str) -> str:
    path, colon, weight = lora.rpartition(":")
    return f"{absolute(path)}:{weight}" if colon and user_path(path).exists() else absolute(lora)


@contextmanager
def drawing_stages(signals: list[int], quiet: bool) -> Iterator[Callable[[str], Step]]:
    """`stages` of pictures, which say so once when a signal has come."""
    told: list[int] = []
    with stages("pictures", quiet) as next_stage:

        def begin(name: str) -> Step:
            bar = next_stage(name)

            def step(done: int, total: int) -> None:
                bar(done, total)
                if signals and not told:
                    told.append(signals[0])
                    note("finishing the batch that is being drawn; once more ends at once")

            return step

        yield begin


def _report(done: Batched, signals: list[int], as_json: bool) -> None:
    rate = done.drawn / done.seconds
    if as_json:
        about = {name: getattr(done, name) for name in ("rows", "before", "drawn", "damaged", "missing", "others")}
        complete = not (done.missing or done.others)
        timing = {"seconds": round(done.seconds, 3), "pictures_per_second": round(rate, 2)}
        say_json({"path": str(done.folder), "index": str(done.index), **about, "complete": complete, **timing})
        return
    say(str(done.index))
    if done.before:
        note(f"{done.before:,} pictures were there already")
    if done.damaged:
        note(f"{done.damaged:,} damaged pictures were drawn again")
    if done.drawn:
        note(f"{done.drawn:,} pictures drawn in {done.seconds:.1f} s, {rate:.2g} per second")
    if done.others:
        note(f"{done.others:,} pictures that an earlier command planned are not there; that command draws them")
    if done.missing:
        name = signal.Signals(signals[0]).name if signals else "a stop"
        note(f"stopped by {name} with {done.missing:,} pictures missing; the same command goes on from there")
