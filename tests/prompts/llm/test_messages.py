from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from emoticrafter.emotion import Emotion
from emoticrafter.errors import InputError
from emoticrafter.prompts.llm import messages as request
from emoticrafter.prompts.llm.messages import (
    FORMATS,
    LONGEST_REPAIRED,
    MOST_BRACES,
    UnusableError,
    build,
    estimate_tokens,
    read_reply,
)
from emoticrafter.prompts.writer import Pair, PairTask


def made(caption: str | None = "a dog", emotion: tuple[float, float] = (-2, 1), **settings: Any) -> request.PairQuestion:
    valence, arousal = emotion
    task = PairTask(
        id="x", emotion=Emotion(valence=valence, arousal=arousal), caption=caption, picture=settings.pop("picture", None)
    )
    given: dict[str, Any] = {"model": "m", "fields": {}, "pictures": None, "edge": 64, "longest": 48}
    return build(task, **given | settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    exif[0x010F] = "secret camera"
    Image.new("RGB", (300, 200), "red").save(tmp_path / "a.jpg", exif=exif)
    Image.new("RGBA", (50, 40), (0, 0, 255, 128)).save(tmp_path / "b.png")
    (tmp_path / "c.jpg").write_bytes(b"no picture")
    return tmp_path


def sent_picture(messages: list[dict[str, Any]]) -> bytes:
    url = messages[1]["content"][1]["image_url"]["url"]
    assert url.startswith("data:image/jpeg;base64,")
    return base64.b64decode(url.partition(",")[2])


def test_messages_say_content_and_feeling() -> None:
    system, user = made("two  boys\non a beach", (-2.8, 0.1)).messages()
    assert (system["role"], user["role"]) == ("system", "user")
    assert user["content"] == "Content: two boys on a beach\nValence: -2.80 (extremely unpleasant)\nArousal: +0.10 (neutral)"
    assert "at most 48 words" in system["content"]
    assert "at most 20 words" in made(longest=20).messages()[0]["content"]


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.25, "neutral"), (0.3, "slightly excited"), (-1.5, "calm"), (2.2, "very excited"), (3, "extremely excited")],
)
def test_degrees(value: float, words: str) -> None:
    assert made(emotion=(0, value)).messages()[1]["content"].endswith(f"({words})")


def test_a_picture_goes_upright_small_and_without_its_exif(folder: Path) -> None:
    messages = made(None, pictures=folder, picture="a.jpg").messages()
    assert "what the attached picture shows" in messages[1]["content"][0]["text"]
    content = sent_picture(messages)
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (43, 64)
        assert len(image.getexif()) == 0
    assert b"secret" not in content
    with Image.open(io.BytesIO(sent_picture(made(pictures=folder, picture="b.png").messages()))) as image:
        assert (image.size, image.mode) == ((50, 40), "RGB")


def test_the_key_is_of_all_that_matters(folder: Path) -> None:
    with_picture: dict[str, Any] = {"pictures": folder, "picture": "a.jpg"}
    keys = {
        request.key
        for request in (
            made(), made("a cat"), made(emotion=(-2, 1.01)), made(model="n"), made(fields={"temperature": 1}), made(longest=30),
            made(**with_picture), made(**with_picture, edge=65), made(None, **with_picture),
            made(pictures=folder, picture="b.png"),
        )
    }  # fmt: skip
    assert len(keys) == 10
    assert made().key == made("  a   dog ").key == made(pictures=folder).key
    first = made(**with_picture).key
    (folder / "copy.jpg").write_bytes((folder / "a.jpg").read_bytes())
    assert made(pictures=folder, picture="copy.jpg").key == first  # the same picture by another name


