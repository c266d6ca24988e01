"""Commands about judges: train one, import one, see how far it may be trusted, have it read pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emoticrafter.cli.commands import Commands
from emoticrafter.cli.console import note, printable, progress, say, say_json, stages, table, warn
from emoticrafter.cli.options import OUTPUT, Force, Json
from emoticrafter.cli.outputs import Report
from emoticrafter.errors import InputError
from emoticrafter.escapes import csv_text
from emoticrafter.extras import need_extra
from emoticrafter.judges import JUDGES
from emoticrafter.watch import Watch

app = Commands(name="judge", help="Readers of emotion: train, import, inspect them, read pictures.", no_args_is_help=True)

CLIP = "openai/clip-vit-base-patch32"
JUDGE = f"The judge: {', '.join(JUDGES)}, or the folder of one."

Folder = Annotated[Path, typer.Option("--out", help="The folder of the judge.", metavar="DIR", rich_help_panel=OUTPUT)]
Tower = Annotated[str, typer.Option(help="The image tower: a hub id, or a folder.", metavar="HUB-ID|PATH")]
JudgeDevice = Annotated[str, typer.Option(help="The device: cpu, cuda, cuda:1 or mps.")]


@app.command()
def train(
    annotations: Annotated[Path, typer.Argument(help="Annotated pictures, from `data import`.", metavar="ANNOTATIONS.parquet")],
    out: Folder,
    pictures: Annotated[
        Path | None, typer.Option(help="The folder of the pictures; by default that of the table.", metavar="DIR")
    ] = None,
    clip: Tower = CLIP,
    head: Annotated[str, typer.Option(help="The head: linear, or mlp with one hidden layer.")] = "linear",
    folds: Annotated[
        int, typer.Option(help="How many folds the cross-validation has; a picture's rows stay in one of them.", min=2, max=100)
    ] = 5,
    seed: Annotated[int, typer.Option(help="Decides the folds, and the start of an mlp.", min=0, max=2**31)] = 0,
    skip_missing: Annotated[bool, typer.Option("--skip-missing", help="Leave out rows whose picture is not there.")] = False,
    device: JudgeDevice = "cpu",
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Train a judge of real pictures: a head on a frozen CLIP image tower, cross-validated, with a card.

    The tower's features are computed once and kept; another head on the same pictures takes seconds.

    Examples:

    - `emoticrafter judge train oasis.parquet --pictures OASIS/images --out judges/oasis`
    - `emoticrafter judge train oasis.parquet --pictures OASIS/images --clip clip/ --head mlp --out judges/oasis-mlp`
    """
    need_extra("evaluation", "pandas", "pyarrow", "sklearn", "cv2")
    from emoticrafter.judges.folder import holding, save_head
    from emoticrafter.judges.training import HEADS, train_judge

    kind = next((name for name in HEADS if name == head), None)
    if kind is None:
        raise InputError(f"There is no head {head[:40]!r}.", f"Known ones: {', '.join(HEADS)}.")
    report = Report(as_json)
    with holding(out, force), stages("pictures") as stage:
        made = train_judge(
            annotations,
            annotations.parent if pictures is None else pictures,
            clip=clip,
            kind=kind,
            folds=folds,
            seed=seed,
            device=device,
            skip_missing=skip_missing,
            watch=Watch(stage=stage),
        )
        paths = save_head(made, out, force=force)
    report(paths, trust=made.trust.as_dict())
    if not as_json:
        _say_whether_trusted(str(out))


