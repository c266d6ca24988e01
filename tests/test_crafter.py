"""The main path, on a tiny SDXL that really runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emoticrafter import EmotiCrafter, Emotion, checkpoint
from emoticrafter.backbones.features import PromptFeatures
from emoticrafter.calibration import AxisMap, Calibration
from emoticrafter.crafter import Grid, UnknownWordsWarning, inject
from emoticrafter.errors import CheckpointError, DeviceError, InputError, MissingError
from emoticrafter.picture import Picture
from emoticrafter.recipe import check_recipe, read_recipe
from emoticrafter.request import Request
from emoticrafter.watch import Watch
from tests.pixels import difference
from tests.tiny import SECTION, SIZE, tiny_eit

SAD, HAPPY = Emotion(valence=-2, arousal=1), Emotion(valence=3, arousal=-1)
PROMPT = "a cat on the beach"
LONG = "a child playing in the forest, a red ball, a dog on the beach, a berry, a cat in the forest"


@pytest.fixture(scope="module")
def crafter(tiny_sdxl: Path) -> EmotiCrafter:
    return EmotiCrafter.from_pretrained(tiny_sdxl, device="cpu", dtype="float32")


def test_a_picture_of_a_prompt_and_an_emotion(crafter: EmotiCrafter) -> None:
    picture = crafter.generate(PROMPT, SAD, seed=7)[0]
    assert picture.image.size == (SIZE, SIZE)
    assert difference(picture, crafter.generate(PROMPT, SAD, seed=7)[0]) == 0
    assert difference(picture, crafter.generate(PROMPT, SAD, seed=8)[0]) > 2
    assert difference(picture, crafter.generate(PROMPT, HAPPY, seed=7)[0]) > 2
    assert difference(picture, crafter.generate("dog", SAD, seed=7)[0]) > 2


def test_the_main_path_is_encode_inject_render(crafter: EmotiCrafter) -> None:
    neutral = crafter.backbone.encode([PROMPT])
    with torch.no_grad():
        residual = crafter.eit.residual(neutral.tokens, torch.tensor([-2.0]), torch.tensor([1.0]))
    image = crafter.backbone.render(neutral.with_tokens(neutral.tokens + 0.5 * residual), seeds=[7])[0]
    assert difference(Picture(image=image), crafter.generate(PROMPT, SAD, seed=7, strength=0.5)[0]) <= 1


def test_strength_zero_is_the_neutral_picture_and_strength_scales(crafter: EmotiCrafter) -> None:
    neutral = crafter.backbone.encode([PROMPT])
    plain = Picture(image=crafter.backbone.render(neutral, seeds=[7])[0])
    assert difference(plain, crafter.generate(PROMPT, SAD, seed=7, strength=0)[0]) == 0
    assert difference(plain, crafter.generate(PROMPT, SAD, seed=7, start=1.0)[0]) == 0
    tokens = inject(crafter.eit, neutral, [SAD], 0.8, SECTION)
    half = inject(crafter.eit, neutral, [SAD], 0.4, SECTION)
    torch.testing.assert_close(tokens - neutral.tokens, 2 * (half - neutral.tokens))
    default = crafter.generate(PROMPT, SAD, seed=7)[0]
    assert default.recipe["strength"] == 0.8  # the checkpoint's own
    assert difference(default, crafter.generate(PROMPT, SAD, seed=7, strength=0.8)[0]) == 0


def test_start_keeps_more_of_the_neutral_picture(crafter: EmotiCrafter) -> None:
    neutral = crafter.generate(PROMPT, SAD, strength=0, steps=6)[0]
    distances = [
        np.abs(
            np.asarray(crafter.generate(PROMPT, SAD, start=start, steps=6)[0].image, float) - np.asarray(neutral.image, float)
        ).mean()
        for start in (0.0, 0.5, 0.85)
    ]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] > 0


def test_long_prompts_are_mapped_section_by_section(crafter: EmotiCrafter) -> None:
    features = crafter.backbone.encode([LONG, "dog"])
    tokens = inject(crafter.eit, features, [SAD, HAPPY], 1.0, SECTION)
    valence, arousal = torch.tensor([-2.0, 3.0]), torch.tensor([1.0, -1.0])
    with torch.no_grad():
        for begin in range(0, features.tokens.shape[1], SECTION):
            section = slice(begin, begin + SECTION)
            torch.testing.assert_close(tokens[:, section], crafter.eit(features.tokens[:, section], valence, arousal))
    pictures = crafter.generate([LONG, "dog"], [SAD, HAPPY])
    for picture, prompt, emotion in zip(pictures, (LONG, "dog"), (SAD, HAPPY), strict=True):
        assert difference(picture, crafter.generate(prompt, emotion)[0]) <= 1


def test_many_emotions_of_one_prompt_give_what_each_gives(crafter: EmotiCrafter) -> None:
    features = crafter.backbone.encode([PROMPT] * 70)
    emotions = [Emotion(valence=-3 + i / 12, arousal=1) for i in range(70)]
    together = inject(crafter.eit, features, emotions, 1.0, SECTION)
    for row in (0, 65):
        torch.testing.assert_close(
            together[row : row + 1], inject(crafter.eit, features.rows([row]), [emotions[row]], 1.0, SECTION)
        )


def test_a_preview_takes_fewer_steps_unless_steps_are_given(crafter: EmotiCrafter) -> None:
    emotion = Emotion(valence=1, arousal=1)
    full, quick, given = (crafter.generate("a dog", emotion, **options)[0].recipe["steps"]
                          for options in ({}, {"preview": True}, {"preview": True, "steps": 5}))  # fmt: skip
    assert quick < full
    assert given == 5


def test_emotions_are_injected_in_the_precision_of_the_backbone(tiny_sdxl: Path) -> None:
    seen: list[torch.dtype] = []
    for dtype in ("float32", "bfloat16"):
        crafter = EmotiCrafter.from_pretrained(tiny_sdxl, device="cpu", dtype=dtype)
        crafter.eit.project_in.register_forward_hook(lambda _, __, output: seen.append(output.dtype))
        crafter.generate(PROMPT, SAD, steps=1)
    assert seen == [torch.float32, torch.bfloat16]


def test_count_pairs_and_order(crafter: EmotiCrafter) -> None:
    pictures = crafter.generate(["cat", "dog"], SAD, count=2, seed=5)
    assert [(p.recipe["prompt"], p.recipe["seed"]) for p in pictures] == [("cat", 5), ("cat", 6), ("dog", 5), ("dog", 6)]
    assert difference(pictures[3], crafter.generate("dog", SAD, seed=6)[0]) <= 1
    pictures = crafter.generate("cat", [SAD, HAPPY])
    assert [p.recipe["valence"] for p in pictures] == [-2, 3]
    drawn = {crafter.generate("cat", SAD, seed=None, steps=1)[0].recipe["seed"] for _ in range(3)}
    assert len(drawn) == 3


def test_the_empty_prompt_makes_a_picture_of_the_feeling_alone(crafter: EmotiCrafter) -> None:
    assert difference(crafter.generate("", SAD)[0], crafter.generate("", HAPPY)[0]) > 2


def test_negative_prompt_and_progress(crafter: EmotiCrafter) -> None:
    calls: list[tuple[int, int]] = []
    with_negative = crafter.generate(
        PROMPT, SAD, count=2, negative="red ball", steps=4, progress=lambda *call: calls.append(call)
    )
    assert calls[-1] == (8, 8)
    assert difference(with_negative[0], crafter.generate(PROMPT, SAD, steps=4)[0]) > 2
    assert with_negative[0].recipe["negative"] == "red ball"


def test_the_recipe_makes_the_picture_again(crafter: EmotiCrafter, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"strength": 1.5, "start": 0.3, "steps": 4, "guidance": 2.5, "size": (48, 32), "negative": "dog"}
    picture = crafter.generate(PROMPT, SAD, seed=11, **settings)[0]
    recipe = read_recipe(picture.save(tmp_path / "a.png"))
    assert recipe == check_recipe(picture.recipe)
    assert {"backbone_hash", "emotion_hash", "versions", "dtype", "scheduler", "watermark"} <= set(recipe)
    assert recipe["versions"]["torch"] == torch.__version__
    again = EmotiCrafter.from_recipe(recipe, device="cpu").again(recipe)
    assert difference(picture, again) == 0
    assert again.recipe == picture.recipe


def test_another_model_is_noticed_in_a_recipe(crafter: EmotiCrafter) -> None:
    recipe = crafter.generate("cat", SAD)[0].recipe
    with pytest.warns(UserWarning, match="made with the emotion_hash 0000"):
        crafter.again({**recipe, "emotion_hash": "0000"})
    with pytest.raises(InputError, match="has no seed"):
        crafter.again({name: value for name, value in recipe.items() if name != "seed"})
    with pytest.raises(InputError, match="names no backbone"):
        EmotiCrafter.from_recipe({})


def test_a_grid_encodes_once_and_shares_its_seed(crafter: EmotiCrafter, tmp_path: Path) -> None:
    encoded: list[Any] = []
    hook = crafter.backbone.pipeline.text_encoder.register_forward_hook(lambda *args: encoded.append(len(args[1][0])))  # type: ignore[attr-defined]
    try:
        made = crafter.grid("a red ball in the forest", valences=[3, -3, 0], arousals=[-3, 3], seed=4, steps=2)
    finally:
        hook.remove()
    assert encoded == [1]
    assert isinstance(made, Grid)
    points = [(p.recipe["valence"], p.recipe["arousal"]) for p in made.pictures]
    assert points == [(-3, 3), (0, 3), (3, 3), (-3, -3), (0, -3), (3, -3)]
    assert {p.recipe["seed"] for p in made.pictures} == {4}
    assert (made.valences, made.arousals) == ([-3, 0, 3], [-3, 3])
    recipe = read_recipe(made.save(tmp_path / "grid.png"))
    assert recipe["prompt"] == "a red ball in the forest"
    assert len(recipe["pictures"]) == 6
    assert made.image().width > 3 * SIZE


def test_a_sweep_goes_from_one_emotion_to_another(crafter: EmotiCrafter) -> None:
    frames = crafter.sweep("cat", SAD, HAPPY, frames=5, steps=2, start=0.5)
    assert [(p.recipe["valence"], p.recipe["arousal"]) for p in frames] == [
        (-2, 1),
        (-0.75, 0.5),
        (0.5, 0),
        (1.75, -0.5),
        (3, -1),
    ]
    assert {(p.recipe["seed"], p.recipe["start"]) for p in frames} == {(0, 0.5)}


def test_guidance_at_some_times_is_in_the_recipe_and_drawn_again_from_it(crafter: EmotiCrafter, tmp_path: Path) -> None:
    plain, limited, everywhere = (
        crafter.generate(PROMPT, SAD, seed=7, steps=6, guidance_range=limits)[0] for limits in (None, (0.3, 0.85), (0, 1))
    )
    assert difference(plain, everywhere) == 0
    assert plain.recipe == everywhere.recipe
    assert "guidance_range" not in plain.recipe  # as before there were ranges
    assert difference(plain, limited) > 2
    assert limited.recipe == {**plain.recipe, "guidance_range": [0.3, 0.85]}
    kept = read_recipe(limited.save(tmp_path / "limited.png"))
    assert difference(crafter.again(kept), limited) == 0
    cells = crafter.grid(PROMPT, valences=[-2], arousals=[1], seed=7, steps=6, guidance_range=(0.3, 0.85)).pictures
    assert difference(cells[0], limited) == 0
    frames = crafter.sweep(PROMPT, SAD, HAPPY, frames=2, seed=7, steps=6, guidance_range=(0.3, 0.85))
    assert difference(frames[0], limited) <= 1
    with pytest.raises(InputError, match="two numbers that rise"):
        crafter.grid(PROMPT, valences=[0], arousals=[0], guidance_range=(1, 0))


def test_a_model_s_own_range_is_the_default_and_older_recipes_are_drawn_without(
    crafter: EmotiCrafter, tiny_sdxl: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_sdxl, tmp_path / "limited"))
    settings = json.loads((folder / "defaults.json").read_text())
    (folder / "defaults.json").write_text(json.dumps({**settings, "guidance_range": [0.3, 0.85]}))
    limited = EmotiCrafter.from_pretrained(folder, device="cpu", dtype="float32")
    assert limited.describe()["defaults"]["guidance_range"] == [0.3, 0.85]
    assert "guidance_range" not in crafter.describe()["defaults"]
    assert limited.describe() | {"defaults": {}} == crafter.describe() | {"defaults": {}}
    old = crafter.generate(PROMPT, SAD, seed=7, steps=6)[0]
    own = limited.generate(PROMPT, SAD, seed=7, steps=6)[0]
    assert own.recipe["guidance_range"] == [0.3, 0.85]
    assert difference(own, crafter.generate(PROMPT, SAD, seed=7, steps=6, guidance_range=(0.3, 0.85))[0]) == 0
    assert difference(limited.again(old.recipe), old) == 0
    assert difference(crafter.again(own.recipe), own) == 0


def test_unknown_words_draw_one_warning_and_a_picture(tiny_sdxl: Path) -> None:
    said: list[str] = []
    crafter = EmotiCrafter.from_pretrained(tiny_sdxl, device="cpu")
    watch = Watch(warn=said.append)
    assert len(crafter.generate("a cat in a forrest", [SAD, HAPPY], negative="浜辺", watch=watch)) == 2
    assert said == [
        f"The model {tiny_sdxl} has never seen these words of the prompt: 'forrest' (near: forest).",
        f"The model {tiny_sdxl} has never seen these words of the prompt: '浜辺'.",
    ]
    crafter = EmotiCrafter.from_pretrained(tiny_sdxl, device="cpu")
    with pytest.warns(UnknownWordsWarning, match="zeppelin"):
        crafter.generate("zeppelin", SAD)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompt": "x" * 10_000}, "has 10000 characters; 4000 are the most"),
        ({"prompt": "a\x1b[2Jcat"}, r"control character U\+001B"),
        ({"prompt": "a\x00cat"}, r"control character U\+0000"),
        ({"prompt": None}, "prompt is a NoneType, not a text"),
        ({"prompt": [3]}, "is a int, not a text"),
        ({"prompt": []}, "No prompt or no emotion"),
        ({"prompt": ["a", "b"], "emotion": [SAD] * 3}, "2 prompts cannot be paired with 3 emotions"),
        ({"emotion": (1, 2)}, "An emotion is a int"),
        ({"emotion": None}, "An emotion is a NoneType"),
        ({"negative": "\x07"}, "negative prompt holds the control character"),
        ({"negative": "dog", "guidance": 1.0}, "no effect"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**64}, "seed is 18446744073709551616"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"count": 0}, "count is 0"),
        ({"count": 10**6}, "from 1 to 10000 pictures"),
        ({"strength": float("nan")}, "strength is nan"),
        ({"strength": -1}, "from 0 to 10"),
        ({"start": 1.1}, "start is 1.1"),
        ({"steps": 0}, "steps is 0"),
        ({"guidance": float("inf")}, "guidance is inf"),
        ({"guidance_range": (0.85, 0.3)}, r"guidance range is 0\.85:0\.3; it must be two numbers that rise"),
        ({"guidance_range": 0.3}, "two numbers that rise"),
        ({"size": 33}, r"33 x 33; each side must be a multiple of 8 .*is best at 32 x 32"),
        ({"size": (32, 32, 32)}, "neither a number of pixels"),
        ({"size": 10**9}, "from 8 to 8192"),
    ],
)
def test_bad_input_is_refused_before_any_work(
    crafter: EmotiCrafter, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str
) -> None:
    monkeypatch.setattr(crafter.backbone, "encode", None)
    with pytest.raises(InputError, match=message):
        crafter.generate(**{"prompt": "cat", "emotion": SAD, **changes})


def test_bad_settings_of_grid_and_sweep_are_refused(crafter: EmotiCrafter) -> None:
    with pytest.raises(InputError, match="Unknown settings: count, speed"):
        crafter.grid("cat", valences=[0], arousals=[0], count=3, speed=9)
    with pytest.raises(InputError, match="not one text"):
        crafter.sweep(["cat", "dog"], SAD, HAPPY)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="valence is 4"):
        crafter.grid("cat", valences=[4], arousals=[0])
    with pytest.raises(InputError, match="frames is 1"):
        crafter.sweep("cat", SAD, HAPPY, frames=1)


def test_a_checkpoint_of_another_backbone_is_refused(tiny_sdxl: Path, tmp_path: Path) -> None:
    wide = checkpoint.save(tiny_eit(prompt_channels=48), tmp_path / "wide", {"backbone": "sdxl"})
    with pytest.raises(CheckpointError, match=r"belongs to sdxl \(48 prompt channels\).*family tiny \(32 channels\)"):
        EmotiCrafter.from_pretrained(tiny_sdxl, wide, device="cpu")
    other = checkpoint.save(tiny_eit(), tmp_path / "other", {"backbone": "storybook"})
    with pytest.raises(CheckpointError, match=r"belongs to storybook .*family tiny"):
        EmotiCrafter.from_pretrained(tiny_sdxl, other, device="cpu")
    short = checkpoint.save(tiny_eit(positions=SECTION - 1), tmp_path / "short")
    with pytest.raises(CheckpointError, match=f"maps {SECTION - 1} tokens"):
        EmotiCrafter.from_pretrained(tiny_sdxl, short, device="cpu")
    nameless = checkpoint.save(tiny_eit(), tmp_path / "nameless")
    assert EmotiCrafter.from_pretrained(tiny_sdxl, nameless, device="cpu").generate("cat", SAD)[0].recipe["strength"] == 1.0


def test_without_a_checkpoint_of_its_own_a_backbone_says_how_to_get_one(
    tiny_sdxl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(tiny_sdxl, tmp_path / "bare", ignore=shutil.ignore_patterns("emotion")))
    monkeypatch.setenv("EMOTICRAFTER_CACHE", str(tmp_path / "cache"))
    with pytest.raises(MissingError, match=r"checkpoint import RELEASED.pth --out .*cache/emotion/tiny"):
        EmotiCrafter.from_pretrained(folder, device="cpu")
    checkpoint.save(tiny_eit(seed=4), tmp_path / "cache" / "emotion" / "tiny")
    assert EmotiCrafter.from_pretrained(folder, device="cpu").generate("cat", SAD)


def test_what_cannot_be_opened_is_named(tiny_sdxl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"Unknown options: speed.*attention_slicing"):
        EmotiCrafter.from_pretrained(tiny_sdxl, speed=3)
    with pytest.raises(InputError, match="empty name"):
        EmotiCrafter.from_pretrained(tiny_sdxl, "", device="cpu")
    with pytest.raises(MissingError, match="There is no emotion checkpoint"):
        EmotiCrafter.from_pretrained(tiny_sdxl, "nowhere", device="cpu")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    with pytest.raises(DeviceError, match="--device cpu"):
        EmotiCrafter.from_pretrained(tiny_sdxl, device="cuda")
    assert EmotiCrafter.from_pretrained(tiny_sdxl, device="cpu", offload="none").generate("cat", SAD)


def test_ctrl_c_stops_at_once(crafter: EmotiCrafter) -> None:
    def press(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crafter.generate("cat", SAD, progress=press)
    assert crafter.generate("cat", SAD)  # and it still works


def test_recipes_are_json(crafter: EmotiCrafter) -> None:
    recipe = crafter.generate("cat", SAD)[0].recipe
    assert json.loads(json.dumps(recipe)) == recipe


def test_a_seed_for_each_pair(crafter: EmotiCrafter) -> None:
    pictures = crafter.generate(["cat", "dog"], SAD, seed=[5, 9])
    assert [(p.recipe["prompt"], p.recipe["seed"]) for p in pictures] == [("cat", 5), ("dog", 9)]
    assert difference(pictures[1], crafter.generate("dog", SAD, seed=9)[0]) <= 1
    pictures = crafter.generate("cat", [SAD, HAPPY], seed=range(2, 4), count=2, steps=1)
    assert [p.recipe["seed"] for p in pictures] == [2, 3, 3, 4]
    for seeds, words in (
        ([1], "1 seeds were given for 2 pairs"),
        ([1, -1], "whole number"),
        ("12", "whole number"),
        ([1, True], ""),
    ):
        with pytest.raises(InputError, match=words):
            crafter.generate(["cat", "dog"], SAD, seed=seeds)  # type: ignore[arg-type]


def test_a_picture_does_not_depend_on_what_was_made_before(crafter: EmotiCrafter, tiny_sdxl: Path) -> None:
    """To the last bit: a batch that is taken up must end as one that was not stopped."""
    fresh = EmotiCrafter.from_pretrained(tiny_sdxl, device="cpu", dtype="float32")
    crafter.backbone.encode(["a cat", LONG, "dog"])
    fresh.generate("dog", HAPPY, seed=1)
    for prompts in (["dog", "a cat"], [LONG, "a cat"]):
        pictures = [one.generate(prompts, SAD, seed=[3, 4]) for one in (crafter, fresh)]
        assert [difference(*pair) for pair in zip(*pictures, strict=True)] == [0, 0]


def test_describe_names_what_decides_the_pixels(crafter: EmotiCrafter, tiny_sdxl: Path) -> None:
    about = crafter.describe()
    assert json.loads(json.dumps(about)) == about
    assert about["method"] == "emoticrafter"
    assert about["emotion_hash"] == crafter.eit.metadata["sha256"][:16]
    assert about["backbone_hash"] == crafter.backbone.describe()["backbone_hash"]
    assert not {"backbone", "versions"} & set(about)  # the place of the weights decides nothing
    made = crafter.generate("cat", SAD)[0].recipe
    assert about["defaults"].pop("pixels_per_latent") == 2
    assert about["defaults"].pop("preview_steps") == crafter.generate("cat", SAD, preview=True)[0].recipe["steps"]
    assert about["defaults"] == {name: made[name] for name in about["defaults"]}
    other, same = (EmotiCrafter(crafter.backbone, tiny_eit(seed)) for seed in (1, 1))  # weights without a checkpoint
    assert other.describe() == same.describe() != EmotiCrafter(crafter.backbone, tiny_eit(2)).describe()
    late = EmotiCrafter.from_pretrained(tiny_sdxl, device="cpu", dtype="float32", scheduler="Euler,timestep_spacing=trailing")
    assert late.describe()["scheduler"] != about["scheduler"]


@pytest.mark.parametrize(
    "refused",
    [
        {"steps": 0},
        {"strength": 99},
        {"start": 2},
        {"size": 33},
        {"guidance": 1, "negative": "x"},
        {"negative": "\x00"},
        {"guidance_range": (0.5, 0.5)},
    ],
)
def test_check_refuses_what_generate_refuses(crafter: EmotiCrafter, refused: dict[str, Any]) -> None:
    crafter.check(Request.of("cat", SAD))
    with pytest.raises(InputError) as generated:
        crafter.generate("cat", SAD, **refused)
    with pytest.raises(InputError) as checked:
        crafter.check(Request.of("cat", SAD, **refused))
    assert str(checked.value) == str(generated.value)
    for prompts, seeds in ((["cat", "\x07"], 0), (["cat", "cat"], [0, -1])):
        with pytest.raises(InputError):
            crafter.check(Request.of(prompts, SAD, seed=seeds))


def test_check_warns_of_unknown_words(crafter: EmotiCrafter) -> None:
    said: list[str] = []
    crafter.check(Request.of(["cat", "a catt"], SAD), Watch(warn=said.append))
    assert len(said) == 1
    assert "catt" in said[0]


def calibrated_copy(tiny_sdxl: Path, folder: Path) -> Path:
    """A tiny SDXL whose checkpoint turns every emotion into half of itself, at a strength of 0.6."""
    shutil.copytree(tiny_sdxl, folder)
    half = AxisMap(levels=(-3.0, 3.0), asked=((-1.5, 1.5),) * 2)
    digest = checkpoint.load(folder / "emotion").metadata["sha256"]
    Calibration(valence=half, arousal=half, checkpoint=digest, judge="", strength=0.6).save(folder / "emotion")
    return folder


def test_a_calibration_beside_the_checkpoint_is_applied_unless_switched_off(tiny_sdxl: Path, tmp_path: Path) -> None:
    folder = calibrated_copy(tiny_sdxl, tmp_path / "sdxl")
    crafter = EmotiCrafter.from_pretrained(folder, device="cpu", dtype="float32")
    picture, half = crafter.generate(PROMPT, SAD, seed=7)[0], Emotion(valence=-1, arousal=0.5)
    plain = crafter.generate(PROMPT, SAD, seed=7, calibrated=False)[0]
    assert difference(picture, crafter.generate(PROMPT, half, seed=7, strength=0.6, calibrated=False)[0]) == 0
    assert difference(picture, plain) > 0
    assert (picture.recipe["strength"], crafter.describe()["defaults"]["strength"]) == (0.6, 0.6)
    own = crafter.eit.metadata.get("strength", 1.0)
    assert own != 0.6
    assert crafter.calibration is not None
    assert (picture.recipe["valence"], picture.recipe["calibration"]) == (-2, crafter.calibration.hash[:16])
    assert plain.recipe["calibration"] is None
    off = EmotiCrafter.from_pretrained(folder, device="cpu", dtype="float32", calibrated=False)
    assert difference(off.generate(PROMPT, SAD, seed=7)[0], plain) == 0
    assert (plain.recipe["strength"], off.describe()["defaults"]["strength"]) == (own, own)
    sheet = crafter.grid(PROMPT, valences=[-2], arousals=[1], seed=7, calibrated=False)
    assert difference(sheet.pictures[0], plain) == 0


def test_a_recipe_remembers_whether_it_was_calibrated(tiny_sdxl: Path, tmp_path: Path) -> None:
    warned: list[str] = []
    folder = calibrated_copy(tiny_sdxl, tmp_path / "sdxl")
    crafter = EmotiCrafter.from_pretrained(folder, device="cpu", dtype="float32")
    watch = Watch(warn=warned.append)
    for calibrated in (True, False):
        picture = crafter.generate(PROMPT, SAD, seed=7, calibrated=calibrated)[0]
        assert difference(picture, crafter.again(picture.recipe, watch)) == 0
    old = {name: value for name, value in picture.recipe.items() if name != "calibration"}
    assert difference(picture, crafter.again(old, watch)) == 0  # made before there were calibrations
    assert warned == []
    crafter.again({**picture.recipe, "calibration": "0" * 16}, watch)
    assert any("another calibration" in text for text in warned)


def test_a_calibration_of_other_weights_is_refused(tiny_sdxl: Path, tmp_path: Path) -> None:
    folder = calibrated_copy(tiny_sdxl, tmp_path / "sdxl")
    text = (folder / "emotion" / "calibration.json").read_text()
    checkpoint.save(tiny_eit(seed=5), folder / "emotion", {"backbone": "tiny", "prompt_tokens": SECTION}, force=True)
    assert not (folder / "emotion" / "calibration.json").exists()  # it went with the weights that it was fitted for
    (folder / "emotion" / "calibration.json").write_text(text)
    with pytest.raises(CheckpointError, match="other weights"):
        EmotiCrafter.from_pretrained(folder, device="cpu")
    assert EmotiCrafter.from_pretrained(folder, device="cpu", calibrated=False).calibration is None


@torch.no_grad()
def test_what_fills_up_a_masked_prompt_is_left_as_it_is() -> None:
    """As of a text encoder whose padding means nothing: 5 tokens of 12 are the first prompt's own."""
    eit, tokens = tiny_eit(), torch.randn(2, SECTION, 32, generator=torch.Generator().manual_seed(0))
    neutral = PromptFeatures.of(tokens, mask=torch.arange(SECTION)[None, :] < torch.tensor([[5], [SECTION]]))
    emotions = [Emotion(valence=-2, arousal=1), Emotion(valence=3, arousal=0)]
    moved = inject(eit, neutral, emotions, 1.0, SECTION)
    assert torch.equal(moved[0, 5:], tokens[0, 5:])
    alone = inject(eit, PromptFeatures.of(tokens[:1, :5]), emotions[:1], 1.0, SECTION)
    torch.testing.assert_close(moved[:1, :5], alone, atol=1e-5, rtol=0)
    assert (moved[0, :5] - tokens[0, :5]).abs().max() > 1e-3
