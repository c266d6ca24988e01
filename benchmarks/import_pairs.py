"""How long a file of prompt pairs takes to import: one as large and as untidy as the authors', made up here.

What is timed is the whole command in a process of its own, with the start of Python and the tokens of every prompt.
"""

from __future__ import annotations

import csv
import io
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import Report, parser, table

BAR = 20.0  # seconds for 40,000 rows on 2 cores
COLUMNS = ("Id", "Arousal", "Valence", "Tag", "Dataset", "Neutral_Prompt", "Emotional_Prompt")
_WHO = (
    "woman",
    "man",
    "child",
    "dog",
    "cat",
    "horse",
    "fisherman",
    "teacher",
    "dancer",
    "farmer",
    "soldier",
    "singer",
    "doctor",
    "crowd",
    "couple",
    "musician",
)
_DOES = (
    "walks",
    "waits",
    "runs",
    "sits",
    "stands",
    "dances",
    "sleeps",
    "reads",
    "paints",
    "shouts",
    "works",
    "plays",
    "looks",
    "rests",
)
_WHERE = (
    "beach",
    "street",
    "forest",
    "market",
    "kitchen",
    "harbour",
    "classroom",
    "stadium",
    "meadow",
    "station",
    "bridge",
    "garden",
    "café",
    "square",
)
_HOW = (
    "under heavy clouds",
    "in golden evening light",
    "with a trembling smile",
    "as rain streaks the windows",
    "in deep shadow",
    "among bright paper lanterns",
    "while the wind tears at the trees",
    "with tears in the eyes",
    "in the stillness of the morning",
    "colours fading into grey",
    "arms thrown up in joy",
    "fists clenched",
    "beneath a vast and empty sky",
    "soft and blurred",
    "sparks flying through the air",
    "every surface glowing with warmth",
    "with an uneasy glance over the shoulder",
)


def quirks(neutral: str, emotional: str, row: list[str], rng: random.Random) -> tuple[str, str]:
    """Each of the faults that such files have, in about a row of thirty; `row` is id, arousal and valence."""
    kind = rng.randrange(300)
    if kind < 10:
        emotional = f"Title: {neutral.title()} Prompt: {emotional}"
    elif kind < 20:
        emotional = f'"{emotional}' if rng.random() < 0.5 else f'"{emotional}"'
    elif kind < 30:
        emotional = f"{emotional}, as in a painter\u2019s café".encode().decode("cp1252")
    elif kind < 40:
        neutral = neutral.replace(" ", "  ", 2)
    elif kind < 50:
        emotional = f"{emotional} {emotional}"
    elif kind < 52:
        emotional = neutral
    elif kind < 54:
        row[0] = "7"
    elif kind < 56:
        row[1] = rng.choice(["4.2", "none"])
    return neutral, emotional


def untidy_csv(rows: int, seed: int = 0) -> str:
    """The text of a file with the authors' columns."""
    rng = random.Random(seed)
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for number in range(1, rows + 1):
        who, does, where = rng.choice(_WHO), rng.choice(_DOES), rng.choice(_WHERE)
        neutral = f"A {who} {does} in the {where}, seen from {rng.randint(2, 90)} steps away."
        feelings = rng.sample(_HOW, rng.randint(1, 4))
        emotional = f"A {who} {does} in the {where}, {', '.join(feelings)}, seen from {rng.randint(2, 90)} steps away."
        row = [str(number), f"{rng.uniform(-3, 3):.3f}", f"{rng.uniform(-3, 3):.3f}"]
        neutral, emotional = quirks(neutral, emotional, row, rng)
        writer.writerow([*row, where, rng.choice(["OASIS", "EMOTIC", "FindingEmo"]), neutral, emotional])
    return stream.getvalue()


def measure(rows: int, seed: int) -> dict[str, Any]:
    """Seconds of the command, its peak memory, and what it says of the rows."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "pairs.csv"
        source.write_text(untidy_csv(rows, seed), encoding="utf-8")
        command = ["data", "import", "pairs", str(source), "--out", str(Path(folder) / "pairs.parquet"), "--json"]
        began = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "emoticrafter", *command], capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - began
    said = json.loads(done.stdout)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**10  # KiB on Linux
    return {
        "rows": rows, "seconds": seconds, "rows_per_second": rows / seconds, "peak_mib": peak, "kept": said["rows"],
        "dropped": said["dropped"], "changed": said["changed"],
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser("import_pairs", __doc__)
    options.add_argument("--rows", type=int, default=40_000)
    options.add_argument("--seed", type=int, default=0, help="decides the file")
    given = options.parse_args(arguments)
    if given.smoke:
        given.rows = 300
    report = Report("import_pairs", given)
    report.figures = measure(given.rows, given.seed)
    if given.rows >= 40_000:
        report.bar("seconds for the whole import", report.figures["seconds"], most=BAR)
    keys = ("rows", "kept", "seconds", "rows_per_second", "peak_mib")
    report.finish(
        table(
            "prompt pairs to a table",
            ("", *(key.replace("_", " ") for key in keys)),
            [("CSV", *(report.figures[key] for key in keys))],
        )
    )


if __name__ == "__main__":
    main()
