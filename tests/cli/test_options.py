from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated

import pytest
import typer

from emoticrafter.cli.options import FeelingOptions, SamplingOptions, spread
from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError
from emoticrafter.sampling import parse_size
from tests.cli.conftest import Done, FakeCrafter

Cli = Callable[..., Done]


def test_spread_turns_fields_into_options_in_place_and_fills_the_dataclass() -> None:
    seen = []

    @spread
    def command(word: Annotated[str, typer.Argument()], feeling: FeelingOptions, last: int = 3) -> None:
        seen.append((word, feeling, last))

    assert list(inspect.signature(command).parameters) == ["word", "valence", "arousal", "mood", "last"]
    command(word="a", valence=1.0, arousal=None, mood=None, last=4)
    assert seen == [("a", FeelingOptions(valence=1.0), 4)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (FeelingOptions(), Emotion(valence=0, arousal=0)),
        (FeelingOptions(valence=-2, arousal=1), Emotion(valence=-2, arousal=1)),
        (FeelingOptions(arousal=1), Emotion(valence=0, arousal=1)),
        (FeelingOptions(mood="Sad"), Emotion.named("sad")),
    ],
)
def test_feeling_is_numbers_or_a_mood(options: FeelingOptions, expected: Emotion) -> None:
    assert options.emotion() == expected


@pytest.mark.parametrize("number", [0.0, 2.0])
def test_a_mood_excludes_numbers_zero_too(number: float) -> None:
    with pytest.raises(InputError, match="together with"):
        FeelingOptions(mood="sad", valence=number).emotion()


def test_only_what_was_given_reaches_the_crafter() -> None:
    assert SamplingOptions().given() == {}
    assert SamplingOptions(seed=0, strength=0.0, size="64x32").given() == {"seed": 0, "strength": 0.0, "size": (64, 32)}


@pytest.mark.parametrize(
    ("text", "size"), [("512", 512), ("1216x832", (1216, 832)), ("8\N{MULTIPLICATION SIGN}16", (8, 16)), ("8X16", (8, 16))]
)
def test_sizes(text: str, size: object) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["1000000", "64x1000000", "9" * 5000])
def test_a_size_that_is_too_large_is_told_the_limit(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_size(text)
    assert caught.value.problem == f"The size is {text[:40]}; each side must be a multiple of 8 from 8 to 8192."


@pytest.mark.parametrize("text", ["", "x", "12x", "-5", "1x2x3", "1.5", "99999999", "big", "\N{SUPERSCRIPT TWO}"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="1216x832"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "valence"), [("\u22121.5", -1.5), ("-1.5", -1.5), ("3.0000001", 3.0), ("\u22123.0000001", -3.0), ("1e0", 1.0)]
)
def test_a_valence_is_read_with_any_minus_sign_up_to_rounding(
    cli: Cli, crafter: type[FakeCrafter], text: str, valence: float
) -> None:
    done = cli("generate", "a cat", "--valence", text, "--out", "a.png")
    assert done.code == 0, done.err
    assert crafter.asked is not None
    assert crafter.asked["points"][0][0] == Emotion(valence=valence, arousal=0)


def test_a_valence_that_is_none_is_told_as_it_was_given(cli: Cli, crafter: type[FakeCrafter]) -> None:
    done = cli("generate", "a cat", "--valence", "3.0000012")
    assert (done.code, "The valence is 3.0000012; it must lie from -3 to 3." in done.err) == (2, True)
    done = cli("generate", "a cat", "--valence", "much")
    assert (done.code, crafter.opened) == (2, None)
    assert "'--valence'" in done.err
    assert "'much' is not a number" in done.err
