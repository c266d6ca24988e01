"""The way from a suite to a report: train, generate, judge, measure, compare, report.

Each stage knows by content what it was made from: what is unchanged is not done again, and a killed run goes on where it was.

    REPORT/report.html, report.json
    REPORT/work/trained/KEY         runs of `emoticrafter train`, known by their recipe
    REPORT/work/pictures/METHOD-KEY folders of `emoticrafter batch`
    REPORT/work/read/JUDGES.parquet what the judges read from each picture
    REPORT/work/measured/METHOD.json
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emoticrafter.errors import EmotiCrafterError, InputError, OutputError
from emoticrafter.evaluation import comparing, makers, measuring
from emoticrafter.evaluation.gathered import Gathered
from emoticrafter.evaluation.reading import Judges, Read, read_pictures
from emoticrafter.evaluation.rows import Notes, Opener, Producer, Row, shown
from emoticrafter.files import atomic_path, check_folder, names_in, safe_name
from emoticrafter.inputs.records import read_record
from emoticrafter.judges import open_judge, storybook_judges
from emoticrafter.judges.trust import prepare, require_trust
from emoticrafter.locks import LOCK, busy, hold
from emoticrafter.metrics.distances import open_distance
from emoticrafter.settings import as_dict
from emoticrafter.version import installed_version
from emoticrafter.watch import SILENT, Watch

if TYPE_CHECKING:
    from emoticrafter.evaluation.cases import Case
    from emoticrafter.evaluation.suite import Suite
    from emoticrafter.metrics.distances import Distance

__all__ = ["Evaluated", "Foreign", "Opener", "check_report", "check_suite", "evaluate", "open_judges"]

VERSION = 1  # of the figures: another number has all of them measured again
WORK = "work"
_MAX_BYTES = 1 << 28  # of a file of JSON
_DECIDE_NOTHING = {"about", "bars", "training", "methods"}  # of the suite, about what is measured of a method's pictures


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """Pictures made elsewhere: rows as `foreign.find_pictures` gives them, and what the report calls them."""

    label: str
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """html, json: the report. report: what the JSON says. stages: what was done and what was unchanged, with seconds."""

    html: Path
    json: Path
    report: dict[str, Any]
    stages: list[dict[str, Any]]


def open_judges(suite: Suite, force: bool = False, device: str = "cpu") -> tuple[Judges, str | None]:
    """The suite's judges, and the sentence that a report by a bad one must carry. Raises InputError for a bad one."""
    emotion = open_judge(suite.judge.emotion, device=device)
    doubt = require_trust(emotion, force)
    prepare(emotion)
    content = storybook_judges(device=device).content if suite.judge.content == "storybook" else None
    clip = None
    if suite.judge.clip is not None:
        from emoticrafter.judges.clip import ClipModel

        clip = ClipModel(suite.judge.clip, device=device)
    return Judges(emotion=emotion, content=content, clip=clip), doubt


def evaluate(
    suite: Suite,
    cases: Sequence[Case],
    out: Path,
    judges: Judges,
    opener: Opener | None,
    *,
    name: str,
    doubt: str | None = None,
    foreign: Foreign | None = None,
    command: str = "",
    watch: Watch = SILENT,
    quiet: bool = True,
) -> Evaluated:
    """Everything, into the folder `out`. opener: opens what is drawn with; None draws nothing, so that only `foreign` is scored.
    quiet: trainings, which have a display of their own, show nothing.

    Raises StoppedError, after which the same call goes on, and what batch, training and judges raise; OutputError for a folder
    that holds other things.
    """
    check_report(out)
    check_suite(suite, drawn=opener is not None, foreign=foreign.label if foreign is not None else None)
    with hold(out / LOCK, *busy(out)):
        return _Run(
            suite=suite, cases=list(cases), out=out, judges=judges, opener=opener, name=name, doubt=doubt, command=command,
            watch=watch, quiet=quiet,
        ).all(foreign)  # fmt: skip


