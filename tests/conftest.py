"""Shared fixtures, and shape checks of the annotated modules."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import jaxtyping
import pytest
import torch
from beartype import beartype

from emoticrafter import eit
from emoticrafter.backbones import features as prompt_features

if TYPE_CHECKING:
    from emoticrafter.backbones.sdxl import SDXLBackbone
    from tests.chat_server import ChatServer

# The shapes in annotations cost nothing at run time, because their names exist only for type checkers and here.
for module in (eit, prompt_features):
    vars(module).update(Float=jaxtyping.Float, Bool=jaxtyping.Bool)
checked = jaxtyping.jaxtyped(typechecker=beartype)
for owner, name in [
    *((owner, "forward") for owner in (eit.VAEncoder, eit.Attention, eit.Block, eit.EmotionInjectionTransformer)),
    (eit.EmotionInjectionTransformer, "residual"),
    (prompt_features.TokenStream, "__init__"),
    (prompt_features.PromptFeatures, "__init__"),
    (prompt_features.PromptFeatures, "of"),
    (prompt_features.PromptFeatures, "with_tokens"),
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


@pytest.fixture(scope="session")
def tiny_flow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one that predicts flows; not to be written to."""
    from tests.tiny import build_tiny_sdxl

    return build_tiny_sdxl(tmp_path_factory.mktemp("tiny") / "flow", flow=True, latent_channels=6)


@pytest.fixture(scope="module")
def backbone(tiny_sdxl: Path) -> SDXLBackbone:
    from emoticrafter.backbones.sdxl import SDXLBackbone

    return SDXLBackbone.open(tiny_sdxl, name="tiny", device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def flow_backbone(tiny_flow: Path) -> SDXLBackbone:
    from emoticrafter.backbones.sdxl import SDXLBackbone

    return SDXLBackbone.open(tiny_flow, name="flow", device="cpu", dtype="float32")


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny CLIP with random weights; not to be written to."""
    from tests.tiny_clip import build_tiny_clip

    return build_tiny_clip(tmp_path_factory.mktemp("tiny") / "clip")


@pytest.fixture(scope="session")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small feature store; not to be written to."""
    from tests.tiny_features import make_features

    return make_features(tmp_path_factory.mktemp("tiny") / "features")


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A language model's server, of this machine."""
    from tests.chat_server import chat_server

    with chat_server() as made:
        yield made
