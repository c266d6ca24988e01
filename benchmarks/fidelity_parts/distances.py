"""How far one set of points is from another: Fréchet distance, precision and recall, the nearest neighbourhood.

Points may be on any device.
"""

# n points of one set, m of the other, d numbers each; c channels of h x w latents

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

NEIGHBOURS = 3  # k of precision and recall
WINDOW = 3  # latents of a side of a neighbourhood
MIDDLE = 8  # latents of a side of the middle of the picture, which neighbourhoods lie in
AT_ONCE = 2048  # points whose distances to all others are in memory


@dataclass(frozen=True)
class Gaussian:
    """Mean (d,) and covariance (d, d) of some points, float64."""

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, points: Float[Tensor, "n d"]) -> Gaussian:
        double = points.to("cpu", torch.float64)  # some devices have no float64
        return cls(double.mean(dim=0), torch.cov(double.T))


def frechet(first: Gaussian, second: Gaussian) -> float:
    """Squared Fréchet distance of two Gaussians (Heusel et al. 2017, arXiv 1706.08500): |m - n|^2 + tr(A + B - 2 (A B)^(1/2))."""
    root = _root(first.covariance)
    crossed = torch.linalg.eigvalsh(root @ second.covariance @ root).clamp_min(0).sqrt().sum()
    apart = (first.mean - second.mean).square().sum()
    return float((apart + first.covariance.trace() + second.covariance.trace() - 2 * crossed).clamp_min(0))


def precision_recall(
    drawn: Float[Tensor, "n d"], true: Float[Tensor, "m d"], neighbours: int = NEIGHBOURS
) -> tuple[float, float]:
    """Precision and recall as of Kynkäänniemi et al. 2019 (arXiv 1904.06991, eq. 1 and 2).

    Each point has a ball that reaches to its k-th nearest neighbour in its own set. Precision: the share of drawn points that
    lie in a ball of a true one. Recall: the share of true points that lie in a ball of a drawn one.
    """
    return _covered(drawn, true, neighbours), _covered(true, drawn, neighbours)


def neighbourhoods(latents: Float[Tensor, "n c h w"]) -> Float[Tensor, "n p d"]:
    """The 3 x 3 latents around each of the places within the middle 8 x 8 latents of each picture, p = 36, d = 9 c."""
    height, width = latents.shape[2:]
    top, left = (max(size - MIDDLE, 0) // 2 for size in (height, width))
    return F.unfold(latents[..., top : top + MIDDLE, left : left + MIDDLE], WINDOW).transpose(1, 2)


def nearest(points: Float[Tensor, "n d"], others: Float[Tensor, "m d"]) -> Float[Tensor, " n"]:
    """The distance of each point from the nearest of the others."""
    found = []
    for part in points.split(AT_ONCE):
        best = torch.full((len(part),), torch.inf, device=part.device)
        for some in others.split(16 * AT_ONCE):
            best = torch.minimum(best, torch.cdist(part, some).amin(dim=1))
        found.append(best)
    return torch.cat(found)


def _root(covariance: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.clamp_min(0).sqrt()) @ vectors.T


def _covered(points: Tensor, centres: Tensor, neighbours: int) -> float:
    """The share of points that lie in a ball around a centre."""
    reach = _reach(centres, neighbours)
    inside = [(torch.cdist(part, centres) <= reach).any(dim=1) for part in points.split(AT_ONCE)]
    return float(torch.cat(inside).double().mean())


def _reach(points: Tensor, neighbours: int) -> Tensor:
    """The distance of each point from its k-th nearest neighbour; itself is the nearest of all."""
    nth = min(neighbours + 1, len(points))
    return torch.cat([torch.cdist(part, points).kthvalue(nth, dim=1).values for part in points.split(AT_ONCE)])
