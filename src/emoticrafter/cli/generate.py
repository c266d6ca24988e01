"""Commands that make pictures, and those that say what went into them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from emoticrafter.cli.console import printable, progress, say, say_json, table
from emoticrafter.cli.options import (
    FEELING,
    OUTPUT,
    FeelingOptions,
    Force,
    Json,
    ModelOptions,
    Out,
    SamplingOptions,
    spread,
    watching,
)
from emoticrafter.cli.outputs import ANIMATIONS, STILLS, Report, check_outputs, check_together, numbered, point_name
from emoticrafter.emotion import MOODS, Emotion, parse_axis
from emoticrafter.emotion import grid as plane
from emoticrafter.emotion import path as way
from emoticrafter.errors import InputError
from emoticrafter.files import safe_name

MAX_COUNT = 1000

PromptArgument = Annotated[
    str, typer.Argument(help='What the picture shows; "" lets the feeling alone make it.', metavar="PROMPT")
]
AxisOption = typer.Option(
    help="The values of this axis: from:to:count, or split by commas.", metavar="AXIS", rich_help_panel=FEELING
)


@spread
def generate(
    prompt: PromptArgument,
    feeling: FeelingOptions,
    model: ModelOptions,
    sampling: SamplingOptions,
    count: Annotated[
        int, typer.Option(help="How many pictures are made, each from a seed of its own.", rich_help_panel=OUTPUT)
    ] = 1,
    out: Out = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Make a picture of a sentence with a feeling.

    Examples:

    - `emoticrafter generate "a children's playground" --valence -2 --arousal 1`
    - `emoticrafter generate "a dog on a beach" --mood melancholic --seed 7 --out dog.png`
    - `emoticrafter generate "a harbour" --backbone sdxl --mood serene --count 4`
    """
    from emoticrafter.picture import save_together

    emotion, settings = feeling.emotion(), sampling.given()
    if not 1 <= count <= MAX_COUNT:
        raise InputError(f"--count is {count}; it must be from 1 to {MAX_COUNT}.", "`emoticrafter batch` makes more.")
    named = out or Path(f"{safe_name(prompt)}_{point_name(emotion)}.png")
    paths = numbered(named, count)
    check_outputs(paths, STILLS, force)
    check_together(named, model.check(prompt, settings, count=count), prompt, [emotion], settings)
    report = Report(as_json)
    with progress(f"drawing {prompt!r}") as step:
        pictures = model.open().generate(prompt, emotion, count=count, watch=watching(step), **settings)
    save_together(zip(paths, pictures, strict=True), force)
    report(paths, recipes=[picture.recipe for picture in pictures])


