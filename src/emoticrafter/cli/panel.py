"""Commands about studies with people: look at one, serve it, hand its answers on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from emoticrafter.cli.commands import Commands
from emoticrafter.cli.console import note, printable, say, say_json, stages, warn
from emoticrafter.cli.options import OUTPUT, Force, Json
from emoticrafter.extras import need_extra
from emoticrafter.watch import Watch

app = Commands(name="panel", help="Studies in which people judge: check, serve, export, analyse.", no_args_is_help=True)

SERVER = "Server"
STUDY = "The study: a TOML file, or the name of one that ships."
KEPT = "The folder that `panel serve` keeps the study in."

StudyFile = Annotated[str, typer.Argument(help=STUDY, metavar="STUDY.toml|NAME")]
Kept = Annotated[Path, typer.Argument(help=KEPT, metavar="FOLDER")]
Host = Annotated[
    str, typer.Option(help="Where the server listens: this machine alone, or 0.0.0.0 for a network.", rich_help_panel=SERVER)
]
Port = Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65535, metavar="N", rich_help_panel=SERVER)]


@app.command()
def example(
    name: Annotated[str, typer.Argument(help="The study: paper-1 or paper-2.", metavar="NAME")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write.", metavar="DIR", rich_help_panel=OUTPUT)],
    force: Force = False,
) -> None:
    """Write a study that ships, and the prompts of its pictures, into a folder, to be changed there.

    Examples:

    - `emoticrafter panel example paper-1 --out my-study`
    """
    from emoticrafter.panel.study import copy_example

    for path in copy_example(name, out, force=force):
        say(str(path))
    note("the study's first lines say how its pictures are drawn")


@app.command()
def check(study: StudyFile, as_json: Json = False) -> None:
    """Read a study, find its pictures, and say what it will be; nothing is written.

    Examples:

    - `emoticrafter panel check study.toml`
    - `emoticrafter panel check paper-1 --json`
    """
    _need()
    from emoticrafter.panel.frozen import draft
    from emoticrafter.panel.summary import summary

    told = summary(draft(study))
    if as_json:
        say_json(told)
        return
    for line in _in_words(told):
        say(printable(line))
    for sentence in told["notes"]:
        note(f"note: {sentence}")


@app.command()
def preview(study: StudyFile, host: Host = "127.0.0.1", port: Port = 8700) -> None:
    """Go through a study as a participant would; nothing is kept. Ctrl-C ends it.

    Examples:

    - `emoticrafter panel preview study.toml`
    """
    _need()
    from emoticrafter.panel.serving import preview as serve_preview
    from emoticrafter.signals import stop_signals

    def told(address: str, links: Any) -> None:
        _say_now(address)
        note("open this address in a browser; nothing is kept; Ctrl-C ends the preview")

    with stop_signals() as signals:
        serve_preview(study, host=host, port=port, told=told)
    _end(signals)


@app.command()
def serve(
    study: Annotated[
        str,
        typer.Argument(
            help="The study: a TOML file, the name of one that ships, or its folder.", metavar="STUDY.toml|NAME|FOLDER"
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="The folder of the study, which is frozen there; by default panels/NAME.",
            metavar="FOLDER",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    host: Host = "127.0.0.1",
    port: Port = 8700,
    address: Annotated[
        str | None,
        typer.Option(
            help="The address under which people reach the server, where that is another one.",
            metavar="URL",
            rich_help_panel=SERVER,
        ),
    ] = None,
) -> None:
    """Begin a study, or take it up again, and serve it until Ctrl-C. It needs no connection to elsewhere.

    The study is frozen in its folder when it begins. With links, these are written to links.csv there, one for each person. Every
    answer is on the disk before the next page is shown. docs/panel.md leads through a whole study.

    Examples:

    - `emoticrafter panel serve study.toml`
    - `emoticrafter panel serve paper-1 --out panels/pilot --port 8080`
    - `emoticrafter panel serve study.toml --host 0.0.0.0 --address https://study.example.org`
    """
    _need()
    from emoticrafter.panel.frozen import is_frozen
    from emoticrafter.panel.serving import LINKS, begin_or_take_up, folder_of
    from emoticrafter.panel.serving import serve as serve_study
    from emoticrafter.panel.study import read_study
    from emoticrafter.signals import stop_signals

    folder = out or (Path(study) if is_frozen(study) else folder_of(read_study(study)[0].name))
    with stages("of the study") as stage:
        frozen = begin_or_take_up(study, folder, Watch(stage=stage, warn=warn))

    def told(base: str, links: Any) -> None:
        _say_now(base)
        note(f"the study is kept in {frozen.folder}")
        if links:
            note(f"{len(links)} links, one for each person: {folder / LINKS}")
        note("Ctrl-C ends the server; the same command goes on")

    with stop_signals() as signals:
        serve_study(frozen, host=host, port=port, address=address, told=told)
    _end(signals)


@app.command()
def export(
    folder: Kept,
    out: Annotated[Path, typer.Option("--out", help="The folder to write.", metavar="DIR", rich_help_panel=OUTPUT)],
    form: Annotated[
        str, typer.Option("--format", help="The form: csv, jsonl or bids.", metavar="csv|jsonl|bids", rich_help_panel=OUTPUT)
    ] = "csv",
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write the answers so far as tables, with a codebook; the server may go on meanwhile.

    Examples:

    - `emoticrafter panel export panels/paper-1 --out answers/`
    - `emoticrafter panel export panels/paper-1 --format bids --out bids/`
    """
    _need()
    from emoticrafter.panel.exports import export as write_export
    from emoticrafter.panel.store import Store

    with Store.open(folder) as store:
        files = write_export(store, out, form, force=force)  # type: ignore[arg-type]
        counts = {
            "participants": len(store.participants()),
            "finished": sum(one.state == "finished" for one in store.participants()),
            "responses": len(store.responses()),
            "withdrawn": store.withdrawn,
        }
    if as_json:
        say_json({"paths": [str(path) for path in files], **counts})
        return
    say(str(out))
    note(", ".join(f"{count:,} {name}" for name, count in counts.items()))


