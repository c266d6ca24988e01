from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from emoticrafter.errors import InputError
from emoticrafter.masks import mask_of, token_mean
from emoticrafter.objective import Objective, ObjectiveConfig, Pairs, residual_target, weighted_square

B, T, C = 3, 4, 5


def some_pairs(**changes: Any) -> Pairs:
    rng = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=rng)

    entries = {
        "neutral": drawn(B, T, C),
        "emotional": drawn(B, T, C),
        "valence": drawn(B).clamp(-3, 3),
        "arousal": drawn(B).clamp(-3, 3),
        "weight": torch.tensor([0.5, 1.0, 1.5]),
        "other_emotional": drawn(B, T, C),
        "other_valence": drawn(B),
        "other_arousal": drawn(B),
        "has_other": torch.tensor([True, False, True]),
    }
    return Pairs(**entries | changes)


class Linear(nn.Module):
    """A residual with one parameter per kind of input, so that gradients can be told apart."""

    def __init__(self) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(1)
        self.of_prompt = nn.Parameter(torch.tensor(0.3))
        self.bias, self.of_valence, self.of_arousal = (nn.Parameter(torch.randn(T, C, generator=rng)) for _ in range(3))

    def forward(self, prompt: Tensor, valence: Tensor, arousal: Tensor) -> Tensor:
        assert len(prompt) == len(valence) == len(arousal)
        emotion = valence[:, None, None] * self.of_valence + arousal[:, None, None] * self.of_arousal
        return self.of_prompt * prompt + emotion + self.bias


def losses(config: ObjectiveConfig, pairs: Pairs, model: Callable[..., Tensor] | None = None, **parts: Any) -> dict[str, Tensor]:
    return Objective(config, **parts)(model or Linear(), pairs)


def gradients(config: ObjectiveConfig, pairs: Pairs, **parts: Any) -> dict[str, Tensor]:
    model = Linear()
    losses(config, pairs, model, **parts)["loss"].mean().backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None}


def test_the_papers_loss_by_hand() -> None:
    """w || f_hat - (f_n + alpha (f_e - f_n)) ||^2, number by number."""
    pairs, alpha = some_pairs(), 1.5
    model = Linear()
    found = model(pairs.neutral, pairs.valence, pairs.arousal).detach()
    by_hand = []
    for b in range(B):
        square = 0.0
        for t in range(T):
            for c in range(C):
                f_n, f_e = float(pairs.neutral[b, t, c]), float(pairs.emotional[b, t, c])
                f_hat = f_n + float(found[b, t, c])
                square += (f_hat - (f_n + alpha * (f_e - f_n))) ** 2
        by_hand.append(float(pairs.weight[b]) * square / (T * C))
    assert losses(ObjectiveConfig(), pairs, model)["loss"].tolist() == pytest.approx(by_hand, rel=1e-5)


def test_the_perfect_residual_has_no_loss_and_alpha_scales_it() -> None:
    pairs = some_pairs()
    for alpha in (1.0, 1.5):
        right = residual_target(pairs.neutral, pairs.emotional, alpha)
        assert torch.allclose(right, alpha * (pairs.emotional - pairs.neutral))
        found = losses(ObjectiveConfig(alpha=alpha, semantic=1), pairs, lambda *_, answer=right: answer)
        assert found["loss"].abs().max() < 1e-5


def test_half_precision_features_are_reckoned_with_in_single_precision() -> None:
    pairs = some_pairs()
    halves = some_pairs(neutral=pairs.neutral.half(), emotional=pairs.emotional.half())
    assert residual_target(halves.neutral, halves.emotional, 1.5).dtype == torch.float32
    assert losses(ObjectiveConfig(), halves)["loss"].dtype == torch.float32


def test_weights_scale_the_pairs() -> None:
    error = torch.ones(B, T, C)
    assert weighted_square(2 * error, torch.tensor([0.0, 1.0, 3.0])).tolist() == [0, 4, 12]


