"""The text half of SDXL and its kin: prompts into sections of tokens, and the two text encoders by themselves."""

# B batch, T prompt tokens, C prompt channels

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from emoticrafter.backbones.devices import choose_device, choose_precision, is_out_of_memory
from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.backbones.finite import is_finite, not_finite
from emoticrafter.backbones.hub import fetch
from emoticrafter.backbones.options import options_from
from emoticrafter.backbones.outline import read_json
from emoticrafter.backbones.sdxl.loading import load_pipeline
from emoticrafter.backbones.sdxl.opening_options import SDXLEncoderOptions
from emoticrafter.backbones.sdxl.outline import family_by
from emoticrafter.errors import CheckpointError, DeviceError
from emoticrafter.files import user_path

__all__ = ["SDXLPromptEncoder", "family_of", "section_length", "sections_of"]

_ENCODERS = ("text_encoder", "text_encoder_2")
_FILES = ("*.json", "tokenizer*/*", "text_encoder*/config.json", "text_encoder*/*.safetensors", "text_encoder*/*.index.json")


class SDXLPromptEncoder:
    """See `PromptEncoder`. `open` makes one from weights; UNet and VAE are never read.

    The last layer of each encoder is left out: the features of a prompt are those before it.
    """

    Options: ClassVar[type[SDXLEncoderOptions]] = SDXLEncoderOptions
    ignores_padding = False  # the UNet looks at all tokens of a section

    def __init__(
        self, pipeline: Any, *, family: str, device: torch.device, dtype: torch.dtype, source: Path | None = None
    ) -> None:
        self.family, self.computed, self.device = family, str(dtype).removeprefix("torch."), device
        self.section, self._source = section_length(pipeline), source
        encoders = (pipeline.text_encoder, pipeline.text_encoder_2)
        self.prompt_channels = sum(int(encoder.config.hidden_size) for encoder in encoders)
        self.fingerprint = _hash(encoders)
        self._tokenizers = (pipeline.tokenizer, pipeline.tokenizer_2)
        self._alike = _rules(pipeline.tokenizer) == _rules(pipeline.tokenizer_2) is not None
        self._counted: dict[str, list[array[int]]] = {}  # the token ids of prompts that were counted and not yet encoded
        self._towers = [_without_end(encoder).eval().requires_grad_(False).to(device, dtype) for encoder in encoders]
        if device.type == "cpu" and dtype == torch.float32:
            for tower in self._towers:
                _quicken(tower)

    @classmethod
    def open(cls, source: str | Path, **options: Any) -> SDXLPromptEncoder:
        """The text encoders of a pipeline folder, a hub id or a single .safetensors file. options: see `SDXLEncoderOptions`.

        Raises InputError, MissingError, CheckpointError and DeviceError.
        """
        asked = options_from(cls.Options, options)
        chosen = choose_device(asked.device)
        precision = choose_precision(asked.dtype, chosen)
        weights = precision.weights if asked.dtype is None else precision.autocast or precision.weights
        path = user_path(source) if user_path(source).exists() else fetch(str(source), _FILES)
        # Read as float32, so that the fingerprint does not depend on what is computed in.
        pipeline = load_pipeline(path, torch.float32, config=asked.config, text_only=True)
        settings = (read_json(path / "defaults.json") or {}) if path.is_dir() else {}
        return cls(pipeline, family=family_of(settings, pipeline), device=chosen, dtype=weights, source=path)

    def lengths(self, prompts: Sequence[str]) -> list[int]:
        """See `PromptEncoder.lengths`; the larger number of both tokenizers."""
        self._counted |= dict(zip(prompts, self._ids(prompts), strict=True))
        return [max(map(len, self._counted[prompt])) + 2 for prompt in prompts]

    def _ids(self, prompts: Sequence[str]) -> list[list[array[int]]]:
        """The token ids of each prompt by the first and the second tokenizer, without start and end."""
        if not len(prompts):
            return []
        used = self._tokenizers[:1] if self._alike else self._tokenizers
        found = [tokenizer(list(prompts), add_special_tokens=False, verbose=False).input_ids for tokenizer in used]
        return [[array("i", ids) for ids in both] * (2 if self._alike else 1) for both in zip(*found, strict=True)]

    @property
    def threads(self) -> int:
        """See `PromptEncoder.threads`."""
        if self.device.type == "cpu":
            return torch.get_num_threads()
        return 2 if self.device.type == "cuda" else 1  # one prepares a batch while the GPU works on the other's

    @torch.inference_mode()
    def encode(self, prompts: Sequence[str]) -> PromptFeatures:
        """See `PromptEncoder.encode`."""
        try:
            with _one_thread() if self.device.type == "cpu" else nullcontext():
                ids = self._take_ids(prompts)
                tokens_BTC = torch.cat([self._features(number, [both[number] for both in ids]) for number in (0, 1)], dim=-1)
            if not is_finite(tokens_BTC):
                self._check_weights()
            return PromptFeatures.of(tokens_BTC)
        except Exception as error:
            if is_out_of_memory(error):
                raise DeviceError(
                    f"The memory does not suffice to encode {len(prompts)} prompts at once.", "Give a smaller --batch."
                ) from error
            raise

    def _check_weights(self) -> None:
        broken = not_finite(
            "The features overflowed", dict(zip(_ENCODERS, self._towers, strict=True)), self._source, self.computed
        )
        if isinstance(broken, CheckpointError):
            raise broken

    def _take_ids(self, prompts: Sequence[str]) -> list[list[array[int]]]:
        known = {prompt: ids for prompt in prompts if (ids := self._counted.pop(prompt, None)) is not None}
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in known]
        known |= dict(zip(new, self._ids(new), strict=True))
        return [known[prompt] for prompt in prompts]

    def _features(self, number: int, prompts: Sequence[Sequence[int]]) -> Tensor:
        tokenizer = self._tokenizers[number]
        sections = [sections_of(ids, tokenizer, self.section)[0] for ids in prompts]
        return self._towers[number](torch.tensor(sections, device=self.device)).last_hidden_state


