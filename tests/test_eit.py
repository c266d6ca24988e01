"""The transformer: its two variants, its sharing of work, its sizes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from emoticrafter.checkpoint import import_released
from emoticrafter.eit import Attention, Block, EITConfig, EmotionInjectionTransformer, Order, VAEncoder, Variant
from emoticrafter.errors import InputError
from tests.tiny import SECTION, tiny_config, tiny_eit

CHANNELS = tiny_config().prompt_channels


def inputs(batch: int, length: int = SECTION) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(batch, length, CHANNELS), torch.linspace(-3, 3, batch), torch.linspace(2, -1, batch)


@pytest.mark.parametrize("order", [None, "valence_first", "arousal_first"])
@pytest.mark.parametrize("variant", ["paper", "released"])
@torch.no_grad()
def test_block_computes_its_equations(variant: Variant, order: Order | None) -> None:
    eit = tiny_eit(variant=variant, blocks=1, order=order)
    block = eit.blocks[0]
    assert isinstance(block, Block)
    x, valence, arousal = torch.randn(2, 5, 24), torch.randn(2, 3, 24), torch.randn(2, 3, 24)

    def attend(part: Any, query: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """Head by head, written out."""
        key, value = part.key_value(context).chunk(2, dim=-1)
        heads = []
        for head in range(2):
            q, k, v = (t[..., 12 * head : 12 * (head + 1)] for t in (part.query(query), key, value))
            heads.append(torch.softmax(q @ k.transpose(1, 2) / 12**0.5, dim=-1) @ v)
        return part.out(torch.cat(heads, dim=-1))

    def feed(x: torch.Tensor) -> torch.Tensor:
        return block.feed_out(F.gelu(block.feed_in(block.feed_norm(x)), approximate="tanh"))

    axes = {
        "valence": lambda z: attend(block.valence_attention, z, valence),
        "arousal": lambda z: attend(block.arousal_attention, z, arousal),
    }
    norms = {"valence": block.valence_norm, "arousal": block.arousal_norm}
    first = {"valence_first": "valence", "arousal_first": "arousal", None: "valence" if variant == "paper" else "arousal"}[order]
    n = block.self_norm(x)
    y = (x if variant == "paper" else n) + attend(block.self_attention, n, n)
    for axis in (first, "arousal" if first == "valence" else "valence"):
        n = norms[axis](y)
        y = (y if variant == "paper" else n) + axes[axis](n)
    torch.testing.assert_close(block(x, valence, arousal), y + feed(y))


@torch.no_grad()
def test_forward_adds_the_residual() -> None:
    eit, (prompt, valence, arousal) = tiny_eit(), inputs(3)
    residual = eit.residual(prompt, valence, arousal)
    torch.testing.assert_close(eit(prompt, valence, arousal), prompt + residual)
    normalised = (residual - eit.residual_norm.bias) / eit.residual_norm.weight
    torch.testing.assert_close(normalised.mean(-1), torch.zeros(3, SECTION), atol=1e-5, rtol=0)


@pytest.mark.parametrize("variant", ["paper", "released"])
@torch.no_grad()
def test_a_shared_prompt_gives_what_its_copies_give(variant: Variant) -> None:
    eit, (prompt, valence, arousal) = tiny_eit(variant=variant), inputs(4)
    shared = eit(prompt[:1], valence, arousal)
    torch.testing.assert_close(shared, eit(prompt[:1].repeat(4, 1, 1), valence, arousal))
    assert (shared[0] - shared[1]).abs().max() > 1e-3


@torch.no_grad()
def test_attention_compiled_for_a_cpu_is_the_same_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    attention, width = Attention(tiny_config()).eval(), tiny_config().width
    x, context = torch.randn(3, 7, width), torch.randn(1, 5, width)
    fused = attention(x, context)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)  # type checks of the tests cannot be compiled
    monkeypatch.delattr(F, "scaled_dot_product_attention")
    assert torch.allclose(attention(x, context), fused, atol=1e-6)


@torch.no_grad()
def test_each_axis_reaches_the_output_by_its_own_way() -> None:
    eit, (prompt, _, _) = tiny_eit(), inputs(1)
    zero, two = torch.zeros(1), torch.full((1,), 2.0)
    neutral, pleasant, aroused = eit(prompt, zero, zero), eit(prompt, two, zero), eit(prompt, zero, two)
    assert (pleasant - neutral).abs().max() > 1e-3
    assert (aroused - neutral).abs().max() > 1e-3
    assert (pleasant - aroused).abs().max() > 1e-3


@torch.no_grad()
def test_positions_matter_and_short_prompts_fit() -> None:
    eit, (prompt, valence, arousal) = tiny_eit(), inputs(1, length=4)
    assert eit(prompt, valence, arousal).shape == prompt.shape
    turned = eit.residual(prompt.flip(1), valence, arousal).flip(1)
    assert (turned - eit.residual(prompt, valence, arousal)).abs().max() > 1e-3


def test_every_parameter_learns() -> None:
    eit, (prompt, valence, arousal) = EmotionInjectionTransformer(tiny_config()), inputs(4)
    (eit(prompt, valence, arousal) * torch.randn(4, SECTION, CHANNELS)).sum().backward()
    dead = [name for name, parameter in eit.named_parameters() if parameter.grad is None or not parameter.grad.abs().sum() > 0]
    assert dead == []


def test_training_reduces_the_loss() -> None:
    torch.manual_seed(0)
    eit, (prompt, valence, arousal) = EmotionInjectionTransformer(tiny_config()), inputs(8)
    pleasant, aroused = torch.randn(2, CHANNELS)
    target = prompt + 0.5 * valence[:, None, None] * pleasant + 0.2 * arousal[:, None, None] * aroused
    gains, others = [eit.residual_norm.weight], [p for p in eit.parameters() if p is not eit.residual_norm.weight]
    groups: list[dict[str, Any]] = [{"params": gains, "lr": 3e-2}, {"params": others}]
    optimiser = torch.optim.AdamW(groups, lr=3e-3)
    losses = []
    for _ in range(60):
        loss = F.mse_loss(eit(prompt, valence, arousal), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@torch.no_grad()
def test_a_new_paper_model_is_near_neutral() -> None:
    torch.manual_seed(0)
    eit, (prompt, valence, arousal) = EmotionInjectionTransformer(tiny_config()), inputs(2)
    assert eit.residual(prompt, valence, arousal).std().item() == pytest.approx(0.01, rel=0.1)


@torch.no_grad()
def test_a_model_that_predicts_the_feature_answers_with_it() -> None:
    whole, prompt_and_axes = tiny_eit(predicts="feature"), inputs(2)
    residual = tiny_eit()
    residual.load_state_dict(whole.state_dict())
    torch.testing.assert_close(whole(*prompt_and_axes), residual.residual(*prompt_and_axes))
    torch.testing.assert_close(whole.residual(*prompt_and_axes), whole(*prompt_and_axes) - prompt_and_axes[0])
    torch.manual_seed(0)
    fresh = EmotionInjectionTransformer(tiny_config(predicts="feature"))
    assert fresh(*prompt_and_axes).std().item() == pytest.approx(1, rel=0.1)


@torch.no_grad()
def test_a_new_encoder_tells_all_of_the_axis_apart() -> None:
    torch.manual_seed(0)
    values = torch.linspace(-3, 3, 31)
    for tokens in VAEncoder(tiny_config(encoder_width=32))(values, values):
        assert tokens.shape == (31, 3, 24)
        assert (tokens.diff(dim=0).flatten(1).norm(dim=1) > 0.05).all()


@pytest.mark.parametrize(("variant", "most"), [("paper", 150_000_000), ("released", 152_100_000)])
def test_full_size_stays_within_its_budget(variant: Variant, most: int) -> None:
    released: dict[str, Any] = {"encoder_width": 256, "positions": 1024} if variant == "released" else {}
    with torch.device("meta"):
        eit = EmotionInjectionTransformer(EITConfig(variant=variant, **released))
    assert 0.98 * most < eit.parameter_count <= most


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 25}, "25 cannot be shared by 2 heads"),
        ({"blocks": 0}, "blocks is '0'"),
        ({"blocks": 100_000}, "from 1 to 512"),
        ({"width": 2.5}, "width is '2.5'"),
        ({"heads": True}, "heads is 'True'"),
        ({"variant": "mine"}, "variant is 'mine'"),
        ({"order": "together"}, "order is 'together'"),
        ({"predicts": "pictures"}, "predicts is 'pictures'"),
    ],
)
def test_a_config_that_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(tiny_config(), **change)


def test_a_config_survives_its_dict_and_refuses_what_it_does_not_know() -> None:
    config = tiny_config(variant="released", feed_forward=50, order="valence_first", predicts="feature")
    assert EITConfig.from_dict(config.as_dict()) == config
    assert tiny_config().feed_forward == 4 * 24
    with pytest.raises(InputError, match=r"Unknown EIT settings: depth.*prompt_channels"):
        EITConfig.from_dict({"depth": 3})


def test_more_tokens_than_positions_are_the_callers_mistake() -> None:
    with pytest.raises(AssertionError, match="section by section"):
        tiny_eit()(*inputs(1, length=SECTION + 1))


# Masks


def released_sample() -> EmotionInjectionTransformer:
    """A small one of the authors' own checkpoints."""
    return import_released(Path(__file__).parent / "data" / "released-checkpoint-sample.pth").eval()


