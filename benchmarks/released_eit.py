"""The authors' transformer as their checkpoint describes it, written plainly: what ours is compared with.

Float32, attention written out, dead parameters included: an embedding that nothing reads, and in each attention two thirds of
`c_attn` whose result is thrown away. The names are those of the released file, which this module loads.
"""

# B batch, T prompt tokens, C prompt channels, D width, K emotion tokens, N heads

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VOCABULARY = 50_257  # of GPT-2, whose embedding table is in the file


class Transposed(nn.Module):
    """A linear layer whose matrix is stored input by output."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.02 * torch.randn(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight + self.bias


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn = Transposed(width, 3 * width)  # only its first third is used
        self.c_z = Transposed(width, 2 * width)
        self.c_proj = Transposed(width, width)

    def forward(self, x_BTD: Tensor, z_BSD: Tensor) -> Tensor:
        query, _, _ = self.c_attn(x_BTD).chunk(3, dim=-1)
        key, value = self.c_z(z_BSD).chunk(2, dim=-1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (query, key, value))
        share = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), dim=-1)
        return self.c_proj((share @ v).transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.c_fc = Transposed(width, 4 * width)
        self.c_proj = Transposed(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1, self.ln_a, self.ln_v, self.ln_2 = (nn.LayerNorm(width) for _ in range(4))
        self.attn, self.attn_a, self.attn_v = (Attention(width, heads) for _ in range(3))
        self.mlp = FeedForward(width)

    def forward(self, x: Tensor, valence: Tensor, arousal: Tensor) -> Tensor:
        n = self.ln_1(x)
        x = n + self.attn(n, n)
        n = self.ln_a(x)
        x = n + self.attn_a(n, arousal)
        n = self.ln_v(x)
        x = n + self.attn_v(n, valence)
        return x + self.mlp(self.ln_2(x))


class ReleasedEIT(nn.Module):
    """f_hat of (B, T, C) prompt features, valence (B,) and arousal (B,)."""

    def __init__(
        self,
        channels: int = 2048,
        width: int = 768,
        heads: int = 12,
        blocks: int = 12,
        emotion_tokens: int = 16,
        encoder_width: int = 256,
        positions: int = 1024,
        vocabulary: int = VOCABULARY,
    ) -> None:
        super().__init__()
        self.emotion_tokens = emotion_tokens
        self.wte = nn.Embedding(vocabulary, width)  # read by nothing
        self.wpe = nn.Embedding(positions, width)
        self.xl_feature2gpt_feature = nn.Linear(channels, width, bias=False)
        self.gpt_feature2xl_feature = nn.Linear(width, channels, bias=False)
        self.ln_xl_feature = nn.LayerNorm(channels)
        self.a_f, self.v_f = (
            nn.Sequential(nn.Linear(1, encoder_width), nn.ReLU(), nn.Linear(encoder_width, emotion_tokens * width))
            for _ in range(2)
        )
        self.attn_proj = nn.Linear(width, width, bias=False)
        self.h = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.ln_f = nn.LayerNorm(width)

    def forward(self, prompt_BTC: Tensor, valence_B: Tensor, arousal_B: Tensor) -> Tensor:
        x = self.xl_feature2gpt_feature(prompt_BTC) + self.wpe(torch.arange(prompt_BTC.shape[1], device=prompt_BTC.device))
        arousal, valence = (
            self.attn_proj(encode(axis[:, None]).unflatten(-1, (self.emotion_tokens, -1)))
            for encode, axis in ((self.a_f, arousal_B), (self.v_f, valence_B))
        )
        for block in self.h:
            x = block(x, valence, arousal)
        return prompt_BTC + self.ln_xl_feature(self.gpt_feature2xl_feature(self.ln_f(x)))
