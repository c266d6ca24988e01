"""Features without their padding: bytes of the store and speed of its reading, against the same features with it, in one run.

The text encoders are storybook's, which look at the padding; here they are taken as if they did not, as those of models whose
prompts come with masks. Read are batches of random pairs as a training reads them, both prompts of each.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.common import Report, clocked, parser, table
from benchmarks.encoding import storybook_pairs
from emoticrafter.backbones.base import PromptEncoder
from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.backbones.registry import open_encoder
from emoticrafter.features.encoding import write_features
from emoticrafter.features.store import FeatureStore

WITH, WITHOUT = "with padding", "without"


class IgnoringPadding:
    """A text encoder as if what fills up a prompt meant nothing to its model."""

    ignores_padding = True

    def __init__(self, encoder: PromptEncoder) -> None:
        self.encoder = encoder

    def __getattr__(self, name: str) -> Any:
        return getattr(self.encoder, name)

    def encode(self, prompts: Sequence[str]) -> PromptFeatures:
        """See `PromptEncoder.encode`."""
        from torch import tensor

        from emoticrafter.masks import mask_of

        tokens = self.encoder.encode(prompts).tokens
        lengths = tensor(self.encoder.lengths(prompts), device=tokens.device)
        return PromptFeatures.of(tokens, mask=mask_of(lengths, tokens.shape[1]))


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser("ragged", __doc__)
    options.add_argument("--backbone", default="storybook", help="storybook, or a pipeline folder")
    options.add_argument("--pairs", type=int, default=2000)
    options.add_argument("--batch", type=int, default=64, help="pairs read at once")
    options.add_argument("--batches", type=int, default=60, help="read per repeat")
    options.add_argument("--repeats", type=int, default=7, help="of each store in turn; the median counts")
    given = options.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        if given.smoke:
            given.__dict__ |= {"pairs": 24, "batch": 8, "batches": 2, "repeats": 1}
        report = Report("ragged", given)
        report.figures = measure(given, Path(name))
    rows = report.figures["rows"]
    keys = ("bytes", "pairs_per_second", "times_the_bytes", "times_the_speed")
    lines = [(label, *(row[key] for key in keys)) for label, row in rows.items()]
    title = f"{report.figures['tokens']} tokens, {report.figures['own_tokens_per_prompt']:.1f} of them a prompt's own"
    report.finish(table(title, ("", "bytes", "pairs/s read", "times the bytes", "times the speed"), lines))


def measure(given: Any, folder: Path) -> dict[str, Any]:
    encoder = open_encoder(given.backbone, device="cpu")
    pairs = storybook_pairs(given.pairs)
    own = np.stack([encoder.lengths(pairs[name].tolist()) for name in ("neutral_prompt", "emotional_prompt")])
    pairs = pairs[own.max(axis=0) <= encoder.section]  # the others would be cut at a word's end, short of the section
    stores: dict[str, FeatureStore] = {}
    rows: dict[str, dict[str, Any]] = {}
    for label, one in ((WITH, encoder), (WITHOUT, IgnoringPadding(encoder))):
        written = write_features(pairs, folder / label, one, long="refuse")  # type: ignore[arg-type]
        stores[label], rows[label] = FeatureStore.open(folder / label), {"bytes": written.bytes, "seconds": []}
    rng = np.random.default_rng(0)
    numbers = stores[WITH].pairs[["neutral", "emotional"]].to_numpy()
    batches = [numbers[rng.integers(0, len(numbers), given.batch)].ravel() for _ in range(given.batches)]

    def read(label: str) -> None:
        for batch in batches:
            stores[label].stream(batch)

    for label in stores:  # so that both lie in the system's cache
        read(label)
    for _ in range(given.repeats):  # in turn, so that a busy moment of the machine falls on both
        for label, row in rows.items():
            row["seconds"] += clocked(lambda label=label: read(label))  # type: ignore[misc]
    for row in rows.values():
        row["pairs_per_second"] = given.batch * given.batches / median(row["seconds"])
        row["times_the_bytes"] = row["bytes"] / rows[WITH]["bytes"]
        row["times_the_speed"] = row["pairs_per_second"] / rows[WITH]["pairs_per_second"]
    manifest = stores[WITHOUT].manifest
    about = {"tokens": manifest.tokens, "own_tokens_per_prompt": (manifest.own_tokens or 0) / manifest.prompts}
    return {**about, "saved_bytes": manifest.saved_bytes, "rows": rows}


if __name__ == "__main__":
    main()