@pytest.mark.parametrize("predicts", ["residual", "feature"])
@pytest.mark.parametrize("variant", ["paper", "released"])
@torch.no_grad()
def test_a_mask_of_all_tokens_changes_no_bit(variant: Variant, predicts: Any) -> None:
    eit, (prompt, valence, arousal) = tiny_eit(variant=variant, predicts=predicts), inputs(3)
    whole = torch.ones(3, SECTION, dtype=torch.bool)
    assert torch.equal(eit(prompt, valence, arousal, whole), eit(prompt, valence, arousal))
    assert torch.equal(eit(prompt[:1], valence, arousal, whole[:1]), eit(prompt[:1], valence, arousal))


@torch.no_grad()
def test_a_mask_of_all_tokens_changes_no_bit_of_a_released_checkpoint() -> None:
    eit = released_sample()
    prompt = torch.randn(2, 6, eit.config.prompt_channels)
    given = (prompt, torch.tensor([-2.0, 1.0]), torch.tensor([0.5, 3.0]))
    assert torch.equal(eit(*given, torch.ones(2, 6, dtype=torch.bool)), eit(*given))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("variant", ["paper", "released"])
@torch.no_grad()
def test_a_masked_prompt_is_mapped_as_the_prompt_alone(variant: Variant, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """20 tokens filled up to 77 with anything give the rows of the 20 alone, and nothing is added to what fills up."""
    eit = tiny_eit(variant=variant, positions=77)
    prompt, valence, arousal = inputs(3, length=77)
    mask = torch.arange(77)[None, :] < torch.tensor([[20], [77], [1]])
    if compiled:
        monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    found = eit.residual(prompt, valence, arousal, mask)
    for row, length in enumerate((20, 77, 1)):
        one = slice(row, row + 1)
        alone = eit.residual(prompt[one, :length], valence[one], arousal[one])
        torch.testing.assert_close(found[one, :length], alone, atol=1e-5, rtol=0)
        assert found[row, length:].abs().sum() == 0
    unmasked = eit.residual(prompt, valence, arousal)
    assert (found[0, :20] - unmasked[0, :20]).abs().max() > 1e-3


@torch.no_grad()
def test_a_masked_prompt_of_a_released_checkpoint_is_mapped_as_the_prompt_alone() -> None:
    eit = released_sample()
    prompt, axes = torch.randn(1, 9, eit.config.prompt_channels), (torch.tensor([-2.0, 1.0]), torch.tensor([0.5, 3.0]))
    found = eit.residual(prompt, *axes, torch.arange(9)[None, :] < 4)
    torch.testing.assert_close(found[:, :4], eit.residual(prompt[:, :4], *axes), atol=1e-5, rtol=0)


def test_what_fills_up_gets_no_gradient_and_gives_none() -> None:
    eit, (prompt, valence, arousal) = tiny_eit(), inputs(2)
    prompt.requires_grad_()
    eit.residual(prompt, valence, arousal, torch.arange(SECTION)[None, :].repeat(2, 1) < 5).square().sum().backward()
    assert prompt.grad is not None
    assert prompt.grad[:, 5:].abs().sum() == 0
    assert prompt.grad[:, :5].abs().min(dim=2).values.max() > 0
    assert eit.positions.grad is not None
    assert eit.positions.grad[5:].abs().sum() == 0


@torch.no_grad()
def test_a_section_without_a_token_is_mapped_as_if_all_were_the_prompts_own() -> None:
    """As those that fill up a batch of prompts of several sections; they are cut off before anything is drawn."""
    eit, (prompt, valence, arousal) = tiny_eit(), inputs(2)
    mask = torch.tensor([[True], [False]]).expand(2, SECTION)
    assert torch.equal(eit(prompt, valence, arousal, mask), eit(prompt, valence, arousal))
