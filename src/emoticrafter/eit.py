"""The emotion injection transformer: from a neutral prompt feature and an emotion to an emotional prompt feature.

Dang et al., "EmotiCrafter: Text-to-Emotional-Image Generation based on Valence-Arousal Model" (ICCV 2025,
arXiv 2501.05710). Two variants of its block compute different things; a checkpoint's config says which one
its weights were trained for.
"""

# B batch, T prompt tokens, C prompt channels, D width, K emotion tokens, N heads, H channels of a head

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emoticrafter.emotion import LIMIT
from emoticrafter.errors import InputError
from emoticrafter.masks import none_if_full, zero_padding

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

__all__ = ["EITConfig", "EmotionInjectionTransformer", "Order", "Predicts", "VAEncoder", "Variant"]

Variant = Literal["paper", "released"]
Order = Literal["valence_first", "arousal_first"]
Predicts = Literal["residual", "feature"]
MAX_SIZE = 65_536  # of any entry: a config is read from files of strangers
MAX_BLOCKS = 512
CHOICES = {"variant": get_args(Variant), "order": get_args(Order), "predicts": get_args(Predicts)}
OWN_ORDER: dict[Variant, Order] = {"paper": "valence_first", "released": "arousal_first"}
FIRST_GAIN = 0.01  # of the residual's norm in a model that has learned nothing yet


@dataclass(frozen=True, kw_only=True)
class EITConfig:
    """The sizes of an EIT. The default fits SDXL: 148.2 M parameters.

    prompt_channels: of the text features, 2048 in SDXL. positions: the most tokens of one prompt section, 77 in SDXL.
    emotion_tokens: per axis. encoder_width: hidden units of the MLP of one axis. feed_forward: hidden units of a block's
    MLP; None means four times the width. order: of the axes in a block; None means the variant's own. predicts: what the last
    layer gives, the residual or the whole emotional feature. Raises InputError where an entry breaks a rule.
    """

    prompt_channels: int = 2048
    width: int = 768
    heads: int = 12
    blocks: int = 12
    emotion_tokens: int = 16
    encoder_width: int = 128
    feed_forward: int | None = None
    positions: int = 77
    variant: Variant = "paper"
    order: Order | None = None
    predicts: Predicts = "residual"

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if (value := getattr(self, name)) not in known and not (name == "order" and value is None):
                raise InputError(f"The EIT's {name} is {str(value)[:60]!r}.", f"Known ones: {', '.join(known)}.")
        if self.feed_forward is None and isinstance(self.width, int):
            object.__setattr__(self, "feed_forward", 4 * self.width)
        for field in fields(self):
            value = getattr(self, field.name)
            most = MAX_BLOCKS if field.name == "blocks" else MAX_SIZE
            if field.name not in CHOICES and (type(value) is not int or not 1 <= value <= most):
                raise InputError(
                    f"The EIT's {field.name} is {str(value)[:60]!r}; it must be a whole number from 1 to {most}.", "Mend it."
                )
        if self.width % self.heads:
            raise InputError(
                f"The EIT's width {self.width} cannot be shared by {self.heads} heads.", "The heads must divide the width."
            )

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> EITConfig:
        """The config with these entries; one that is not known raises InputError with those that are."""
        known = [field.name for field in fields(cls)]
        if unknown := [str(name)[:60] for name in entries if name not in known]:
            raise InputError(f"Unknown EIT settings: {', '.join(unknown)}.", f"Known ones: {', '.join(known)}.")
        return cls(**entries)

    def as_dict(self) -> dict[str, Any]:
        """The entries as plain values."""
        return asdict(self)


class VAEncoder(nn.Module):
    """One MLP per axis, from a number in [-3, 3] to K tokens of the transformer's width."""

    def __init__(self, config: EITConfig) -> None:
        super().__init__()
        self.shape = (-1, config.emotion_tokens, config.width)
        self.valence = self._axis(config)
        self.arousal = self._axis(config)

    @staticmethod
    def _axis(config: EITConfig) -> nn.Sequential:
        inner, outer = nn.Linear(1, config.encoder_width), nn.Linear(config.encoder_width, config.emotion_tokens * config.width)
        # Each hidden unit bends the curve at one point; spread the points evenly over the axis, half facing each way.
        with torch.no_grad():
            bends = torch.linspace(-LIMIT, LIMIT, config.encoder_width, device=inner.weight.device)
            sides = 1.0 - 2.0 * (torch.arange(config.encoder_width, device=inner.weight.device) % 2)
            inner.weight.copy_(sides[:, None])
            inner.bias.copy_(-sides * bends)
        return nn.Sequential(inner, nn.ReLU(), outer)

    def forward(
        self, valence_B: Float[Tensor, " B"], arousal_B: Float[Tensor, " B"]
    ) -> tuple[Float[Tensor, "B K D"], Float[Tensor, "B K D"]]:
        """The tokens of both axes: valence, arousal."""
        return self.valence(valence_B[:, None]).view(self.shape), self.arousal(arousal_B[:, None]).view(self.shape)


