"""Every method, on tiny SDXLs that really run: what it may change, what it must not, and that it learns."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from emoticrafter import Emotion
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.errors import CheckpointError, InputError, MissingError, OutputError
from emoticrafter.picture import Picture
from emoticrafter.rivals import METHODS, Budget, Rival, open_method, train_method
from emoticrafter.rivals.denoising import DenoisingRival, frozen
from emoticrafter.rivals.material import RivalMaterial
from emoticrafter.rivals.opening import method_class
from tests.pixels import difference
from tests.tiny_material import tiny_material

SAD, HAPPY = Emotion(valence=-2, arousal=1), Emotion(valence=2.5, arousal=-1)
PROMPT = "a cat on the beach"
LONG = "a child playing in the forest, a red ball, a dog on the beach, a berry, a cat in the forest"
DENOISING = [name for name, about in METHODS.items() if about.learns == "pictures"]
NEUTRAL_AT_FIRST = ["cross_attention", "time_embedding", "attribute_directions", "linear_regression"]


def louder(rival: Rival, scale: float = 0.5) -> Rival:
    """The method with random parameters that show in a picture."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in rival.module.parameters() if rival.module else ():
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator))
    return rival


def made(name: str, backbone: SDXLBackbone) -> Rival:
    return louder(method_class(name)(backbone))


def state_of(backbone: SDXLBackbone) -> dict[str, torch.Tensor]:
    parts = {part: getattr(backbone.pipeline, part) for part in ("unet", "vae", "text_encoder", "text_encoder_2")}
    return {f"{part}.{k}": v.clone() for part, module in parts.items() for k, v in module.state_dict().items()}


@pytest.mark.parametrize("name", METHODS)
def test_pictures_follow_the_emotion_and_strength_zero_is_neutral(name: str, backbone: SDXLBackbone) -> None:
    rival = made(name, backbone)
    neutral = Picture(image=backbone.render(backbone.encode([PROMPT]), seeds=[7])[0])
    sad, happy = rival.generate(PROMPT, [SAD, HAPPY], seed=7)
    assert difference(sad, happy) > 2
    assert difference(sad, neutral) > 2
    assert difference(rival.generate(PROMPT, SAD, seed=7, strength=0)[0], neutral) == 0
    assert difference(rival.generate(PROMPT, SAD, seed=7, start=1.0)[0], neutral) == 0
    assert difference(rival.generate(PROMPT, SAD, seed=7, start=0.5, steps=4)[0], rival.generate(PROMPT, SAD, seed=7, steps=4)[0])
    half = rival.generate(PROMPT, SAD, seed=7, strength=0.3)[0]
    assert difference(half, neutral) > 0
    assert difference(half, sad) > 0
    # And the backbone is as it was.
    assert difference(Picture(image=backbone.render(backbone.encode([PROMPT]), seeds=[7])[0]), neutral) == 0


@pytest.mark.parametrize("name", METHODS)
def test_a_picture_does_not_depend_on_what_is_drawn_beside_it(name: str, backbone: SDXLBackbone) -> None:
    """Prompts of several lengths, in batches of two, out of order."""
    rival = made(name, backbone)
    prompts, emotions, seeds = [LONG, "dog", PROMPT, "dog"], [SAD, HAPPY, SAD, SAD], [3, 4, 5, 6]
    backbone._batch_size = 2
    try:
        together = rival.generate(prompts, emotions, seed=seeds)
    finally:
        backbone._batch_size = None
    for picture, prompt, emotion, seed in zip(together, prompts, emotions, seeds, strict=True):
        assert picture.recipe["seed"] == seed
        assert difference(picture, rival.generate(prompt, emotion, seed=seed)[0]) <= 1


