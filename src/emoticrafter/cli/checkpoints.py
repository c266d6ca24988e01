"""Commands about emotion checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from emoticrafter.cli.commands import Commands
from emoticrafter.cli.console import note, printable, say, say_json, table
from emoticrafter.cli.options import Force, Json
from emoticrafter.errors import OutputError
from emoticrafter.files import check_folder, names_in

app = Commands(name="checkpoint", help="Import, inspect and publish emotion checkpoints.", no_args_is_help=True)


@app.command("import")
def import_(
    released: Annotated[Path, typer.Argument(help="The state dict as its authors released it.", metavar="RELEASED.pth")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write.", metavar="DIR")],
    heads: Annotated[
        int | None,
        typer.Option(
            help="How many attention heads there are, which the file does not tell; by default one per 64 channels.", min=1
        ),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Turn a released EmotiCrafter checkpoint into a folder that `--emotion` takes.

    Only tensors are read from the file; one with code in it is refused.

    Examples:

    - `emoticrafter checkpoint import emoticrafter.pth --out emotion/`
    """
    if not force and out.exists() and (not out.is_dir() or names_in(out)):
        raise OutputError(f"The output {str(out)!r} exists.", "Choose another folder, or pass --force to replace it.")
    check_folder(out)
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


@app.command()
def push(
    source: Annotated[Path, typer.Argument(help="The folder of a training run, or of a checkpoint alone.", metavar="RUN|DIR")],
    name: Annotated[str, typer.Argument(help="The hub repository; it is made if it is not there.", metavar="OWNER/NAME")],
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
    licence: Annotated[
        str | None,
        typer.Option(
            "--license",
            help="The licence of the weights in the hub's words; by default other, or cc-by-nc-sa-4.0 where the data ask for it.",
            metavar="NAME",
        ),
    ] = None,
    dry_run: Annotated[
        Path | None, typer.Option("--dry-run", help="Write what would be uploaded into this folder, and stop.", metavar="DIR")
    ] = None,
    as_json: Json = False,
) -> None:
    """Publish a checkpoint on the Hugging Face hub, with a card written from the record of its training.

    The card names the data sets and what is known of their terms; look at it with --dry-run first. A token is taken from
    `hf auth login` or HF_TOKEN.

    Examples:

    - `emoticrafter checkpoint push runs/paper me/emoticrafter-sdxl --dry-run to-be-published`
    - `emoticrafter checkpoint push runs/paper me/emoticrafter-sdxl --private`
    """
    import tempfile

    from emoticrafter.training.publish import gather, upload

    if dry_run is not None:
        paths = gather(source, name, dry_run, licence=licence)
        if as_json:
            say_json({"paths": [str(path) for path in paths]})
        else:
            for path in paths:
                say(str(path))
        return
    with tempfile.TemporaryDirectory() as folder:
        paths = gather(source, name, Path(folder), licence=licence)
        address = upload(Path(folder), name, private=private)
    if as_json:
        say_json({"address": address, "files": [path.name for path in paths]})
    else:
        say(address)
        note(f"Anyone who may read it can use it: emoticrafter generate ... --emotion {name}")
