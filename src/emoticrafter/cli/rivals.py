"""Commands about the methods that EmotiCrafter is compared with."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emoticrafter.cli.commands import Commands
from emoticrafter.cli.console import note, say, say_json, table
from emoticrafter.cli.options import MODEL, Config, DeviceOption, Json
from emoticrafter.errors import InputError
from emoticrafter.extras import need_extra
from emoticrafter.files import check_folder

if TYPE_CHECKING:
    from emoticrafter.backbones.base import Backbone
    from emoticrafter.rivals.material import RivalMaterial

app = Commands(name="rival", help="Rival methods: list them, train them. `--method` draws with one.", no_args_is_help=True)

MATERIAL = "RivalMaterial"
STORYBOOK = "storybook"


@app.command("list")
def list_methods(as_json: Json = False) -> None:
    """List the methods: what each does, what it learns from, where it comes from.

    Examples:

    - `emoticrafter rival list`
    - `emoticrafter rival list --json`
    """
    from emoticrafter.rivals import METHODS

    if as_json:
        say_json({name: {"about": m.about, "learns": m.learns, "source": m.source} for name, m in METHODS.items()})
        return
    table([("name", "learns from", "what it is"), *((name, m.learns, m.about) for name, m in METHODS.items())])


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="A method of `rival list`.", metavar="NAME")],
    out: Annotated[Path, typer.Option("--out", help="The method's folder; one that was begun is taken up.", metavar="DIR")],
    minutes: Annotated[
        float | None, typer.Option(help="The budget: minutes of training, without the preparation of the material.", metavar="M")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="The budget in steps, instead of minutes.", metavar="N")] = None,
    pairs: Annotated[
        str,
        typer.Option(
            help="A table of pairs with pictures, or storybook: its scenes, drawn and encoded once.",
            metavar="FILE.parquet|storybook",
            rich_help_panel=MATERIAL,
        ),
    ] = STORYBOOK,
    pictures: Annotated[
        Path | None,
        typer.Option(help="The folder that the table's pictures lie in.", metavar="DIR", rich_help_panel=MATERIAL),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            help="Take only the first rows, or so many scenes of the storybook; by default 16,000 scenes.",
            min=1,
            metavar="N",
            rich_help_panel=MATERIAL,
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Where encoded pictures are kept; by default the cache.", metavar="DIR", rich_help_panel=MATERIAL),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the method and its value, as JSON or a word.", metavar="KEY=VALUE"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides the order of the examples and every noise.", min=0)] = 0,
    backbone: Annotated[
        str,
        typer.Option(
            help="The backbone: storybook, sdxl, a hub id, or a path to weights.",
            metavar="NAME|HUB-ID|PATH",
            rich_help_panel=MODEL,
        ),
    ] = STORYBOOK,
    config: Config = None,
    device: DeviceOption = None,
    dtype: Annotated[
        str | None,
        typer.Option(help="The precision: float32 or bfloat16; by default what suits the device.", rich_help_panel=MODEL),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a method upon a frozen backbone; the same command again goes on where it stopped.

    SIGTERM and Ctrl-C save before they end the program, with exit codes 143 and 130. The config in the folder says what was
    really used: seconds, steps, examples. A method that learns nothing needs no budget: its folder keeps its settings.

    Examples:

    - `emoticrafter rival train cross_attention --minutes 3.33 --out runs/rivals/cross_attention`
    - `emoticrafter rival train time_embedding --backbone sdxl --pairs pairs.parquet --pictures DATA --steps 20000 --out te`
    - `emoticrafter rival train rewriting --set writer=openai --set model=gpt-5-mini --out runs/rivals/rewriting`
    """
    from emoticrafter.rivals import METHODS, Budget, train_method
    from emoticrafter.rivals.opening import method_class

    if name not in METHODS:
        raise InputError(f"There is no method {name[:60]!r}.", f"Known ones: {', '.join(METHODS)}.")
    learns = METHODS[name].learns
    settings = dict(_setting(text) for text in set_ or ())
    if learns == "nothing" and minutes is None and steps is None:
        steps = 1
    budget = Budget(minutes=minutes, steps=steps)
    if learns == "pictures" and pairs != STORYBOOK and pictures is None:
        raise InputError(f"The method {name} learns from pictures.", "Give --pictures the folder that they lie in.")
    if pairs == STORYBOOK and pictures is not None:
        raise InputError("--pictures goes with a table of --pairs; the storybook's are drawn.", "Leave one or the other out.")
    if pictures is not None and learns != "pictures":
        pictures = None
    check_folder(out)
    method_class(name).check_settings(settings, out)
    _check_material(pairs, pictures, limit, cache, learns)
    from emoticrafter.backbones.registry import open_backbone

    opened = open_backbone(backbone, device=device, dtype=dtype, config=config)
    material = None
    if learns != "nothing":
        seen = pictures if learns == "pictures" else None
        material = partial(_material, opened, pairs, seen, limit, cache, learns, as_json)
    _, learned = train_method(name, material, out, budget, backbone=opened, config=settings, seed=seed, quiet=as_json)
    about = {
        "path": str(out), "method": name, "seconds": round(learned.seconds, 1), "steps": learned.steps,
        "examples": learned.examples, "figures": dict(learned.figures),
    }  # fmt: skip
    if as_json:
        say_json(about)
    if learned.signal is not None:
        note(f"stopped and saved at step {learned.steps}; the same command goes on from there")
        raise typer.Exit(128 + learned.signal)
    if as_json:
        return
    say(str(out))
    shown = "".join(f", {figure} {value:.4g}" for figure, value in learned.figures.items())
    note(f"{learned.steps} steps, {learned.examples:,} examples in {learned.seconds:.0f} s{shown}")
    chosen = "" if backbone == STORYBOOK else f" --backbone {shlex.quote(backbone)}"
    note(f'Draw with it: emoticrafter grid "a dog on a beach"{chosen} --method {shlex.quote(str(out))}')


def _check_material(pairs: str, pictures: Path | None, limit: int | None, cache: Path | None, learns: str) -> None:
    """Refuse, before a model is loaded, what the material could not be made from or kept in."""
    if learns == "nothing":
        return
    if cache is not None:
        check_folder(cache)
    if pairs == STORYBOOK:
        need_extra("storybook", "cv2")
        return
    need_extra("data", "pandas", "pyarrow")
    from emoticrafter.rivals.material import read_pairs

    read_pairs(pairs, pictures, limit)


def _material(
    backbone: Backbone, pairs: str, pictures: Path | None, limit: int | None, cache: Path | None, learns: str, quiet: bool
) -> RivalMaterial:
    if pairs != STORYBOOK:
        from emoticrafter.rivals.material import from_pairs

        return from_pairs(pairs, backbone, pictures=pictures, limit=limit, cache=cache, quiet=quiet)
    from emoticrafter.rivals.scenes import SCENES, storybook_material

    return storybook_material(backbone, limit or SCENES, pictures=learns == "pictures", cache=cache, quiet=quiet)


def _setting(text: str) -> tuple[str, Any]:
    from emoticrafter.inputs.records import parse_json

    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise InputError(f"The setting {text[:60]!r} is not KEY=VALUE.", "Write, for instance, batch=16.")
    try:
        return name.strip(), parse_json(value)
    except ValueError:
        return name.strip(), value.strip()