@spread
def grid(
    prompt: PromptArgument,
    *,
    valence: Annotated[str, AxisOption] = "-3:3:5",
    arousal: Annotated[str, AxisOption] = "-3:3:5",
    model: ModelOptions,
    sampling: SamplingOptions,
    out: Out = None,
    cells: Annotated[
        Path | None, typer.Option(help="A folder for the single pictures.", metavar="DIR", rich_help_panel=OUTPUT)
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Draw one sentence all over the valence-arousal plane, on one sheet.

    Examples:

    - `emoticrafter grid "a dog on a beach"`
    - `emoticrafter grid "a dog on a beach" --valence=-3:3:7 --arousal=-2,0,2 --out dog.png --cells dog/`
    """
    from emoticrafter.picture import Picture, save_together
    from emoticrafter.sheet import sheet_size

    valences, arousals, settings = parse_axis(valence, "--valence"), parse_axis(arousal, "--arousal"), sampling.given()
    emotions = plane(valences, arousals)
    sheet = out or Path(f"{safe_name(prompt)}_grid.png")
    singles = [] if cells is None else [cells / f"{point_name(emotion)}.png" for emotion in emotions]
    check_outputs([sheet, *singles], STILLS, force)
    cell = model.check(prompt, settings, pairs=len(emotions))
    check_together(sheet, sheet_size(cell, valences, arousals, prompt), prompt, emotions, settings)
    report = Report(as_json)
    with progress(f"drawing {prompt!r}") as step:
        made = model.open().grid(prompt, valences=valences, arousals=arousals, watch=watching(step), **settings)
    drawn = zip(singles, made.pictures, strict=bool(singles))
    save_together([*drawn, (sheet, Picture(image=made.image(), recipe=made.recipe))], force)
    report([sheet, *singles], recipe=made.recipe)


@spread
def sweep(
    prompt: PromptArgument,
    first: Annotated[
        str, typer.Option("--from", help="The first emotion: V,A or a mood.", metavar="EMOTION", rich_help_panel=FEELING)
    ],
    last: Annotated[
        str, typer.Option("--to", help="The last emotion: V,A or a mood.", metavar="EMOTION", rich_help_panel=FEELING)
    ],
    model: ModelOptions,
    sampling: SamplingOptions,
    frames: Annotated[int, typer.Option(help="How many pictures there are, 2 to 1000.", rich_help_panel=OUTPUT)] = 16,
    out: Out = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Lead one picture from a feeling to another: an animation (.webp, .gif), or a strip (.png).

    Examples:

    - `emoticrafter sweep "a harbour" --from=-3,2 --to=3,-1 --frames 16 --out harbour.webp`
    - `emoticrafter sweep "a cat in a room" --from sad --to delighted --frames 7 --out cat.png`
    """
    from emoticrafter.picture import save_animation
    from emoticrafter.recipe import joint_recipe

    emotions, settings = way(Emotion.parse(first), Emotion.parse(last), frames), sampling.given()
    path = out or Path(f"{safe_name(prompt)}_sweep.webp")
    check_outputs([path], ANIMATIONS, force)
    check_together(path, model.check(prompt, settings, pairs=frames), prompt, emotions, settings)
    report = Report(as_json)
    with progress(f"drawing {prompt!r}") as step:
        pictures = model.open().sweep(prompt, emotions[0], emotions[-1], frames=frames, watch=watching(step), **settings)
    recipe = joint_recipe([picture.recipe for picture in pictures])
    save_animation(pictures, path, recipe=recipe, force=force)
    report([path], recipe=recipe)


def info(
    picture: Annotated[Path | None, typer.Argument(help="A picture made by emoticrafter.", metavar="PICTURE.png")] = None,
    as_json: Json = False,
) -> None:
    """Say what a picture was made from, or, without a picture, which versions, devices and models are here.

    Examples:

    - `emoticrafter info`
    - `emoticrafter info dog.png --json`
    """
    if picture is None:
        from emoticrafter.system import describe_system

        found = describe_system()
    else:
        from emoticrafter.recipe import read_recipe

        found = read_recipe(picture)
    if as_json:
        say_json(found)
    elif picture is None:
        table([(name, text or "not installed") for name, text in found["versions"].items()])
        say("")
        table([("device", device["name"], device["about"]) for device in found["devices"]])
        if found["models"]:
            table([("model", model["name"], f"{model['megabytes']} MB in {model['path']}") for model in found["models"]])
        else:
            say("no model found: `--backbone HUB-ID` fetches one")
    else:
        table([(name, _shown(value)) for name, value in found.items()])


def moods(as_json: Json = False) -> None:
    """List the named emotions with their coordinates and where these come from.

    Examples:

    - `emoticrafter moods`
    - `emoticrafter moods --json`
    """
    rows = [(mood.name, mood.emotion.valence, mood.emotion.arousal, mood.source) for mood in MOODS.values()]
    if as_json:
        say_json([dict(zip(("name", "valence", "arousal", "source"), row, strict=True)) for row in rows])
        return
    table([("name", "valence", "arousal", "source"), *((name, f"{v:+.2f}", f"{a:+.2f}", source) for name, v, a, source in rows)])


def _shown(value: Any) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
