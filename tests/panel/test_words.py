"""All words of the page come from one file per language, and a translation that lacks one is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emoticrafter.errors import InputError, MissingError
from emoticrafter.panel import words as module
from emoticrafter.panel.words import LANGUAGES, feeling_words, read_words

HERE = Path(module.__file__).parent
PAGE = HERE.parent / "page"


def translated(folder: Path, change: tuple[str, str]) -> Path:
    path = folder / "mine.toml"
    text = (HERE / "en.toml").read_text(encoding="utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change), encoding="utf-8")
    return path


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_that_ships_is_whole(language: str, tmp_path: Path) -> None:
    copied = tmp_path / "copy.toml"
    copied.write_text((HERE / f"{language}.toml").read_text(encoding="utf-8"), encoding="utf-8")
    words = read_words("copy.toml", tmp_path)  # read as a translation of somebody's, which is checked against the English words
    assert words == read_words(language, tmp_path)
    assert words["language"]["tag"] == language


def test_english_and_german_ship() -> None:
    assert LANGUAGES == ("de", "en")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('next = "Next"\n', ""), "lacks 1 texts, first of all page.next"),
        (('next = "Next"', 'next = "Next"\nlast = "Last"'), "has an unknown text, page.last"),
        (('progress = "{done} of {all}"', 'progress = "{done}"'), "page.progress in"),
        (('direction = "ltr"', 'direction = "up"'), "language.direction in"),
        (('tag = "en"', 'tag = "en\\" onload=\\"x"'), "language.tag in"),
        (('next = "Next"', "next = 3"), "[page] in"),
    ],
)
def test_a_translation_that_is_not_whole_is_refused(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    with pytest.raises(InputError) as caught:
        read_words(translated(tmp_path, change).name, tmp_path)
    assert told in str(caught.value)


def test_an_unknown_language_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"There are no words in 'fr'. Give de, en, or a file beside the study"):
        read_words("fr", tmp_path)


@pytest.mark.parametrize(
    ("valence", "arousal", "text"),
    [
        (3.0, 3.0, "very pleasant and very excited"),
        (-2.0, -1.5, "very unpleasant and rather calm"),
        (0.0, 0.4, "neither pleasant nor unpleasant and neither calm nor excited"),
        (0.5, -3.0, "rather pleasant and very calm"),
    ],
)
def test_a_point_of_the_plane_has_words(valence: float, arousal: float, text: str, tmp_path: Path) -> None:
    assert feeling_words(read_words("en", tmp_path), valence, arousal) == text


def test_every_word_that_the_page_asks_for_is_there(tmp_path: Path) -> None:
    words = read_words("en", tmp_path)
    asked = {match for path in PAGE.glob("*.js") for match in re.findall(r"words\.([a-z]+)\.([a-z_]+)", path.read_text("utf-8"))}
    assert len(asked) > 40
    assert [f"{section}.{name}" for section, name in asked if name not in words[section]] == []