def section_length(pipeline: Any) -> int:
    """Tokens of a prompt section, start and end included, that both text encoders of a pipeline take."""
    lengths = [encoder.config.max_position_embeddings for encoder in (pipeline.text_encoder, pipeline.text_encoder_2)]
    return int(min(*lengths, pipeline.tokenizer.model_max_length, pipeline.tokenizer_2.model_max_length))


def sections_of(ids: Sequence[int], tokenizer: Any, section: int) -> list[list[int]]:
    """The token ids of a prompt in sections, each with start and end and filled up; one at least. Cut at ends of words."""
    room, parts, ids = section - 2, [], list(ids)
    while len(ids) > room:
        ends = [i + 1 for i, token in enumerate(tokenizer.convert_ids_to_tokens(ids[:room])) if token.endswith("</w>")]
        cut = ends[-1] if ends else room  # a word longer than a section is cut
        parts.append(ids[:cut])
        ids = ids[cut:]
    if ids or not parts:
        parts.append(ids)
    framed = ([tokenizer.bos_token_id, *part, tokenizer.eos_token_id] for part in parts)
    return [part + [tokenizer.pad_token_id] * (section - len(part)) for part in framed]


def family_of(settings: Mapping[str, Any], pipeline: Any) -> str:
    """What the folder's defaults.json calls the family of its text encoders, else a name by their sizes."""
    return family_by(settings, pipeline.text_encoder.config.to_dict(), pipeline.text_encoder_2.config.to_dict())


def _rules(tokenizer: Any) -> str | None:
    """How a tokenizer splits text, without how it fills up; None where that cannot be told."""
    try:
        parts = json.loads(tokenizer.backend_tokenizer.to_str())
        return json.dumps([parts[name] for name in ("normalizer", "pre_tokenizer", "model", "added_tokens")])
    except (AttributeError, KeyError, ValueError):
        return None


def _without_end(encoder: Any) -> nn.Module:
    """The transformer of a text encoder without its last layer, the norm behind it and the projection."""
    tower = getattr(encoder, "text_model", encoder)
    tower.encoder.layers = tower.encoder.layers[:-1]
    tower.final_layer_norm = nn.Identity()
    return tower


class _QuickGELU(nn.Module):
    """x sigmoid(1.702 x), bit for bit, in place and in parts that stay in the cache."""

    def forward(self, x: Tensor) -> Tensor:
        for part in x.flatten(0, -2).split(256):
            part.mul_(torch.sigmoid(1.702 * part))
        return x


class _Linear(nn.Module):
    """A linear layer by oneDNN in place of MKL, whose float32 products take more than twice as long on an AMD CPU."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias

    def forward(self, x: Tensor) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")


def _quicken(tower: Any) -> None:
    """Exchange the layers that take most of the time on a CPU; what they compute stays the same up to rounding."""
    plain = {name: layer for name, layer in tower.named_modules() if isinstance(layer, nn.Linear)}
    if _has_onednn():
        for name, layer in plain.items():
            tower.set_submodule(name, _Linear(layer))
    for layer in tower.encoder.layers:
        if type(layer.mlp.activation_fn).__name__ == "QuickGELUActivation":
            layer.mlp.activation_fn = _QuickGELU()


def _has_onednn() -> bool:
    """Whether the operator, which is not part of torch's public interface, is there and does what is expected of it."""
    linear, x = nn.Linear(8, 4), torch.ones(2, 3, 8)
    try:
        return bool(torch.backends.mkldnn.is_available()) and torch.allclose(_Linear(linear)(x), linear(x), atol=1e-5)
    except (AttributeError, RuntimeError, TypeError):
        return False


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute in the calling thread alone: how many others there are must not show in the bits of the result."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _hash(encoders: Sequence[nn.Module]) -> str:
    """sha256 of the weights, whatever the version of the library calls them."""
    digest = hashlib.sha256()
    for encoder in encoders:
        state = {name.removeprefix("text_model."): tensor for name, tensor in encoder.state_dict().items()}
        for name, tensor in sorted(state.items()):
            digest.update(f"{name} {tuple(tensor.shape)}\0".encode())
            digest.update(memoryview(tensor.detach().float().cpu().contiguous().numpy()))
    return digest.hexdigest()
