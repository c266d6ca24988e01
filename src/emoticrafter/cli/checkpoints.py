"""Commands about emotion checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from emoticrafter.cli.console import printable, say, say_json, table
from emoticrafter.cli.options import Force, Json
from emoticrafter.errors import OutputError

app = typer.Typer(name="checkpoint", help="Import and inspect emotion checkpoints.", no_args_is_help=True)


@app.command("import")
def import_(
    released: Annotated[Path, typer.Argument(help="The state dict as its authors released it.", metavar="RELEASED.pth")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write.", metavar="DIR")],
    heads: Annotated[
        int | None, typer.Option(help="Attention heads, which the file does not tell; by default one per 64 channels.", min=1)
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Turn a released EmotiCrafter checkpoint into a folder that `--emotion` takes.

    Only tensors are read from the file; one with code in it is refused.

    Examples:

    - `emoticrafter checkpoint import emoticrafter.pth --out emotion/`
    """
    if not force and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"The output {str(out)!r} exists.", "Choose another folder, or pass --force to replace it.")
    from emoticrafter import checkpoint

    checkpoint.save(checkpoint.import_released(released, heads), out, force=force)
    if as_json:
        say_json({"path": str(out), **checkpoint.describe(out)})
    else:
        say(str(out))


@app.command()
def show(
    checkpoint: Annotated[str, typer.Argument(help="A folder, a released .pth, or a hub id.", metavar="PATH|HUB-ID")],
    as_json: Json = False,
) -> None:
    """Say what a checkpoint holds and which backbone it belongs to.

    Examples:

    - `emoticrafter checkpoint show emotion/`
    """
    from emoticrafter.checkpoint import describe

    about = describe(checkpoint)
    if as_json:
        say_json(about)
    else:
        table(
            [
                (name, printable(value if isinstance(value, str) else json.dumps(value, default=str)))
                for name, value in about.items()
            ]
        )
