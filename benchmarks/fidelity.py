"""How near are the model's pictures to what the renderer draws? Figures that see what the eye sees.

Held-out scenes at random emotions in four sets: rendered; given back by the autoencoder; generated from the emotional caption
(`words`); generated from the neutral caption through the EIT (`eit`). The first two are the floor of each figure. Against other
rendered held-out scenes:

- features: Fréchet distance, precision and recall in the last features of both judges, side by side. Precision and recall are
  those of Kynkäänniemi et al. 2019 with their k = 3 neighbours; `precision_5` and `recall_5`, with k = 5, are held to the bars.
  Judges see 128 pixels; larger pictures are brought to that by means.
- local: of 3 x 3 neighbourhoods of latents within the middle 8 x 8 of the picture, as the model's own encoder gives them at its
  own size, the Fréchet distance, and the mean distance from the nearest rendered neighbourhood, between 8 of each picture.
- faces: eyes, mouth and tears, read by networks trained on rendered people, against the face of the requested emotion.
- told_apart: the error of a fresh network, trained on 384 scenes to tell generated from given-back pictures, on the others; 0.5
  is perfect.
- count: subjects asked for and not there, by the content judge.
- sheet: the first 64 cases through the EIT.

Distances depend on the number of pictures, so features and local are of 512 at a time, and the mean over these is told: a quick
run of 512 is comparable. `whole` has the same of all at once.
"""

from __future__ import annotations

import json
import tempfile
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.table import Table

from benchmarks.common import ROOT, Report, checked, parser, table
from benchmarks.fidelity_parts import apart, face_reader, faces
from benchmarks.fidelity_parts.model import AT_ONCE, WAYS, open_model
from benchmarks.fidelity_parts.seen import LocalReference, Seen, SeenReference, Yardstick, look
from benchmarks.fidelity_parts.truth import BLOCK, Cache, blocks, cases, judged, rendered
from benchmarks.grids import add_model_options, sampling
from benchmarks.world import find_sprites
from emoticrafter.errors import InputError
from emoticrafter.sampling import Sampling, settings
from emoticrafter.storybook.judge import CONTENT_HEADS, EMOTION_HEADS, JudgeConfig, JudgeNetwork, load_judge
from emoticrafter.storybook.training.common import save_sheet
from emoticrafter.storybook.training.presets import BuildRecipe

SETS = ("rendered", "autoencoder", *WAYS)
FIGURES = ("features", "local", "faces", "told_apart", "count", "sheet")
SHEET = 8  # pictures of a side
# Of pictures through the EIT.
BARS: tuple[tuple[str, str, str, dict[str, float]], ...] = (
    ("Fréchet distance in the judges' features", "features", "frechet", {"most": 20.0}),
    ("precision, k = 5", "features", "precision_5", {"least": 0.92}),
    ("recall, k = 5", "features", "recall_5", {"least": 0.93}),
    ("Fréchet distance of 3 x 3 latents", "local", "local_frechet", {"most": 0.9}),
    ("distance from the nearest rendered ones", "local", "nearest", {"most": 9.8}),
    ("faces that agree, of the ceiling", "faces", "of_ceiling", {"least": 0.9}),
)


