"""What the emotion injection transformer is trained to do: the paper's loss, and terms beyond it that a recipe can switch on.

Dang et al. 2025 (arXiv 2501.05710), section 4.3, for a pair of neutral and emotional prompt features f_n, f_e:

    L = E[ w(v, a) || f_hat - (f_n + alpha (f_e - f_n)) ||^2 ],   f_hat = f_n + r_hat,   alpha = 1.5,   w = 1/d(v, a)

so the residual r_hat is held to r = alpha (f_e - f_n). The square is the mean over tokens and channels, a constant factor.
Every term is a mean over the pairs of a batch and comes as one number per pair, so that it does not matter how a batch is cut
into pieces or shared by processes. Beyond the paper, each off at 0:

    semantic         1 - cos(r_hat, r): the direction of the change, whatever its length, so that the content's own words keep
                     to what the rewritten prompt does with them
    identity         || r_hat(f_n; 0, 0) ||^2: the neutral point changes nothing
    affect           (probe(f_n + r_hat / alpha) - (v, a))^2: a small frozen network that reads emotions from emotional
                     features must read the requested point; arousal counts `affect_arousal` times
    counterfactual   w || (r_hat(f_n; e) - r_hat(f_n; e')) - alpha (f_e - f_e') ||^2 where the content is also told at another
                     emotion e': what the emotion alone changes
    prompt_dropout   no term: this share of the pairs is given the empty prompt's features in the place of f_n, with the same
                     r, so that an emotion without content is learned too
"""

# B pairs, R rows of one forward pass, T prompt tokens, C prompt channels

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emoticrafter.settings import Section, key

__all__ = ["Objective", "ObjectiveConfig", "Pairs", "residual_target", "weighted_square"]

Residual = Callable[[Tensor, Tensor, Tensor], Tensor]  # (prompt_RTC, valence_R, arousal_R) -> residual_RTC


@dataclass(frozen=True, kw_only=True)
class ObjectiveConfig(Section):
    """Section [objective]. Terms are weights beside the paper's loss, which counts 1."""

    alpha: float = key(1.5, "the residual that is learned, in differences f_e - f_n", above=0, most=100)
    semantic: float = key(0.0, "weight of 1 - cos(residual, target)", least=0)
    identity: float = key(0.0, "weight of the squared residual at the neutral point; one more pass per pair", least=0)
    affect: float = key(0.0, "weight of the squared error of the emotion that a frozen probe reads back", least=0)
    affect_arousal: float = key(2.0, "what arousal counts in it, where valence counts 1", least=0)
    probe_steps: int = key(500, "training steps of that probe", least=1, most=1_000_000)
    prompt_dropout: float = key(0.0, "share of the pairs whose prompt is taken away", least=0, below=1)
    counterfactual: float = key(0.0, "weight of one content at two emotions; one more pass per pair", least=0)


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Some pairs on one device: features (B, T, C), the rest (B,).

    empty: whether the prompt is to be taken away. other_*: the same content at another emotion, where `has_other`; these
    are None unless the objective asks for them.
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

    def __len__(self) -> int:
        return len(self.valence)

    def map(self, change: Callable[[Tensor], Tensor]) -> Pairs:
        """The same with every tensor changed, for instance moved."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: change(value) for name, value in found.items() if value is not None})


def residual_target(neutral_BTC: Tensor, emotional_BTC: Tensor, alpha: float) -> Tensor:
    """r = alpha (f_e - f_n), in float32 whatever the features are kept in; (B, T, C)."""
    return alpha * (emotional_BTC.float() - neutral_BTC.float())


def weighted_square(error_BTC: Tensor, weight_B: Tensor) -> Tensor:
    """w || error ||^2 of each pair, the square as the mean over tokens and channels; (B,)."""
    return weight_B * error_BTC.float().square().mean(dim=(1, 2))


class Objective:
    """The loss of a recipe. probe: the frozen network of the affect term. empty_TC: the features of the empty prompt."""

    def __init__(self, config: ObjectiveConfig, probe: nn.Module | None = None, empty_TC: Tensor | None = None) -> None:
        assert (probe is not None) or not config.affect
        assert (empty_TC is not None) or not config.prompt_dropout
        self.config, self.probe, self.empty_TC = config, probe, empty_TC

    def __call__(self, residual: Residual, pairs: Pairs) -> dict[str, Tensor]:
        """`loss`, which is minimised, and the terms that make it up, each (B,) in float32. One call of `residual`."""
        config, size = self.config, len(pairs)
        target_BTC = residual_target(pairs.neutral, pairs.emotional, config.alpha)
        prompt_BTC = self._prompts(pairs)
        rows = [(prompt_BTC, pairs.valence, pairs.arousal)]
        if config.identity:
            rows.append((prompt_BTC, torch.zeros_like(pairs.valence), torch.zeros_like(pairs.arousal)))
        if config.counterfactual:
            assert pairs.other_valence is not None and pairs.other_arousal is not None
            rows.append((prompt_BTC, pairs.other_valence, pairs.other_arousal))
        found_RTC = residual(*(torch.cat(parts) if len(rows) > 1 else parts[0] for parts in zip(*rows, strict=True))).float()
        found_BTC, *more = found_RTC.split(size)
        terms = {"paper": weighted_square(found_BTC - target_BTC, pairs.weight)}
        if config.semantic:
            terms["semantic"] = config.semantic * (1 - F.cosine_similarity(found_BTC.flatten(1), target_BTC.flatten(1)))
        if config.identity:
            terms["identity"] = config.identity * more.pop(0).square().mean(dim=(1, 2))
        if config.counterfactual:
            terms["counterfactual"] = config.counterfactual * self._contrast(found_BTC, more.pop(0), pairs)
        if config.affect:
            terms["affect"] = config.affect * self._misread(prompt_BTC + found_BTC / config.alpha, pairs)
        return {"loss": torch.stack(list(terms.values())).sum(dim=0), **(terms if len(terms) > 1 else {})}

    def _prompts(self, pairs: Pairs) -> Tensor:
        neutral_BTC = pairs.neutral.float()
        if pairs.empty is None or self.empty_TC is None:
            return neutral_BTC
        return torch.where(pairs.empty[:, None, None], self.empty_TC.float(), neutral_BTC)

    def _contrast(self, found_BTC: Tensor, other_BTC: Tensor, pairs: Pairs) -> Tensor:
        assert pairs.other_emotional is not None and pairs.has_other is not None
        target_BTC = residual_target(pairs.other_emotional, pairs.emotional, self.config.alpha)
        square_B = weighted_square(found_BTC - other_BTC - target_BTC, pairs.weight)
        return torch.where(pairs.has_other, square_B, torch.zeros_like(square_B))

    def _misread(self, features_BTC: Tensor, pairs: Pairs) -> Tensor:
        assert self.probe is not None
        read_BE = self.probe(features_BTC)
        error_BE = read_BE - torch.stack([pairs.valence, pairs.arousal], dim=1)
        return error_BE.square() @ error_BE.new_tensor([1.0, self.config.affect_arousal])