def test_off_terms_cost_nothing_and_are_not_told() -> None:
    calls = []

    def counted(*inputs: Tensor) -> Tensor:
        calls.append(len(inputs[0]))
        return torch.zeros_like(inputs[0])

    assert list(losses(ObjectiveConfig(), some_pairs(), counted)) == ["loss"]
    assert calls == [B]


def test_the_sum_of_the_terms_is_the_loss_in_one_pass() -> None:
    calls = []
    model = Linear()

    def counted(*inputs: Tensor) -> Tensor:
        calls.append(len(inputs[0]))
        return model(*inputs)

    config = ObjectiveConfig(semantic=0.3, identity=0.2, counterfactual=0.1, affect=0.05)
    found = losses(config, some_pairs(), counted, probe=Probe())
    assert calls == [3 * B]
    terms = [found[name] for name in ("paper", "semantic", "identity", "counterfactual", "affect")]
    assert torch.allclose(found["loss"], torch.stack(terms).sum(dim=0))


def test_semantic_pulls_the_direction_and_not_the_length() -> None:
    pairs = some_pairs(weight=torch.zeros(B))  # the paper's term is silent
    target = residual_target(pairs.neutral, pairs.emotional, 1.5)
    residual = (0.2 * target + 0.3 * torch.randn(B, T, C, generator=torch.Generator().manual_seed(2))).requires_grad_()
    losses(ObjectiveConfig(semantic=1.0), pairs, lambda *_: residual)["loss"].sum().backward()
    assert residual.grad is not None
    assert torch.allclose((residual.grad * residual).sum(dim=(1, 2)), torch.zeros(B), atol=1e-5)  # no pull along itself
    before = torch.cosine_similarity(residual.flatten(1), target.flatten(1))
    after = torch.cosine_similarity((residual - 0.5 * residual.grad).flatten(1), target.flatten(1))
    assert (after > before).all()


def test_identity_pulls_only_what_is_there_without_an_emotion() -> None:
    pairs = some_pairs(weight=torch.zeros(B))
    pulled = gradients(ObjectiveConfig(identity=1.0), pairs)
    assert pulled["bias"].abs().max() > 0.01
    assert pulled["of_valence"].abs().max() == 0
    assert pulled["of_arousal"].abs().max() == 0
    plain = gradients(ObjectiveConfig(), some_pairs())
    both = gradients(ObjectiveConfig(identity=1.0), some_pairs())
    assert torch.equal(plain["of_valence"], both["of_valence"])
    assert not torch.equal(plain["bias"], both["bias"])


class Probe(nn.Module):
    """Reads valence from the first channel and arousal from the second."""

    def forward(self, features: Tensor) -> Tensor:
        return features.mean(dim=1)[:, :2]


def test_affect_moves_the_prediction_to_what_the_probe_reads_as_the_request() -> None:
    pairs, config = some_pairs(weight=torch.zeros(B)), ObjectiveConfig(affect=1.0, affect_arousal=3.0, alpha=2.0)
    residual = torch.zeros(B, T, C, requires_grad=True)
    found = losses(config, pairs, lambda *_: residual, probe=Probe())["loss"]
    read = pairs.neutral.mean(dim=1)
    expected = (read[:, 0] - pairs.valence) ** 2 + 3 * (read[:, 1] - pairs.arousal) ** 2
    assert torch.allclose(found, expected)
    found.sum().backward()
    assert residual.grad is not None
    assert residual.grad[..., 2:].abs().max() == 0
    moved = residual.detach() - 0.5 * residual.grad
    after = losses(config, pairs, lambda *_: moved, probe=Probe())["loss"]
    assert (after < found).all()