@app.command()
def withdraw(
    folder: Kept,
    participant: Annotated[
        str, typer.Argument(help="The participant, as links.csv and the tables call them.", metavar="PARTICIPANT")
    ],
    as_json: Json = False,
) -> None:
    """Delete a participant and all of their answers. Tables that were exported before still hold them.

    Their place in the design is free again: when the study is served next, a new link takes it.

    Examples:

    - `emoticrafter panel withdraw panels/paper-1 p003`
    """
    _need()
    from emoticrafter.panel.store import Store

    with Store.open(folder) as store:
        deleted = store.withdraw(participant)
    if as_json:
        say_json({"participant": participant, "deleted": deleted})
        return
    say(f"{participant}: {deleted} answers deleted")
    note("export again: tables that were written before still hold them")


def _say_now(text: str) -> None:
    """A result that is waited for while the command goes on."""
    say(text)
    sys.stdout.flush()


def _need() -> None:
    need_extra("panel", "fastapi", "uvicorn", "pandas", "pyarrow")


def _end(signals: list[int]) -> None:
    if signals:
        raise typer.Exit(128 + signals[0])


def _in_words(told: dict[str, Any]) -> list[str]:
    balance, parts = told["balance"], told["trials_by_part"]
    of = {
        "study": f"{told['name']}: {told['title']} ({told['kind']}, {told['language']})",
        "people": f"{told['people']}, about {told['minutes']} minutes each",
        "contents": f"{balance['contents']}, each person sees {balance['seen']}; {balance['practice']} more for practice",
        "methods": ", ".join(told["conditions"]),
        "axes": ", ".join(told["axes"]),
        "pictures": f"{told['pictures']:,}" if told["pictures"] else "",
        "questions": ", ".join(told["questions"]),
        "trials": f"{balance['trials']} each: " + ", ".join(f"{count} {part}" for part, count in parts.items() if count),
        "balanced": f"every {balance['whole']} people; every content seen equally often: every {balance['covered']}",
        "hash": told["hash"],
    }
    return [f"{name + ':':<11}{text}" for name, text in of.items() if text]
