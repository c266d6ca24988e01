from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from emoticrafter.errors import CheckpointError
from emoticrafter.storybook.training.common import Training
from emoticrafter.storybook.training.muon import GroupedMuon
from emoticrafter.storybook.training.presets import BuildRecipe


def network() -> torch.nn.Sequential:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(2, 6, 3, padding=1), torch.nn.GELU(), torch.nn.Conv2d(6, 2, 1))


def trained(folder: Path, muon: bool, steps: int) -> torch.nn.Module:
    """A toy that learns to return its input, run up to `steps`; taken up where `folder` has a state."""
    model = network()

    def loss(step: int, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        x = torch.from_numpy(rng.standard_normal((8, 2, 5, 5), dtype=np.float32))
        return {"loss": (model(x) - x).square().mean()}

    recipe = BuildRecipe(steps=40, batch=8, rate=0.05, warmup=2, muon=muon)
    Training(name="toy", folder=folder, model=model, recipe=recipe, loss=loss, steps=steps, quiet=True).run()
    return model


@pytest.mark.parametrize("muon", [False, True])
def test_a_toy_learns(muon: bool, tmp_path: Path) -> None:
    x = torch.randn(4, 2, 5, 5, generator=torch.Generator().manual_seed(1))
    before, after = (float((model(x) - x).square().mean().detach()) for model in (network(), trained(tmp_path, muon, 150)))
    assert after < before / 4


@pytest.mark.parametrize("muon", [False, True])
def test_taken_up_it_ends_in_the_same_weights(muon: bool, tmp_path: Path) -> None:
    def stopped_at(folder: str, *steps: int) -> dict[str, torch.Tensor]:
        for number in steps:
            model = trained(tmp_path / folder, muon, number)
        return model.state_dict()

    rate = BuildRecipe.rate_at
    try:
        BuildRecipe.rate_at = lambda self, step: 0.01  # type: ignore[method-assign] # or another length would be another schedule
        whole, parts = stopped_at("whole", 12), stopped_at("parts", 7, 12)
    finally:
        BuildRecipe.rate_at = rate  # type: ignore[method-assign]
    for name, value in whole.items():
        assert torch.equal(value, parts[name]), name


def test_muon_steps_are_orthogonal(tmp_path: Path) -> None:
    start, moved = (model.get_parameter("0.weight").detach().reshape(6, -1) for model in (network(), trained(tmp_path, True, 1)))
    moved = moved - start
    sizes = torch.linalg.svdvals(moved)
    assert sizes.min() > 0.4 * sizes.max()  # a plain gradient of 8 pictures has one large direction


def test_a_state_of_the_other_optimizer_is_refused(tmp_path: Path) -> None:
    trained(tmp_path, True, 3)
    with pytest.raises(CheckpointError, match=r"state\.safetensors' is (damaged|of another network).*train it from nothing"):
        trained(tmp_path, False, 5)


def test_grouped_muon_steps_as_torchs(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(2)
    shapes = [(6, 18), (18, 6), (6, 18), (4, 4), (18, 6)]
    start = [torch.randn(shape, generator=generator) for shape in shapes]

    def moved(kind: type[torch.optim.Muon]) -> list[torch.Tensor]:
        parameters = [torch.nn.Parameter(matrix.clone()) for matrix in start]
        optimizer = kind(parameters, lr=0.1, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
        gradients = torch.Generator().manual_seed(3)
        for _ in range(3):
            for parameter in parameters:
                parameter.grad = torch.randn(parameter.shape, generator=gradients)
            optimizer.step()
        return [parameter.detach() - matrix for parameter, matrix in zip(parameters, start, strict=True)]

    for grouped, single in zip(moved(GroupedMuon), moved(torch.optim.Muon), strict=True):
        torch.testing.assert_close(grouped, single, rtol=0.05, atol=0.01 * float(single.abs().max()))