@pytest.mark.parametrize("guidance", [1.0, 3.0])
@pytest.mark.parametrize("name", METHODS)
def test_settings_mean_what_they_mean_for_ours(name: str, guidance: float, backbone: SDXLBackbone) -> None:
    rival = made(name, backbone)
    steps: list[tuple[int, int]] = []
    against: dict[str, Any] = {"negative": "red ball"} if guidance > 1 else {}
    pictures = rival.generate(
        PROMPT,
        SAD,
        count=2,
        seed=3,
        steps=4,
        guidance=guidance,
        size=(48, 32),
        progress=lambda *call: steps.append(call),
        **against,
    )
    assert steps[-1] == (8, 8)
    assert [picture.image.size for picture in pictures] == [(48, 32)] * 2
    recipe = pictures[1].recipe
    assert (recipe["method"], recipe["seed"], recipe["strength"], recipe["steps"]) == (name, 4, 1.0, 4)
    assert recipe["valence"] == -2
    json.dumps(rival.describe(), allow_nan=False)
    assert difference(pictures[0], rival.generate(PROMPT, HAPPY, seed=3, steps=4, guidance=guidance, size=(48, 32))[0]) > 0
    with pytest.raises(InputError, match="prompt is a int"):
        rival.generate(3, SAD)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", METHODS)
def test_guidance_at_some_times_alone(name: str, flow_backbone: SDXLBackbone) -> None:
    """Within the range the emotion is told to one half of the rows, outside it to all."""
    rival = made(name, flow_backbone)
    rows: list[int] = []
    told: dict[str, Any] = {"seed": 7, "count": 2, "steps": 6, "start": 0.34}
    plain = rival.generate(PROMPT, SAD, **told)
    hook = flow_backbone.pipeline.unet.register_forward_hook(lambda _, given, __: rows.append(len(given[0])))
    try:
        limited = rival.generate(PROMPT, SAD, **told, guidance_range=(0.3, 0.85))
    finally:
        hook.remove()
    assert rows == [2, 4, 4, 4, 4, 2]
    assert difference(limited[0], rival.generate(PROMPT, HAPPY, **told, guidance_range=(0.3, 0.85))[0]) > 0
    assert difference(limited[0], plain[0]) > 0
    assert limited[0].recipe["guidance_range"] == [0.3, 0.85]
    hook = flow_backbone.pipeline.unet.register_forward_hook(_without_guidance_outside)
    try:
        assert all(difference(*pair) <= 1 for pair in zip(rival.generate(PROMPT, SAD, **told), limited, strict=True))
    finally:
        hook.remove()


