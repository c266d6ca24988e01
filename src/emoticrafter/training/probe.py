"""A small network that reads valence and arousal from prompt features: trained on the emotional ones, then frozen.

The objective's affect term asks it whether a predicted feature reads as the requested emotion.
"""

# B pairs, T prompt tokens, C prompt channels, H hidden units, E = 2: valence, arousal

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from emoticrafter.emotion import LIMIT
from emoticrafter.files import atomic_path
from emoticrafter.masks import token_mean
from emoticrafter.tensors import fill, read_tensors
from emoticrafter.training.material import PairReader
from emoticrafter.training.order import PairOrder

__all__ = ["AffectProbe", "fit_probe", "load_probe", "save_probe"]

WIDTH = 128
BATCH = 128
RATE = 2e-3
_AGAIN = "Delete the file: it is made again."


class AffectProbe(nn.Module):
    """Every token through one hidden layer, the mean over a prompt's own tokens, a linear map to (valence, arousal)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.hidden = nn.Linear(channels, WIDTH)
        self.out = nn.Linear(WIDTH, 2)

    def forward(self, features_BTC: Tensor, mask_BT: Tensor | None = None) -> Tensor:
        """(B, 2)."""
        hidden_BTH = nn.functional.gelu(self.hidden(self.norm(features_BTC)))
        return LIMIT * self.out(token_mean(hidden_BTH, mask_BT))


def fit_probe(
    reader: PairReader, train: np.ndarray, val: np.ndarray, *, steps: int, seed: int
) -> tuple[AffectProbe, dict[str, float]]:
    """The probe after so many steps on the training pairs, and the share of variance that it explains on each axis.

    Pairs count as in the loss, capped, so that rare emotions are read too. Without `val` there are no figures.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        probe = AffectProbe(reader.store.manifest.channels).to(reader.device)
    adam = torch.optim.AdamW(probe.parameters(), lr=RATE, weight_decay=0.01)
    order = PairOrder(train, batch=min(BATCH, len(train)), seed=seed)
    for step in range(steps):
        for group in adam.param_groups:
            group["lr"] = RATE * (1 - step / steps)
        rows = order.draws(step).rows
        (features, mask), wanted = _examples(reader, rows)
        weight = torch.from_numpy(np.minimum(reader.weights[rows] / reader.weights[train].mean(), 5.0)).to(reader.device)
        loss = (weight[:, None] * (probe(features, mask) - wanted).square()).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    probe.eval().requires_grad_(False)
    return probe, _explained(probe, reader, val) if len(val) > 2 else {}


def _examples(reader: PairReader, rows: np.ndarray) -> tuple[tuple[Tensor, Tensor | None], Tensor]:
    """Emotional features with their mask, and the emotions they were written for, on the device, in float32."""
    stream = reader.features("emotional", rows)
    return (stream.tokens.float(), stream.mask), torch.from_numpy(reader.points[rows].astype(np.float32)).to(reader.device)


@torch.no_grad()
def _explained(probe: AffectProbe, reader: PairReader, rows: np.ndarray) -> dict[str, float]:
    examples = [_examples(reader, some) for some in np.array_split(rows, -(-len(rows) // BATCH))]
    read = torch.cat([probe(*features) for features, _ in examples]).double()
    wanted = torch.cat([emotions for _, emotions in examples]).double()
    spread = (wanted - wanted.mean(dim=0)).square().sum(dim=0).clamp_min(1e-12)
    valence, arousal = (1 - (read - wanted).square().sum(dim=0) / spread).tolist()
    return {"probe_valence_r2": valence, "probe_arousal_r2": arousal}


def save_probe(probe: AffectProbe, path: Path) -> None:
    """Write its weights, whole or not at all."""
    with atomic_path(path, force=True) as temporary:
        save_file(probe.state_dict(), temporary)


def load_probe(path: Path, device: torch.device) -> AffectProbe:
    """The frozen probe that `save_probe` wrote. Raises CheckpointError where it is damaged."""
    state = read_tensors(path, "probe", _AGAIN)
    with torch.device("meta"):
        probe = AffectProbe(state["norm.weight"].numel() if "norm.weight" in state else 1)
    fill(probe, state, path, "probe", _AGAIN)
    return probe.to(device).eval().requires_grad_(False)
