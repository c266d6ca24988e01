"""A finish for a denoiser that knows its contents: few steps without guidance, learned against a critic.

The student is a copy of the network. From a real latent x it is given x_t = (1 - t) x + t noise at the few times of the sampler
and answers with x0 = x_t - t v. A critic compares x0 with x in pairs (relativistic loss, Jolicoeur-Martineau 2019; with both
penalties, Huang et al. 2024, arXiv 2501.05441), hearing the caption; where little noise hides the truth, x0 is held to it.
Adversarial post-training of a flow: Lin et al. 2025, arXiv 2501.08316.
"""

# n pictures, c latent channels, T prompt tokens, C prompt channels, P places

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emoticrafter.storybook.training.captioning import Told
from emoticrafter.storybook.training.common import autocast

TIMES = (1.0, 0.85, 0.65, 0.4)  # of the few steps, noisiest first
CHANCES = (0.4, 0.2, 0.2, 0.2)
OTHER_CAPTION = 0.3  # weight of telling a picture from the same picture with a stranger's caption
PENALTY, PENALTY_NOISE = 0.02, 0.1
TEXT_WIDTH = 256


class _Block(nn.Module):
    """A residual step: grouped convolution between two of 1 x 1; begins as nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inward = nn.Conv2d(width, width, 1)
        self.grouped = nn.Conv2d(width, width, 3, padding=1, groups=width // 16)
        self.outward = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.outward.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = F.leaky_relu(self.inward(x), 0.2)
        return x + self.outward(F.leaky_relu(self.grouped(y), 0.2))


class Critic(nn.Module):
    """How real latents look for a prompt: float (n,), to be compared only."""

    def __init__(self, channels: int, prompt_channels: int, widths: tuple[int, ...] = (128, 192, 256)) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, widths[0], 3, padding=1)]
        for before, width in zip((widths[0], *widths), widths, strict=False):
            if width != before:
                layers.append(nn.Conv2d(before, width, 3, 2, 1))
            layers += [_Block(width), _Block(width)]
        layers.append(nn.Conv2d(widths[-1], widths[-1], 1))
        self.body = nn.Sequential(*layers)
        self.places = nn.Parameter(torch.zeros(1, 16, widths[-1]))
        self.ask = nn.Linear(widths[-1], TEXT_WIDTH)
        self.key, self.value = nn.Linear(prompt_channels, TEXT_WIDTH), nn.Linear(prompt_channels, TEXT_WIDTH)
        self.shown = nn.Linear(widths[-1], TEXT_WIDTH)
        self.plain = nn.Linear(widths[-1], 1)

    def forward(self, latents: Tensor, tokens: Tensor) -> Tensor:
        x_nPW = self.body(latents).flatten(2).transpose(1, 2)
        where = x_nPW + self.places
        heads = lambda x: x.unflatten(-1, (4, -1)).transpose(1, 2)  # noqa: E731
        read = F.scaled_dot_product_attention(heads(self.ask(where)), heads(self.key(tokens)), heads(self.value(tokens)))
        read_nPW = read.transpose(1, 2).flatten(2)
        fits = (read_nPW * self.shown(where)).mean(dim=(1, 2)) * TEXT_WIDTH**0.5
        return fits + self.plain(x_nPW).mean(dim=(1, 2))


def draw_times(number: int, device: torch.device) -> Tensor:
    """Some of TIMES by CHANCES, float32 (n,)."""
    at = torch.multinomial(torch.tensor(CHANCES), number, replacement=True)
    return torch.tensor(TIMES)[at].to(device)


def critic_loss(critic: nn.Module, real: Tensor, drawn: Tensor, told: Told) -> tuple[Tensor, Tensor]:
    """The critic's loss, and how much better it finds real latents than drawn ones, in the mean."""
    with autocast(real.device):
        at_real, at_drawn = critic(real, told.tokens).float(), critic(drawn, told.tokens).float()
        stranger = critic(real, told.tokens.roll(1, dims=0)).float()
        near_real = critic(real + PENALTY_NOISE * torch.randn_like(real), told.tokens).float()
        near_drawn = critic(drawn + PENALTY_NOISE * torch.randn_like(drawn), told.tokens).float()
    steep = (at_real - near_real).square().mean() + (at_drawn - near_drawn).square().mean()
    loss = F.softplus(at_drawn - at_real).mean() + OTHER_CAPTION * F.softplus(stranger - at_real).mean()
    return loss + PENALTY * steep / PENALTY_NOISE**2, (at_real - at_drawn).mean().detach()


def student_loss(critic: nn.Module, real: Tensor, drawn: Tensor, times: Tensor, told: Told) -> Tensor:
    """What the student pays: to look less real than the truth, and to miss what little noise had hidden."""
    with autocast(real.device):
        at_drawn, at_real = critic(drawn, told.tokens).float(), critic(real, told.tokens).float()
    missed = ((1 - times).square()[:, None, None, None] * (drawn - real).square()).mean()
    return F.softplus(at_real - at_drawn).mean() + missed
