from __future__ import annotations

import pytest

from emoticrafter.prompts.words import FEELINGS, FUNCTION_WORDS, LOOKS, stem, words


@pytest.mark.parametrize(
    "forms",
    [
        "smile smiles smiled smiling", "happy happily happiness", "joy joyful joyfully", "sad sadly sadness", "peace peaceful",
        "run runs running", "cry cries cried crying", "box boxes", "church churches", "dress dresses", "tree trees",
        "terrify terrified terrifying", "city cities", "horse horses", "house houses", "dance dances danced dancing",
        "child's child", "hope hopes hopeful", "love loves lovely", "beauty beautiful", "fury furies",
    ],
)  # fmt: skip
def test_forms_of_one_word(forms: str) -> None:
    assert len({stem(form) for form in forms.split()}) == 1


@pytest.mark.parametrize(
    "strangers", ["hope hop", "rage rag", "hate hat", "sad saddle", "hopeful hopeless", "bus bush", "this thistle", "thing thin"]
)
def test_words_that_only_look_alike(strangers: str) -> None:
    first, second = strangers.split()
    assert stem(first) != stem(second)


@pytest.mark.parametrize(
    "text",
    ["A rabbit hops past a hat", "saddles and rags", "a cat resting on a merry-go-round", "children playing", "wooden thing",
     "a red bed", "tourists hopping on a bus", "a scarf", "live music", "a paint shop and a picnic"],
)  # fmt: skip
def test_content_that_is_no_feeling(text: str) -> None:
    assert [word for word in words(text) if stem(word) in FEELINGS] == []


@pytest.mark.parametrize(
    ("word", "sign"), [("Joyfully", 1), ("terrified", -1), ("smiling", 1), ("weeping", -1), ("surprised", 0), ("hopelessly", -1)]
)
def test_feelings_have_signs(word: str, sign: int) -> None:
    assert FEELINGS[stem(word)] == sign


def test_words() -> None:
    assert words("Don’t stop, 3 man-made ÉCOLES!") == ["don’t", "stop", "man-made", "écoles"]
    assert words("...") == []


def test_the_lists_do_not_meet_where_they_must_not() -> None:
    assert not {stem(word) for word in FUNCTION_WORDS} & (FEELINGS.keys() | LOOKS)