class Attention(nn.Module):
    """Multi-head attention, each head scaled by 1/sqrt(H)."""

    def __init__(self, config: EITConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.query = nn.Linear(config.width, config.width)
        self.key_value = nn.Linear(config.width, 2 * config.width)
        self.out = nn.Linear(config.width, config.width)

    def forward(
        self, x_BTD: Float[Tensor, "B T D"], context_BSD: Float[Tensor, "B2 S D"], mask_PS: Bool[Tensor, "P S"] | None = None
    ) -> Float[Tensor, "B3 T D"]:
        """What `x` reads from `context`, where the mask is true. A batch of one in either is shared by all of the other."""
        q_BNTH = self._split(self.query(x_BTD))
        k_BNSH, v_BNSH = (self._split(half) for half in self.key_value(context_BSD).chunk(2, dim=-1))
        batch = max(len(q_BNTH), len(k_BNSH))
        q_BNTH, k_BNSH, v_BNSH = (part.expand(batch, -1, -1, -1) for part in (q_BNTH, k_BNSH, v_BNSH))
        mask_P11S = None if mask_PS is None else mask_PS[:, None, None, :]
        return self.out(_attend(q_BNTH, k_BNSH, v_BNSH, mask_P11S).transpose(1, 2).flatten(2))

    def _split(self, x_BTD: Tensor) -> Tensor:
        return x_BTD.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def _attend(q_BNTH: Tensor, k_BNSH: Tensor, v_BNSH: Tensor, mask_P11S: Tensor | None) -> Tensor:
    """softmax(q k^T / sqrt(H)) v over the keys of the mask.

    Written out where it is compiled for a CPU: a compiler joins these products with what is around them, as it cannot the fused
    kernel.
    """
    if not (torch.compiler.is_compiling() and q_BNTH.device.type == "cpu"):
        return F.scaled_dot_product_attention(q_BNTH, k_BNSH, v_BNSH, attn_mask=mask_P11S)
    score_BNTS = q_BNTH.float() / math.sqrt(q_BNTH.shape[-1]) @ k_BNSH.float().transpose(-1, -2)
    if mask_P11S is not None:
        score_BNTS = score_BNTS.masked_fill(~mask_P11S, -math.inf)
    return (score_BNTS.softmax(-1) @ v_BNSH.float()).to(q_BNTH.dtype)


class Block(nn.Module):
    """Self-attention, attention to both axes' tokens, and an MLP, in one of two ways.

    paper (its equations of the block), every residual pre-norm, valence before arousal:

        x <- x + self(n), n = LN(x);  x <- x + valence(LN(x));  x <- x + arousal(LN(x));  x <- x + MLP(LN(x))

    released (what the authors' code computes), where the skip around each attention starts behind the norm and arousal
    comes first:

        n = LN(x): x <- n + self(n);  n = LN(x): x <- n + arousal(n);  n = LN(x): x <- n + valence(n);  x <- x + MLP(LN(x))

    The config's `order` turns the axes round in either. Tokens read from those of the mask; emotion tokens have none.
    """

    def __init__(self, config: EITConfig) -> None:
        super().__init__()
        self.skip_behind_norm = config.variant == "released"
        self.arousal_first = (config.order or OWN_ORDER[config.variant]) == "arousal_first"
        self.self_norm = nn.LayerNorm(config.width)
        self.self_attention = Attention(config)
        self.valence_norm = nn.LayerNorm(config.width)
        self.valence_attention = Attention(config)
        self.arousal_norm = nn.LayerNorm(config.width)
        self.arousal_attention = Attention(config)
        self.feed_norm = nn.LayerNorm(config.width)
        assert config.feed_forward is not None
        self.feed_in = nn.Linear(config.width, config.feed_forward)
        self.feed_out = nn.Linear(config.feed_forward, config.width)

    def forward(
        self,
        x_BTD: Float[Tensor, "B T D"],
        valence_BKD: Float[Tensor, "B2 K D"],
        arousal_BKD: Float[Tensor, "B2 K D"],
        mask_PT: Bool[Tensor, "P T"] | None = None,
    ) -> Float[Tensor, "B2 T D"]:
        axes = [
            (self.valence_norm, self.valence_attention, valence_BKD),
            (self.arousal_norm, self.arousal_attention, arousal_BKD),
        ]
        n_BTD = self.self_norm(x_BTD)
        x_BTD = (n_BTD if self.skip_behind_norm else x_BTD) + self.self_attention(n_BTD, n_BTD, mask_PT)
        for norm, attention, emotion_BKD in reversed(axes) if self.arousal_first else axes:
            n_BTD = norm(x_BTD)
            x_BTD = (n_BTD if self.skip_behind_norm else x_BTD) + attention(n_BTD, emotion_BKD)
        return x_BTD + self.feed_out(F.gelu(self.feed_in(self.feed_norm(x_BTD)), approximate="tanh"))


class EmotionInjectionTransformer(nn.Module):
    """f_hat = f_n + LN(W_out LN(blocks(W_in f_n + positions; E_v(v), E_a(a)))), the residual prediction of the paper.

    A new `paper` model starts near neutral: the gain of the last norm is 0.01, so that its residual has a standard
    deviation of 0.01 where SDXL's prompt features have about 1, and gradients still reach every weight. Adam moves that gain
    by its learning rate per step, whatever the loss: a short training should give `residual_norm.weight` ten times the rate.

    Where the config `predicts` the feature, "f_n +" is left out, the gain starts at 1, and `residual` is f_hat - f_n.

    metadata: JSON values that a checkpoint carries beside the weights, see `checkpoint.save`.
    """

    def __init__(self, config: EITConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or EITConfig()
        self.metadata: dict[str, Any] = {}
        self.project_in = nn.Linear(config.prompt_channels, config.width, bias=False)
        self.positions = nn.Parameter(torch.empty(config.positions, config.width))
        self.encoder = VAEncoder(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(config.width)
        self.project_out = nn.Linear(config.width, config.prompt_channels, bias=False)
        self.residual_norm = nn.LayerNorm(config.prompt_channels)
        self._initialise()

    def _initialise(self) -> None:
        nn.init.normal_(self.positions, std=0.02)
        nn.init.normal_(self.project_out.weight, std=0.02)
        for block in self.blocks:
            for name, part in block.named_modules():
                if isinstance(part, nn.Linear):
                    # What enters the residual stream shrinks with its depth, as in GPT-2.
                    std = 0.02 / math.sqrt(4 * self.config.blocks) if name.endswith("out") else 0.02
                    nn.init.normal_(part.weight, std=std)
                    nn.init.zeros_(part.bias)
        if self.config.variant == "paper" and self.config.predicts == "residual":
            nn.init.constant_(self.residual_norm.weight, FIRST_GAIN)

    def forward(
        self,
        prompt_BTC: Float[Tensor, "P T C"],
        valence_B: Float[Tensor, " B"],
        arousal_B: Float[Tensor, " B"],
        mask_PT: Bool[Tensor, "P T"] | None = None,
    ) -> Float[Tensor, "B T C"]:
        """The emotional prompt feature. Arguments are those of `residual`."""
        return prompt_BTC + self.residual(prompt_BTC, valence_B, arousal_B, mask_PT)

    def residual(
        self,
        prompt_BTC: Float[Tensor, "P T C"],
        valence_B: Float[Tensor, " B"],
        arousal_B: Float[Tensor, " B"],
        mask_PT: Bool[Tensor, "P T"] | None = None,
    ) -> Float[Tensor, "B T C"]:
        """What the emotion adds to the prompt feature.

        prompt_BTC: one section of each prompt, T at most `config.positions`; with P = 1 all emotions share it, and the
        work before the first emotion is done once. valence_B, arousal_B: in [-3, 3]. mask_PT: the prompts' own tokens, which
        come first; they see each other alone, and what is added to the others is 0. None where all count; a prompt without a
        token of its own in this section, which nothing is drawn from, is taken as if all were its own.
        """
        batch, length, channels = prompt_BTC.shape
        assert channels == self.config.prompt_channels, f"{channels} channels, not {self.config.prompt_channels}"
        assert length <= self.config.positions, f"{length} tokens, more than {self.config.positions}: map section by section"
        assert len(valence_B) == len(arousal_B) and batch in (1, len(valence_B)), (batch, len(valence_B), len(arousal_B))
        if mask_PT is not None:
            mask_PT = none_if_full(mask_PT | ~mask_PT.any(dim=1, keepdim=True))
        x_BTD = self.project_in(prompt_BTC) + self.positions[:length]
        valence_BKD, arousal_BKD = self.encoder(valence_B, arousal_B)
        for block in self.blocks:
            x_BTD = block(x_BTD, valence_BKD, arousal_BKD, mask_PT)
        found_BTC = self.residual_norm(self.project_out(self.norm(x_BTD)))
        return zero_padding(found_BTC if self.config.predicts == "residual" else found_BTC - prompt_BTC, mask_PT)

    @property
    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())
