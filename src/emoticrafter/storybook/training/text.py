"""The two text encoders, trained to find the picture that a caption tells of and to read scene and feeling from it.

The losses act on what the pipeline uses: the next to last layers of both encoders, token by token, and the pooled projection
of the second. All readers are linear, so that a feeling becomes a direction.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from emoticrafter.emotion import Emotion
from emoticrafter.storybook import captions
from emoticrafter.storybook.training.common import Losses, Workshop, autocast, load_part
from emoticrafter.storybook.training.phrasing import TextEncoders, is_nearly_neutral, python_rng, tokenize, truthful_caption
from emoticrafter.storybook.training.render import Pictures
from emoticrafter.storybook.training.tokenizer import load_tokenizer
from emoticrafter.storybook.training.vae import load_latents
from emoticrafter.storybook.world import scene as world
from emoticrafter.storybook.world.scene import Scene

NEUTRAL_SHARE = 0.2  # of captions that keep silent about the feeling of an emotional picture
FEELING_SHARE = 0.06  # of captions that tell the feeling alone
WIDTH = 192  # of the space that pictures and captions meet in
_ACTIONS = tuple(dict.fromkeys((*world.PERSON_ACTIONS, *world.ANIMAL_ACTIONS, *world.VEHICLE_ACTIONS)))
_FACTS = len(world.PLACES) + 2 * len(world.SUBJECTS) + len(_ACTIONS) + len(world.TIMES) + len(world.CLOTHES)


def facts(scene: Scene) -> np.ndarray:
    """What a caption can tell, as zeros and ones, float32 (facts,): place, subjects, first one, actions, time, clothes."""
    kinds = [subject.kind for subject in scene.subjects]
    parts = (
        [place == scene.place for place in world.PLACES],
        [kind in kinds for kind in world.SUBJECTS],
        [kinds[:1] == [kind] for kind in world.SUBJECTS],
        [any(subject.action == action for subject in scene.subjects) for action in _ACTIONS],
        [time == scene.time for time in world.TIMES],
        [any(subject.clothes == color for subject in scene.subjects) for color in world.CLOTHES],
    )
    return np.concatenate(parts).astype(np.float32)


def text_config(tokenizer: CLIPTokenizer, sizes: dict[str, int]) -> CLIPTextConfig:
    width = sizes["width"]
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=4 * width,
        projection_dim=width,
        num_hidden_layers=sizes["layers"],
        num_attention_heads=width // 32,
        max_position_embeddings=tokenizer.model_max_length,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


class PictureReader(nn.Module):
    """Latents (n, channels, h, w) to unit vectors (n, WIDTH)."""

    def __init__(self, channels: int, width: int = 64) -> None:
        super().__init__()
        sizes = (channels, width, 2 * width, 3 * width)
        layers = [
            nn.Sequential(
                nn.Conv2d(a, b, 3, 1 if i == 0 else 2, 1), nn.GroupNorm(8, b), nn.SiLU(), nn.Conv2d(b, b, 3, 1, 1), nn.SiLU()
            )
            for i, (a, b) in enumerate(pairwise(sizes))
        ]
        self.body = nn.Sequential(*layers)
        self.out = nn.Linear(6 * width, WIDTH)

    def forward(self, latents: Tensor) -> Tensor:
        x = self.body(latents)
        return F.normalize(self.out(torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)), dim=1)


class Reader(nn.Module):
    """Linear readers of one kind of text feature: a place in the common space, the facts of the scene, the feeling."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.meeting = nn.Linear(channels, WIDTH)
        self.facts = nn.Linear(channels, _FACTS)
        self.feeling = nn.Linear(channels, 2)


class TextLearner(nn.Module):
    """Both encoders and what they are trained against."""

    def __init__(self, tokenizer: CLIPTokenizer, sizes: tuple[dict[str, int], dict[str, int]], latent_channels: int) -> None:
        super().__init__()
        self.first = CLIPTextModel(text_config(tokenizer, sizes[0]))
        self.second = CLIPTextModelWithProjection(text_config(tokenizer, sizes[1]))
        pooled = sizes[1]["width"]
        self.token_reader, self.pooled_reader = Reader(sizes[0]["width"] + pooled), Reader(pooled)
        self.picture = PictureReader(latent_channels)
        self.warmth = nn.Parameter(torch.tensor(2.6))  # log of the inverse temperature

    @property
    def readers(self) -> tuple[Reader, Reader]:
        return self.token_reader, self.pooled_reader


