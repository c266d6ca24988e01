"""How much memory a training takes that reads features of the paper's size: 39,843 pairs, 2 x 77 x 2048 each, 25 GB on the disk.

The features are zeros in files with holes, which take no room; they are read like any others. `emoticrafter train paper` runs in
a process of its own, with a small transformer at the paper's batch, and with the full one, whose weights, gradients and AdamW
moments alone take four times its parameters in float32: these are told apart in the table.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common import Report, parser, table
from emoticrafter.eit import EITConfig, EmotionInjectionTransformer
from emoticrafter.features.layout import DTYPES, INDEX, MANIFEST, SHARDS
from emoticrafter.features.manifest import TENSOR, Manifest, Shard
from emoticrafter.inputs.named import file_hash

BAR = 3.0  # GB resident
PAIRS, TOKENS, CHANNELS = 39_843, 77, 2048
SHARD_ROWS = 1024
SMALL = ("model.width=96", "model.heads=6", "model.blocks=2", "train.batch=768", "train.micro_batch=32")
FULL = ("train.batch=32", "train.micro_batch=8", "data.val_share=0.001")


def hollow_features(folder: Path, pairs: int, tokens: int, channels: int) -> int:
    """A store of zeros, every prompt its own; the bytes of its shards, most of them holes."""
    (folder / SHARDS).mkdir(parents=True)
    prompts, shards, total = 2 * pairs, [], 0
    for number, start in enumerate(range(0, prompts, SHARD_ROWS)):
        rows = min(SHARD_ROWS, prompts - start)
        length = 2 * rows * tokens * channels
        entry = {"dtype": DTYPES["float16"], "shape": [rows, tokens, channels], "data_offsets": [0, length]}
        header = json.dumps({TENSOR: entry}).encode()
        shard = Shard(file=f"{SHARDS}/tokens-{number:05d}.safetensors", rows=rows, sha256="0" * 64)
        with (folder / shard.file).open("wb") as file:
            file.write(struct.pack("<Q", len(header)) + header)
            file.truncate(8 + len(header) + length)
        shards.append(shard)
        total += length
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": [f"made/{i}" for i in range(pairs)]})
    frame["valence"], frame["arousal"] = rng.uniform(-3, 3, (2, pairs))
    frame["dataset"], frame["tag"], frame["split"] = "made", None, None
    frame["content"], frame["picture"] = frame["id"], None
    frame["neutral"], frame["emotional"] = np.arange(pairs), np.arange(pairs, prompts)
    frame.to_parquet(folder / INDEX, index=False)
    manifest = Manifest(
        backbone="sdxl", encoder="0" * 64, tokens=tokens, channels=channels, dtype="float16", computed="float32", batch=1,
        long="cut", cut=0, prompts=prompts, pairs=pairs, shard_rows=SHARD_ROWS, source="0" * 64,
        index=file_hash(folder / INDEX), shards=tuple(shards),
    )  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(manifest.as_dict()), encoding="utf-8")
    return total


def train(features: Path, out: Path, steps: int, changes: Sequence[str]) -> dict[str, Any]:
    """Run the command to its end; the most memory that it had, from the system's own account of the process."""
    keys = (*changes, f"train.steps={steps}", 'train.device="cpu"', "log.trackers=[]", f"train.validate_every={steps}")
    options = [part for key in keys for part in ("--set", key)]
    command = ["train", "paper", "--features", str(features), "--out", str(out), *options]
    running = subprocess.Popen([sys.executable, "-m", "emoticrafter", *command], stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    said = running.stderr.read()
    _, status, usage = os.wait4(running.pid, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"emoticrafter train ended with {code}: {said[-500:]}")
    return {"peak_gb": usage.ru_maxrss * 1024 / 1e9, "steps": steps}


def state_gb(config: EITConfig) -> float:
    """Weights, gradients and two moments of AdamW, in float32."""
    return 4 * 4 * EmotionInjectionTransformer(config).parameter_count / 1e9


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser("eit_memory", __doc__)
    options.add_argument("--pairs", type=int, default=PAIRS)
    options.add_argument("--steps", type=int, default=3)
    given = options.parse_args(arguments)
    report = Report("eit_memory", given)
    rows: list[dict[str, Any]] = []
    small = EITConfig(width=96, heads=6, blocks=2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shape = (8, 16) if given.smoke else (TOKENS, CHANNELS)
        size = hollow_features(folder / "features", 64 if given.smoke else given.pairs, *shape)
        kinds: list[tuple[str, tuple[str, ...], EITConfig]] = [("a small transformer, batch 768", SMALL, small)]
        kinds += [] if given.smoke else [("the full transformer, batch 32", FULL, EITConfig())]
        for number, (kind, changes, config) in enumerate(kinds):
            extra = ("train.batch=8", "log.ridge_pairs=16") if given.smoke else ()
            row = {"name": kind, **train(folder / "features", folder / f"run{number}", given.steps, (*changes, *extra))}
            row["state_gb"] = state_gb(config)
            rows.append(row)
            print(row, flush=True)
    report.figures = {"features_gb": size / 1e9, "rows": rows}
    if not given.smoke and given.pairs >= PAIRS:
        report.bar("resident memory, small transformer at the paper's batch, GB", rows[0]["peak_gb"], most=BAR)
        beyond = rows[1]["peak_gb"] - rows[1]["state_gb"]
        report.bar("resident memory beyond the full transformer's own state, GB", beyond, most=BAR)
    columns = ("what", "peak GB", "of these weights, gradients, moments")
    report.finish(
        table(f"training on {size / 1e9:.3g} GB of features", columns, [(r["name"], r["peak_gb"], r["state_gb"]) for r in rows])
    )


if __name__ == "__main__":
    main()
