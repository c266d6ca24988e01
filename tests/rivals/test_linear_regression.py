"""The linear map: it finds what is linear, and a rank keeps the best part of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.ridge import Sums, predicted_residual
from emoticrafter.rivals import Budget, train_method
from emoticrafter.rivals.linear_regression import _Map
from emoticrafter.rivals.material import RivalMaterial
from tests.tiny import SECTION
from tests.tiny_material import tiny_material


def random_pairs(count: int = 200) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    neutral, points = torch.randn(count, 3, 4, generator=generator), 6 * torch.rand(count, 2, generator=generator) - 3
    matrix = torch.randn(4 + 6 * 3, 4, generator=generator)
    return neutral, points, predicted_residual(matrix, neutral, points)


def test_what_is_linear_is_found() -> None:
    neutral, points, residual = random_pairs()
    sums = Sums()
    for part in range(0, 200, 50):
        sums.add(neutral[part : part + 50], points[part : part + 50], residual[part : part + 50])
    [(penalty, found)] = sums.maps([1e-9])
    assert penalty == 1e-9
    torch.testing.assert_close(predicted_residual(found, neutral, points), residual, atol=1e-3, rtol=1e-3)


def test_weights_count_as_often_as_they_say() -> None:
    neutral, points, residual = random_pairs(30)
    once, twice = Sums(), Sums()
    once.add(neutral, points, residual, torch.cat([torch.ones(15), torch.full((15,), 2.0)]))
    twice.add(torch.cat([neutral, neutral[15:]]), torch.cat([points, points[15:]]), torch.cat([residual, residual[15:]]))
    for (_, one), (_, other) in zip(once.maps([0.1]), twice.maps([0.1]), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("rank", [None, 2, 9])
def test_a_rank_keeps_the_largest_part(rank: int | None) -> None:
    matrix = torch.randn(6 + 6 * 3, 6, generator=torch.Generator().manual_seed(0))
    made = _Map(6, 3, rank)
    made.take(matrix)
    found = made.matrix().detach()
    assert torch.equal(found[6:], matrix[6:])
    if rank == 2:
        singular = torch.linalg.svdvals(matrix[:6])
        assert float((found[:6] - matrix[:6]).square().sum()) == pytest.approx(float(singular[2:].square().sum()), rel=1e-4)
    else:
        torch.testing.assert_close(found, matrix, atol=1e-5, rtol=1e-5)


def test_it_explains_the_pairs_that_it_was_fitted_to(backbone: SDXLBackbone, material: RivalMaterial, tmp_path: Path) -> None:
    rival, learned = train_method(
        "linear_regression", material, tmp_path, Budget(steps=5), backbone=backbone, config={"penalty": 1e-6}, quiet=True
    )
    assert learned.examples == len(material)
    neutral = backbone.encode(list(material.neutral))
    target = backbone.encode(list(material.emotional)).tokens - neutral.tokens
    with torch.no_grad():
        found = rival.features(neutral, material.neutral, torch.from_numpy(material.emotions), 1.0).tokens - neutral.tokens
    assert float((found - target).square().mean()) < 0.2 * float(target.square().mean())
    assert neutral.tokens.shape[1] == SECTION


def test_a_budget_ends_the_fitting(backbone: SDXLBackbone, tmp_path: Path) -> None:
    _, learned = train_method("linear_regression", tiny_material(40), tmp_path, Budget(steps=1), backbone=backbone, quiet=True)
    assert (learned.steps, learned.examples) == (1, 16)