@dataclass(kw_only=True)
class _Run:
    suite: Suite
    cases: list[Case]
    out: Path
    judges: Judges
    opener: Opener | None
    name: str
    doubt: str | None
    command: str
    watch: Watch
    quiet: bool
    notes: Notes = field(default_factory=Notes)

    def all(self, foreign: Foreign | None) -> Evaluated:
        rows = [Row(label=makers.ALWAYS_ZERO, source=makers.ALWAYS_ZERO, method=False)]
        if self.opener is not None:
            rows += Producer(
                suite=self.suite, cases=self.cases, work=self.out / WORK, opener=self.opener, notes=self.notes,
                watch=self.watch, quiet=self.quiet,
            ).rows()  # fmt: skip
        if foreign is not None:
            rows.append(Row(label=foreign.label, source="pictures", method=True, pictures=[dict(one) for one in foreign.rows]))
        read = self._read(rows)
        measured = self._measured(rows, read)
        return self._report(rows, measured)

    # -- judge and measure -------------------------------------------------------------------------------------------------

    def _read(self, rows: Sequence[Row]) -> dict[str, Read]:
        began = time.perf_counter()
        wanted = [shown(one) for row in rows for one in row.all_pictures()]
        found, done = read_pictures(wanted, self.judges, self.out / WORK / "read", self.watch)
        self.notes.add("judge", "", began, done == 0, pictures=done)
        return found

    def _measured(self, rows: Sequence[Row], read: Mapping[str, Read]) -> dict[str, dict[str, Any]]:
        distance = self._distance()
        neutral = next((self._gather(row.pictures, read) for row in rows if row.label == makers.NEUTRAL), None)
        threshold = None
        if neutral is not None and self.suite.metrics.step_prompts:
            threshold = measuring.visible_threshold(neutral, distance)
        found = {}
        for row in rows:
            self.watch.check()
            found[row.label] = self._measure(row, read, neutral, distance, threshold)
        return found

    def _measure(
        self, row: Row, read: Mapping[str, Read], neutral: Gathered | None, distance: Distance, threshold: float | None
    ) -> dict[str, Any]:
        began = time.perf_counter()
        path = self.out / WORK / "measured" / f"{safe_name(row.label, 40)}.json"
        base = neutral.files if neutral is not None else None
        key = self._key(
            row.label, [sorted(shown(one).key for one in row.pictures)], [str(file.name) for file in base or ()],
            [[factor, sorted(shown(one).key for one in more)] for factor, more in row.sweep.items()], distance.name, threshold,
        )  # fmt: skip
        kept = _load(path)
        if kept.get("key") == key and measuring.is_whole(kept.get("found")):
            self.notes.add("measure", row.label, began, True)
            return dict(kept["found"])
        emotions = self.suite.emotions
        if row.label == makers.ALWAYS_ZERO:
            gathered = Gathered.of_constant(self.cases, emotions)
        else:
            gathered = self._gather(row.pictures, read)
        if row.label == makers.NEUTRAL:
            gathered = gathered.spread_over(emotions)
        if not len(gathered.on_grid(emotions)):
            raise InputError(f"None of the pictures of {row.label!r} is at an emotion and a seed of the suite.", "Look at them.")
        on_seeds = neutral.rows(np.flatnonzero(np.isin(neutral.seeds, emotions.seeds))) if neutral is not None else None
        step = self.watch.stage(f"measuring {row.label}")
        found = measuring.measure(gathered, on_seeds, self.suite, distance, threshold=threshold, step=step)
        found["threshold"] = threshold
        if row.sweep and on_seeds is not None:
            few = {case.id for case in self.cases[: self.suite.sweep.prompts]}
            first = gathered.rows([i for i, case in enumerate(gathered.cases) if case.id in few])
            base_few = on_seeds.rows([i for i, case in enumerate(on_seeds.cases) if case.id in few])
            curve = {float(row.describe["strength"]): first}
            curve |= {strength: self._gather(more, read) for strength, more in row.sweep.items()}
            found["curve"] = [
                {"strength": strength, **measuring.measure_point(curve[strength], base_few, self.suite)}
                for strength in sorted(curve)
            ]
        _write(path, {"key": key, "found": found})
        self.notes.add("measure", row.label, began, False)
        return found

    def _gather(self, pictures: Sequence[Mapping[str, Any]], read: Mapping[str, Read]) -> Gathered:
        known = {case.prompt: case for case in self.cases}
        pictures = [one for one in pictures if one["prompt"] in known]
        found = [read[shown(one).key] for one in pictures]
        return Gathered(
            cases=[known[one["prompt"]] for one in pictures],
            requested=np.array([(one["valence"], one["arousal"]) for one in pictures], np.float64).reshape(-1, 2),
            judged=np.array([(one.valence, one.arousal) for one in found], np.float64).reshape(-1, 2),
            seeds=np.array([one["seed"] for one in pictures], np.int64),
            read=found,
            files=[Path(one["file"]) for one in pictures],
        )

    def _distance(self) -> Distance:
        return open_distance(self.suite.metrics.distance)

    # -- compare and report ------------------------------------------------------------------------------------------------

    def _report(self, rows: Sequence[Row], measured: Mapping[str, dict[str, Any]]) -> Evaluated:
        from emoticrafter.evaluation import page, report

        self.watch.check()
        began = time.perf_counter()
        beside = {row.label: {**measured[row.label], **_about(row)} for row in rows}
        compared = comparing.compare(beside)
        verdicts = comparing.verdicts(beside, compared, self.suite.bars)
        self.notes.add("compare", "", began, False)
        began = time.perf_counter()
        made = report.assemble(
            self.suite, self.cases, self.judges, beside, compared, verdicts,
            name=self.name, doubt=self.doubt, command=self.command, measure_version=VERSION,
        )  # fmt: skip
        html, text = self.out / "report.html", self.out / "report.json"
        grids = {row.label: [*row.pictures] for row in rows}
        key = self._key(report.lasting(made), sorted(beside), [sorted(shown(x).key for x in more) for more in grids.values()])
        state = self.out / WORK / "report.json"
        before = _load(text)
        same = report.lasting(before) == json.loads(json.dumps(report.lasting(made)))
        if same and _load(state).get("key") == key and html.is_file():
            self.notes.add("report", "", began, True)
            return Evaluated(html=html, json=text, report=before, stages=self.notes.stages)
        with atomic_path(html, force=True) as temporary:
            temporary.write_text(page.write_page(made, beside, grids, self.suite, self.cases), encoding="utf-8")
        _write(text, made, indent=1)
        _write(state, {"key": key})
        self.notes.add("report", "", began, False)
        return Evaluated(html=html, json=text, report=made, stages=self.notes.stages)

    def _key(self, *parts: Any) -> str:
        decides = {name: value for name, value in as_dict(self.suite).items() if name not in _DECIDE_NOTHING}
        about = [VERSION, installed_version(), decides, self.judges.describe()]
        text = json.dumps([about, [case.prompt for case in self.cases], parts], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def _about(row: Row) -> dict[str, Any]:
    return {"source": row.source, "method": row.method, "describe": row.describe, "budget": row.budget}


def check_report(out: Path) -> None:
    """Raise OutputError for a folder that a report cannot be written into: one of other files, or one that cannot be made."""
    if out.exists() and not out.is_dir():
        raise OutputError(f"The output {str(out)!r} is a file.", "Give a folder.")
    known = {WORK, "report.html", "report.json", LOCK}
    names = names_in(out)
    others = sorted(name for name in names - known if ".tmp" not in name)
    if others and not names & known:
        raise OutputError(f"The folder {str(out)!r} holds other files, as {others[0]!r}.", "Give an empty or new folder.")
    check_folder(out)


def check_suite(suite: Suite, *, drawn: bool, foreign: str | None) -> None:
    """Raise what would come up at the end of an evaluation and is known at its beginning.

    drawn: whether the suite's methods are. foreign: the label of pictures made elsewhere, where there are any.
    """
    open_distance(suite.metrics.distance)
    labels = [makers.ALWAYS_ZERO]
    if drawn:
        labels += [makers.NEUTRAL, makers.truth_of(suite), *(method.name for method in suite.methods)]
    if foreign in labels:
        raise InputError(f"Two rows are called {foreign!r}.", "Give the pictures another --name.")


def _load(path: Path) -> dict[str, Any]:
    """What a file of an earlier run holds; nothing where there is none, or one that cannot be read: it is made again then."""
    try:
        return dict(read_record(path, most=_MAX_BYTES))
    except EmotiCrafterError:
        return {}


def _write(path: Path, value: Any, indent: int | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path, force=True) as temporary:
        temporary.write_text(json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
