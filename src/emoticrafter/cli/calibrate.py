"""The command that fits a checkpoint's calibration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from emoticrafter.calibration import CALIBRATION
from emoticrafter.cli.console import note, progress, warn
from emoticrafter.cli.judges import JUDGE
from emoticrafter.cli.options import OUTPUT, Force, Json, ModelOptions, spread
from emoticrafter.cli.outputs import Report
from emoticrafter.errors import InputError, MissingError
from emoticrafter.extras import need_extra
from emoticrafter.files import check_writable, user_path
from emoticrafter.locks import check_free
from emoticrafter.watch import Watch


@spread
def calibrate(
    *,
    model: ModelOptions,
    judge: Annotated[str, typer.Option(help=JUDGE, metavar="NAME|PATH")] = "storybook",
    prompts: Annotated[
        Path | None,
        typer.Option(help="One prompt per line; by default training scenes of the storybook.", metavar="FILE.txt"),
    ] = None,
    count: Annotated[
        int, typer.Option(help="How many prompts; a quarter of them only measures what the fit is worth.", min=4, max=10_000)
    ] = 96,
    levels: Annotated[int, typer.Option(help="Values of each axis, and pictures of each prompt.", min=3, max=101)] = 25,
    seed: Annotated[int, typer.Option(help="The seed of the prompts, and of the first prompt's pictures.", min=0)] = 0,
    strength: Annotated[
        float | None,
        typer.Option(help="Scales the effect of the emotion, and becomes the default; without it the checkpoint's own holds."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps; by default the model's own.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="The checkpoint's folder; by default that of --emotion.", metavar="DIR", rich_help_panel=OUTPUT
        ),
    ] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Take a judge whose validation is below the floor.")] = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Fit a map of the plane that brings the judged emotion to the requested one, and keep it beside the checkpoint.

    Pictures are made without a calibration and read by the judge; each axis gets a map that never falls along it. A quarter of
    the prompts is kept out of the fit; the error on these, with the map and without it, is printed and recorded.

    Examples:

    - `emoticrafter calibrate`
    - `emoticrafter calibrate --backbone sdxl --emotion emotion/ --judge judges/oasis --prompts prompts.txt --count 24 --levels 9`
    """
    need_extra("evaluation", "cv2", "sklearn", "scipy")
    from emoticrafter.checkpoint import holding
    from emoticrafter.crafter import EmotiCrafter, own_checkpoint
    from emoticrafter.emotion import Emotion
    from emoticrafter.evaluation import calibration as fitting
    from emoticrafter.judges import open_judge
    from emoticrafter.judges.trust import prepare, require_trust
    from emoticrafter.request import Request

    if model.method is not None:
        raise InputError(
            f"--method {model.method!r} has no calibration: one belongs to an emotion checkpoint.", "Leave --method out."
        )
    named = out or (user_path(model.emotion) if model.emotion is not None else None)
    unopened = model.unopened()
    if named is None and unopened.outline.family is not None:
        named = own_checkpoint(unopened.outline)
    folder = _checked(named, force) if named is not None else None
    sentences = _sentences(prompts, count) if prompts is not None else fitting.storybook_prompts(count, seed)
    settings: dict[str, Any] = {"strength": strength, "steps": steps}
    seeds = list(range(seed, seed + len(sentences)))
    unopened.check(Request.of(sentences, Emotion.neutral(), seed=seeds, **settings))
    report = Report(as_json)
    reader = open_judge(judge)
    doubt = require_trust(reader, trust)
    if doubt:
        warn(doubt)
    prepare(reader)
    crafter = replace(model, no_calibration=True).open()
    assert isinstance(crafter, EmotiCrafter)
    folder = folder or _checked(own_checkpoint(crafter.backbone), force)
    with holding(folder), progress("drawing") as step:
        made = fitting.fit_calibration(
            crafter,
            reader,
            sentences,
            checkpoint=crafter.eit.metadata["sha256"],
            strength=float(crafter.eit.metadata.get("strength", 1.0) if strength is None else strength),
            levels=levels,
            seed=seed,
            steps=steps,
            watch=Watch(stage=lambda name: step),
        )
        if doubt:
            made = replace(made, figures={**made.figures, "doubt": doubt})
        path = made.save(folder, force=force)
    report([path], **made.figures)
    if not as_json:
        for name in ("without", "with"):
            shown = [f"{axis} error {one['error']:.2f}" for axis, one in made.figures[name].items()]
            note(f"{name} calibration: {', '.join(shown)}")


def _checked(folder: Path, force: bool) -> Path:
    """The folder, if a calibration can be written into it."""
    if not folder.is_dir():
        raise MissingError(
            f"The checkpoint {str(folder)!r} is not a folder here, so nothing can be laid beside it.",
            "Copy the checkpoint to a folder and give that as --emotion, or name a folder with --out.",
        )
    check_free(folder)
    check_writable(folder / CALIBRATION, force)
    return folder


def _sentences(path: Path, count: int) -> list[str]:
    from emoticrafter.inputs.lines import read_lines

    lines = [" ".join(line.split()) for line in read_lines(path, cure="Give a text file with a prompt per line.")]
    found = list(dict.fromkeys(line for line in lines if line))[:count]
    if len(found) < 4:
        raise InputError(f"{str(path)!r} holds {len(found)} prompts; at least 4 are needed.", "Give more, each on a line.")
    return found
