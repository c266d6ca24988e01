"""Prompt pairs into training features: `emoticrafter data encode` against one prompt at a time, in one run.

The way without batches is diffusers' `encode_prompt`: neutral and emotional prompt each alone, each with the empty negative
prompt. It only encodes; ours also counts tokens, writes the shards, their checksums, the index and the manifest. Two tables are
encoded: pairs that share no prompt, and pairs of which several tell one content with several emotions.
"""

from __future__ import annotations

import itertools
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import torch

from benchmarks.common import Report, clocked, parser, table
from emoticrafter.backbones.registry import open_backbone, open_encoder
from emoticrafter.features.encoding import write_features
from emoticrafter.features.store import FeatureStore
from emoticrafter.storybook.captions import caption_pair, emotional_caption, neutral_caption
from emoticrafter.storybook.scenes import sample_emotion, sample_scene

BAR = 8.0  # times as many pairs per second, of those that share no prompt
TOGETHER = 4  # emotions of one content in the other table
SINGLE, APART = "one prompt at a time, with negatives", "data encode, no prompt shared"
TOLD_OFTEN = f"data encode, {TOGETHER} emotions of each content"


def storybook_pairs(count: int, together: int = 1, seed: int = 0) -> pd.DataFrame:
    """Pairs of captions of random scenes; `together` in a row tell one scene, and share its neutral caption."""
    rng, seen = random.Random(f"encoding/{seed}"), {""}
    rows: list[dict[str, Any]] = []
    while len(rows) < count:
        scene = sample_scene(rng)
        if together == 1:
            told = [(caption_pair(scene, feeling := sample_emotion(rng), rng), feeling)]
        else:
            neutral, feelings = neutral_caption(scene, rng), [sample_emotion(rng) for _ in range(together)]
            told = [((neutral, emotional_caption(scene, feeling, rng)), feeling) for feeling in feelings]
        new = {text for pair, _ in told for text in pair}
        if seen & new or len(new) <= together:  # a caption that came before: the tables share exactly what they say
            continue
        seen |= new
        for (neutral, emotional), feeling in told:
            about = {"id": f"storybook/{len(rows)}", "dataset": "storybook", "content": neutral}
            texts = {"neutral_prompt": neutral, "emotional_prompt": emotional}
            rows.append({**about, **texts, "valence": feeling.valence, "arousal": feeling.arousal})
    return pd.DataFrame(rows[:count]).assign(tag=None, split=None, picture=None)


@torch.no_grad()
def one_at_a_time(pipeline: Any, pairs: pd.DataFrame, device: str) -> Iterator[torch.Tensor]:
    """The features (T, C) of the neutral and the emotional prompt of each pair, in float16."""
    for prompt in itertools.chain.from_iterable(zip(pairs["neutral_prompt"], pairs["emotional_prompt"], strict=True)):
        encoded = pipeline.encode_prompt(prompt, device=device, do_classifier_free_guidance=True, negative_prompt="")
        yield encoded[0][0].half().cpu()


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser("encoding", __doc__)
    options.add_argument("--backbone", default="storybook", help="storybook, or a pipeline folder")
    options.add_argument("--pairs", type=int, default=3000, help="per run of ours")
    options.add_argument("--single-pairs", type=int, default=150, help="encoded one prompt at a time, per run")
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--repeats", type=int, default=5, help="of each way in turn; the median counts")
    options.add_argument("--device", default="cpu")
    given = options.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        if given.smoke:
            from tests.tiny import build_tiny_sdxl

            given.__dict__ |= {"pairs": 24, "single_pairs": 2, "batch": 8, "repeats": 1, "device": "cpu"}
            given.backbone = str(build_tiny_sdxl(Path(name) / "tiny"))
        report = Report("encoding", given)
        report.figures = measure(given, Path(name))
    rows = report.figures["rows"]
    report.bar("pairs/s, times those of one prompt at a time", rows[APART]["times"], least=BAR)
    report.bar("largest difference of a feature, in shares of the largest", report.figures["difference"], most=2**-10)
    keys = ("pairs_per_second", "prompts_per_second", "times")
    lines = [(label, *(row[key] for key in keys)) for label, row in rows.items()]
    title = f"{given.backbone if not given.smoke else 'tiny'}, {given.device}, {torch.get_num_threads()} threads"
    report.finish(table(title, ("", "pairs/s", "distinct prompts/s", "times"), lines))


def measure(given: Any, folder: Path) -> dict[str, Any]:
    pipeline = open_backbone(given.backbone, device=given.device).pipeline  # type: ignore[attr-defined]
    encoder = open_encoder(given.backbone, device=given.device)
    tables = {APART: storybook_pairs(given.pairs), TOLD_OFTEN: storybook_pairs(given.pairs, TOGETHER)}
    tables[SINGLE] = tables[APART].head(given.single_pairs)

    def single() -> torch.Tensor:
        return torch.stack(list(one_at_a_time(pipeline, tables[SINGLE], given.device)))

    def ours(label: str) -> None:
        shutil.rmtree(folder / "features", ignore_errors=True)
        write_features(tables[label], folder / "features", encoder, batch=given.batch, long="cut")

    # Ours of the first pairs are those of the other way; this also warms both ways up.
    ours(SINGLE)
    store = FeatureStore.open(folder / "features")
    found = store.rows(store.pairs[["neutral", "emotional"]].to_numpy().ravel()).float()
    expected = single().float()[:, : encoder.section]
    difference = float((found - expected).abs().max() / expected.abs().max())

    times: dict[str, list[float]] = {label: [] for label in (SINGLE, APART, TOLD_OFTEN)}
    for _ in range(given.repeats):  # in turn, so that a busy moment of the machine falls on all of them
        times[SINGLE] += clocked(single)
        for label in (APART, TOLD_OFTEN):
            times[label] += clocked(lambda label=label: ours(label))  # type: ignore[misc]
    rows = {label: rates(tables[label], seconds) for label, seconds in times.items()}
    for row in rows.values():
        row["times"] = row["pairs_per_second"] / rows[SINGLE]["pairs_per_second"]
    return {"computed": encoder.computed, "threads": torch.get_num_threads(), "difference": difference, "rows": rows}


def rates(pairs: pd.DataFrame, seconds: Sequence[float]) -> dict[str, Any]:
    distinct = len({*pairs["neutral_prompt"], *pairs["emotional_prompt"]})
    taken = median(seconds)
    about = {"pairs": len(pairs), "distinct_prompts": distinct, "seconds": seconds}
    return {**about, "pairs_per_second": len(pairs) / taken, "prompts_per_second": distinct / taken}


if __name__ == "__main__":
    main()