def test_affect_reads_the_emotional_feature_not_the_overstated_one() -> None:
    """With alpha the residual overstates the difference; the probe was trained on what was not overstated."""
    pairs = some_pairs(weight=torch.zeros(B))
    emotional = pairs.emotional.clone()
    emotional[..., 0], emotional[..., 1] = pairs.valence[:, None], pairs.arousal[:, None]
    pairs = some_pairs(weight=torch.zeros(B), emotional=emotional)
    right = residual_target(pairs.neutral, pairs.emotional, 1.5)
    assert losses(ObjectiveConfig(affect=1.0), pairs, lambda *_: right, probe=Probe())["loss"].max() < 1e-8


def test_counterfactual_is_about_the_difference_of_two_emotions_of_one_content() -> None:
    pairs = some_pairs(weight=torch.ones(B))
    found = losses(ObjectiveConfig(counterfactual=1.0), pairs)["counterfactual"]
    assert found[1] == 0  # it has no other
    assert found[0] > 0
    pulled = gradients(ObjectiveConfig(counterfactual=1.0), pairs)
    plain = gradients(ObjectiveConfig(), pairs)
    assert torch.allclose(pulled["bias"], plain["bias"])  # what both emotions share cancels
    assert torch.allclose(pulled["of_prompt"], plain["of_prompt"])
    assert not torch.allclose(pulled["of_valence"], plain["of_valence"])


def test_a_model_right_at_both_emotions_has_no_counterfactual_loss() -> None:
    pairs = some_pairs(has_other=torch.ones(B, dtype=torch.bool))
    assert pairs.other_emotional is not None
    right = torch.cat([residual_target(pairs.neutral, e, 1.5) for e in (pairs.emotional, pairs.other_emotional)])
    assert losses(ObjectiveConfig(counterfactual=1.0), pairs, lambda *_: right)["loss"].max() < 1e-6


def test_a_dropped_prompt_is_the_empty_one_with_the_same_target() -> None:
    empty = torch.full((T, C), 7.0)
    seen = []

    def watched(prompt: Tensor, *_: Tensor) -> Tensor:
        seen.append(prompt)
        return torch.zeros_like(prompt)

    config = ObjectiveConfig(prompt_dropout=0.5)
    dropped = losses(config, some_pairs(empty=torch.tensor([True, False, True])), watched, empty_TC=empty)["loss"]
    kept = losses(config, some_pairs(), watched, empty_TC=empty)["loss"]
    assert (seen[0][[0, 2]] == 7).all()
    assert torch.equal(seen[0][1], some_pairs().neutral[1])
    assert torch.equal(seen[1], some_pairs().neutral)
    assert torch.equal(dropped, kept)


@pytest.mark.parametrize(
    "wrong", [{"alpha": 0}, {"semantic": -1}, {"prompt_dropout": 1.0}, {"affect": float("nan")}, {"alpha": "1.5"}]
)
def test_weights_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        ObjectiveConfig(**wrong)


# Masks

LENGTHS, LONGER = torch.tensor([2, 3, 4]), torch.tensor([3, 2, 4])
EVERYTHING = ObjectiveConfig(semantic=0.3, identity=0.2, counterfactual=0.1, affect=0.05)


class MaskedProbe(Probe):
    def forward(self, features: Tensor, mask: Tensor | None = None) -> Tensor:
        return token_mean(features, mask)[:, :2]


def masked_pairs() -> Pairs:
    pairs = some_pairs()
    masks = {"neutral_mask": mask_of(LENGTHS, T), "emotional_mask": mask_of(LONGER, T), "other_mask": mask_of(LONGER, T)}
    return some_pairs(neutral=pairs.neutral, **masks)


def masked(model: Callable[..., Tensor], seen: list[Tensor] | None = None) -> Callable[..., Tensor]:
    """A residual that may be given a mask, and notes it."""

    def residual(prompt: Tensor, valence: Tensor, arousal: Tensor, *masks: Tensor) -> Tensor:
        if seen is not None:
            seen.extend(masks)
        return model(prompt, valence, arousal)

    return residual