def run(work: Workshop) -> None:
    preset, device = work.preset, work.device
    torch.manual_seed(work.seed)
    tokenizer = load_tokenizer(work)
    pictures, latents = Pictures(work.folder("render") / "train"), load_latents(work, "train")
    learner = TextLearner(tokenizer, preset.text, latents.shape[1]).to(device)

    def batch(pictures: Pictures, latents: np.ndarray, rng: np.random.Generator, number: int) -> dict[str, Tensor]:
        """Both pictures of some scenes: the feeling is all that tells them apart."""
        scene_numbers = rng.choice(len(pictures) // 2, size=min(number // 2, len(pictures) // 2), replace=False)
        indices = np.concatenate([2 * scene_numbers, 2 * scene_numbers + 1])
        texts, feelings, told, content = [], [], [], []
        words = python_rng(rng)
        for index in indices:
            scene = pictures.scenes[index]
            emotion = Emotion(valence=float(pictures.valence[index]), arousal=float(pictures.arousal[index]))
            kind = words.random()
            silent, alone = kind < NEUTRAL_SHARE, kind > 1 - FEELING_SHARE
            if alone:
                text = captions.feeling(emotion, words, scene)
            else:
                text = captions.neutral_caption(scene, words) if silent else truthful_caption(scene, emotion, words)
            texts.append(text)
            feelings.append((0.0, 0.0) if silent else (emotion.valence / 3, emotion.arousal / 3))
            told.append(not silent or is_nearly_neutral(emotion))
            content.append(not alone)
        return {
            "ids": tokenize(tokenizer, texts, device),
            "latents": torch.from_numpy(latents[indices]).float().to(device),
            "facts": torch.from_numpy(np.stack([facts(pictures.scenes[index]) for index in indices])).to(device),
            "feeling": torch.tensor(feelings, device=device),
            "matched": torch.tensor(np.array(told) & np.array(content), device=device),
            "content": torch.tensor(content, device=device).float(),
        }

    def read(network: TextLearner, ids: Tensor) -> list[Tensor]:
        tokens, pooled = TextEncoders(tokenizer, network.first, network.second).encode_ids(ids)
        return [tokens.float().mean(dim=1), pooled.float()]

    def loss(step: int, rng: np.random.Generator) -> Losses:
        now = batch(pictures, latents, rng, preset.text_recipe.batch)
        with autocast(device):
            features = read(learner, now["ids"])
            seen = learner.picture(now["latents"]).float()[now["matched"]]
        own = torch.arange(len(seen), device=device)
        losses: Losses = {"match": seen.new_zeros(()), "facts": seen.new_zeros(()), "feeling": seen.new_zeros(())}
        for reader, feature in zip(learner.readers, features, strict=True):
            written = F.normalize(reader.meeting(feature[now["matched"]]), dim=1)
            logits = learner.warmth.clamp(max=4.6).exp() * seen @ written.T
            losses["match"] = losses["match"] + (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 4
            wrong = F.binary_cross_entropy_with_logits(reader.facts(feature), now["facts"], reduction="none").sum(dim=1)
            losses["facts"] = losses["facts"] + (wrong * now["content"]).mean() / 10
            losses["feeling"] = losses["feeling"] + 4 * F.mse_loss(reader.feeling(feature), now["feeling"])
        return {"loss": losses["match"] + losses["facts"] + losses["feeling"], **losses}

    held_out = Pictures(work.folder("render") / "held_out")
    held_out_latents = load_latents(work, "held_out")

    def watch(averaged: nn.Module, step: int) -> dict[str, float]:
        assert isinstance(averaged, TextLearner)
        now = batch(held_out, held_out_latents, np.random.default_rng(work.seed), 256)
        features = read(averaged, now["ids"])
        seen = averaged.picture(now["latents"])[now["matched"]]
        figures: dict[str, float] = {}
        places = len(world.PLACES)
        for name, reader, feature in zip(("tokens", "pooled"), averaged.readers, features, strict=True):
            written = F.normalize(reader.meeting(feature[now["matched"]]), dim=1)
            best = torch.cat([(part @ block.T).argmax(dim=1) == torch.arange(len(part), device=device)
                              for part, block in zip(written.split(64), seen.split(64), strict=True)])  # fmt: skip
            content = now["content"].bool()
            place = (reader.facts(feature)[:, :places].argmax(dim=1) == now["facts"][:, :places].argmax(dim=1))[content]
            feeling = 3 * (reader.feeling(feature) - now["feeling"]).abs().mean(dim=0)
            figures |= {
                f"{name}_first_of_64": float(best.float().mean()),
                f"{name}_place": float(place.float().mean()),
                f"{name}_valence_error": float(feeling[0]),
                f"{name}_arousal_error": float(feeling[1]),
            }
        tokens, pooled = TextEncoders(tokenizer, averaged.first, averaged.second).encode_ids(now["ids"])
        return figures | {"tokens_deviation": float(tokens.std()), "pooled_deviation": float(pooled.std())}

    training = work.training("text", learner, preset.text_recipe, loss, watch)
    averaged = training.run()
    assert isinstance(averaged, TextLearner)
    averaged.first.save_pretrained(work.folder("text") / "first")
    averaged.second.save_pretrained(work.folder("text") / "second")
    with torch.no_grad():
        work.finish("text", steps=training.step, seconds=training.seconds, **watch(averaged, training.step))


def load_text_encoders(work: Workshop) -> TextEncoders:
    """The finished encoders, frozen."""
    first, second = (
        load_part(kind, work.folder("text") / name).to(work.device).eval().requires_grad_(False)
        for kind, name in ((CLIPTextModel, "first"), (CLIPTextModelWithProjection, "second"))
    )
    return TextEncoders(load_tokenizer(work), first, second)
