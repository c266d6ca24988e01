from __future__ import annotations

import pytest

from emoticrafter.prompts.cleaning import REASONS, clean, content_key


@pytest.mark.parametrize(
    ("text", "cleaned", "reasons"),
    [
        ("Title: A Day at Sea. Prompt: a boat on the sea", "a boat on the sea", "wrapper"),
        ("Title: x\\nPrompt: a dog", "a dog", "escape sequences; wrapper"),
        ("title:A dog prompt:\na dog", "a dog", "doubled or outer spaces; wrapper"),
        ('**Title:** "Calm"\n**Prompt:** "A boat, calm."', "A boat, calm.", "doubled or outer spaces; wrapper; stray quotes"),
        ("Emotional_Prompt: a dog", "a dog", "wrapper"),
        ("Title: the sea", "the sea", "wrapper"),
        ('"A dog', "A dog", "stray quotes"),
        ('A dog"', "A dog", "stray quotes"),
        ('""A dog""', "A dog", "stray quotes"),
        ('"The "big" dog"', 'The "big" dog', "stray quotes"),
        ("'A dog's day'", "A dog's day", "stray quotes"),
        ("“A dog”", "A dog", "stray quotes"),
        ("A “dog", "A dog", "stray quotes"),
        ('A girl says "hello" to "dad', 'A girl says "hello" to dad', "stray quotes"),
        ("**A dog**", "A dog", "stray quotes"),
        ('\\"A dog\\"', "A dog", "escape sequences; stray quotes"),
        ("the cafÃ©, donâ€™t go", "the café, don’t go", "mojibake"),
        ("schÃ¶n, dÃ©jÃ\xa0 vu", "schön, déjà vu", "mojibake"),
        ("&quot;Hello&quot; &amp; bye", '"Hello" & bye', "HTML entities"),
        ("a\x00 d\u200bog\x1b[31m", "a dog", "control characters"),
        (" a dog  on\ta\u00a0beach\n", "a dog on a beach", "doubled or outer spaces"),
        ("a red house, a red house by the sea", "a red house by the sea", "repeated phrase"),
        ("A dog runs. A dog runs. A dog runs.", "A dog runs.", "repeated phrase"),
        ('""', "", "stray quotes"),
        ("Prompt:", "", "wrapper"),
        (" \u200b\n", "", "control characters; doubled or outer spaces"),
    ],
)
def test_damage_is_mended_and_named(text: str, cleaned: str, reasons: str) -> None:
    assert clean(text) == (cleaned, reasons.split("; "))
    assert clean(cleaned) == (cleaned, [])
    assert set(reasons.split("; ")) <= set(REASONS)


@pytest.mark.parametrize(
    "text",
    [
        "A weathered pier stretches into a lake, and fishermen shelter beneath umbrellas.",
        "'Tis the season",
        "the dogs' bowls",
        '"Hello" and "bye"',
        "“Hello” and “bye”",
        "'A' and 'B'",
        'a 12" record on a table',
        "a teacher's prompt: draw a tree",
        "very very calm",
        "a man and a man's dog",
        "don’t — a café in Zürich, 东京, 😀",
        "snake_case and *stars*",
        "R&B & soul; a < b",
        "family: 👨‍👩‍👧",
        "",
    ],
)
def test_sound_prompts_stay(text: str) -> None:
    assert clean(text) == (text, [])


def test_the_content_of_a_prompt_is_its_words() -> None:
    assert content_key("A  dog, on the Beach!") == content_key("a dog on the beach") == "a dog on the beach"
    assert content_key("a dog's day") == "a dog's day"
    assert content_key("ﬁsh") == "fish"
    assert content_key("?!") == "?!"
    assert content_key("a cat") != content_key("a dog")
