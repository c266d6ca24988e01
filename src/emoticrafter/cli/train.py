"""The command that trains the emotion injection transformer."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from emoticrafter.cli.console import note, say, say_json
from emoticrafter.cli.options import Json
from emoticrafter.extras import need_extra
from emoticrafter.files import user_path
from emoticrafter.locks import check_free


def train(
    recipe: Annotated[str, typer.Argument(help="A TOML file, or a recipe that ships: paper, released, storybook, smoke.")],
    out: Annotated[Path, typer.Option("--out", help="The folder of the run; one that was begun is taken up.", metavar="RUN")],
    features: Annotated[
        str | None, typer.Option(help="The folder of features, instead of the recipe's data.features.", metavar="DIR")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A key of the recipe and its value, as in TOML.", metavar="KEY=VALUE"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train an emotion checkpoint on encoded prompt pairs; the same command again goes on where it stopped.

    SIGTERM and Ctrl-C save before they end the program, with exit codes 143 and 130. With several processes, each of
    `torchrun --nproc-per-node N -m emoticrafter train ...` takes its share of every batch. docs/training.md explains the keys.

    Examples:

    - `emoticrafter train paper --features features/ --out runs/paper`
    - `emoticrafter train smoke --features features/ --out runs/try --set train.steps=20 --set train.batch=16`
    """
    need_extra("train", "accelerate", "pandas", "pyarrow", "scipy", "matplotlib")
    if os.environ.get("RANK", "0") == "0":  # of several processes, the first holds the folder for all
        check_free(user_path(out))
    from emoticrafter import training

    chosen = training.read_recipe(recipe, set_ or ())
    if features is not None:
        chosen = replace(chosen, data=replace(chosen.data, features=features))
    outcome = training.train(chosen, out, quiet=as_json)
    if not outcome.main:
        raise typer.Exit(128 + outcome.signal if outcome.signal is not None else 0)
    about = {
        "path": str(outcome.checkpoint) if outcome.checkpoint else None,
        "step": outcome.step,
        "steps": outcome.steps,
        "best": {"step": outcome.best_step, "loss": outcome.best_loss},
        "baselines": outcome.baselines,
        "seconds": round(outcome.seconds, 1),
    }
    if outcome.signal is not None:
        if as_json:
            say_json(about)
        note(f"stopped and saved at step {outcome.step} of {outcome.steps}; the same command goes on from there")
        raise typer.Exit(128 + outcome.signal)
    if as_json:
        say_json(about)
        return
    say(str(outcome.checkpoint))
    if outcome.best_loss is not None:
        beside = "".join(f", {name} {outcome.baselines[name]:.4g}" for name in ("neutral", "ridge") if name in outcome.baselines)
        note(f"validation loss {outcome.best_loss:.4g} at step {outcome.best_step}{beside}; {outcome.seconds:.0f} s in all")
    note(f'Draw with it: emoticrafter grid "a dog on a beach" --emotion {shlex.quote(str(outcome.checkpoint))}')
