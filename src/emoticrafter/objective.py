"""What the emotion injection transformer is trained to do: the paper's loss, and what a recipe can switch on beyond it.

Dang et al. 2025 (arXiv 2501.05710), section 4.3, for a pair of neutral and emotional prompt features f_n, f_e:

    L = E[ w(v, a) || f_hat - (f_n + alpha (f_e - f_n)) ||^2 ],   f_hat = f_n + r_hat,   alpha = 1.5,   w = 1/d(v, a)

so the residual r_hat is held to r = alpha (f_e - f_n). The square is the mean over tokens and channels, a constant factor.
Every term is a mean over the pairs of a batch and comes as one number per pair, so that it does not matter how a batch is cut
into pieces or shared by processes. Beyond the paper, each off at 0, are the terms of `loss_terms.TERMS`, and `prompt_dropout`:
this share of the pairs is given the empty prompt's features in the place of f_n, with the same r, so that an emotion without
content is learned too.

Where prompts have masks, the transformer sees the neutral prompt's own tokens alone, and losses are means over the tokens that
both prompts of a pair have: nothing is known of where the others should go.
"""

# B pairs, R rows of one forward pass, T prompt tokens, C prompt channels

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, make_dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from emoticrafter.loss_terms import TERMS, Pairs, Prediction, residual_target, weighted_square
from emoticrafter.masks import both, mask_of, none_if_full, pad_tokens
from emoticrafter.settings import Section, key

__all__ = ["Objective", "ObjectiveConfig", "Pairs", "residual_target", "switched_on", "weighted_square"]

Residual = Callable[..., Tensor]  # (prompt_RTC, valence_R, arousal_R), and mask_RT where there is one -> residual_RTC


def _keys() -> list[tuple[str, type, Any]]:
    """The keys of the section [objective]: the weights of the terms, with what belongs to each, among those of the whole."""
    made: list[tuple[str, type, Any]] = [
        ("alpha", float, key(1.5, "the residual that is learned, in differences f_e - f_n", above=0, most=100))
    ]
    for name, term in TERMS.items():
        made += [(name, float, key(0.0, term.about, least=0)), *((more, *rule) for more, rule in term.keys.items())]
    return [*made, ("prompt_dropout", float, key(0.0, "share of the pairs whose prompt is taken away", least=0, below=1))]


_Keys: Any = make_dataclass("_Keys", _keys(), bases=(Section,), frozen=True, kw_only=True)


class ObjectiveConfig(_Keys):
    """Section [objective]. Terms are weights beside the paper's loss, which counts 1."""


def switched_on(entries: Mapping[str, Any]) -> list[str]:
    """What the section with these entries has beyond the paper: the names of the keys, off at 0, that are not."""
    return [one.name for one in fields(ObjectiveConfig) if one.default == 0 and entries.get(one.name)]


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
        config = self.config
        terms = {name: term for name, term in TERMS.items() if getattr(config, name)}
        prompt_BTC, prompt_mask = self._prompts(pairs)
        emotions = [(pairs.valence, pairs.arousal), *(term.again(pairs) for term in terms.values() if term.again)]
        found_BTC, *more = self._found(residual, prompt_BTC, prompt_mask, emotions)
        seen = Prediction(
            config=config,
            pairs=pairs,
            prompt=prompt_BTC,
            prompt_mask=prompt_mask,
            residual=found_BTC,
            target=residual_target(pairs.neutral, pairs.emotional, config.alpha),
            target_mask=none_if_full(both(prompt_mask, pairs.shared_mask)),
            probe=self.probe,
        )
        losses = {"paper": weighted_square(seen.residual - seen.target, pairs.weight, seen.target_mask)}
        for name, term in terms.items():
            given = replace(seen, again=more.pop(0)) if term.again else seen
            losses[name] = getattr(config, name) * term.compute(given)
        return {"loss": torch.stack(list(losses.values())).sum(dim=0), **(losses if terms else {})}

    @staticmethod
    def _found(
        residual: Residual, prompt_BTC: Tensor, mask_BT: Tensor | None, emotions: list[tuple[Tensor, Tensor]]
    ) -> tuple[Tensor, ...]:
        """The residuals of all emotions, (B, T, C) each, in one pass."""
        valence_R, arousal_R = (torch.cat(axis) if len(axis) > 1 else axis[0] for axis in zip(*emotions, strict=True))
        prompt_RTC = torch.cat([prompt_BTC] * len(emotions)) if len(emotions) > 1 else prompt_BTC
        masks = [] if mask_BT is None else [mask_BT.repeat(len(emotions), 1)]
        return residual(prompt_RTC, valence_R, arousal_R, *masks).float().split(len(prompt_BTC))

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
