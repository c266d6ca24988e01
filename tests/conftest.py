"""Shared fixtures, and shape checks of the annotated modules."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import jaxtyping
import pytest
import torch
from beartype import beartype

from emoticrafter import eit
from emoticrafter.backbones import features

# The shapes in annotations cost nothing at run time, because their names exist only for type checkers and here.
for module in (eit, features):
    vars(module).update(Float=jaxtyping.Float, Bool=jaxtyping.Bool)
checked = jaxtyping.jaxtyped(typechecker=beartype)
for owner, name in [
    *((owner, "forward") for owner in (eit.VAEncoder, eit.Attention, eit.Block, eit.EmotionInjectionTransformer)),
    (eit.EmotionInjectionTransformer, "residual"),
    (features.PromptFeatures, "__init__"),
    (features.PromptFeatures, "with_tokens"),
]:
    setattr(owner, name, checked(getattr(owner, name)))

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell started the tests in the background; children would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
torch.set_num_threads(1)  # the models here are tiny, and tests may run side by side


@pytest.fixture(scope="session")
def tiny_sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny SDXL with random weights; not to be written to."""
    from tests.tiny import build_tiny_sdxl

    return build_tiny_sdxl(tmp_path_factory.mktemp("tiny") / "sdxl")


@pytest.fixture(scope="session")
def tiny_storybook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one in the shape of a storybook of 256 pixels; not to be written to."""
    from tests.tiny import build_tiny_storybook

    return build_tiny_storybook(tmp_path_factory.mktemp("tiny") / "storybook")