def test_the_key_outlives_the_encoder_of_pictures(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = made(pictures=folder, picture="a.jpg")
    sent = first.messages()
    monkeypatch.setattr(request, "_downscaled", lambda *_: b"encoded in another way")
    again = made(pictures=folder, picture="a.jpg")
    assert again.messages() != sent
    assert again.key == first.key


@pytest.mark.parametrize("name", ["../a.jpg", "x/../../a.jpg", "..\\a.jpg", "C:\\a.jpg", "nowhere.jpg", "a\0.jpg"])
def test_pictures_outside_the_folder_are_not_sent(folder: Path, name: str) -> None:
    (folder / "below").mkdir()
    with pytest.raises(InputError, match=r"does not lie below|cannot be read|There is no picture"):
        made(pictures=folder / "below", picture=name)


def test_a_link_out_of_the_folder_is_not_sent(folder: Path) -> None:
    (folder / "below").mkdir()
    (folder / "below" / "linked.jpg").symlink_to(folder / "a.jpg")
    (folder / "below" / "away").symlink_to(folder)
    for name in ("linked.jpg", "away/a.jpg"):
        with pytest.raises(InputError, match="does not lie below"):
            made(pictures=folder / "below", picture=name)
    (folder / "link").symlink_to(folder / "below")  # the folder itself may be one
    (folder / "below" / "own.jpg").write_bytes((folder / "a.jpg").read_bytes())
    assert made(pictures=folder / "link", picture="own.jpg").picture is not None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_among_the_pictures_is_named(folder: Path) -> None:
    os.mkfifo(folder / "pipe.jpg")
    with pytest.raises(InputError, match=r"pipe\.jpg' cannot be read: it is a named pipe"):
        made(pictures=folder, picture="pipe.jpg")


def test_a_picture_that_would_start_a_program_is_none(folder: Path) -> None:
    (folder / "d.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n")
    with pytest.raises(UnusableError, match="none of PNG, JPEG"):
        made(pictures=folder, picture="d.png").messages()


def test_a_file_that_is_no_picture(folder: Path) -> None:
    with pytest.raises(UnusableError, match="cannot be decoded"):
        made(pictures=folder, picture="c.jpg").messages()


@pytest.mark.parametrize("caption", [None, "", "  \n"])
def test_nothing_to_describe(caption: str | None) -> None:
    with pytest.raises(InputError, match="neither a picture nor a caption"):
        made(caption)


def test_an_estimate(folder: Path) -> None:
    into, out = estimate_tokens(made())
    assert 300 < into < 700
    assert out == 110
    assert estimate_tokens(made(pictures=folder, picture="a.jpg"))[0] > into + 500


PAIR = '{"neutral_prompt": "A dog", "emotional_prompt": "A sad dog"}'


@pytest.mark.parametrize(
    "text",
    [
        '{"neutral_prompt": "A dog", "emotional_prompt": "A sad dog"}',
        'Here you are:\n```json\n{"emotional_prompt": " \\"A  sad\\ndog\\" ", "neutral_prompt": "A dog"}\n```',
        '<think>a {b</think>{"neutral_prompt": "A dog", "emotional_prompt": "A sad dog"}',
        # words, braces and objects around it
        f"{PAIR}\n\nI hope that this helps! {{Tell me}} if not.",
        f'{PAIR} {{"confidence": 0.9}}',
        f"The form is {{neutral, emotional}}, so: {PAIR}",
        f'<think>Perhaps {{"neutral_prompt": "A cat", "emotional_prompt": "A sad cat"}}? No.</think>{PAIR}',
        f'Perhaps {{"neutral_prompt": "A cat", "emotional_prompt": "A sad cat"}}? No, better: {PAIR}',
        f'<think>{{"neutral_prompt": "A cat", "emotional_prompt": "A sad cat"}}</think>{PAIR[:-1]},}}',
        f"<think>I answer with JSON: {PAIR}",
        f"[{PAIR}]",
        f'{{"answer": {PAIR}}}',
        # slips within it
        PAIR[:-1] + ', "note": "as you wished"}',
        PAIR[:-1] + ",}",
        PAIR[:-1] + ",} {Enjoy}.",
        PAIR.replace("A sad dog", "A sad\ndog"),
        PAIR.replace("A sad dog", "A sad\tdog")[:-1] + ",}",
        PAIR.replace("A sad dog", "A sad dog \\ud83d"),
        PAIR.replace('"', "'"),
        PAIR.replace('",', '"'),
        PAIR.replace(", ", ", // the second\n"),
    ],
)
def test_replies(text: str) -> None:
    assert read_reply(text) == Pair(neutral="A dog", emotional="A sad dog")


def test_braces_and_quotes_of_the_prompts_are_theirs() -> None:
    said = '{"neutral_prompt": "A sign {open", "emotional_prompt": "A sign that says "GO" in red}",}'
    assert read_reply(said) == Pair(neutral="A sign {open", emotional='A sign that says "GO" in red}')


def test_half_a_reply_is_not_mended() -> None:
    half = '{"neutral_prompt": "A {big} dog", "emotional_prompt": "A {sad} dog in the'
    with pytest.raises(UnusableError, match="wrong form"):
        read_reply(half, whole=False)
    assert read_reply(PAIR + " And", whole=False) == Pair(neutral="A dog", emotional="A sad dog")


def test_a_reply_that_nobody_can_mend_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    mend = request.repair_json

    def counted(text: str, **options: Any) -> Any:
        tried.append(text)
        return mend(text, **options)

    monkeypatch.setattr(request, "repair_json", counted)
    for text in ('{"neutral_prompt": "emotional_prompt' * 2000 + "}", PAIR[:-2] + '{[("' * 4000 + "}", '{"a":' * 5000 + "}"):
        with pytest.raises(UnusableError, match="wrong form"):
            read_reply(text)
        assert len(tried) <= MOST_BRACES
        assert max(map(len, tried), default=0) <= LONGEST_REPAIRED
        tried.clear()
    with pytest.raises(UnusableError, match="wrong form"):
        read_reply('{"neutral_prompt": "emotional_prompt' * 200 + "}")
    assert 0 < len(tried) <= MOST_BRACES  # and a short one is tried


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON object: ''"),
        ("I am sorry, I cannot do this.", "I am sorry"),
        ("}{", "no JSON object"),
        ('{"neutral_prompt": "a"}', "emotional_prompt Field required"),
        ('{"neutral_prompt": "a", "emotional_prompt": null}', "emotional_prompt Input should be a valid string"),
        ('{"neutral_prompt": "", "emotional_prompt": "b"}', "neutral_prompt Value error, is empty"),
        ('{"neutral_prompt": "a", "emotional_prompt": "A"}', "the two prompts are the same"),
        ('{"neutral_prompt": "a", "emotional_prompt": "' + "b" * 1001 + '"}', "has 1001 characters"),
        ("{" * 10_000 + "}" * 10_000, "wrong form"),
    ],
    ids=lambda text: text[:40],
)
def test_replies_that_are_none(text: str, words: str) -> None:
    with pytest.raises(UnusableError, match=words) as caught:
        read_reply(text)
    assert len(str(caught.value)) < 300


def test_the_schema_is_strict() -> None:
    schema = FORMATS[0]["json_schema"]["schema"]
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == set(schema["properties"])
