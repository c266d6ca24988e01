"""The card's page says what card.json and the records say, and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools import write_card

MODEL: dict[str, Any] = {
    "model": "storybook",
    "recipe": {
        "name": "cpu",
        "size": 128,
        "scenes": 20_000,
        "unet": {"block_out_channels": [96, 192]},
        "vae": {"block_out_channels": [16, 32]},
        "text": [{"width": 128, "layers": 4}, {"width": 192, "layers": 4}],
        "eit": {"blocks": 4, "width": 128},
    },
    "seed": 0,
    "device": "cpu",
    "stages": {
        "vae": {"steps": 9000, "seconds": 3600.0, "psnr": 31.25, "latent_mean": [0.1, 0.2]},
        "judge": {"steps": 5000, "emotion": {"seconds": 1800.0, "rendered_valence_r2": 0.991}, "content": {"seconds": 1800.0}},
        "calibrate": {"strength": 0.7, "errors": {"0.7": {"valence_error": 0.41, "arousal_error": 0.39}}},
        "eit": None,
    },
    "sprites": "some@1",
    "weights": {"bytes": 50_000_000, "files": {"unet/a.safetensors": 15_000_000}},
    "versions": {"python": "3.11", "torch": "2.13"},
}
RECORD: dict[str, Any] = {
    "benchmark": "emotion", "command": "python -m benchmarks.emotion", "date": "2026-01-31T10:00:00+00:00", "smoke": False,
    "revision": "0123456789abcdef", "machine": {"cpu": "A CPU", "cores": 2, "devices": []},
    "bars": [
        {"name": "valence: Spearman", "value": 0.9712, "bar": "at least 0.95", "met": True},
        {"name": "a | b", "value": None, "bar": "at most 0.5", "met": False},
    ],
}  # fmt: skip


def checkout(root: Path, **records: dict[str, Any]) -> Path:
    (root / write_card.CARD).parent.mkdir(parents=True)
    (root / write_card.CARD).write_text(json.dumps(MODEL))
    (root / write_card.RESULTS).mkdir(parents=True)
    for name, record in records.items():
        (root / write_card.RESULTS / f"{name}.json").write_text(json.dumps(record))
    return root


def test_without_weights_it_says_so(tmp_path: Path) -> None:
    assert "ships no weights yet" in write_card.page(tmp_path)


def test_the_page_holds_the_figures(tmp_path: Path) -> None:
    text = write_card.page(checkout(tmp_path, emotion=RECORD, speed={**RECORD, "smoke": True}, other=RECORD))
    assert "40,000 for training; sprites: some@1" in text
    assert "UNet 96 192; VAE 16 32; text encoders 4 layers of 128 and 4 layers of 192; EIT 4 blocks of 128" in text
    assert "50.0 MB, the largest file 15.0 MB" in text
    assert "cpu, 2.0 hours" in text
    assert "| `vae` | autoencoder | steps 9,000, seconds 3,600, psnr 31.2 |" in text
    assert "emotion rendered valence r2 0.991" in text
    assert "| 0.7 | 0.41 | 0.39 |" in text
    assert "| valence: Spearman | 0.971 | at least 0.95 | met |" in text
    assert "| a \\| b | - | at most 0.5 | **missed** |" in text
    assert "2026-01-31, revision 0123456789ab, on A CPU (2 cores)." in text
    assert text.count("## Measured") == 1


def test_every_row_of_a_table_has_the_same_columns(tmp_path: Path) -> None:
    lines = write_card.page(checkout(tmp_path, emotion=RECORD)).replace("\\|", "").splitlines()
    for line, following in zip(lines, lines[1:], strict=False):
        if line.startswith("|") and following.startswith("|"):
            assert line.count("|") == following.count("|")
