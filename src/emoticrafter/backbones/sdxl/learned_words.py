"""Words behind a prompt that are vectors and no text, in both of SDXL's text encoders.

The embedding layer of each encoder looks up an ordinary token there, and what it finds is replaced. Everything behind it is the
frozen encoder's own work, so that gradients reach the vectors through it.
"""

# B prompts, K words behind each, T tokens of a section, E channels of an encoder's embedding

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from emoticrafter.backbones.denoiser import WordVector
from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.backbones.sdxl.encoding import SDXLPrompts
from emoticrafter.backbones.sdxl.network import SDXLNetwork
from emoticrafter.errors import InputError

__all__ = ["SDXLText"]

AT_ONCE = 64  # sections through the encoders
Ids = tuple[list[int], list[int]]  # of a section, for the first and the second text encoder
Ends = list[tuple[int, int]]  # where the words begin and end in a section, for each text encoder


class SDXLText:
    """See `TextPlaces`."""

    def __init__(self, network: SDXLNetwork, prompts: SDXLPrompts) -> None:
        self.network, self.prompts = network, prompts

    @property
    def _halves(self) -> list[tuple[Any, Any]]:
        pipeline = self.network.pipeline
        return [(pipeline.tokenizer, pipeline.text_encoder), (pipeline.tokenizer_2, pipeline.text_encoder_2)]

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> PromptFeatures:
        """See `TextPlaces.encode`."""
        sections = [self.prompts.sections(prompt) for prompt in prompts]
        tokens, pooled = self.prompts.encode_sections([section for parts in sections for section in parts])
        return self._joined(tokens, pooled, [len(parts) for parts in sections])

    def word_vectors(self, word: str) -> list[WordVector]:
        """See `TextPlaces.word_vectors`."""
        found = []
        for tokenizer, encoder in self._halves:
            ids = tokenizer(word, add_special_tokens=False).input_ids
            if not ids:
                return []
            table = encoder.get_input_embeddings().weight.detach().float().cpu()
            found.append(WordVector(table[ids[-1]], table.std()))
        return found

    def encode_with_words(self, prompts: Sequence[str], words: Sequence[Tensor]) -> PromptFeatures:
        """See `TextPlaces.encode_with_words`."""
        count = words[0].shape[1]
        sections: list[Ids] = []
        places: list[tuple[int, Ends]] = []  # the section with the words, and where they are in it
        counts = []
        for prompt in prompts:
            parts = list(self.prompts.sections(prompt))
            last, ends = self._with_room(parts[-1], count)
            if ends is None:
                empty = self.prompts.sections("")[0]
                parts.append(empty)
                last, ends = self._with_room(empty, count)
                if ends is None:
                    most = self.prompts.section - 2
                    raise InputError(f"{count} words do not fit behind a prompt; {most} are the most.", "Use fewer.")
            parts[-1] = last
            places.append((len(sections) + len(parts) - 1, ends))
            sections += parts
            counts.append(len(parts))
        tokens, pooled = [], []
        # Where pictures are drawn each goes by itself: its features, to the last bit, must not depend on its company.
        at_once = AT_ONCE if torch.is_grad_enabled() else 1
        for begin in range(0, len(sections), at_once):
            part = sections[begin : begin + at_once]
            with self._replaced(places, words, begin, len(part)):
                one, other = self.prompts.encode_sections(part)
            tokens.append(one)
            pooled.append(other)
        return self._joined(torch.cat(tokens), torch.cat(pooled), counts)

    def _with_room(self, section: Ids, count: int) -> tuple[Ids, Ends | None]:
        """A section with any tokens before its end, for the words, and where these are; None where they do not fit."""
        made, ends = [], []
        for ids, (tokenizer, _) in zip(section, self._halves, strict=True):
            end = ids.index(tokenizer.eos_token_id, 1)
            if end + count >= len(ids):
                return section, None
            # The encoders find the end of a prompt by its token, so that any other will do.
            anything = next(number for number in range(3) if number not in (tokenizer.bos_token_id, tokenizer.eos_token_id))
            made.append([*ids[:end], *[anything] * count, *ids[end : len(ids) - count]])
            ends.append((end, end + count))
        return (made[0], made[1]), ends

    @contextmanager
    def _replaced(self, places: list[tuple[int, Ends]], words: Sequence[Tensor], begin: int, count: int) -> Iterator[None]:
        """Inside, the embeddings of sections `begin` and after hold the words' vectors."""
        hooks = []
        here = [(prompt, at - begin, ends) for prompt, (at, ends) in enumerate(places) if begin <= at < begin + count]
        for half, (_, encoder) in enumerate(self._halves):

            def replace(_: Any, __: Any, output: Tensor, half: int = half) -> Tensor:
                rows = list(output)
                for prompt, row, ends in here:
                    first, last = ends[half]
                    rows[row] = torch.cat([rows[row][:first], words[half][prompt].to(output.dtype), rows[row][last:]])
                return torch.stack(rows)

            hooks.append(encoder.get_input_embeddings().register_forward_hook(replace))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _joined(self, tokens: Tensor, pooled: Tensor, counts: list[int]) -> PromptFeatures:
        """Sections as prompts, the shorter ones filled up with sections of the empty prompt, as the backbone does it."""
        longest, rows, first, begin = max(counts), [], [], 0
        empty = self.prompts.encode([""]).tokens[0] if min(counts) < longest else None
        for count in counts:
            own = tokens[begin : begin + count].flatten(0, 1)
            rows.append(own if empty is None or count == longest else torch.cat([own, empty.repeat(longest - count, 1)]))
            first.append(begin)
            begin += count
        mask = None
        if empty is not None:
            section = tokens.shape[1]
            mask = torch.arange(longest * section)[None, :] < section * torch.tensor(counts)[:, None]
            mask = mask.to(tokens.device)
        return PromptFeatures.of(torch.stack(rows), pooled[first], mask)
