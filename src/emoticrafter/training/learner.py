"""The transformer with its optimizer and averaged weights: one update at a time, and everything that the next one depends on."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from emoticrafter.backbones.devices import attention_for_learning
from emoticrafter.eit import EmotionInjectionTransformer
from emoticrafter.errors import CheckpointError, reason_of
from emoticrafter.objective import Objective, Pairs
from emoticrafter.training.recipe import TrainConfig

__all__ = ["GAIN", "Learner", "NotFiniteError", "Update"]

GAIN = "residual_norm.weight"


class NotFiniteError(Exception):
    """Loss or gradients are not finite; nothing was updated. places: the pairs of this process' share whose loss is not."""

    def __init__(self, loss: float, norm: float, places: list[int]) -> None:
        super().__init__(loss, norm, places)
        self.loss, self.norm, self.places = loss, norm, places


@dataclass(frozen=True, kw_only=True)
class Update:
    """What one update tells: means over the whole batch by name, the norm of the gradients, whether a process is to stop."""

    losses: dict[str, float]
    norm: float
    stop: bool


class _Residual(nn.Module):
    """The residual as a forward pass, which is what precision, processes and compilation wrap."""

    def __init__(self, eit: EmotionInjectionTransformer) -> None:
        super().__init__()
        self.eit = eit

    def forward(self, prompt_RTC: Tensor, valence_R: Tensor, arousal_R: Tensor, mask_RT: Tensor | None = None) -> Tensor:
        return self.eit.residual(prompt_RTC, valence_R, arousal_R, mask_RT)


class Learner:
    """Trains `eit`, in place. pieces: forward passes of one update in this process."""

    def __init__(
        self, eit: EmotionInjectionTransformer, config: TrainConfig, objective: Objective, accelerator: Accelerator, pieces: int
    ) -> None:
        self.eit, self.config, self.objective, self.accelerator, self.pieces = eit, config, objective, accelerator, pieces
        eit.to(accelerator.device).train()
        self.averaged = copy.deepcopy(eit).eval().requires_grad_(False) if config.average else None
        if config.compile == "on" or (config.compile == "auto" and accelerator.device.type == "cuda"):
            for block in eit.blocks:  # all alike: compiled once
                block.compile()
        gain = eit.get_parameter(GAIN)
        others = [parameter for parameter in eit.parameters() if parameter is not gain]
        fused = accelerator.device.type in ("cpu", "cuda")
        groups = [{"params": others, "pace": 1.0}, {"params": [gain], "pace": config.gain_pace}]
        adam = torch.optim.AdamW(
            groups, lr=config.rate, betas=(config.beta1, config.beta2), weight_decay=config.weight_decay, fused=fused
        )
        self.model, self.optimizer = accelerator.prepare(_Residual(eit), adam)
        self.names = {parameter: name for name, parameter in eit.named_parameters()}

    @property
    def best_guess(self) -> EmotionInjectionTransformer:
        """The network to be judged and kept: the averaged one, where there is one."""
        return self.averaged or self.eit

    def update(self, parts: Iterator[Pairs], step: int, rate: float, stop: bool) -> Update:
        """One step of AdamW along the mean loss of a batch, of which `parts` are this process' pieces.

        stop: whether this process was asked to. Raises NotFiniteError before anything is changed.
        """
        accelerator, rows = self.accelerator, []
        for _ in range(self.pieces):
            with accelerator.accumulate(self.model):
                pairs = next(parts)
                with attention_for_learning(accelerator.device):
                    losses = self.objective(self.model, pairs)
                # Accelerate divides by the pieces, DDP by the processes: together the mean over the batch.
                accelerator.backward(losses["loss"].mean())
                rows.append({name: some.detach() for name, some in losses.items()})
        by_name = {name: torch.cat([some[name] for some in rows]) for name in rows[0]}
        gradients = [parameter.grad for parameter in self.names if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        told = torch.stack([some.mean() for some in by_name.values()] + [by_name["loss"].new_tensor(float(stop))])
        *means, stops = accelerator.reduce(told, reduction="mean").tolist()
        if not (torch.isfinite(norm) and torch.isfinite(torch.tensor(means)).all()):
            self.optimizer.optimizer.zero_grad()
            places = (~torch.isfinite(by_name["loss"])).nonzero().flatten().tolist()
            raise NotFiniteError(means[0], float(norm), places)
        if self.config.clip is not None:
            torch.nn.utils.clip_grads_with_norm_(self.eit.parameters(), self.config.clip, norm)
        for group in self.optimizer.param_groups:
            group["lr"] = group["pace"] * rate
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._average(step)
        return Update(losses=dict(zip(by_name, means, strict=True)), norm=float(norm), stop=stops > 0)

    def _average(self, step: int) -> None:
        if self.averaged is None:
            return
        decay = min(self.config.average, (1 + step) / (10 + step))  # the first weights are forgotten sooner
        with torch.no_grad():
            torch._foreach_lerp_(list(self.averaged.parameters()), list(self.eit.parameters()), 1 - decay)

    def state(self) -> dict[str, dict[str, Tensor]]:
        """Weights, optimizer and averaged weights, by file and name."""
        moments = {
            f"{self.names[parameter]}.{entry}": value
            for parameter, entries in self.optimizer.optimizer.state.items()
            for entry, value in entries.items()
        }
        found = {"model": dict(self.eit.state_dict()), "optimizer": moments}
        return found | ({"average": dict(self.averaged.state_dict())} if self.averaged is not None else {})

    def load(self, tensors: dict[str, dict[str, Tensor]]) -> None:
        """Take up what `state` gave. Raises CheckpointError if it is of another network."""
        try:
            self.eit.load_state_dict(tensors["model"])
            if self.averaged is not None:
                self.averaged.load_state_dict(tensors["average"])
            state: dict[int, dict[str, Any]] = {}
            parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
            numbers = {self.names[parameter]: number for number, parameter in enumerate(parameters)}
            for key, value in tensors["optimizer"].items():
                name, _, entry = key.rpartition(".")
                state.setdefault(numbers[name], {})[entry] = value
            groups = self.optimizer.state_dict()["param_groups"]
            self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        except (KeyError, RuntimeError, ValueError) as error:
            raise CheckpointError(f"The state is of another network: {reason_of(error)}.", "Use another --out.") from error
