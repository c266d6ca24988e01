"""What the loss is computed from, and its terms beyond the paper's: an entry for each, which a recipe switches on by a weight.

A term is a function from a `Prediction` to one number per pair, (B,) in float32, each a mean over what it looks at. Its key in
the section [objective], its column in the metrics and its place in run.json and in model cards follow from its entry in `TERMS`.
"""

# B pairs, T prompt tokens, C prompt channels

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emoticrafter.masks import both, mean_over_own, none_if_full, pad_mask, pad_tokens, zero_padding
from emoticrafter.settings import key

__all__ = ["TERMS", "LossTerm", "Pairs", "Prediction", "residual_target", "weighted_square"]


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Some pairs on one device: features (B, T, C), the rest (B,).

    empty: whether the prompt is to be taken away. other_*: the same content at another emotion, where `has_other`; these
    are None unless the objective asks for them. *_mask: (B, T), the prompts' own tokens, where some were filled up.
    """

    neutral: Tensor
    emotional: Tensor
    valence: Tensor
    arousal: Tensor
    weight: Tensor
    empty: Tensor | None = None
    other_emotional: Tensor | None = None
    other_valence: Tensor | None = None
    other_arousal: Tensor | None = None
    has_other: Tensor | None = None
    neutral_mask: Tensor | None = None
    emotional_mask: Tensor | None = None
    other_mask: Tensor | None = None

    def __len__(self) -> int:
        return len(self.valence)

    @property
    def shared_mask(self) -> Tensor | None:
        """The tokens (B, T) that both prompts of a pair have."""
        return none_if_full(both(self.neutral_mask, self.emotional_mask))

    def padded(self, tokens: int) -> Pairs:
        """The same with all features filled up to so many tokens, zeros under a mask."""
        found: dict[str, Any] = {}
        for name, features in (("neutral", self.neutral), ("emotional", self.emotional), ("other", self.other_emotional)):
            if features is not None:
                found[f"{name}_mask"] = pad_mask(getattr(self, f"{name}_mask"), features, tokens)
                found["other_emotional" if name == "other" else name] = pad_tokens(features, tokens)
        return replace(self, **found)

    def map(self, change: Callable[[Tensor], Tensor]) -> Pairs:
        """The same with every tensor changed, for instance moved."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: change(value) for name, value in found.items() if value is not None})


def residual_target(neutral_BTC: Tensor, emotional_BTC: Tensor, alpha: float) -> Tensor:
    """r = alpha (f_e - f_n), in float32 whatever the features are kept in; (B, T, C)."""
    return alpha * (emotional_BTC.float() - neutral_BTC.float())


def weighted_square(error_BTC: Tensor, weight_B: Tensor, mask_BT: Tensor | None = None) -> Tensor:
    """w || error ||^2 of each pair, the square as the mean over the tokens of the mask and channels; (B,)."""
    return weight_B * mean_over_own(error_BTC.float().square(), mask_BT)


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What a term is computed from. Masks are (B, T), None where all tokens count.

    config: the section [objective]. prompt: (B, T, C), what the transformer was given, in float32; prompt_mask: its own tokens.
    residual: r_hat, (B, T, C). target: r = alpha (f_e - f_n), known at the tokens of target_mask, which both prompts have. again:
    r_hat at the emotions of the term's own pass, for a term that has one. probe: from features and their mask to (B, 2).
    """

    config: Any
    pairs: Pairs
    prompt: Tensor
    prompt_mask: Tensor | None
    residual: Tensor
    target: Tensor
    target_mask: Tensor | None
    again: Tensor | None = None
    probe: nn.Module | None = None


@dataclass(frozen=True, kw_only=True)
class LossTerm:
    """An entry of `TERMS`.

    about: what its weight is of, for the recipe and its page. compute: the term, (B,). again: the emotions (valence, arousal) of
    one more pass through the transformer, where it needs one. keys: what a recipe may set beside its weight, each a type and a
    `settings.key`.
    """

    about: str
    compute: Callable[[Prediction], Tensor]
    again: Callable[[Pairs], tuple[Tensor, Tensor]] | None = None
    keys: Mapping[str, tuple[type, Any]] = field(default_factory=dict)


def _semantic(seen: Prediction) -> Tensor:
    """1 - cos(r_hat, r): the direction of the change, whatever its length, so that the content's own words keep to what the
    rewritten prompt does with them."""
    found, target = (zero_padding(part, seen.target_mask).flatten(1) for part in (seen.residual, seen.target))
    return 1 - F.cosine_similarity(found, target)


def _identity(seen: Prediction) -> Tensor:
    """|| r_hat(f_n; 0, 0) ||^2: the neutral point changes nothing."""
    assert seen.again is not None
    return mean_over_own(seen.again.square(), seen.prompt_mask)


def _neutral_point(pairs: Pairs) -> tuple[Tensor, Tensor]:
    return torch.zeros_like(pairs.valence), torch.zeros_like(pairs.arousal)


def _counterfactual(seen: Prediction) -> Tensor:
    """w || (r_hat(f_n; e) - r_hat(f_n; e')) - alpha (f_e - f_e') ||^2 where the content is also told at another emotion e': what
    the emotion alone changes."""
    pairs, again = seen.pairs, seen.again
    assert again is not None and pairs.other_emotional is not None and pairs.has_other is not None
    target = residual_target(pairs.other_emotional, pairs.emotional, seen.config.alpha)
    mask = none_if_full(both(seen.target_mask, pairs.other_mask))
    square_B = weighted_square(seen.residual - again - target, pairs.weight, mask)
    return torch.where(pairs.has_other, square_B, torch.zeros_like(square_B))


def _other_emotion(pairs: Pairs) -> tuple[Tensor, Tensor]:
    assert pairs.other_valence is not None and pairs.other_arousal is not None
    return pairs.other_valence, pairs.other_arousal


def _affect(seen: Prediction) -> Tensor:
    """(probe(f_n + r_hat / alpha) - (v, a))^2: a small frozen network that reads emotions from emotional features must read the
    requested point; arousal counts `affect_arousal` times."""
    assert seen.probe is not None
    features = seen.prompt + seen.residual / seen.config.alpha
    read_BE = seen.probe(features, *(() if seen.prompt_mask is None else (seen.prompt_mask,)))
    error_BE = read_BE - torch.stack([seen.pairs.valence, seen.pairs.arousal], dim=1)
    return error_BE.square() @ error_BE.new_tensor([1.0, seen.config.affect_arousal])


TERMS: dict[str, LossTerm] = {
    "semantic": LossTerm(about="weight of 1 - cos(residual, target)", compute=_semantic),
    "identity": LossTerm(
        about="weight of the squared residual at the neutral point; one more pass per pair",
        compute=_identity,
        again=_neutral_point,
    ),
    "counterfactual": LossTerm(
        about="weight of one content at two emotions; one more pass per pair", compute=_counterfactual, again=_other_emotion
    ),
    "affect": LossTerm(
        about="weight of the squared error of the emotion that a frozen probe reads back",
        compute=_affect,
        keys={
            "affect_arousal": (float, key(2.0, "what arousal counts in it, where valence counts 1", least=0)),
            "probe_steps": (int, key(500, "training steps of that probe", least=1, most=1_000_000)),
        },
    ),
}