def _without_guidance_outside(_: Any, given: tuple[Any, ...], output: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
    if 300 <= float(given[1]) <= 850:
        return output
    with_text = output[0].chunk(2)[1]
    return (torch.cat([with_text, with_text]),)


@pytest.mark.parametrize("name", NEUTRAL_AT_FIRST)
def test_an_untrained_method_draws_the_neutral_picture(name: str, backbone: SDXLBackbone) -> None:
    rival = method_class(name)(backbone)
    neutral = rival.generate(PROMPT, SAD, seed=7, strength=0)[0]
    assert difference(rival.generate(PROMPT, SAD, seed=7)[0], neutral) == 0


@pytest.mark.parametrize("kind", ["epsilon", "flow"])
@pytest.mark.parametrize("name", DENOISING)
def test_the_loss_falls_and_gradients_reach_new_parameters_only(
    name: str, kind: str, backbone: SDXLBackbone, flow_backbone: SDXLBackbone
) -> None:
    chosen = backbone if kind == "epsilon" else flow_backbone
    before = state_of(chosen)
    rival = method_class(name)(chosen)
    assert rival.module is not None
    assert isinstance(rival, DenoisingRival)
    loss = rival.loss(tiny_material(channels=4 if kind == "epsilon" else 6), 8)
    optimizer = torch.optim.Adam(rival.module.parameters(), lr=0.03)
    pipeline = chosen.pipeline
    losses = []
    with frozen(pipeline.unet, pipeline.text_encoder, pipeline.text_encoder_2):
        for _ in range(12):
            optimizer.zero_grad()
            value = loss(torch.Generator().manual_seed(0))  # always the same pictures, times and noise
            value.backward()
            optimizer.step()
            losses.append(float(value.detach()))
    assert losses[-1] < losses[0] - 1e-3
    reached = [parameter.grad is not None and bool(parameter.grad.any()) for parameter in rival.module.parameters()]
    assert all(reached)
    for module in (pipeline.unet, pipeline.vae, pipeline.text_encoder, pipeline.text_encoder_2):
        assert all(parameter.grad is None and parameter.requires_grad for parameter in module.parameters())
    after = state_of(chosen)
    assert set(after) == set(before)
    assert all(torch.equal(after[key], before[key]) for key in before)


@pytest.mark.parametrize("name", METHODS)
def test_a_trained_method_is_kept_and_opened_again(
    name: str, backbone: SDXLBackbone, material: RivalMaterial, tmp_path: Path
) -> None:
    before = state_of(backbone)
    config = {"rate": 0.05, "batch": 4} if name in DENOISING else {}
    rival, learned = train_method(
        name, material, tmp_path / "kept", Budget(steps=4), backbone=backbone, config=config, seed=3, quiet=True
    )
    assert all(torch.equal(tensor, before[key]) for key, tensor in state_of(backbone).items())
    picture = rival.generate(PROMPT, SAD, seed=7)[0]
    opened = open_method(tmp_path / "kept", backbone)
    assert difference(picture, opened.generate(PROMPT, SAD, seed=7)[0]) == 0
    assert opened.describe() == rival.describe()
    about = json.loads((tmp_path / "kept" / "config.json").read_text(encoding="utf-8"))
    assert about["backbone"] == "tiny"
    if name in DENOISING:
        assert (learned.steps, learned.examples) == (4, 16)
        told = about["training"]
        assert (told["steps"], told["examples"], told["budget"], told["seed"]) == (4, 16, {"steps": 4}, 3)
        assert told["seconds"] >= 0
        assert told["figures"]["loss"] > 0
        assert rival.module is not None
        assert about["parameters"] == sum(p.numel() for p in rival.module.parameters())
        assert rival.describe()["method_hash"] == about["sha256"][:16]
    assert not (tmp_path / "kept" / "state.safetensors").exists()
    again, told_again = train_method(
        name, material, tmp_path / "kept", Budget(steps=4), backbone=backbone, config=config, seed=3, quiet=True
    )
    assert (again.hash, told_again.steps) == (rival.hash, learned.steps)
    with pytest.raises(InputError, match="trained otherwise"):
        train_method(name, material, tmp_path / "kept", Budget(steps=5), backbone=backbone, config=config, seed=3, quiet=True)
    rewrite(tmp_path / "kept", training={**about["training"], "steps": "four"})
    with pytest.raises(CheckpointError, match=r"config\.json' is damaged: training\.steps is 'four'"):
        train_method(name, material, tmp_path / "kept", Budget(steps=4), backbone=backbone, config=config, seed=3, quiet=True)


def rewrite(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


@pytest.fixture
def kept(backbone: SDXLBackbone, tmp_path: Path) -> Path:
    return made("time_embedding", backbone).save(tmp_path / "kept")


def test_a_method_of_another_backbone_is_refused_with_both_names(kept: Path, backbone: SDXLBackbone) -> None:
    rewrite(kept, backbone="storybook")
    with pytest.raises(CheckpointError, match=r"belongs to storybook .* is of the family tiny"):
        open_method(kept, backbone)
    rewrite(kept, backbone="tiny", channels=2048)
    with pytest.raises(CheckpointError, match=r"2048.*tiny \(32\)"):
        open_method(kept, backbone)


def test_a_method_of_another_network_is_refused(backbone: SDXLBackbone, kept: Path) -> None:
    rewrite(kept, config={"hidden": 32})
    with pytest.raises(CheckpointError, match="this backbone asks for"):
        open_method(kept, backbone)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": "other"}, "not an emotion checkpoint"),
        ({"version": 2}, "version 2"),
        ({"method": 3}, "method is 3; it must be text"),
        ({"channels": "many"}, "channels is 'many'; it must be a whole number"),
        ({"config": None}, "config is None; it must be an object"),
        ({"training": ["steps"]}, r"training is \['steps'\]; it must be an object"),
        ({"config": {"hidden": -1}}, "hidden is -1"),
        ({"config": {"colour": 1}}, "Unknown settings of time_embedding: colour"),
        ({"sha256": "0"}, "are not those that"),
    ],
)
def test_a_damaged_folder_is_refused(changes: dict[str, Any], said: str, kept: Path, backbone: SDXLBackbone) -> None:
    rewrite(kept, **changes)
    with pytest.raises(CheckpointError, match=said):
        open_method(kept, backbone)


