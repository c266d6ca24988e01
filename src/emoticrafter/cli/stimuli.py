"""The command that makes sets of pictures for laboratories."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emoticrafter.cli.batch import drawing_stages
from emoticrafter.cli.console import note, printable, say, say_json, table, warn
from emoticrafter.cli.options import OUTPUT, Config, DeviceOption, DtypeOption, Json, absolute
from emoticrafter.errors import StoppedError
from emoticrafter.extras import need_extra
from emoticrafter.inputs.named import check_file
from emoticrafter.watch import Watch, once

if TYPE_CHECKING:
    from emoticrafter.evaluation.readings import Judges
    from emoticrafter.stimuli.design import StimulusDesign


def stimuli(
    *,
    design: Annotated[
        str, typer.Argument(help="The design: a TOML file, or the name of one that ships.", metavar="DESIGN.toml|NAME")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="The folder of the set; one that was begun is taken up.", metavar="SET", rich_help_panel=OUTPUT
        ),
    ],
    norms: Annotated[
        Path | None,
        typer.Option(help="The norms.csv of `panel analyse`, once people have rated the set.", metavar="NORMS.csv"),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A key of the design and its value, as in TOML.", metavar="KEY=VALUE"),
    ] = None,
    force_judge: Annotated[
        bool, typer.Option("--force-judge", help="Take a judge whose validation is below the floor; the page says so.")
    ] = False,
    config: Config = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    as_json: Json = False,
) -> None:
    """Make a set of pictures for a laboratory: so many in each cell of the plane, balanced, matched, with norms.

    More are drawn than are needed; a judge reads them, and those are chosen that hold the design's wishes best. The page says how
    well each holds. A stopped command goes on when it is given again. docs/stimuli.md leads through a set.

    Examples:

    - `emoticrafter stimuli storybook --out set/`
    - `emoticrafter stimuli design.toml --set set.per_cell=8 --set drawing.candidates=4 --out set/`
    - `emoticrafter stimuli design.toml --out set/ --norms rated/norms.csv`
    """
    need_extra("panel", "cv2", "scipy", "pandas", "pyarrow", "matplotlib", "jinja2")
    from emoticrafter.rivals.opening import open_method
    from emoticrafter.signals import stop_signals
    from emoticrafter.stimuli.design import read_design
    from emoticrafter.stimuli.making import check_set_folder, make_set

    chosen, _ = read_design(design, set_ or ())
    check_set_folder(out)
    if norms is not None:
        check_file(norms, "norms", "Give the norms.csv that `emoticrafter panel analyse` wrote.")
    judges, doubt = _judges(chosen, force_judge, "cuda" if str(device).startswith("cuda") else "cpu")
    if doubt:
        warn(doubt)
    say_once = once(warn)
    own = {"device": device, "dtype": dtype, "config": None if config is None else absolute(config)}
    options: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
    drawing = chosen.drawing
    source = "emoticrafter" if drawing.method == "ours" else drawing.method
    method = open_method(absolute(source), absolute(drawing.backbone), **options)
    command = shlex.join(["emoticrafter", *sys.argv[1:]])
    with stop_signals() as signals, drawing_stages(signals, as_json) as stage:
        watch = Watch(stage=stage, warn=say_once, stop=lambda: bool(signals))
        try:
            done = make_set(chosen, method, judges, out, norms=norms, command=command, doubt=doubt, watch=watch)
        except StoppedError:
            note("stopped; the same command goes on from there")
            raise typer.Exit(128 + (signals[0] if signals else 15)) from None
    if as_json:
        say_json({"path": str(done.folder / "set.html"), "report": done.report})
        return
    say(str(done.folder / "set.html"))
    table(
        [
            (printable(one["wish"]), "holds" if one["held"] else "does not hold", printable(one["found"]))
            for one in done.report["wishes"]
        ]
    )
    note(f"{len(done.report['pictures'])} pictures, chosen among {done.report['candidates']:,} candidates")


def _judges(design: StimulusDesign, force: bool, device: str) -> tuple[Judges, str | None]:
    """Who reads, and what is to be said of a judge below the floor. Raises InputError for one, unless forced."""
    from emoticrafter.evaluation.readings import Judges
    from emoticrafter.judges import open_judge, storybook_judges
    from emoticrafter.judges.trust import prepare, require_trust

    emotion = open_judge(design.judge.emotion, device=device)
    doubt = require_trust(emotion, force)
    prepare(emotion)
    content = storybook_judges(device=device).content if design.judge.content == "storybook" else None
    return Judges(emotion=emotion, content=content), doubt
