"""The way from a suite to a report: train, generate, judge, measure, compare, report.

Each stage knows by content what it was made from: what is unchanged is not done again, and a killed run goes on where it was.

    REPORT/report.html, report.json
    REPORT/work/trained/KEY         runs of `emoticrafter train`, known by their recipe
    REPORT/work/pictures/METHOD-KEY folders of `emoticrafter batch`
    REPORT/work/read/JUDGES.parquet what the judges read from each picture
    REPORT/work/measured/METHOD.json  its figures, each known by its version and what it was computed from
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.errors import EmotiCrafterError, InputError, OutputError
from emoticrafter.evaluation import comparing, figures
from emoticrafter.evaluation.evidence import Evidence, spread_over, visible_threshold, zero_rows
from emoticrafter.evaluation.methods import ALWAYS_ZERO, NEUTRAL, Compared, Notes, Opener, Producer, truth_of
from emoticrafter.evaluation.pictures import PictureRow
from emoticrafter.evaluation.readings import Judges, read_pictures
from emoticrafter.evaluation.report import document
from emoticrafter.files import atomic_path, check_folder, names_in, safe_name
from emoticrafter.inputs.records import read_record
from emoticrafter.judges import open_judge, storybook_judges
from emoticrafter.judges.trust import prepare, require_trust
from emoticrafter.locks import LOCK, busy, hold
from emoticrafter.metrics.distances import open_distance
from emoticrafter.version import installed_version
from emoticrafter.watch import SILENT, Watch

if TYPE_CHECKING:
    from emoticrafter.evaluation.cases import Case
    from emoticrafter.evaluation.suite import Suite
    from emoticrafter.metrics.distances import Distance

__all__ = ["Elsewhere", "Evaluated", "Opener", "check_report", "check_suite", "evaluate", "open_judges"]

WORK = "work"
_MAX_BYTES = 1 << 28  # of a file of JSON


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Pictures drawn elsewhere, as `pictures.find_pictures` gives them, and what the report calls them."""

    label: str
    pictures: Sequence[PictureRow]


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
    elsewhere: Elsewhere | None = None,
    command: str = "",
    watch: Watch = SILENT,
    quiet: bool = True,
) -> Evaluated:
    """Everything, into the folder `out`. opener: opens what is drawn with; None draws nothing, so that only pictures drawn
    elsewhere are scored. quiet: trainings, which have a display of their own, show nothing.

    Raises StoppedError, after which the same call goes on, and what batch, training and judges raise; OutputError for a folder
    that holds other things.
    """
    check_report(out)
    check_suite(suite, drawn=opener is not None, elsewhere=elsewhere.label if elsewhere is not None else None)
    with hold(out / LOCK, *busy(out)):
        return _Run(
            suite=suite, cases=list(cases), out=out, judges=judges, opener=opener, name=name, doubt=doubt, command=command,
            watch=watch, quiet=quiet,
        ).all(elsewhere)  # fmt: skip


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

    def all(self, elsewhere: Elsewhere | None) -> Evaluated:
        rows = [Compared(label=ALWAYS_ZERO, source=ALWAYS_ZERO, method=False)]
        if self.opener is not None:
            rows += Producer(
                suite=self.suite, cases=self.cases, work=self.out / WORK, opener=self.opener, notes=self.notes,
                watch=self.watch, quiet=self.quiet,
            ).rows()  # fmt: skip
        if elsewhere is not None:
            rows.append(Compared(label=elsewhere.label, source="pictures", method=True, pictures=elsewhere.pictures))
        rows = self._read(rows)
        return self._report(rows, self._measured(rows))

    # -- judge and measure -------------------------------------------------------------------------------------------------

    def _read(self, rows: Sequence[Compared]) -> list[Compared]:
        began = time.perf_counter()
        pictures = [one for row in rows for one in row.all_pictures()]
        readings, read_now = read_pictures(pictures, self.judges, self.out / WORK / "read", self.watch)
        self.notes.add("judge", "", began, read_now == 0, pictures=read_now)
        return [row.with_readings(readings) for row in rows]

    def _measured(self, rows: Sequence[Compared]) -> dict[str, dict[str, Any]]:
        distance = open_distance(self.suite.metrics.distance)
        neutral = next((row.pictures for row in rows if row.label == NEUTRAL), None)
        threshold = None
        if neutral is not None and self.suite.metrics.step_prompts:
            threshold = visible_threshold(neutral, distance)
        return {row.label: self._measure(row, neutral, distance, threshold) for row in rows}

    def _measure(
        self, row: Compared, neutral: Sequence[PictureRow] | None, distance: Distance, threshold: float | None
    ) -> dict[str, Any]:
        """What the report says of a row, and what the page shows of it beside."""
        self.watch.check()
        began = time.perf_counter()
        path = self.out / WORK / "measured" / f"{safe_name(row.label, 40)}.json"
        evidence = self._evidence(row, neutral, distance, threshold)
        if not evidence.grid:
            raise InputError(f"None of the pictures of {row.label!r} is at an emotion and a seed of the suite.", "Look at them.")
        kept = _load(path).get("figures")
        kept = kept if isinstance(kept, dict) else {}
        before = dict(kept)
        try:
            done = figures.measure(evidence, kept)
        finally:
            if kept != before:
                _write(path, {"figures": kept})
        curve = self._curve(row, evidence)
        self.notes.add("measure", row.label, began, not done, figures=done)
        return document.row_of(row, evidence, kept, threshold=threshold, curve=curve, worst=self.suite.show.worst)

    def _evidence(
        self, row: Compared, neutral: Sequence[PictureRow] | None, distance: Distance, threshold: float | None
    ) -> Evidence:
        emotions = self.suite.emotions
        if row.label == ALWAYS_ZERO:
            pictures: Sequence[PictureRow] = zero_rows(self.cases, emotions)
        else:
            pictures = spread_over(row.pictures, emotions) if row.label == NEUTRAL else row.pictures
        return Evidence(
            label=row.label,
            pictures=pictures,
            neutral=None if neutral is None else [one for one in neutral if one.seed in emotions.seeds],
            emotions=emotions,
            metrics=self.suite.metrics,
            who=self.judges.describe(),
            distance=distance,
            threshold=threshold,
            watch=self.watch,
        )

    def _curve(self, row: Compared, evidence: Evidence) -> list[dict[str, Any]]:
        """The points of error against content at each strength, on the suite's first prompts."""
        if not row.sweep or evidence.neutral is None:
            return []
        few = {case.id for case in self.cases[: self.suite.sweep.prompts]}
        neutral = [one for one in evidence.neutral if one.case.id in few]
        strengths = {float(row.describe["strength"]): [one for one in row.pictures if one.case.id in few], **row.sweep}
        return [
            {"strength": strength, **figures.curve_point(replace(evidence, pictures=strengths[strength], neutral=neutral))}
            for strength in sorted(strengths)
        ]

    # -- compare and report ------------------------------------------------------------------------------------------------

    def _report(self, rows: Sequence[Compared], beside: Mapping[str, dict[str, Any]]) -> Evaluated:
        from emoticrafter.evaluation.report import page

        self.watch.check()
        began = time.perf_counter()
        compared = comparing.compare(beside)
        verdicts = comparing.verdicts(beside, compared, self.suite.bars)
        self.notes.add("compare", "", began, False)
        began = time.perf_counter()
        made = document.assemble(
            self.suite, self.cases, self.judges, beside, compared, verdicts,
            name=self.name, doubt=self.doubt, command=self.command,
        )  # fmt: skip
        html, text = self.out / "report.html", self.out / "report.json"
        pictures = {row.label: row.pictures for row in rows}
        key = _key(installed_version(), document.lasting(made), [sorted(one.key for one in some) for some in pictures.values()])
        state = self.out / WORK / "report.json"
        before = _load(text)
        same = document.lasting(before) == json.loads(json.dumps(document.lasting(made)))
        if same and _load(state).get("key") == key and html.is_file():
            self.notes.add("report", "", began, True)
            return Evaluated(html=html, json=text, report=before, stages=self.notes.stages)
        with atomic_path(html, force=True) as temporary:
            temporary.write_text(page.write_page(made, beside, pictures, self.suite, self.cases), encoding="utf-8")
        _write(text, made, indent=1)
        _write(state, {"key": key})
        self.notes.add("report", "", began, False)
        return Evaluated(html=html, json=text, report=made, stages=self.notes.stages)


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


def check_suite(suite: Suite, *, drawn: bool, elsewhere: str | None) -> None:
    """Raise what would come up at the end of an evaluation and is known at its beginning.

    drawn: whether the suite's methods are. elsewhere: the label of pictures drawn elsewhere, where there are any.
    """
    open_distance(suite.metrics.distance)
    labels = [ALWAYS_ZERO]
    if drawn:
        labels += [NEUTRAL, truth_of(suite), *(method.name for method in suite.methods)]
    if elsewhere in labels:
        raise InputError(f"Two rows are called {elsewhere!r}.", "Give the pictures another --name.")


def _key(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


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
