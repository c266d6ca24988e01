"""Commands about the embedded model: the world that it learned from, its training, its card."""

from __future__ import annotations

import json
import os
import re
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emoticrafter.cli.commands import Commands
from emoticrafter.cli.console import note, printable, say, say_json, table
from emoticrafter.cli.options import OUTPUT, FeelingOptions, Force, Json, Out, spread
from emoticrafter.cli.outputs import STILLS, Report, check_outputs, point_name
from emoticrafter.errors import InputError
from emoticrafter.extras import need_extra

if TYPE_CHECKING:
    from emoticrafter.storybook.world import Subject

app = Commands(name="storybook", help="The embedded model: draw its world, train it, read its card.", no_args_is_help=True)

SCENE = "Scene"
SMALLEST, LARGEST = 16, 4096  # pixels of a side


@app.command()
@spread
def render(
    *,
    place: Annotated[str, typer.Option(help="The place: playground, beach, forest, ...", rich_help_panel=SCENE)] = "meadow",
    subject: Annotated[
        list[str] | None,
        typer.Option(
            help="A subject, of which there may be two: dog, with an action dog:running, with clothes girl:waving:red.",
            metavar="KIND[:ACTION[:CLOTHES]]",
            rich_help_panel=SCENE,
        ),
    ] = None,
    relation: Annotated[
        str | None, typer.Option(help="How the first subject relates to the second: beside, chasing, ...", rich_help_panel=SCENE)
    ] = None,
    daytime: Annotated[
        str, typer.Option("--time", help="The time of day: day, evening or night.", rich_help_panel=SCENE)
    ] = "day",
    seed: Annotated[int, typer.Option(help="Chooses composition and looks.", rich_help_panel=SCENE)] = 0,
    words: Annotated[
        bool, typer.Option("--list", help="Print every word that describes a scene, and stop.", rich_help_panel=SCENE)
    ] = False,
    feeling: FeelingOptions,
    size: Annotated[int, typer.Option(help=f"Pixels of each side, {SMALLEST} to {LARGEST}.", rich_help_panel=OUTPUT)] = 512,
    out: Out = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Draw a described scene as the embedded model was taught it, at any size.

    Examples:

    - `emoticrafter storybook render --place beach --subject dog:running --valence 2 --arousal 2`
    - `emoticrafter storybook render --place street --subject girl:waving:red --subject dog --relation beside --mood gloomy`
    - `emoticrafter storybook render --list`
    """
    need_extra("storybook", "cv2")
    if words:
        vocabulary = _vocabulary()
        say_json(vocabulary) if as_json else table([(name, ", ".join(known)) for name, known in vocabulary.items()])
        return
    from PIL import Image

    from emoticrafter.picture import Picture
    from emoticrafter.storybook.world import Scene
    from emoticrafter.storybook.world import render as draw

    emotion = feeling.emotion()
    if not SMALLEST <= size <= LARGEST:
        raise InputError(f"--size is {size}; it must be from {SMALLEST} to {LARGEST} pixels.", "Leave it out for the usual size.")
    subjects = tuple(parse_subject(text) for text in subject or ())
    scene = Scene(place=place, time=daytime, subjects=subjects, relation=relation, seed=seed)
    path = out or Path(f"{'_'.join([place, *(one.kind for one in subjects)])}_{point_name(emotion)}.png")
    check_outputs([path], STILLS, force)
    report = Report(as_json)
    recipe = {"scene": asdict(scene), "valence": emotion.valence, "arousal": emotion.arousal, "width": size, "height": size}
    Picture(image=Image.fromarray(draw(scene, emotion, size)), recipe=recipe).save(path, force=force)
    report([path], recipe=recipe)


@app.command()
def annotate(
    out: Annotated[Path, typer.Option("--out", help="The CSV to write.", metavar="FILE.csv", rich_help_panel=OUTPUT)],
    count: Annotated[int, typer.Option(help="How many scenes are written.", min=1, max=1_000_000)] = 16_000,
    seed: Annotated[int, typer.Option(help="Decides the scenes, their captions and their emotions.")] = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write annotated scenes as a CSV, each with caption, valence and arousal; they are as unbalanced as people's annotations.

    They stand in for a data set of annotated pictures; scenes of contents that the embedded model has not seen are the split val.
    `emoticrafter data import table` takes the file.

    Examples:

    - `emoticrafter storybook annotate --count 16000 --out scenes.csv`
    """
    need_extra("storybook", "cv2")
    need_extra("data", "pandas")
    from emoticrafter.escapes import csv_text
    from emoticrafter.files import atomic_path
    from emoticrafter.storybook.annotated import annotated_scenes

    check_outputs([out], (".csv",), force)
    report = Report(as_json)
    rows = annotated_scenes(count, seed)
    with atomic_path(out, force) as temporary:
        temporary.write_text(csv_text([rows[0], *(row.values() for row in rows)]), encoding="utf-8", newline="")
    report([out], scenes=count, seed=seed)


@app.command()
def build(
    out: Annotated[Path, typer.Option("--out", help="The folder to work in; an unfinished one is taken up.", metavar="DIR")],
    preset: Annotated[
        str, typer.Option(help="How large the model is. smoke: a toy, in minutes; cpu: hours; gpu: for one large GPU.")
    ] = "cpu",
    stage: Annotated[list[str] | None, typer.Option(help="Run only this stage; by default all of them run, in order.")] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps of each stage, instead of the preset's.", metavar="N")] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Minutes for each training: as many steps as fit, measured at its start.", metavar="M")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides the scenes, the captions and every draw of the training.")] = 0,
    device: Annotated[str | None, typer.Option(help="The device: cpu, cuda or cuda:1; by default the best there is.")] = None,
    threads: Annotated[
        int | None, typer.Option(help="How many CPU threads are used; by default all cores.", min=1, max=1024)
    ] = None,
    as_json: Json = False,
) -> None:
    """Train the embedded model from nothing, in stages that can be stopped and taken up again.

    Examples:

    - `emoticrafter storybook build --preset smoke --out runs/smoke`
    - `emoticrafter storybook build --preset cpu --out runs/storybook --stage unet --minutes 90 --threads 2`
    """
    need_extra("storybook", "cv2", "scipy", "sklearn", "tokenizers", "matplotlib")
    from emoticrafter.storybook import training
    from emoticrafter.storybook.training.presets import preset_named

    recipe = preset_named(preset)
    training.check_build(out, stage)
    if threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(threads)
    from emoticrafter.storybook.training.common import restart_with_steady_memory

    restart_with_steady_memory()
    report = Report(as_json)
    folder = training.run(recipe, out, stages=stage, seed=seed, device=device, steps=steps, minutes=minutes, quiet=as_json)
    finished = (folder / "model_index.json").is_file()
    report([folder if finished else out], finished=finished)
    if finished and not as_json:
        note(f'Draw with it: emoticrafter grid "a dog on a beach" --backbone {shlex.quote(str(folder))}')
        note(f"Ship it, in a checkout: python tools/install_storybook.py {shlex.quote(str(out))}")


@app.command()
def card(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder that `storybook build` made; by default the shipped model.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the card of the embedded model: how it was made, from what, how well it does.

    Examples:

    - `emoticrafter storybook card`
    - `emoticrafter storybook card runs/smoke --json`
    """
    from emoticrafter.inputs.records import read_record
    from emoticrafter.system import STORYBOOK

    path = (folder or STORYBOOK) / "card.json"
    card: dict[str, Any] = read_record(
        path, what="card", cure="Fetch the model again, or make one: `emoticrafter storybook build`."
    )
    if as_json:
        say_json(card)
    else:
        _say_tree(card)


def parse_subject(text: str) -> Subject:
    """Read KIND, KIND:ACTION or KIND:ACTION:CLOTHES; words of a name may be split by spaces, hyphens or underscores."""
    from emoticrafter.storybook.world import Subject

    parts = [re.sub(r"[\s-]+", "_", part.strip().lower()) for part in text.split(":")]
    if len(parts) > 3 or not parts[0]:
        raise InputError(
            f"The subject {text[:60]!r} is not KIND, KIND:ACTION or KIND:ACTION:CLOTHES.", "Write, for instance, dog:running."
        )
    kind, action, clothes = parts + [""] * (3 - len(parts))
    return Subject(kind=kind, action=action or "standing", clothes=clothes or None)


def _vocabulary() -> dict[str, list[str]]:
    """Every word that describes a scene, by what it is for."""
    from emoticrafter.storybook.world import scene

    kinds = {"people": scene.PEOPLE, "animals": scene.ANIMALS, "vehicles": scene.VEHICLES, "things": scene.THINGS}
    words = {"places": scene.PLACES, "times": scene.TIMES}
    for name, members in kinds.items():
        words |= {name: members, f"actions of {name}": scene.actions_of(members[0])}
    words |= {"clothes of people": tuple(scene.CLOTHES), "relations": scene.RELATIONS}
    return {name: list(known) for name, known in words.items()}


def _say_tree(value: Any, name: str = "", depth: int = 0) -> None:
    """Nested objects as indented lines."""
    margin = "  " * depth
    if isinstance(value, dict):
        if name:
            say(f"{margin}{printable(name)}")
        for key, inner in value.items():
            _say_tree(inner, str(key), depth + bool(name))
    else:
        say(f"{margin}{printable(name)}: {printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))}")
