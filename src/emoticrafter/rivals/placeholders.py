"""Learned placeholder words: vectors that stand behind a prompt where words would, in both text encoders.

The embedding layer of each encoder looks up an ordinary word there, and what it finds is replaced. Everything behind it is the
frozen encoder's own work, so that gradients reach the vectors through it.
"""

# B prompts, S sets of placeholder words, K words of a set, T tokens of a section, E channels of an encoder's embedding

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.errors import InputError
from emoticrafter.rivals.steering import inside

if TYPE_CHECKING:
    from emoticrafter.backbones.base import Backbone

__all__ = ["Placeholders", "between", "encode_together"]

AT_ONCE = 64  # sections through the encoders
SPREAD = 0.1  # of the first vectors around a word's, in standard deviations of the embedding table


class Placeholders(nn.Module):
    """`sets` times `words` vectors for each text encoder; at first all lie near the embedding of a word, `first`."""

    def __init__(self, backbone: Backbone, sets: int, words: int, first: str) -> None:
        super().__init__()
        pipeline = inside(backbone)
        self.words = words
        self.numbers: list[int] = []  # of the word that is looked up, for each encoder
        vectors: list[nn.Parameter] = []
        for tokenizer, encoder in _halves(pipeline):
            ids = tokenizer(first, add_special_tokens=False).input_ids
            if not ids:
                raise InputError(
                    f"first is {first[:40]!r}; it must be a word, near which the placeholders begin.",
                    "Give one, such as feeling.",
                )
            number = ids[-1]
            table = encoder.get_input_embeddings().weight.detach().float().cpu()
            noise = torch.randn(sets, words, table.shape[1], generator=torch.Generator().manual_seed(len(vectors)))
            vectors.append(nn.Parameter(table[number] + SPREAD * table.std() * noise))
            self.numbers.append(number)
        self.vectors = nn.ParameterList(vectors)  # (S, K, E) for each encoder

    def encode(self, backbone: Any, prompts: Sequence[str], mix_BS: Tensor) -> PromptFeatures:
        """The features of the prompts with words behind, each a mixture of the sets.

        The words stand in a prompt's last section; where they do not fit they make one of their own.
        """
        sections: list[tuple[list[int], list[int]]] = []
        places: list[tuple[int, list[tuple[int, int]]]] = []  # the section with the words, and their beginnings and ends in it
        counts = []
        for prompt in prompts:
            parts = list(backbone.sections(prompt))
            last, ends = self._with_words(backbone, parts[-1])
            if ends is None:
                empty = backbone.sections("")[0]
                parts.append(empty)
                last, ends = self._with_words(backbone, empty)
                assert ends is not None, "the words are more than a section takes"
            parts[-1] = last
            places.append((len(sections) + len(parts) - 1, ends))
            sections += parts
            counts.append(len(parts))
        mixed = [torch.einsum("bs,ske->bke", mix_BS, vectors) for vectors in self.vectors]
        tokens, pooled = [], []
        # Where pictures are drawn each goes by itself: its features, to the last bit, must not depend on its company.
        at_once = AT_ONCE if torch.is_grad_enabled() else 1
        for begin in range(0, len(sections), at_once):
            part = sections[begin : begin + at_once]
            with self._replaced(backbone, places, mixed, begin, len(part)):
                one, other = backbone.encode_sections(part)
            tokens.append(one)
            pooled.append(other)
        return _joined(backbone, torch.cat(tokens), torch.cat(pooled), counts)

    def _with_words(
        self, backbone: Any, section: tuple[list[int], list[int]]
    ) -> tuple[tuple[list[int], list[int]], list[tuple[int, int]] | None]:
        """A section with the words before its end, and where they begin and end for each encoder; None where they do not fit."""
        made, ends = [], []
        for ids, number, (tokenizer, _) in zip(section, self.numbers, _halves(backbone.pipeline), strict=True):
            end = ids.index(tokenizer.eos_token_id, 1)
            if end + self.words >= len(ids):
                return section, None
            made.append([*ids[:end], *[number] * self.words, *ids[end : len(ids) - self.words]])
            ends.append((end, end + self.words))
        return (made[0], made[1]), ends

    @contextmanager
    def _replaced(
        self, backbone: Any, places: list[tuple[int, list[tuple[int, int]]]], mixed: list[Tensor], begin: int, count: int
    ) -> Iterator[None]:
        """Inside, the embeddings of sections `begin` and after hold the words' vectors."""
        hooks = []
        here = [(prompt, at - begin, ends) for prompt, (at, ends) in enumerate(places) if begin <= at < begin + count]
        for half, (_, encoder) in enumerate(_halves(backbone.pipeline)):

            def replace(_: Any, __: Any, output: Tensor, half: int = half) -> Tensor:
                rows = list(output)
                for prompt, row, ends in here:
                    first, last = ends[half]
                    rows[row] = torch.cat([rows[row][:first], mixed[half][prompt].to(output.dtype), rows[row][last:]])
                return torch.stack(rows)

            hooks.append(encoder.get_input_embeddings().register_forward_hook(replace))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def between(neutral: PromptFeatures, emotional: PromptFeatures, strength: float | Tensor) -> PromptFeatures:
    """From the neutral features (strength 0) towards the emotional ones (1), and past them. strength: one, or (B,).

    `neutral` may have fewer sections; it is then met by what the emotional features hold there, at full strength.
    """
    if isinstance(strength, float) and strength == 1:
        return emotional
    assert neutral.pooled is not None and emotional.pooled is not None
    share_B = torch.as_tensor(strength, device=emotional.pooled.device).expand(len(emotional))
    length = neutral.tokens.shape[1]
    assert length <= emotional.tokens.shape[1]
    tokens = torch.lerp(neutral.tokens, emotional.tokens[:, :length], share_B[:, None, None])
    if length < emotional.tokens.shape[1]:
        tokens = torch.cat([tokens, emotional.tokens[:, length:]], dim=1)
    return PromptFeatures.of(tokens, torch.lerp(neutral.pooled, emotional.pooled, share_B[:, None]), emotional.mask)


@torch.no_grad()
def encode_together(backbone: Any, prompts: Sequence[str]) -> PromptFeatures:
    """What `Backbone.encode` gives, but for the last bits: all prompts go through the encoders at once, which is faster."""
    sections = [backbone.sections(prompt) for prompt in prompts]
    tokens, pooled = backbone.encode_sections([section for parts in sections for section in parts])
    return _joined(backbone, tokens, pooled, [len(parts) for parts in sections])


def _halves(pipeline: Any) -> list[tuple[Any, Any]]:
    return [(pipeline.tokenizer, pipeline.text_encoder), (pipeline.tokenizer_2, pipeline.text_encoder_2)]


def _joined(backbone: Any, tokens: Tensor, pooled: Tensor, counts: list[int]) -> PromptFeatures:
    """Sections as prompts, the shorter ones filled up with sections of the empty prompt, as the backbone does it."""
    longest, rows, first, begin = max(counts), [], [], 0
    empty = backbone.encode([""]).tokens[0] if min(counts) < longest else None
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