class Bench:
    """The model, the judges and the sets of pictures, opened and made as the options ask; with --smoke, all tiny and random."""

    def __init__(self, given: Namespace, folder: Path) -> None:
        self.given = given
        backbone = given.backbone
        if given.smoke:
            from tests.tiny import build_tiny_sdxl

            backbone, given.device = str(build_tiny_sdxl(folder / "tiny")), "cpu"
        self.model = open_model(
            backbone,
            given.emotion,
            unet=given.unet,
            device=given.device,
            settings=sampling(given) | given.settings,
            folder=folder / "exchanged",
        )
        self.device = self.model.crafter.backbone.device
        heads = {"emotion": EMOTION_HEADS, "content": CONTENT_HEADS}
        self.judges = {kind: self._judge(kind, outputs) for kind, outputs in heads.items()}
        self.cache, self.drawn = Cache(folder if given.smoke else given.cache), Cache(given.drawn)
        self.sprites = find_sprites(given.smoke)
        self.cases = cases("asked", given.pictures, given.seed)
        self.others = cases("other", given.reference, given.seed)
        self._sets: dict[str, Seen] = {}
        self._first: dict[str, np.ndarray] = {}

    def _judge(self, kind: str, heads: dict[str, int]) -> JudgeNetwork:
        if self.given.smoke:
            return JudgeNetwork(JudgeConfig(width=4, heads=heads)).eval()
        return load_judge(self.given.judges / f"{kind}.safetensors", self.device)

    def wanted(self, figure: str) -> bool:
        return figure not in self.given.skip

    def rendered(self, series: str, some: slice) -> np.ndarray:
        listed = self.cases if series == "asked" else self.others
        return rendered(self.cache, f"{series}-{some.start:05d}", listed[some], self.model.size, self.sprites)

    def given_back(self, series: str, some: slice) -> np.ndarray:
        pictures = self.rendered(series, some)
        parts = [self.model.pictures(self.model.latents(pictures[part])) for part in blocks(len(pictures), AT_ONCE)]
        return np.concatenate(parts)

    def pictures(self, name: str, some: slice) -> np.ndarray:
        """A part of a set at the model's own size, uint8 (n, size, size, 3)."""
        if name == "rendered":
            return self.rendered("asked", some)
        if name == "autoencoder":
            return self.given_back("asked", some)
        return self.model.drawn(self.drawn, f"{name}-{some.start:05d}", name, self.cases[some], some.start)

    def set(self, name: str) -> Seen:
        """A whole set, made once."""
        if name not in self._sets:
            parts = [self.pictures(name, some) for some in blocks(len(self.cases))]
            self._sets[name], self._first[name] = self._seen(parts), parts[0][: SHEET * SHEET].copy()
        return self._sets[name]

    def first(self, name: str) -> np.ndarray:
        """The first pictures of a set at the model's own size: those of the sheet."""
        if name not in self._first:
            self._first[name] = self.pictures(name, slice(0, min(SHEET * SHEET, len(self.cases))))
        return self._first[name]

    def yardstick(self) -> Yardstick:
        """What the sets are measured by: other rendered scenes, and a reader of faces."""
        features = latents = None
        if self.wanted("features") or self.wanted("local"):
            other = self._seen([self.rendered("other", some) for some in blocks(len(self.others))])
            features = SeenReference(other.features) if self.wanted("features") else None
            latents = LocalReference(other.latents) if other.latents is not None else None
        reader = self._face_reader() if self.wanted("faces") else None
        return Yardstick(features=features, latents=latents, reader=reader, count=self.wanted("count"))

    def _seen(self, parts: Sequence[np.ndarray]) -> Seen:
        latents = torch.cat([self.model.latents(part) for part in parts]) if self.wanted("local") else None
        return look(self.judges, np.concatenate([judged(part) for part in parts]), latents)

    def _face_reader(self) -> face_reader.FaceReader:
        folder, count, recipes = self.cache.folder, face_reader.PICTURES, {}
        if self.given.smoke:
            count, recipes = 8, dict.fromkeys(("finder", "reader"), BuildRecipe(steps=2, batch=4, rate=1e-3))
        assert folder is not None
        learned = face_reader.portraits(self.cache, count, self.sprites)
        return face_reader.train_face_reader(learned, folder, device=self.device, **recipes)

    def told_apart(self, name: str) -> dict[str, Any]:
        """A set against the given-back pictures of the same scenes; for these themselves, those of other scenes."""
        recipe = BuildRecipe(steps=2, batch=4, rate=1e-3) if self.given.smoke else apart.RECIPE
        true = self.set("autoencoder").pictures
        if name != "autoencoder":
            return apart.told_apart(self.set(name).pictures, true, device=self.device, recipe=recipe)
        parts = [judged(self.given_back("other", some)) for some in blocks(min(len(true), len(self.others)))]
        others = np.concatenate(parts)
        return apart.told_apart(others, true[: len(others)], device=self.device, recipe=recipe)


def measured(bench: Bench, sets: Sequence[str]) -> dict[str, dict[str, Any]]:
    """All figures of all sets. The agreement of faces is held against that of the rendered set, its ceiling."""
    yardstick = bench.yardstick()
    rows = {name: yardstick.figures(bench.set(name), bench.cases) for name in sets}
    if bench.wanted("faces"):
        whole = rows.get("rendered") or yardstick.figures(bench.set("rendered"), bench.cases)
        ceiling = whole["faces"]["agree"]
        for row in rows.values():
            row["faces"]["of_ceiling"] = row["faces"]["agree"] / ceiling if ceiling else None
    if bench.wanted("told_apart"):
        for name in sets:
            if name != "rendered":
                rows[name]["told_apart"] = bench.told_apart(name)
    return rows


def draw_sheet(pictures: np.ndarray, path: Path) -> None:
    """The first 8 x 8 pictures, uint8 (n, h, w, 3), in reading order."""
    shown = pictures[: SHEET * SHEET]
    save_sheet([shown[i : i + SHEET] for i in range(0, len(shown), SHEET)], path, quality=92)