def test_masks_of_all_tokens_change_no_bit_of_any_term() -> None:
    whole = torch.ones(B, T, dtype=torch.bool)
    full = some_pairs(neutral_mask=whole, emotional_mask=whole, other_mask=whole)
    seen: list[Tensor] = []
    one = losses(EVERYTHING, full, masked(Linear(), seen), probe=MaskedProbe())
    other = losses(EVERYTHING, some_pairs(), probe=Probe())
    assert seen == []
    assert list(one) == list(other)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_fills_up_counts_in_no_term() -> None:
    """Each pair's loss is that of the pair cut to its own tokens."""
    pairs, model = masked_pairs(), Linear()
    found = losses(EVERYTHING, pairs, masked(model), probe=MaskedProbe())
    for row, (own, shared) in enumerate(zip([2, 3, 4], [2, 2, 4], strict=True)):

        def cut(prompt: Tensor, valence: Tensor, arousal: Tensor) -> Tensor:
            emotion = valence[:, None, None] * model.of_valence + arousal[:, None, None] * model.of_arousal
            return model.of_prompt * prompt + (emotion + model.bias)[:, : prompt.shape[1]]

        def pair(length: int, row: int = row) -> Pairs:
            one = pairs.map(lambda tensor: tensor[row : row + 1, :length] if tensor.ndim > 1 else tensor[row : row + 1])
            return replace(one, neutral_mask=None, emotional_mask=None, other_mask=None)

        alone = losses(EVERYTHING, pair(shared), cut, probe=Probe())
        whole = losses(EVERYTHING, pair(own), cut, probe=Probe())
        for name in ("paper", "semantic", "counterfactual"):  # about both prompts
            assert torch.allclose(found[name][row], alone[name][0], atol=1e-6), name
        for name in ("identity", "affect"):  # about the prompt that is changed
            assert torch.allclose(found[name][row], whole[name][0], atol=1e-6), name


def test_the_transformer_is_told_the_neutral_prompts_mask_in_every_pass() -> None:
    seen: list[Tensor] = []
    losses(ObjectiveConfig(identity=0.2, counterfactual=0.1), masked_pairs(), masked(Linear(), seen))
    assert torch.equal(seen[0], mask_of(LENGTHS, T).repeat(3, 1))


@pytest.mark.parametrize("length", [1, T + 3])
def test_a_dropped_prompt_has_the_empty_ones_own_tokens(length: int) -> None:
    seen: list[Tensor] = []

    def watched(prompt: Tensor, valence: Tensor, arousal: Tensor, *masks: Tensor) -> Tensor:
        seen.extend([prompt, *masks])
        return torch.zeros_like(prompt)

    config, pairs = ObjectiveConfig(prompt_dropout=0.5), replace(masked_pairs(), empty=torch.tensor([True, False, True]))
    losses(config, pairs, watched, empty_TC=torch.full((length, C), 7.0))
    own = min(length, T)
    assert (seen[0][[0, 2], :own] == 7).all()
    assert seen[1].sum(dim=1).tolist() == [own, 3, own]
    seen.clear()
    losses(config, some_pairs(empty=torch.tensor([True, False, True])), watched, empty_TC=torch.full((length, C), 7.0))
    assert [mask.sum(dim=1).tolist() for mask in seen[1:]] == ([[1, T, 1]] if length == 1 else [])


def test_pairs_filled_up_have_the_same_loss() -> None:
    def short(prompt: Tensor, *_: Tensor) -> Tensor:
        return 0.3 * prompt

    plain = losses(EVERYTHING, some_pairs(), short, probe=MaskedProbe())
    padded = losses(EVERYTHING, some_pairs().padded(T + 3), short, probe=MaskedProbe())
    assert some_pairs().padded(T).neutral_mask is None
    assert all(torch.allclose(plain[name], padded[name], atol=1e-6) for name in plain)
