"""Prompts to features, by both text encoders of a pipeline of SDXL's kind."""

# B batch, T prompt tokens, C prompt channels, P pooled channels

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.backbones.finite import is_finite
from emoticrafter.backbones.sdxl.network import SDXLNetwork
from emoticrafter.backbones.sdxl.text import section_length, sections_of

__all__ = ["Encoded", "SDXLPrompts"]

MEMORY = 256  # prompts whose features are kept
ENCODED_AT_ONCE = 64  # prompt sections

Encoded = tuple[Tensor, Tensor]  # (T, C) of all sections, (P,)


class SDXLPrompts:
    """section: tokens of a section, T. Features that were made are kept for the next time."""

    def __init__(self, network: SDXLNetwork) -> None:
        self.network, self.section = network, section_length(network.pipeline)
        self._memory: OrderedDict[str, Encoded] = OrderedDict()

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> PromptFeatures:
        """See `Backbone.encode`.

        A prompt of more than `section` tokens is cut into sections, at word ends, encoded apart and joined; the pooled
        feature is that of the first. In a batch, shorter prompts are filled up with sections of the empty prompt.
        """
        encoded = self._encoded(prompts)
        lengths = [len(tokens) for tokens, _ in encoded]
        longest = max(lengths)
        pooled_BP = torch.stack([pooled for _, pooled in encoded])
        tokens_BTC = torch.stack([self._filled(tokens, longest) for tokens, _ in encoded])
        if min(lengths) == longest:
            return PromptFeatures.of(tokens_BTC, pooled_BP)
        mask_BT = torch.arange(longest)[None, :] < torch.tensor(lengths)[:, None]
        return PromptFeatures.of(tokens_BTC, pooled_BP, mask_BT.to(tokens_BTC.device))

    def unconditional(self, negative_prompt: str | None, features: PromptFeatures) -> PromptFeatures:
        """One row to move away from, at least as long as the features: the negative prompt, or what the model was trained to take
        for no prompt.
        """
        if negative_prompt is None and self.network.pipeline.config.force_zeros_for_empty_prompt:
            return features.rows([0]).map(torch.zeros_like)
        encoded = self.encode([negative_prompt or ""])
        return encoded.with_tokens(self.lengthened(encoded.tokens, max(encoded.tokens.shape[1], features.tokens.shape[1])))

    def lengthened(self, tokens_BTC: Tensor, length: int) -> Tensor:
        """Filled up with sections of the empty prompt: both sides of the guidance need one length."""
        if tokens_BTC.shape[1] == length:
            return tokens_BTC
        return torch.stack([self._filled(tokens_TC, length) for tokens_TC in tokens_BTC])

    def sections(self, prompt: str) -> list[tuple[list[int], list[int]]]:
        """The token ids of each section, for the first and the second text encoder."""
        tokenizers = (self.network.pipeline.tokenizer, self.network.pipeline.tokenizer_2)
        both = [self._split(tokenizer, prompt) for tokenizer in tokenizers]
        for tokenizer, sections in zip(tokenizers, both, strict=True):  # their vocabularies may differ
            sections += self._split(tokenizer, "") * (max(map(len, both)) - len(sections))
        return list(zip(*both, strict=True))

    def encode_sections(self, sections: Sequence[tuple[list[int], list[int]]]) -> Encoded:
        """The tokens (n, T, C) and the pooled feature (n, P) of sections, each as `sections` gives it."""
        tokens, pooled = [], []
        pipeline = self.network.pipeline
        with self.network.memory_guard("encode the prompt"):
            for begin in range(0, len(sections), ENCODED_AT_ONCE):
                batch = torch.tensor(sections[begin : begin + ENCODED_AT_ONCE], device=self.network.device)
                first = pipeline.text_encoder(batch[:, 0], output_hidden_states=True)
                second = pipeline.text_encoder_2(batch[:, 1], output_hidden_states=True)
                both = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1)  # as SDXL was trained
                tokens.append(both.float())
                pooled.append(second.text_embeds.float())
        return torch.cat(tokens), torch.cat(pooled)

    def _encoded(self, prompts: Sequence[str]) -> list[Encoded]:
        known = {prompt: self._memory[prompt] for prompt in prompts if prompt in self._memory}
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in known]
        for prompt in new:  # each by itself: its features, to the last bit, must not depend on its company
            tokens, pooled = self.encode_sections(self.sections(prompt))
            if not is_finite(tokens) or not is_finite(pooled):
                raise self.network.not_finite("The features of a prompt overflowed")
            known[prompt] = tokens.flatten(0, 1), pooled[0]
        for prompt in known:
            self._memory[prompt] = known[prompt]
            self._memory.move_to_end(prompt)
        while len(self._memory) > MEMORY:
            self._memory.popitem(last=False)
        return [known[prompt] for prompt in prompts]

    def _filled(self, tokens_TC: Tensor, length: int) -> Tensor:
        if len(tokens_TC) == length:
            return tokens_TC
        empty = self._encoded([""])[0][0]
        return torch.cat([tokens_TC, empty.repeat((length - len(tokens_TC)) // self.section, 1)])

    def _split(self, tokenizer: Any, prompt: str) -> list[list[int]]:
        ids = tokenizer(prompt, add_special_tokens=False, verbose=False).input_ids
        return sections_of(ids, tokenizer, self.section)