def setting(text: str) -> tuple[str, Any]:
    """An option NAME=VALUE of `EmotiCrafter.generate`; a value that is not JSON is text."""
    name, sign, value = text.partition("=")
    if not sign:
        raise InputError(f"{text!r} is not NAME=VALUE.")
    if name not in settings():
        Sampling.model_validate({name: value})  # which tells those that there are
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def names(known: Sequence[str]) -> Callable[[str], list[str]]:
    """An option that holds some of the known names split by commas."""

    def some(text: str) -> list[str]:
        chosen = [part.strip() for part in text.split(",") if part.strip()]
        if unknown := sorted(set(chosen) - set(known)):
            raise InputError(f"Unknown: {', '.join(unknown)}.", f"Known ones: {', '.join(known)}.")
        return chosen

    return checked(some)


def parsed(arguments: Sequence[str] | None) -> Namespace:
    options = parser("fidelity", __doc__)
    options.formatter_class = RawDescriptionHelpFormatter
    add_model_options(options)
    options.add_argument("--unet", type=Path, help="another denoiser for the backbone: its folder, or that of its training")
    options.add_argument("--pictures", type=int, default=2048, help="of each set; 512 for quick comparisons")
    options.add_argument("--reference", type=int, default=4096, help="other rendered scenes, which the sets are held against")
    options.add_argument("--seed", type=int, default=0, help="of the scenes")
    options.add_argument("--sets", type=names(SETS), default=list(SETS), help=f"of {', '.join(SETS)}, split by commas")
    options.add_argument("--skip", type=names(FIGURES), default=[], help=f"figures to leave out, of {', '.join(FIGURES)}")
    options.add_argument("--set", dest="settings", type=checked(setting), action="append", default=[], metavar="NAME=VALUE",
                         help="any other setting of EmotiCrafter.generate; may be given several times")  # fmt: skip
    options.add_argument(
        "--cache", type=Path, default=ROOT / "build" / "fidelity", help="keeps what is rendered, and face readers"
    )
    options.add_argument(
        "--drawn", type=Path, help="a folder that keeps generated pictures, used again if they would be the same"
    )
    given = options.parse_args(arguments)
    given.settings = dict(given.settings)
    if given.smoke:
        given.pictures, given.reference, given.steps = 8, 12, 1
    return given


def main(arguments: Sequence[str] | None = None) -> None:
    given = parsed(arguments)
    report = Report("fidelity", given)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(given, Path(folder))
        rows = measured(bench, given.sets)
        report.figures = {
            "block": BLOCK,
            "size": bench.model.size,
            "model": bench.model.describe(),
            "judges": {kind: judge.figures for kind, judge in bench.judges.items()},
            "sprites": type(bench.sprites).__name__,
            "rows": rows,
        }
        if bench.wanted("sheet"):
            draw_sheet(bench.first("eit"), sheet := report.path.with_suffix(".webp"))
            shown = [{"prompt": case.neutral, "emotion": str(case.emotion)} for case in bench.cases[: SHEET * SHEET]]
            report.figures |= {"sheet": sheet.name, "shown": shown}
    add_bars(report, rows.get("eit", {}))
    report.finish(*tables(rows))


def add_bars(report: Report, row: dict[str, Any]) -> None:
    """The BARS, as far as they were measured."""
    for name, key, figure, bound in BARS:
        if key in row:
            report.bar(name, row[key].get(figure), **bound)


def tables(rows: dict[str, dict[str, Any]]) -> list[Table]:
    """What is printed, a line for each set."""
    shown = (
        ("other rendered scenes", ("features", "local"), {
            "Fréchet": "frechet", "precision": "precision", "recall": "recall", "with k = 5": "precision_5", " ": "recall_5",
            "local": "local_frechet", "nearest": "nearest",
        }),
        ("subjects gone, and told apart", ("missing", "told_apart"), {"of one": "one", "of two": "two", "error": "error"}),
        ("faces", ("faces",), {name: name for name in ("found", *faces.PARTS, "agree", "chance")}),
    )  # fmt: skip
    made = []
    for title, keys, columns in shown:
        merged = {name: {k: v for key in keys for k, v in row.get(key, {}).items()} for name, row in rows.items()}
        if any(merged.values()):
            lines = [(name, *(row.get(column) for column in columns.values())) for name, row in merged.items()]
            made.append(table(title, ("", *columns), lines))
    return made


if __name__ == "__main__":
    main()
