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

Where prompts have masks, the transformer sees the neutral prompt's own tokens alone, and losses are means over the tokens that
both prompts of a pair have: nothing is known of where the others should go.
"""

# B pairs, R rows of one forward pass, T prompt tokens, C prompt channels

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emoticrafter.masks import both, mask_of, mean_over_own, none_if_full, pad_mask, pad_tokens, zero_padding
from emoticrafter.settings import Section, key

__all__ = ["Objective", "ObjectiveConfig", "Pairs", "residual_target", "weighted_square"]

Residual = Callable[..., Tensor]  # (prompt_RTC, valence_R, arousal_R), and mask_RT where there is one -> residual_RTC


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


class Objective:
    """The loss of a recipe.

    probe: the frozen network of the affect term, from features and their mask to (B, 2). empty_TC: the features of the empty
    prompt, its own tokens alone where prompts have masks.
    """

    def __init__(self, config: ObjectiveConfig, probe: nn.Module | None = None, empty_TC: Tensor | None = None) -> None:
        assert (probe is not None) or not config.affect
        assert (empty_TC is not None) or not config.prompt_dropout
        self.config, self.probe, self.empty_TC = config, probe, empty_TC

    def __call__(self, residual: Residual, pairs: Pairs) -> dict[str, Tensor]:
        """`loss`, which is minimised, and the terms that make it up, each (B,) in float32. One call of `residual`."""
        config, size = self.config, len(pairs)
        target_BTC = residual_target(pairs.neutral, pairs.emotional, config.alpha)
        prompt_BTC, seen_BT = self._prompts(pairs)
        told_BT = none_if_full(both(seen_BT, pairs.shared_mask))
        rows = [(prompt_BTC, pairs.valence, pairs.arousal)]
        if config.identity:
            rows.append((prompt_BTC, torch.zeros_like(pairs.valence), torch.zeros_like(pairs.arousal)))
        if config.counterfactual:
            assert pairs.other_valence is not None and pairs.other_arousal is not None
            rows.append((prompt_BTC, pairs.other_valence, pairs.other_arousal))
        inputs = [torch.cat(parts) if len(rows) > 1 else parts[0] for parts in zip(*rows, strict=True)]
        masks = [] if seen_BT is None else [seen_BT.repeat(len(rows), 1)]
        found_BTC, *more = residual(*inputs, *masks).float().split(size)
        terms = {"paper": weighted_square(found_BTC - target_BTC, pairs.weight, told_BT)}
        if config.semantic:
            found, target = (zero_padding(part_BTC, told_BT).flatten(1) for part_BTC in (found_BTC, target_BTC))
            terms["semantic"] = config.semantic * (1 - F.cosine_similarity(found, target))
        if config.identity:
            terms["identity"] = config.identity * mean_over_own(more.pop(0).square(), seen_BT)
        if config.counterfactual:
            terms["counterfactual"] = config.counterfactual * self._contrast(found_BTC, more.pop(0), told_BT, pairs)
        if config.affect:
            terms["affect"] = config.affect * self._misread(prompt_BTC + found_BTC / config.alpha, seen_BT, pairs)
        return {"loss": torch.stack(list(terms.values())).sum(dim=0), **(terms if len(terms) > 1 else {})}

    def _prompts(self, pairs: Pairs) -> tuple[Tensor, Tensor | None]:
        """What the transformer is given, and which of it is a prompt's own."""
        neutral_BTC, mask_BT = pairs.neutral.float(), none_if_full(pairs.neutral_mask)
        if pairs.empty is None or self.empty_TC is None:
            return neutral_BTC, mask_BT
        length, tokens = len(self.empty_TC), neutral_BTC.shape[1]
        prompt_BTC = torch.where(pairs.empty[:, None, None], pad_tokens(self.empty_TC.float(), tokens), neutral_BTC)
        if mask_BT is None and length >= tokens:
            return prompt_BTC, None
        whole_BT = torch.ones_like(prompt_BTC[..., 0], dtype=torch.bool) if mask_BT is None else mask_BT
        lengths_B = torch.where(pairs.empty, length, whole_BT.sum(dim=1))
        return prompt_BTC, none_if_full(mask_of(lengths_B, tokens))

    def _contrast(self, found_BTC: Tensor, other_BTC: Tensor, told_BT: Tensor | None, pairs: Pairs) -> Tensor:
        assert pairs.other_emotional is not None and pairs.has_other is not None
        target_BTC = residual_target(pairs.other_emotional, pairs.emotional, self.config.alpha)
        told_BT = none_if_full(both(told_BT, pairs.other_mask))
        square_B = weighted_square(found_BTC - other_BTC - target_BTC, pairs.weight, told_BT)
        return torch.where(pairs.has_other, square_B, torch.zeros_like(square_B))

    def _misread(self, features_BTC: Tensor, mask_BT: Tensor | None, pairs: Pairs) -> Tensor:
        assert self.probe is not None
        read_BE = self.probe(features_BTC, *(() if mask_BT is None else (mask_BT,)))
        error_BE = read_BE - torch.stack([pairs.valence, pairs.arousal], dim=1)
        return error_BE.square() @ error_BE.new_tensor([1.0, self.config.affect_arousal])
