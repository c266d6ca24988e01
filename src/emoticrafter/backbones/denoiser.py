"""The network of a backbone, for what learns from it and what adds to it: the second protocol, beside `Backbone`.

A method never touches the network itself. What it adds is there inside a `with` alone, and no weight is changed.
"""

# B pictures or prompts, L latent channels, h and w sides of latents, R rows of one call of the network, H heads, N places of the
# picture, d channels of a head, C channels of a layer, D channels of the time embedding, K words, E channels of an encoder

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from emoticrafter.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from PIL import Image
    from torch import Tensor, nn

    from emoticrafter.backbones.features import PromptFeatures
    from emoticrafter.errors import EmotiCrafterError

__all__ = ["AttentionCall", "AttentionChange", "Denoiser", "TextPlaces", "TimeChange", "WordVector", "denoiser_of"]


class AttentionCall(Protocol):
    """One call of a cross-attention. heads: H."""

    @property
    def heads(self) -> int: ...

    def queries(self, first: int) -> Tensor:
        """The picture's queries (R - first, H, N, d) of the rows from `first` on."""
        ...

    def project(self, found: Tensor) -> Tensor:
        """What the layer's output projection, without its bias, makes of what was read (R, N, H d), as the output has it."""
        ...


AttentionChange = Callable[["Tensor", AttentionCall], "Tensor"]  # (output (R, N, C), the call) -> output
TimeChange = Callable[["Tensor"], "Tensor"]  # time embedding (R, D) -> time embedding


class WordVector(NamedTuple):
    """A word in a text encoder's table, float32 on the CPU. vector: (E,). deviation: (), the standard one of the whole table."""

    vector: Tensor
    deviation: Tensor


class TextPlaces(Protocol):
    """The places in a model's text encoders."""

    def encode(self, prompts: Sequence[str]) -> PromptFeatures:
        """What `Backbone.encode` gives, but for the last bits: all prompts go through the encoders at once, which is faster."""
        ...

    def word_vectors(self, word: str) -> list[WordVector]:
        """The last token of a word, in each text encoder; empty for a text without any."""
        ...

    def encode_with_words(self, prompts: Sequence[str], words: Sequence[Tensor]) -> PromptFeatures:
        """The features of prompts with K more words behind each. words: their vectors (B, K, E), for each text encoder.

        Gradients reach the vectors. The words stand in a prompt's last section; where they do not fit they make one of their own.
        """
        ...


class Denoiser(Protocol):
    """What a backbone's frozen network offers to a method.

    dtype: of its weights. networks: those through which gradients pass; none may reach their parameters. attention_widths: the
    channels H d of the queries of each cross-attention, in the network's own order; empty where it has none. time_width: D, None
    where nothing can be added to the time embedding. text: the text encoders.
    """

    @property
    def dtype(self) -> torch.dtype: ...

    @property
    def networks(self) -> Sequence[nn.Module]: ...

    @property
    def attention_widths(self) -> Sequence[int]: ...

    @property
    def time_width(self) -> int | None: ...

    @property
    def text(self) -> TextPlaces: ...

    # Pictures

    def encode_pictures(self, pictures: np.ndarray) -> np.ndarray:
        """The latents (B, L, h, w), float16, of pictures, uint8 (B, height, width, 3).

        Raises DeviceError and CheckpointError where they are not finite.
        """
        ...

    def decode_latents(self, latents: Tensor) -> list[Image.Image]:
        """The pictures of latents (B, L, h, w); `encode_pictures` undone, as far as the model can."""
        ...

    # The training loss

    def loss(self, latents: Tensor, features: PromptFeatures, generator: torch.Generator, *, size: tuple[int, int]) -> Tensor:
        """The loss that the network was trained with, at these clean latents and features, a row of either for each picture.

        generator: of the times and the noise, on the CPU. size: (width, height) of the pictures, in pixels.
        """
        ...

    def not_finite(self, what: str) -> EmotiCrafterError:
        """The error for a result that is not finite. what: the sentence's beginning, such as "The loss overflowed"."""
        ...

    # Places in the network

    def attention_changed(self, changes: Sequence[AttentionChange]) -> AbstractContextManager[None]:
        """Inside, the output of each cross-attention goes through its change, one for each of `attention_widths`."""
        ...

    def time_changed(self, change: TimeChange) -> AbstractContextManager[None]:
        """Inside, the time embedding goes through the change."""
        ...


class Offering(Protocol):
    """Whoever may offer a network: a `Backbone`."""

    @property
    def name(self) -> str: ...

    @property
    def denoiser(self) -> Denoiser | None: ...


def denoiser_of(backbone: Offering) -> Denoiser:
    """The network of a backbone. Raises InputError for a backbone that lets nobody learn from it."""
    denoiser = backbone.denoiser
    if denoiser is None:
        raise InputError(f"The backbone {backbone.name} offers no network to learn from.", "Use another backbone.")
    return denoiser
