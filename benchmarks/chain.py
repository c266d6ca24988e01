"""The whole way to an emotion checkpoint, runs/storybook.sh: seconds of each step, and whether the result beats the baselines.

Annotated scenes, import, pairs, features, training, a picture, each by the command that a user types. What is held out are
contents: no sentence of theirs is trained on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, Report, parser, table

# What a step leaves behind, in order.
LEFT = (
    ("annotate", "scenes.csv"),
    ("import", "annotations.parquet"),
    ("write-pairs", "pairs.parquet"),
    ("encode", "features/manifest.json"),
    ("train", "eit/run.json"),
    ("generate", "playground.png"),
)


def go(folder: Path, settings: dict[str, str]) -> float:
    """Run the script to its end in an empty folder; seconds."""
    own = {"EMOTICRAFTER": f"{sys.executable} -m emoticrafter", **settings}
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    began = time.time()
    command = ["sh", str(ROOT / "runs" / "storybook.sh"), str(folder)]
    subprocess.run(command, env={**os.environ, **own, "PYTHONPATH": path}, check=True, stdout=subprocess.DEVNULL)
    return time.time() - began


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser("chain", __doc__)
    options.add_argument("--scenes", type=int, default=16_000)
    options.add_argument("--recipe", default="storybook")
    given = options.parse_args(arguments)
    if given.smoke:
        given.scenes, given.recipe = 120, "smoke"
    report = Report("chain", given)
    with tempfile.TemporaryDirectory() as name:
        folder, began = Path(name), time.time()
        seconds = go(folder, {"SCENES": str(given.scenes), "RECIPE": given.recipe})
        steps: list[dict[str, Any]] = []
        for step, left in LEFT:
            ended = (folder / left).stat().st_mtime
            steps.append({"step": step, "seconds": ended - began})
            began = ended
        run = json.loads((folder / "eit" / "run.json").read_text(encoding="utf-8"))
    best, baselines = run["best"]["loss"], run["baselines"]
    report.figures = {"seconds": seconds, "steps": steps, "validation": best, "best_step": run["best"]["step"], **baselines}
    for baseline in ("neutral", "ridge"):
        if baselines.get(baseline) is not None:
            report.bar(f"validation loss over that of {baseline}", best / baselines[baseline], most=1.0)
    title = f"validation {best:.3f}; neutral {baselines['neutral']:.3f}, ridge {baselines.get('ridge') or float('nan'):.3f}"
    report.finish(table(title, ("step", "seconds"), [(row["step"], row["seconds"]) for row in steps]))


if __name__ == "__main__":
    main()
