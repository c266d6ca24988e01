"""The SDXL backbone, run for real on a tiny random model of the same make."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from emoticrafter.backbones import devices
from emoticrafter.backbones.devices import Precision, choose_device, choose_precision
from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.backbones.registry import NAMES, open_backbone
from emoticrafter.backbones.sdxl import SDXLBackbone
from emoticrafter.backbones.vocabulary import unknown_words
from emoticrafter.errors import CheckpointError, DeviceError, InputError, MissingError
from emoticrafter.sampling import Sampling
from emoticrafter.watch import Watch
from tests.pixels import pixels
from tests.single_file import write_single_file
from tests.tiny import CHANNELS, SECTION, SIZE, WORDS, build_tiny_sdxl

PROMPT = "a cat on the beach"
LONG = "a child playing in the forest, a red ball, a dog on the beach, a berry, a cat in the forest"


@pytest.fixture
def copy(tiny_sdxl: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_sdxl, tmp_path / "copy"))


def moved(features: PromptFeatures, by: float = 1.0) -> PromptFeatures:
    torch.manual_seed(3)
    return features.with_tokens(features.tokens + by * torch.randn(features.tokens.shape))


def assert_same(first: list[Image.Image], second: list[Image.Image], tolerance: int = 0) -> None:
    assert np.abs(pixels(first) - pixels(second)).max() <= tolerance


def assert_differ(first: list[Image.Image], second: list[Image.Image]) -> None:
    for one, other in zip(pixels(first), pixels(second), strict=True):
        assert np.abs(one - other).max() > 2


# Prompts


@pytest.mark.parametrize("prompt", [PROMPT, "", "dog", "kites & 7!"])
def test_encode_agrees_with_the_pipeline(backbone: SDXLBackbone, prompt: str) -> None:
    features = backbone.encode([prompt])
    tokens, _, pooled, _ = backbone.pipeline.encode_prompt(prompt, device=torch.device("cpu"), do_classifier_free_guidance=False)
    torch.testing.assert_close(features.tokens, tokens)
    torch.testing.assert_close(features.pooled, pooled)
    assert features.tokens.shape == (1, SECTION, sum(CHANNELS))
    assert features.mask is None


def test_a_long_prompt_is_encoded_in_sections(backbone: SDXLBackbone) -> None:
    features = backbone.encode([LONG])
    assert features.tokens.shape[1] == 3 * SECTION
    words = backbone.pipeline.tokenizer(LONG, add_special_tokens=False).input_ids
    first = backbone.pipeline.tokenizer.decode(words[: SECTION - 2])
    alone = backbone.encode([first])
    torch.testing.assert_close(features.tokens[:, :SECTION], alone.tokens)
    torch.testing.assert_close(features.pooled, alone.pooled)


def test_sections_end_at_words_unless_a_word_is_too_long(backbone: SDXLBackbone) -> None:
    tokenizer = backbone.pipeline.tokenizer
    parts = [
        [i for i in part if i not in tokenizer.all_special_ids]
        for part in backbone.prompts._split(tokenizer, "cat " * 8 + "unheard " + "cat")
    ]
    assert [tokenizer.decode(part) for part in parts] == ["cat cat cat cat cat cat cat cat", "unheard cat"]
    parts = backbone.prompts._split(tokenizer, "x" * 25)
    assert [part.index(tokenizer.eos_token_id) - 1 for part in parts] == [10, 10, 5]
    assert all(len(part) == SECTION for part in parts)


def test_a_batch_encodes_each_prompt_as_alone(tiny_sdxl: Path) -> None:
    backbone = SDXLBackbone.open(tiny_sdxl, device="cpu", dtype="float32")
    features = backbone.encode(["dog", LONG, "", "dog"])
    assert features.lengths() == [SECTION, 3 * SECTION, SECTION, SECTION]
    for row, prompt in enumerate(["dog", LONG, "", "dog"]):
        alone = (
            SDXLBackbone.open(tiny_sdxl, device="cpu", dtype="float32").encode([prompt]) if row < 2 else backbone.encode([prompt])
        )
        torch.testing.assert_close(features.rows([row]).trimmed().tokens, alone.tokens)
        torch.testing.assert_close(features.rows([row]).pooled, alone.rows([0]).pooled)


def test_a_prompt_is_encoded_once(tiny_sdxl: Path) -> None:
    backbone, runs = SDXLBackbone.open(tiny_sdxl, device="cpu", dtype="float32"), []
    backbone.pipeline.text_encoder.register_forward_hook(lambda *args: runs.append(len(args[1][0])))
    first = backbone.encode([PROMPT] * 25)
    assert torch.equal(backbone.encode([PROMPT]).tokens[0], first.tokens[24])
    assert runs == [1]
    backbone.encode([f"{i} dog" for i in range(300)])  # more than are remembered
    assert sum(runs) == 301
    assert len(backbone.prompts._memory) == 256


# Pictures


def test_render_is_what_the_pipeline_draws(backbone: SDXLBackbone) -> None:
    ours = backbone.render(backbone.encode([PROMPT]), seeds=[7], sampling=Sampling(steps=4, guidance=5.0))
    theirs = backbone.pipeline(
        PROMPT,
        generator=torch.Generator("cpu").manual_seed(7),
        num_inference_steps=4,
        guidance_scale=5.0,
        width=SIZE,
        height=SIZE,
    ).images
    assert_same(ours, theirs, tolerance=1)
    assert ours[0].size == (SIZE, SIZE)
    assert ours[0].mode == "RGB"


def test_the_same_seed_gives_the_same_pixels_and_another_does_not(backbone: SDXLBackbone) -> None:
    features = backbone.encode([PROMPT])
    first = backbone.render(features, seeds=[7])
    assert_same(first, backbone.render(features, seeds=[7]))
    assert_differ(first, backbone.render(features, seeds=[8]))


@pytest.mark.parametrize("scheduler", ["EulerDiscreteScheduler", "EulerAncestral", "LCM"])
def test_a_picture_does_not_depend_on_its_batch(tiny_sdxl: Path, scheduler: str) -> None:
    backbone = SDXLBackbone.open(tiny_sdxl, device="cpu", dtype="float32", scheduler=scheduler, batch_size=2)
    prompts = [PROMPT, LONG, "dog", "", "cat"]
    together = backbone.render(backbone.encode(prompts), seeds=[1, 2, 3, 4, 5])
    for row, prompt in enumerate(prompts):
        assert_same(together[row : row + 1], backbone.render(backbone.encode([prompt]), seeds=[row + 1]), tolerance=1)


def test_tokens_change_the_picture_and_pooled_does_too(backbone: SDXLBackbone) -> None:
    features = backbone.encode([PROMPT])
    plain = backbone.render(features, seeds=[7])
    assert_differ(plain, backbone.render(moved(features), seeds=[7]))
    assert_differ(
        plain, backbone.render(PromptFeatures.of(features.tokens, features.map(lambda part: part + 5).pooled), seeds=[7])
    )


def test_start_keeps_the_first_steps_neutral(backbone: SDXLBackbone) -> None:
    neutral = backbone.encode([PROMPT, "dog"])
    emotional, seeds = moved(neutral), [7, 8]
    draw: Callable[[float], list[Image.Image]] = lambda start: backbone.render(  # noqa: E731
        emotional, neutral=neutral, seeds=seeds, sampling=Sampling(start=start, steps=6)
    )
    assert_same(draw(0.0), backbone.render(emotional, seeds=seeds, sampling=Sampling(steps=6)))
    assert_same(draw(1.0), backbone.render(neutral, seeds=seeds, sampling=Sampling(steps=6)))
    plain = pixels(draw(1.0))
    distances = [np.abs(pixels(draw(start)) - plain).mean() for start in (0.0, 0.34, 0.67, 1.0)]
    assert distances == sorted(distances, reverse=True)
    assert len(set(distances)) == 4


def test_start_sees_exactly_its_share_of_steps(backbone: SDXLBackbone) -> None:
    neutral = backbone.encode(["dog"])
    emotional, seen = moved(neutral), []
    hook = backbone.pipeline.unet.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(kwargs["encoder_hidden_states"]), with_kwargs=True
    )
    try:
        backbone.render(emotional, neutral=neutral, seeds=[1], sampling=Sampling(start=0.5, steps=6))
    finally:
        hook.remove()
    expected = [neutral] * 3 + [emotional] * 3
    for tokens, features in zip(seen, expected, strict=True):
        assert torch.equal(tokens[0], torch.zeros_like(tokens[0]))  # the unconditional half stays
        torch.testing.assert_close(tokens[1], features.tokens[0])


@pytest.mark.parametrize("negative", ["red ball", "", LONG])
def test_the_negative_prompt_is_encoded_once_and_steers(tiny_sdxl: Path, negative: str) -> None:
    backbone, runs = SDXLBackbone.open(tiny_sdxl, device="cpu", dtype="float32"), []
    features = backbone.encode([PROMPT, "dog"])
    plain = backbone.render(features, seeds=[7, 8])
    backbone.pipeline.text_encoder.register_forward_hook(lambda *args: runs.append(args[1][0].shape))
    steered = backbone.render(features, seeds=[7, 8], sampling=Sampling(negative=negative))
    assert_differ(plain, steered)
    assert_same(steered, backbone.render(features, seeds=[7, 8], sampling=Sampling(negative=negative)))
    assert len(runs) == (2 if negative == LONG else 1)  # the empty prompt fills up the shorter side


def test_without_guidance_the_negative_prompt_is_refused(backbone: SDXLBackbone) -> None:
    features = backbone.encode([PROMPT])
    assert_differ(
        backbone.render(features, seeds=[7], sampling=Sampling(guidance=0)),
        backbone.render(features, seeds=[7], sampling=Sampling(guidance=5)),
    )
    with pytest.raises(InputError, match="no effect at 1 and below"):
        backbone.render(features, seeds=[7], sampling=Sampling(guidance=1, negative="dog"))


def test_other_sizes_and_their_limits(backbone: SDXLBackbone) -> None:
    image = backbone.render(backbone.encode([PROMPT]), seeds=[1], sampling=Sampling(size=(48, 24)))[0]
    assert image.size == (48, 24)
    for size in ((33, 32), (0, 32), (32, -8), (10**6, 32), (True, 32), (32.0, 32)):
        with pytest.raises(InputError, match="multiple of 8 from 8 to 8192"):
            backbone.check(Sampling(steps=3, guidance=3.0, size=size, negative=None))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("steps", "guidance", "message"),
    [
        (0, 3.0, "steps is 0"),
        (1001, 3.0, "from 1 to 1000"),
        (True, 3.0, "steps is True"),
        (3, -1, "guidance is -1"),
        (3, float("nan"), "nan"),
    ],
)
def test_settings_that_cannot_be_are_refused(backbone: SDXLBackbone, steps: int, guidance: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        backbone.check(Sampling(steps=steps, guidance=guidance, size=(SIZE, SIZE), negative=None))


def counted(calls: list[Any]) -> Watch:
    return Watch(stage=lambda name: lambda done, total: calls.append((done, total)))


def test_progress_counts_the_steps_of_all_pictures(tiny_sdxl: Path) -> None:
    backbone, calls = SDXLBackbone.open(tiny_sdxl, device="cpu", dtype="float32", batch_size=2), list[Any]()
    backbone.render(backbone.encode([PROMPT] * 3), seeds=[1, 2, 3], sampling=Sampling(steps=4), watch=counted(calls))
    assert [done for done, _ in calls] == [2, 4, 6, 8, 9, 10, 11, 12]
    assert {total for _, total in calls} == {12}


def test_when_memory_runs_out_smaller_batches_are_tried(tiny_sdxl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = SDXLBackbone.open(tiny_sdxl, device="cpu", dtype="float32")
    features, seeds = backbone.encode([PROMPT] * 5), [1, 2, 3, 4, 5]
    expected, sizes = backbone.render(features, seeds=seeds), []
    forward = backbone.pipeline.unet.forward

    def small_memory(sample: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        sizes.append(len(sample) // 2)
        if len(sample) > 2 * most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return forward(sample, *args, **kwargs)

    most = 2
    monkeypatch.setattr(backbone.pipeline.unet, "forward", small_memory)
    assert_same(backbone.render(features, seeds=seeds, sampling=Sampling(steps=3)), expected, tolerance=1)
    assert sizes == [5, 2, 2, 2, 2, 2, 2, 1, 1, 1]
    most = 0
    with pytest.raises(DeviceError, match=r"not suffice to draw one picture.*--size"):
        backbone.render(features, seeds=seeds)


def test_other_failures_are_not_taken_for_memory(backbone: SDXLBackbone, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(backbone.pipeline.unet, "forward", broken)
    with pytest.raises(RuntimeError, match="mat1"):
        backbone.render(backbone.encode([PROMPT] * 2), seeds=[1, 2])


def test_overflow_is_told_instead_of_a_black_picture(backbone: SDXLBackbone) -> None:
    features = backbone.encode([PROMPT])
    with pytest.raises(DeviceError, match="overflowed in float32"):
        backbone.render(features.with_tokens(features.tokens * torch.inf), seeds=[1])


# Kinds of models


@pytest.mark.parametrize("dtype", ["bfloat16", "auto"])
def test_bfloat16_draws_nearly_the_same(tiny_sdxl: Path, backbone: SDXLBackbone, dtype: str) -> None:
    half = SDXLBackbone.open(tiny_sdxl, device="cpu", dtype=dtype)
    first, second = (one.render(one.encode([PROMPT]), seeds=[7]) for one in (backbone, half))
    assert np.abs(pixels(first) - pixels(second)).mean() < 4
    assert half.pipeline.unet.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_weights_draw_nearly_the_same(tiny_sdxl: Path, backbone: SDXLBackbone, dtype: torch.dtype) -> None:
    from emoticrafter.backbones.sdxl.loading import load_pipeline

    half = SDXLBackbone(load_pipeline(tiny_sdxl, dtype), precision=Precision(weights=dtype), defaults=backbone.defaults)
    features = half.encode([PROMPT])
    assert features.tokens.dtype == torch.float32
    first, second = backbone.render(backbone.encode([PROMPT]), seeds=[7]), half.render(features, seeds=[7])
    assert np.abs(pixels(first) - pixels(second)).mean() < 4


def test_storybooks_kind_runs_flow_many_channels_and_normalised_latents(tmp_path: Path) -> None:
    folder = build_tiny_sdxl(tmp_path / "flow", latent_channels=8, flow=True, normalised=True)
    backbone = open_backbone(folder, device="cpu", dtype="float32")
    features = backbone.encode([PROMPT])
    image = backbone.render(features, seeds=[1])
    config = json.loads((folder / "vae" / "config.json").read_text())
    (folder / "vae" / "config.json").write_text(json.dumps({**config, "latents_std": [0.1] * 8}))
    changed = open_backbone(folder, device="cpu", dtype="float32")
    assert_differ(image, changed.render(changed.encode([PROMPT]), seeds=[1]))
    with pytest.raises(InputError, match=r"does not fit this model.*DPMSolverMultistep"):
        open_backbone(folder, device="cpu", scheduler="Euler")
    assert open_backbone(folder, device="cpu", scheduler="UniPCMultistep,use_flow_sigmas=true").render(features, seeds=[1])


def test_half_precision_files_are_found(tiny_sdxl: Path, tmp_path: Path, backbone: SDXLBackbone) -> None:
    backbone.pipeline.save_pretrained(tmp_path / "half", variant="fp16")
    half = SDXLBackbone.open(tmp_path / "half", device="cpu", dtype="float32")
    sampling = Sampling(size=(SIZE, SIZE), steps=3, guidance=3.0)
    first, second = (one.render(one.encode([PROMPT]), seeds=[1], sampling=sampling) for one in (backbone, half))
    assert_same(first, second)


@pytest.mark.parametrize(
    "name", ["Euler", "EulerAncestralDiscreteScheduler", "DPMSolverMultistep", "Heun", "ddim", "UniPCMultistep", "LCM"]
)
def test_schedulers_by_name(tiny_sdxl: Path, name: str) -> None:
    backbone = SDXLBackbone.open(tiny_sdxl, device="cpu", dtype="float32", scheduler=name)
    assert name.lower().removesuffix("scheduler") in type(backbone.pipeline.scheduler).__name__.lower()
    assert backbone.pipeline.scheduler.config.beta_start == 0.00085  # the model's own
    neutral, calls = backbone.encode([PROMPT]), list[Any]()
    backbone.render(moved(neutral), neutral=neutral, seeds=[1], sampling=Sampling(start=0.5, steps=4), watch=counted(calls))
    assert calls[-1] == (4, 4)


def test_a_few_steps_with_settings_of_the_scheduler(tiny_sdxl: Path) -> None:
    backbone = SDXLBackbone.open(
        tiny_sdxl, device="cpu", dtype="float32", scheduler="Euler,timestep_spacing=trailing,use_karras_sigmas=true"
    )
    assert backbone.pipeline.scheduler.config.timestep_spacing == "trailing"
    assert backbone.pipeline.scheduler.config.use_karras_sigmas is True
    assert backbone.render(backbone.encode([PROMPT]), seeds=[1], sampling=Sampling(steps=1, guidance=0))
    assert backbone.describe()["scheduler"].startswith("Euler,timestep_spacing")


@pytest.mark.parametrize(
    ("scheduler", "message"),
    [
        ("FlowMatchEulerDiscreteScheduler", "Known ones: .*DDIM"),
        ("best", "The scheduler is 'best'"),
        ("Euler,speed=9", "'speed=9' is no setting of EulerDiscreteScheduler"),
        ("Euler,prediction_type", "NAME=VALUE"),
    ],
)
def test_a_scheduler_that_does_not_fit_is_refused(tiny_sdxl: Path, scheduler: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SDXLBackbone.open(tiny_sdxl, device="cpu", scheduler=scheduler)


def test_lora_changes_the_picture_by_its_scale(tiny_sdxl: Path, tmp_path: Path, backbone: SDXLBackbone) -> None:
    from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline

    torch.manual_seed(0)
    weights = {
        f"{name}.{side}.weight": torch.randn(shape)
        for name, module in backbone.pipeline.unet.named_modules()
        if name.endswith("attn2.to_v")
        for side, shape in (("lora_A", (2, module.in_features)), ("lora_B", (module.out_features, 2)))
    }
    StableDiffusionXLPipeline.save_lora_weights(tmp_path, unet_lora_layers=weights, weight_name="style.safetensors")
    lora = str(tmp_path / "style.safetensors")
    plain, full, none = (
        one.render(one.encode([PROMPT]), seeds=[1])
        for one in (
            backbone,
            *(SDXLBackbone.open(tiny_sdxl, device="cpu", dtype="float32", loras=[text]) for text in (lora, f"{lora}:0")),
        )
    )
    assert_differ(plain, full)
    assert_same(plain, none, tolerance=1)
    save_file({"nonsense": torch.zeros(1)}, tmp_path / "nonsense.safetensors")
    for text in (f"{tmp_path}/nonsense.safetensors", str(Path(__file__))):
        with pytest.raises(CheckpointError):
            SDXLBackbone.open(tiny_sdxl, device="cpu", loras=[text])
    with pytest.raises(InputError, match="Give a number from -10 to 10"):
        SDXLBackbone.open(tiny_sdxl, device="cpu", loras=[f"{lora}:99"])


def test_attention_slicing_draws_the_same(tiny_sdxl: Path, backbone: SDXLBackbone) -> None:
    sliced = SDXLBackbone.open(tiny_sdxl, device="cpu", dtype="float32", attention_slicing=True)
    first, second = (one.render(one.encode([PROMPT]), seeds=[1]) for one in (backbone, sliced))
    assert_same(first, second, tolerance=1)


def test_the_watermark_is_off_unless_asked_for_and_recorded(
    tiny_sdxl: Path, backbone: SDXLBackbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert backbone.pipeline.watermark is None
    assert backbone.describe()["watermark"] is False
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *_: None)
    with pytest.raises(MissingError, match="pip install invisible-watermark"):
        SDXLBackbone.open(tiny_sdxl, device="cpu", watermark=True)


def test_a_watermark_is_put_on_the_pixels(tiny_sdxl: Path, backbone: SDXLBackbone, monkeypatch: pytest.MonkeyPatch) -> None:
    class Inverting:
        def apply_watermark(self, images: torch.Tensor) -> torch.Tensor:
            return -images

    plain = pixels(backbone.render(backbone.encode([PROMPT]), seeds=[1]))
    monkeypatch.setattr(backbone.pipeline, "watermark", Inverting())
    marked = pixels(backbone.render(backbone.encode([PROMPT]), seeds=[1]))
    assert np.abs(plain + marked - 255).max() <= 1


# Files


def test_the_folder_says_how_to_sample_and_what_belongs_to_it(backbone: SDXLBackbone, tiny_sdxl: Path) -> None:
    assert (backbone.defaults.steps, backbone.defaults.guidance, backbone.defaults.size) == (3, 3.0, (SIZE, SIZE))
    assert (backbone.family, backbone.section, backbone.prompt_channels) == ("tiny", SECTION, sum(CHANNELS))
    assert backbone.emotion == tiny_sdxl / "emotion"


def test_without_hints_the_defaults_are_the_papers(copy: Path) -> None:
    for name in ("defaults.json", "vocabulary.json"):
        (copy / name).unlink()
    shutil.rmtree(copy / "emotion")
    backbone = SDXLBackbone.open(copy, device="cpu")
    assert (backbone.defaults.steps, backbone.defaults.guidance, backbone.defaults.size) == (25, 7.5, (1024, 1024))
    assert backbone.family == "sdxl-12-20-12"
    assert backbone.emotion is None
    assert backbone.unknown_words("zeppelin") == {}


def test_the_fingerprint_follows_the_weights(copy: Path, backbone: SDXLBackbone) -> None:
    assert SDXLBackbone.open(copy, device="cpu").describe()["backbone_hash"] == backbone.describe()["backbone_hash"]
    path = copy / "unet" / "diffusion_pytorch_model.safetensors"
    save_file({name: tensor + 1 for name, tensor in load_file(path).items()}, path)
    assert SDXLBackbone.open(copy, device="cpu").describe()["backbone_hash"] != backbone.describe()["backbone_hash"]


def test_the_fingerprint_leaves_out_what_decides_no_pixel(copy: Path, backbone: SDXLBackbone) -> None:
    (copy / "defaults.json").write_text(json.dumps({"steps": 3, "guidance": 2.0, "size": 64, "preview_steps": 2}))
    (copy / "card.json").write_text("{}")
    assert SDXLBackbone.open(copy, device="cpu").describe()["backbone_hash"] == backbone.describe()["backbone_hash"]
    (copy / "scheduler" / "more.json").write_text("{}")
    assert SDXLBackbone.open(copy, device="cpu").describe()["backbone_hash"] != backbone.describe()["backbone_hash"]


def cut_unet(folder: Path) -> None:
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])


def reshape_unet(folder: Path) -> None:
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    save_file({name: tensor[..., :1].contiguous() for name, tensor in load_file(path).items()}, path)


def pickle_instead(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").rename(folder / "unet" / "diffusion_pytorch_model.bin")


def link_to_device(name: str) -> Callable[[Path], None]:
    def link(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to("/dev/zero")

    return link


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (cut_unet, CheckpointError, "cannot be loaded"),
        (reshape_unet, CheckpointError, "cannot be loaded"),
        (pickle_instead, CheckpointError, "safetensors"),
        (lambda f: shutil.rmtree(f / "vae"), CheckpointError, "cannot be loaded"),
        (lambda f: (f / "model_index.json").unlink(), MissingError, r"no model_index\.json"),
        (lambda f: (f / "model_index.json").write_text("{"), CheckpointError, r"model_index\.json' is damaged"),
        (lambda f: (f / "model_index.json").write_text('{"_class_name": "FluxPipeline"}'), CheckpointError, "is a FluxPipeline"),
        (lambda f: (f / "defaults.json").write_text('{"steps": "many"}'), CheckpointError, "no sampling settings"),
        (lambda f: (f / "defaults.json").write_text("[]"), CheckpointError, r"it is \[\]; it must be an object"),
        (link_to_device("unet/config.json"), CheckpointError, r"config\.json' cannot be read: it is a device"),
        (link_to_device("model_index.json"), CheckpointError, r"model_index\.json' cannot be read: it is a device"),
        (link_to_device("tokenizer/vocab.json"), CheckpointError, r"vocab\.json' cannot be read: it is a device"),
        (link_to_device("vae/diffusion_pytorch_model.safetensors"), CheckpointError, r"cannot be read: it is a device"),
    ],
    ids=[
        "cut",
        "shapes",
        "pickle",
        "no vae",
        "no index",
        "broken index",
        "other model",
        "broken defaults",
        "list",
        "device",
        "device as index",
        "device as vocabulary",
        "device as weights",
    ],
)
def test_a_damaged_folder_is_refused(copy: Path, damage: Callable[[Path], Any], error: type[Exception], message: str) -> None:
    damage(copy)
    with pytest.raises(error, match=message):
        open_backbone(copy, device="cpu")


def test_what_is_not_there_is_named_with_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(MissingError, match=r"hf download stabilityai/stable-diffusion-xl-base-1.0 --local-dir FOLDER"):
        open_backbone("sdxl", device="cpu")
    with pytest.raises(MissingError, match=r"There is no backbone 'sdlx'.*storybook, sdxl"):
        open_backbone("sdlx", device="cpu")
    with pytest.raises(MissingError, match="There is no backbone"):
        open_backbone(tmp_path / "nowhere", device="cpu")
    with pytest.raises(InputError, match="is not a backbone"):
        open_backbone("", device="cpu")
    monkeypatch.setitem(NAMES, "storybook", str(tmp_path))
    monkeypatch.setattr("emoticrafter.backbones.registry.STORYBOOK", tmp_path)
    with pytest.raises(MissingError, match="emoticrafter storybook build"):
        open_backbone("storybook", device="cpu")


def test_a_single_file_draws_what_its_folder_draws(tiny_sdxl: Path, tmp_path: Path, backbone: SDXLBackbone) -> None:
    path = write_single_file(tiny_sdxl, tmp_path / "model.safetensors")
    single = open_backbone(path, device="cpu", dtype="float32", config=str(tiny_sdxl))
    torch.testing.assert_close(single.encode([PROMPT]).tokens, backbone.encode([PROMPT]).tokens)
    sampling = Sampling(size=(SIZE, SIZE), steps=3, guidance=3.0)
    first, second = (one.render(one.encode([PROMPT]), seeds=[1], sampling=sampling) for one in (backbone, single))
    assert_same(first, second, tolerance=1)


def test_a_single_file_without_configs_says_where_to_get_them(
    tiny_sdxl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    path = write_single_file(tiny_sdxl, tmp_path / "model.safetensors")
    with pytest.raises(MissingError, match=r"holds weights only.*or give a pipeline folder as `config`"):
        open_backbone(path, device="cpu")


def test_a_single_file_must_be_safetensors_and_sound(tmp_path: Path, tiny_sdxl: Path) -> None:
    (tmp_path / "model.ckpt").write_bytes(b"pickle")
    with pytest.raises(CheckpointError, match=r"not a \.safetensors file"):
        open_backbone(tmp_path / "model.ckpt", device="cpu")
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        open_backbone(tmp_path / "model.safetensors", device="cpu", config=str(tiny_sdxl))


def test_the_config_of_a_single_file_holds_no_device(tiny_sdxl: Path, tmp_path: Path, copy: Path) -> None:
    path = write_single_file(tiny_sdxl, tmp_path / "model.safetensors")
    link_to_device("text_encoder_2/config.json")(copy)
    with pytest.raises(CheckpointError, match=r"config\.json' cannot be read: it is a device"):
        open_backbone(path, device="cpu", config=str(copy))


# Devices


def test_devices_and_precisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    cpu = choose_device(None)
    assert cpu == choose_device("auto") == torch.device("cpu")
    for name in ("cuda", "cuda:3"):
        with pytest.raises(DeviceError, match=r"sees 0 CUDA devices.*--device cpu"):
            choose_device(name)
    with pytest.raises(DeviceError, match="mps"):
        choose_device("mps")
    for name in ("gpu", "cuda:x", "xpu", "meta"):
        with pytest.raises(InputError):
            choose_device(name)
    monkeypatch.setattr(devices, "_multiplies_bfloat16", lambda: True)
    assert choose_precision(None, cpu) == Precision(weights=torch.float32, autocast=torch.bfloat16)
    monkeypatch.setattr(devices, "_multiplies_bfloat16", lambda: False)
    assert choose_precision("auto", cpu) == choose_precision("fp32", cpu) == Precision(weights=torch.float32)
    assert choose_precision("bf16", cpu).name == "bfloat16"
    for dtype, message in (("float16", "Use bfloat16 or float32"), ("int8", "Known ones: auto, float32")):
        with pytest.raises(InputError, match=message):
            choose_precision(dtype, cpu)
    cuda = torch.device("cuda")
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda **_: True)
    assert choose_precision(None, cuda) == Precision(weights=torch.bfloat16)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda **_: False)
    assert choose_precision(None, cuda) == choose_precision("float16", cuda) == Precision(weights=torch.float16)


@pytest.mark.parametrize(
    ("offload", "message"), [("model", "saves GPU memory"), ("sequential", "saves GPU memory"), ("disk", "Known ones")]
)
def test_offload_needs_a_gpu(tiny_sdxl: Path, offload: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SDXLBackbone.open(tiny_sdxl, device="cpu", offload=offload)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("offload", [None, "model", "sequential"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_gpu_draws_what_the_cpu_draws(tiny_sdxl: Path, backbone: SDXLBackbone, offload: str | None, dtype: str) -> None:
    gpu = SDXLBackbone.open(tiny_sdxl, device="cuda", dtype=dtype, offload=offload)
    features = gpu.encode([PROMPT, LONG])
    for _ in range(2):  # offloaded models come back
        drawn = gpu.render(moved_to(gpu, features), neutral=features, sampling=Sampling(start=0.4), seeds=[1, 2])
    expected = backbone.encode([PROMPT, LONG])
    assert (
        np.abs(
            pixels(drawn) - pixels(backbone.render(moved(expected), neutral=expected, sampling=Sampling(start=0.4), seeds=[1, 2]))
        ).mean()
        < 4
    )


def moved_to(backbone: SDXLBackbone, features: PromptFeatures) -> PromptFeatures:
    cpu = PromptFeatures.of(features.tokens.cpu())
    return features.with_tokens(moved(cpu).tokens.to(backbone.device))


# Words


def test_unknown_words_come_with_near_ones(backbone: SDXLBackbone) -> None:
    assert backbone.unknown_words("The CATS, 2 dogs' balls & a child's red-ball on 3 beaches!") == {}
    assert backbone.unknown_words("a childe in a forrest with berries") == {
        "childe": ["child"],
        "forrest": ["forest"],
        "with": [],
    }
    assert backbone.unknown_words("浜辺の犬") == {"浜辺の犬": []}
    assert len(unknown_words(" ".join(f"{'x' * i}y" for i in range(1, 50)), WORDS)) == 20