def test_weights_that_are_cut_short_or_gone_are_refused(kept: Path, backbone: SDXLBackbone) -> None:
    weights = kept / "method.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-10])
    with pytest.raises(CheckpointError, match="not those that"):
        open_method(kept, backbone)
    weights.unlink()
    with pytest.raises(CheckpointError, match=r"no method\.safetensors"):
        open_method(kept, backbone)


def test_methods_are_opened_by_name(backbone: SDXLBackbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTICRAFTER_CACHE", str(tmp_path))
    assert open_method("rewriting", backbone).describe()["writer"] == "rules"
    with pytest.raises(MissingError, match="not trained for the backbone"):
        open_method("time_embedding", backbone)
    made("time_embedding", backbone).save(tmp_path / "rivals" / "tiny" / "time_embedding")
    assert open_method("time_embedding", backbone).describe()["method"] == "time_embedding"
    with pytest.raises(InputError, match="no method 'magic'"):
        open_method("magic", backbone)


def test_ours_is_opened_by_the_same_door(backbone: SDXLBackbone) -> None:
    ours = open_method("emoticrafter", backbone)
    assert ours.describe()["method"] == "emoticrafter"
    assert backbone.emotion is not None
    same = open_method(backbone.emotion, backbone)
    assert difference(ours.generate(PROMPT, SAD)[0], same.generate(PROMPT, SAD)[0]) == 0


def test_a_grid_and_a_sweep_are_generate(backbone: SDXLBackbone) -> None:
    rival = made("cross_attention", backbone)
    drawn = rival.grid(PROMPT, valences=[-2, 2], arousals=[1], seed=7, steps=2)
    assert drawn.valences == [-2, 2]
    assert difference(drawn.pictures[0], rival.generate(PROMPT, SAD, seed=7, steps=2)[0]) <= 1
    frames = rival.sweep(PROMPT, SAD, HAPPY, frames=3, seed=7, steps=2)
    assert difference(frames[0], drawn.pictures[0]) <= 1
    with pytest.raises(InputError, match="Unknown settings: count"):
        rival.sweep(PROMPT, SAD, HAPPY, count=3)


def test_material_must_fit_the_method(backbone: SDXLBackbone, material: RivalMaterial, tmp_path: Path) -> None:
    blind = RivalMaterial(
        neutral=material.neutral, emotional=material.emotional, emotions=material.emotions, latents=None, size=(32, 32), about={}
    )
    with pytest.raises(InputError, match="learns from pictures"):
        train_method("time_embedding", blind, tmp_path, Budget(steps=1), backbone=backbone)
    with pytest.raises(InputError, match="something to learn from"):
        train_method("linear_regression", None, tmp_path, Budget(steps=1), backbone=backbone)
    train_method("linear_regression", blind, tmp_path, Budget(steps=1), backbone=backbone, quiet=True)


def test_a_second_training_into_the_folder_is_refused(backbone: SDXLBackbone, material: RivalMaterial, tmp_path: Path) -> None:
    """Before it makes its material, which may take an hour."""
    made: list[str] = []

    def make(name: str) -> RivalMaterial:
        made.append(name)
        with pytest.raises(OutputError, match="Another run is writing to"):
            train("second")
        return material

    def train(name: str) -> None:
        out, budget = tmp_path / "kept", Budget(steps=1)
        train_method("linear_regression", partial(make, name), out, budget, backbone=backbone, quiet=True)

    train("first")
    assert made == ["first"]
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["config.json", "method.safetensors"]


def test_wrong_settings_are_told_before_the_material_is_made(backbone: SDXLBackbone, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Unknown settings"):
        train_method("discrete", lambda: pytest.fail("made"), tmp_path, Budget(steps=1), backbone=backbone, config={"colour": 1})


@pytest.mark.parametrize(
    ("name", "denoiser", "said"),
    [
        ("time_embedding", SimpleNamespace(time_width=None), "The network of bare has no time embedding to add to"),
        ("cross_attention", SimpleNamespace(attention_widths=[]), "The network of bare has no cross-attention to add to"),
        ("textual_inversion", None, "The backbone bare offers no network to learn from"),
    ],
)
def test_a_backbone_without_the_place_is_refused(name: str, denoiser: Any, said: str) -> None:
    bare: Any = SimpleNamespace(name="bare", prompt_channels=8, device="cpu", denoiser=denoiser)
    with pytest.raises(InputError, match=said):
        method_class(name)(bare)