@app.command("import")
def import_(
    head: Annotated[Path, typer.Argument(help="The head as its authors released it.", metavar="HEAD.pth|.safetensors")],
    out: Folder,
    activation: Annotated[
        str,
        typer.Option(
            help="What the outputs are. none: values from -3 to 3; sigmoid: values that are mapped there.", metavar="none|sigmoid"
        ),
    ],
    arousal: Annotated[
        Path | None,
        typer.Option(help="The head of arousal, where each of two heads has one output.", metavar="HEAD.pth|.safetensors"),
    ] = None,
    order: Annotated[str, typer.Option(help="The order of two outputs: valence,arousal or arousal,valence.")] = "valence,arousal",
    unit: Annotated[bool, typer.Option("--unit", help="Bring features to length 1 first.")] = False,
    clip: Tower = CLIP,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Turn a linear head on features of 512 channels (classifier.0.weight and .bias) into a judge's folder.

    The file does not say how good the head is, so comparisons refuse such a judge unless they are forced.

    Examples:

    - `emoticrafter judge import va.pth --activation sigmoid --out judges/va`
    - `emoticrafter judge import valence.pth --arousal arousal.pth --activation none --out judges/pair`
    """
    need_extra("evaluation", "cv2")
    from emoticrafter.judges.folder import holding, save_head
    from emoticrafter.judges.head import ACTIVATIONS
    from emoticrafter.judges.importing import import_head

    chosen = next((name for name in ACTIVATIONS if name == activation), None)
    if chosen is None:
        raise InputError(f"There is no activation {activation[:40]!r}.", f"Known ones: {', '.join(ACTIVATIONS)}.")
    report = Report(as_json)
    with holding(out, force):
        made = import_head(head, chosen, arousal=arousal, order=order, unit=unit, clip=clip)
        paths = save_head(made, out, force=force)
    report(paths, trust=made.trust.as_dict())


@app.command()
def show(
    judge: Annotated[str, typer.Argument(help=JUDGE, metavar="NAME|PATH")] = "storybook",
    as_json: Json = False,
) -> None:
    """Say how far a judge may be trusted: R2, rank correlation, calibration, error by region.

    Examples:

    - `emoticrafter judge show storybook`
    - `emoticrafter judge show judges/oasis --json`
    """
    need_extra("evaluation", "cv2")
    from emoticrafter.judges import open_judge
    from emoticrafter.judges.card import trust_lines

    found = open_judge(judge)
    if as_json:
        say_json({**found.describe(), "trust": found.trust.as_dict()})
        return
    table([(name, printable(str(value))) for name, value in found.describe().items()])
    say("")
    for line in trust_lines(found.trust):
        say(printable(line))
    _say_whether_trusted(judge)


@app.command()
def read(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, or folders of them.", metavar="PICTURES...")],
    judge: Annotated[str, typer.Option(help=JUDGE, metavar="NAME|PATH")] = "storybook",
    clip: Annotated[str | None, typer.Option(help="Another place of the judge's image tower.", metavar="HUB-ID|PATH")] = None,
    device: JudgeDevice = "cpu",
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the result as CSV.", rich_help_panel=OUTPUT)] = False,
    as_json: Json = False,
) -> None:
    """Print the valence and arousal that a judge reads from pictures.

    Examples:

    - `emoticrafter judge read dog.png`
    - `emoticrafter judge read photos/ --judge judges/oasis --csv`
    """
    need_extra("evaluation", "cv2")
    from emoticrafter.inputs.pictures import batches
    from emoticrafter.judges import open_judge
    from emoticrafter.judges.trust import require_trust

    if as_csv and as_json:
        raise InputError("--csv and --json were both given.", "Leave one out.")
    paths = _pictures(pictures)
    opened = open_judge(judge, clip=clip, device=device)
    rows: list[tuple[str, float, float]] = []
    with progress("reading pictures") as step:
        for part in batches(paths, 32):
            read = opened.emotions(part).tolist()
            rows += [(str(path), v, a) for path, (v, a) in zip(part, read, strict=True)]
            step(len(rows), len(paths))
    doubt = require_trust(opened, force=True)
    if doubt:
        warn(doubt.replace("it was used all the same", "read its numbers with care"))
    if as_json:
        say_json([{"picture": path, "valence": round(v, 4), "arousal": round(a, 4)} for path, v, a in rows])
    elif as_csv:
        lines = [("picture", "valence", "arousal"), *((path, f"{v:.4f}", f"{a:.4f}") for path, v, a in rows)]
        say(csv_text(lines).removesuffix("\n"))
    else:
        table([("valence", "arousal", "picture"), *((f"{v:+.2f}", f"{a:+.2f}", printable(path)) for path, v, a in rows)])


def _pictures(given: list[Path]) -> list[Path]:
    from emoticrafter.inputs.named import check_file
    from emoticrafter.inputs.pictures import SUFFIXES, pictures_in

    found: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = pictures_in(path, warn=warn)
            if not inside:
                raise InputError(f"{str(path)!r} holds no pictures.", f"Pictures end in {', '.join(SUFFIXES)}.")
            found += inside
        else:
            found.append(check_file(path, "picture"))
    return found


def _say_whether_trusted(judge: str) -> None:
    from emoticrafter.judges import open_judge
    from emoticrafter.judges.trust import require_trust

    doubt = require_trust(open_judge(judge), force=True)
    note(
        doubt.removesuffix("; it was used all the same.") + ": comparisons refuse it unless forced."
        if doubt
        else "Comparisons take it."
    )
