"""A request: paired, seeded, from JSON and to it, and every refusal names its field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emoticrafter import Emotion
from emoticrafter.errors import InputError
from emoticrafter.guidance import GuidanceRange
from emoticrafter.request import Request
from emoticrafter.sampling import Sampling

SAD, GLAD = Emotion(valence=-2, arousal=1), Emotion(valence=2, arousal=0)


def test_one_of_either_goes_with_all_of_the_other_and_each_pair_has_its_seeds() -> None:
    request = Request.of(" a  cat", [SAD, GLAD], seed=7, count=2, steps=4)
    assert request.prompts == ("a cat", "a cat")
    assert request.emotions == (SAD, GLAD)
    assert (request.seeds, request.picture_seeds, request.rows) == ((7, 7), [7, 8, 7, 8], [0, 0, 1, 1])
    assert Request.of(["a", "b"], SAD, seed=[3, 9]).picture_seeds == [3, 9]
    first, second = Request.of(["a", "b"], SAD, seed=None).seeds
    assert first == second < 2**32


def test_a_request_goes_to_json_and_back() -> None:
    settings: dict[str, Any] = {
        "strength": 1,
        "guidance_range": (0.3, 0.85),
        "size": 64,
        "negative": "a dog",
        "calibrated": False,
    }
    request = Request.of(["a", "b"], [SAD, GLAD], seed=[1, 2], count=3, **settings)
    again = Request.model_validate_json(request.model_dump_json())
    assert again == request
    assert again.sampling.guidance_range == GuidanceRange(0.3, 0.85)
    assert (again.sampling.size, again.sampling.strength) == ((64, 64), 1.0)
    assert json.loads(request.model_dump_json())["emotions"] == [
        {"valence": -2.0, "arousal": 1.0}, {"valence": 2.0, "arousal": 0.0},
    ]  # fmt: skip


def test_json_may_say_little() -> None:
    request = Request.model_validate_json('{"prompts": "a cat", "emotions": {"valence": -2, "arousal": 1}}')
    assert request == Request.of("a cat", SAD)


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ('{"prompts": "a", "emotions": {"valence": 4, "arousal": 0}}', "valence", "The valence is 4"),
        ('{"prompts": "a", "emotions": {"valence": 0, "arousal": "x"}}', "arousal", "arousal 'x' is a str"),
        ('{"prompts": "a", "emotions": {"valence": 0}}', "arousal", "has no arousal"),
        ('{"prompts": "a", "emotions": {"valence": 0, "arousal": 0, "mood": 1}}', "emotion", "unknown 'mood'"),
        ('{"prompts": "a", "emotions": 3}', "emotion", "An emotion is a int"),
        ('{"prompts": 3, "emotions": {"valence": 0, "arousal": 0}}', "prompt", "is a int, not a text"),
        ('{"emotions": {"valence": 0, "arousal": 0}}', "prompts", "There is no prompts"),
        ('{"prompts": "a", "emotions": {"valence": 0, "arousal": 0}, "seeds": -1}', "seed", "The seed is -1"),
        ('{"prompts": "a", "emotions": {"valence": 0, "arousal": 0}, "count": 0}', "count", "The count is 0"),
        ('{"prompts": "a", "emotions": {"valence": 0, "arousal": 0}, "speed": 1}', "speed", "Unknown settings: speed"),
        ('{"prompts": "a", "emotions": {"valence": 0, "arousal": 0}, "sampling": {"steps": 0}}', "steps", "steps is 0"),
        ('{"prompts": "a", "emotions": {"valence": 0, "arousal": 0}, "sampling": {"stops": 0}}', "stops", "Unknown settings"),
        ('{"prompts": "a", "emotions": {"valence": 0, "arousal": 0}, "sampling": 3}', "sampling", "sampling is 3"),
        ("{", None, "is no JSON"),
        ("[]", "request", "request is"),
    ],
)
def test_wrong_json_is_an_input_error_that_names_its_field(text: str, field: str | None, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        Request.model_validate_json(text)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"prompt": "x" * 5000}, "prompt", "x" * 5000),
        ({"prompt": "a\x00"}, "prompt", "a\x00"),
        ({"prompt": []}, "prompt", []),
        ({"emotion": []}, "emotion", []),
        ({"emotion": "sad"}, "emotion", "sad"),
        ({"prompt": ["a", "b"], "emotion": [SAD] * 3}, "emotion", [SAD] * 3),
        ({"seed": 1.5}, "seed", 1.5),
        ({"seed": [1, 2]}, "seed", [1, 2]),
        ({"count": True}, "count", True),
        ({"strength": -1}, "strength", -1),
        ({"start": 2}, "start", 2),
        ({"steps": 1.5}, "steps", 1.5),
        ({"preview": 1}, "preview", 1),
        ({"guidance": float("inf")}, "guidance", float("inf")),
        ({"guidance_range": (1, 0)}, "guidance_range", (1, 0)),
        ({"size": (1, 2, 3)}, "size", (1, 2, 3)),
        ({"size": "big"}, "size", "big"),
        ({"negative": 3}, "negative", 3),
        ({"calibrated": "no"}, "calibrated", "no"),
    ],
)
def test_every_refusal_names_its_field_and_the_value(changes: dict[str, Any], field: str, value: Any) -> None:
    with pytest.raises(InputError) as caught:
        Request.of(**{"prompt": "a cat", "emotion": SAD, **changes})
    assert (caught.value.field, caught.value.value) == (field, value)


@pytest.mark.parametrize(
    ("work", "field"),
    [
        (lambda: Emotion(valence=9, arousal=0), "valence"),
        (lambda: Emotion(valence=0, arousal=None), "arousal"),  # type: ignore[arg-type]
        (lambda: Emotion.named("hapy"), "mood"),
        (lambda: Emotion.parse("1,2,3"), "emotion"),
    ],
)
def test_an_emotion_s_refusal_does_too(work: Any, field: str) -> None:
    with pytest.raises(InputError) as caught:
        work()
    assert caught.value.field == field


def test_resolved_takes_what_is_given_and_else_the_model_s_own() -> None:
    from emoticrafter.sampling import SamplingDefaults

    own = SamplingDefaults(steps=12, guidance=3.0, size=(8, 8), preview_steps=5)
    asked = Request.of("a", SAD, guidance=2, preview=True).resolved(own, strength=0.8).sampling
    assert asked == Sampling(
        strength=0.8, start=0.0, steps=5, guidance=2.0, guidance_range=GuidanceRange(0.0, 1.0), size=(8, 8), negative=None
    )
