"""What judges read from pictures, kept by the content of the picture and the judges, so that none is read twice."""

# n pictures, k kinds of subjects

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emoticrafter.data.parquet import check_columns, read_parquet
from emoticrafter.errors import EmotiCrafterError
from emoticrafter.evaluation.pictures import PictureRow, Reading
from emoticrafter.files import atomic_path
from emoticrafter.judges.storybook import Seen
from emoticrafter.metrics.clip import QUALITY, clip_iqa, clip_score
from emoticrafter.watch import SILENT, Watch

if TYPE_CHECKING:
    from emoticrafter.judges.clip import ClipModel
    from emoticrafter.judges.trust import Judge

__all__ = ["Judges", "read_pictures"]

AT_ONCE = 256  # pictures between two writings of what was read
_COLUMNS = {
    "key": "string", "valence": "double", "arousal": "double", "place": "string", "people": "double", "clip_score": "double",
    "clip_iqa": "double",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Judges:
    """Who reads. content: anything with `contents(pictures)` and `describe()`, as `judges.storybook.ContentJudge`."""

    emotion: Judge
    content: Any | None = None
    clip: ClipModel | None = None

    def describe(self) -> dict[str, Any]:
        """JSON values that tell these judges from others."""
        return {
            "emotion": dict(self.emotion.describe()),
            "content": dict(self.content.describe()) if self.content is not None else None,
            "clip": {"name": self.clip.name, "sha256": self.clip.fingerprint} if self.clip is not None else None,
        }

    @property
    def hash(self) -> str:
        """Sixteen hexadecimal digits of the description."""
        return hashlib.sha256(json.dumps(self.describe(), sort_keys=True, default=str).encode()).hexdigest()[:16]


def read_pictures(
    rows: Sequence[PictureRow], judges: Judges, folder: Path, watch: Watch = SILENT
) -> tuple[dict[str, Reading], int]:
    """What the judges read from each picture, by `PictureRow.key`, and how many were read now: those in the folder's table are
    not read again.

    Stopped early by a StoppedError, the table holds what was read until then.
    """
    path = folder / f"{judges.hash}.parquet"
    kept = _load(path)
    missing = list({row.key: row for row in rows if row.key not in kept}.values())
    step = watch.stage("judging")
    for begin in range(0, len(missing), AT_ONCE):
        watch.check()
        some = missing[begin : begin + AT_ONCE]
        kept.update(zip((row.key for row in some), _read(some, judges), strict=True))
        _save(kept, path)
        step(begin + len(some), len(missing))
    return {row.key: kept[row.key] for row in rows}, len(missing)


def _read(rows: Sequence[PictureRow], judges: Judges) -> list[Reading]:
    files = [row.file for row in rows if row.file is not None]
    emotions = judges.emotion.emotions(files)
    seen = judges.content.contents(files) if judges.content is not None else [None] * len(files)
    scores: Sequence[Any] = [None] * len(files)
    qualities: Sequence[Any] = [None] * len(files)
    if judges.clip is not None:
        pictures = judges.clip.pictures(files)
        scores = clip_score(pictures, judges.clip.texts([row.case.prompt for row in rows])).tolist()
        good, bad = judges.clip.texts(list(QUALITY))
        qualities = clip_iqa(pictures, good, bad, judges.clip.scale).tolist()
    return [
        Reading(valence=float(v), arousal=float(a), seen=what, clip_score=score, clip_iqa=quality)
        for (v, a), what, score, quality in zip(np.asarray(emotions), seen, scores, qualities, strict=True)
    ]


def _load(path: Path) -> dict[str, Reading]:
    """What an earlier run kept; nothing where there is none, or where it cannot be read: then it is read again."""
    try:
        rows = check_columns(read_parquet(path)[0], _COLUMNS, {"key", "valence", "arousal"}).to_pylist()
        return {row["key"]: _row_read(row) for row in rows}
    except (EmotiCrafterError, ValueError, TypeError):
        return {}


def _row_read(row: Mapping[str, Any]) -> Reading:
    seen = None
    if row["place"] is not None:
        seen = Seen(place=row["place"], subjects=tuple(row["subjects"]), people=float(row["people"]))
    return Reading(
        valence=row["valence"], arousal=row["arousal"], seen=seen, clip_score=row["clip_score"], clip_iqa=row["clip_iqa"]
    )


def _save(kept: Mapping[str, Reading], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    all_read = list(kept.values())
    table = pa.table(
        {
            "key": pa.array(list(kept), pa.string()),
            "valence": pa.array([one.valence for one in all_read], pa.float64()),
            "arousal": pa.array([one.arousal for one in all_read], pa.float64()),
            "place": pa.array([one.seen.place if one.seen else None for one in all_read], pa.string()),
            "subjects": pa.array([list(one.seen.subjects) if one.seen else None for one in all_read], pa.list_(pa.string())),
            "people": pa.array([one.seen.people if one.seen else None for one in all_read], pa.float64()),
            "clip_score": pa.array([one.clip_score for one in all_read], pa.float64()),
            "clip_iqa": pa.array([one.clip_iqa for one in all_read], pa.float64()),
        }
    )
    with atomic_path(path, force=True) as temporary:
        pq.write_table(table, temporary)
