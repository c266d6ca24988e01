"""Training of a head on annotated pictures, and how good it is by cross-validation."""

# n rows of annotations, p pictures, c channels of the tower

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from emoticrafter.data.tables import read_table
from emoticrafter.data.values import picture_below
from emoticrafter.errors import EmotiCrafterError, InputError, MissingError
from emoticrafter.files import atomic_path, cache_directory
from emoticrafter.inputs.arrays import read_array
from emoticrafter.inputs.named import file_hash
from emoticrafter.inputs.pictures import READ_AS, batches
from emoticrafter.judges.clip import CLIP, ClipModel
from emoticrafter.judges.head import Head
from emoticrafter.judges.trust import Trust, measure_trust
from emoticrafter.watch import SILENT, Watch

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HEADS", "Annotated", "cached_features", "check_folds", "cross_validate", "fit_head", "read_annotated", "train_judge"]

HeadKind = Literal["linear", "mlp"]
HEADS: tuple[HeadKind, ...] = ("linear", "mlp")
HIDDEN = 64  # of an mlp
ALPHAS = tuple(10.0**k for k in range(-2, 6))  # of the ridge, chosen by leaving one out
CHUNK = 256  # pictures whose features are kept in one file
Layers = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Annotated:
    """Annotated pictures. emotions: float (n, 2); pictures: the p different files; picture_of: int (n,), the file of each row."""

    emotions: np.ndarray
    pictures: list[Path]
    picture_of: np.ndarray
    datasets: tuple[str, ...]
    left_out: int


def read_annotated(table: Path, folder: Path, *, skip_missing: bool = False) -> Annotated:
    """The rows of a table of annotations (data.tables) and their pictures below `folder`.

    Raises MissingError where pictures are not there, unless they are skipped, and InputError for a table without pictures.
    """
    rows, _ = read_table(table, "annotations")
    named = rows[rows["picture"].notna()]
    files = {str(name): picture_below(folder, str(name)) for name in named["picture"].unique()}
    absent = [name for name, path in files.items() if not path.is_file()]
    if absent and not skip_missing:
        raise MissingError(
            f"{len(absent)} of {len(files)} pictures are not in {str(folder)!r}, such as {absent[0]!r}.",
            "Give their folder with --pictures, or leave them out with --skip-missing.",
        )
    kept = named[~named["picture"].isin(absent)]
    names = [str(name) for name in kept["picture"].unique()]
    if not names:
        raise InputError(f"{str(table)!r} has no row with a picture that is there.", "Give annotations of pictures.")
    numbers = {name: i for i, name in enumerate(names)}
    return Annotated(
        emotions=_emotions(kept),
        pictures=[files[name] for name in names],
        picture_of=np.array([numbers[str(name)] for name in kept["picture"]], np.int64),
        datasets=tuple(sorted({str(name) for name in kept["dataset"].dropna()})),
        left_out=len(rows) - len(kept),
    )


def cached_features(tower: ClipModel, pictures: Sequence[Path], cache: Path | None = None, watch: Watch = SILENT) -> np.ndarray:
    """The features (p, c) of pictures, computed once: kept by the content of the files and the weights of the tower.

    cache: the folder, by default clip-features in the program's cache. A killed run goes on at the chunk that it was at.
    """
    cache = cache_directory() / "clip-features" if cache is None else cache
    parts, done = [np.zeros((0, tower.channels), np.float32)], 0
    step = watch.stage("reading")
    for some in batches(pictures, CHUNK):
        watch.check()
        digest = hashlib.sha256(f"{tower.fingerprint}/{tower.settings}/{READ_AS}".encode())
        for path in some:
            digest.update(bytes.fromhex(file_hash(path, "picture")))  # type: ignore[arg-type]
        kept = cache / f"{digest.hexdigest()}.npy"
        found = _kept(kept, (len(some), tower.channels))
        if found is None:
            found = tower.pictures(some)
            with atomic_path(kept, force=True) as temporary:
                np.save(temporary, found)
        parts.append(found)
        done += len(some)
        step(done, len(pictures))
    return np.concatenate(parts)


def fit_head(features: np.ndarray, emotions: np.ndarray, kind: HeadKind, seed: int = 0) -> Layers:
    """The layers of a head for features (n, c), at length 1, and emotions (n, 2).

    linear: ridge regression of standardised features, its strength chosen by leaving one out, for each axis by itself. mlp: one
    hidden layer of 64 with ReLU, stopped early on a tenth of the rows. The standardisation is folded into the first layer.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import RidgeCV
    from sklearn.neural_network import MLPRegressor

    x = _unit(features)
    mean, sd = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-8)
    z = (x - mean) / sd
    if kind == "linear":
        ridge = RidgeCV(alphas=ALPHAS, alpha_per_target=True).fit(z, emotions)
        layers = [(np.asarray(ridge.coef_), np.asarray(ridge.intercept_))]
    else:
        mlp = MLPRegressor(
            hidden_layer_sizes=(HIDDEN,), alpha=1.0, learning_rate_init=3e-3, early_stopping=True, max_iter=300, random_state=seed
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it stops at its last round where the tenth still improves
            mlp.fit(z, emotions)
        layers = [(w.T, b) for w, b in zip(mlp.coefs_, mlp.intercepts_, strict=True)]
    weight, bias = layers[0]
    return [(weight / sd, bias - (weight / sd) @ mean), *layers[1:]]


def cross_validate(
    features: np.ndarray, emotions: np.ndarray, groups: np.ndarray, kind: HeadKind, *, folds: int = 5, seed: int = 0, of: str = ""
) -> Trust:
    """How well a head reads rows of folds that it was not fitted on; the rows of a group (picture) are in one fold.

    Raises InputError where there are fewer groups than folds, or too few rows to say anything.
    """
    from sklearn.model_selection import GroupKFold

    number = len(np.unique(groups))
    check_folds(number, folds)
    read = np.zeros_like(emotions, np.float64)
    for train, test in GroupKFold(folds, shuffle=True, random_state=seed).split(features, groups=groups):
        head = _headed(fit_head(features[train], emotions[train], kind, seed))
        read[test] = head(features[test])
    return measure_trust(
        emotions, read, f"{len(emotions)} rows of {number} pictures{of}, each read in {folds}-fold cross-validation"
    )


def check_folds(pictures: int, folds: int) -> None:
    """Raise InputError for more folds than so many pictures can be split into."""
    if folds < 2 or pictures < 2 * folds:
        raise InputError(
            f"{pictures} pictures cannot be split into {folds} folds of two or more.", "Give more pictures, or fewer --folds."
        )


def train_judge(
    table: Path,
    folder: Path,
    *,
    clip: str = CLIP,
    kind: HeadKind = "linear",
    folds: int = 5,
    seed: int = 0,
    device: str = "cpu",
    skip_missing: bool = False,
    watch: Watch = SILENT,
) -> Head:
    """Features, cross-validation, and the head fitted on all rows. Errors are those of the parts."""
    annotated = read_annotated(table, folder, skip_missing=skip_missing)
    check_folds(len(annotated.pictures), folds)
    tower = ClipModel(clip, vision_only=True, device=device)
    features = cached_features(tower, annotated.pictures, watch=watch)[annotated.picture_of]
    of = f" of {', '.join(annotated.datasets)}" if annotated.datasets else ""
    trust = cross_validate(features, annotated.emotions, annotated.picture_of, kind, folds=folds, seed=seed, of=of)
    about: dict[str, Any] = {
        "head": kind,
        "annotations": table.name,
        "rows": len(annotated.emotions),
        "pictures": len(annotated.pictures),
        "rows left out": annotated.left_out,
        "folds": folds,
        "seed": seed,
    }
    layers = fit_head(features, annotated.emotions, kind, seed)
    return Head(layers=layers, activation="none", unit=True, clip=clip, fingerprint=tower.fingerprint, trust=trust, about=about)


def _headed(layers: Layers) -> Head:
    never = Trust(validated_on="nothing", pictures=0)
    return Head(layers=layers, activation="none", unit=True, clip="", fingerprint=None, trust=never)


def _emotions(rows: pd.DataFrame) -> np.ndarray:
    return rows[["valence", "arousal"]].to_numpy(np.float64)


def _unit(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x, np.float64)
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def _kept(path: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """Features kept earlier; None if there are none, or none that fit."""
    try:
        found = read_array(path, "array of features", "Delete it.")
    except EmotiCrafterError:
        return None
    return found if found.shape == shape and found.dtype == np.float32 else None
