from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from emoticrafter.errors import EmotiCrafterError, InputError, MissingError
from emoticrafter.picture import Picture
from emoticrafter.recipe import as_parameters, check_recipe, joint_recipe, read_recipe

RECIPE = {
    "prompt": "a dog, an \u00e9clair\nand 犬 \U0001f415", "negative": "", "valence": -2.0, "arousal": 1.5, "seed": 7, "steps": 25,
    "guidance": 7.5, "width": 128, "height": 128, "backbone": "storybook", "versions": {"torch": "2.13"},
}  # fmt: skip


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(path: Path, *chunks: bytes) -> Path:
    """A PNG with extra chunks before its pixels."""
    Image.new("RGB", (4, 4)).save(path)
    data = path.read_bytes()
    path.write_bytes(data[:33] + b"".join(chunks) + data[33:])
    return path


def with_json(path: Path, text: bytes) -> Path:
    return png(path, chunk(b"tEXt", b"emoticrafter\0" + text))


def test_missing_files_and_folders(tmp_path: Path) -> None:
    for name in ("none.png", "no/such.png"):
        with pytest.raises(MissingError, match="There is no file"):
            read_recipe(tmp_path / name)
    for name in ("", "a\0b"):
        with pytest.raises(InputError, match="cannot be read"):
            read_recipe(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.4", b"GIF89a", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP"])
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match="not a picture that can be read"):
        read_recipe(tmp_path / "a.png")


def test_a_picture_without_recipe(tmp_path: Path) -> None:
    for suffix in ("png", "jpg", "webp", "gif"):
        Image.new("RGB", (4, 4)).save(tmp_path / f"a.{suffix}")
        with pytest.raises(InputError, match="holds no recipe"):
            read_recipe(tmp_path / f"a.{suffix}")


def test_a_png_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = Picture(image=Image.new("RGB", (4, 4)), recipe=RECIPE).save(tmp_path / "a.png").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "b.png").write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"cut short|not a picture"):
            read_recipe(tmp_path / "b.png")


def test_text_after_the_pixels_is_found(tmp_path: Path) -> None:
    path = png(tmp_path / "a.png")
    data = path.read_bytes()
    path.write_bytes(data[:-12] + chunk(b"tEXt", b'emoticrafter\0{"prompt": "x"}') + data[-12:])
    assert read_recipe(path) == {"prompt": "x"}


def test_a_range_of_guidance_is_two_numbers_that_rise(tmp_path: Path) -> None:
    path = Picture(image=Image.new("RGB", (4, 4)), recipe={**RECIPE, "guidance_range": [0.3, 0.85]}).save(tmp_path / "a.png")
    assert read_recipe(path)["guidance_range"] == [0.3, 0.85]
    for strange in ("[0.85, 0.3]", "[0.3]", '"0.3:0.85"', "0.3", '{"low": 0}', "[true, 1]"):
        with pytest.raises(InputError, match="two numbers that rise"):
            read_recipe(with_json(tmp_path / "b.png", f'{{"prompt": "x", "guidance_range": {strange}}}'.encode()))


def test_unknown_entries_are_kept(tmp_path: Path) -> None:
    text = b'{"prompt": "x", "from the future": [1, {"a": null}]}'
    assert read_recipe(with_json(tmp_path / "a.png", text)) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"valence": NaN}', "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b'{"seed": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[]", "named entries"),
        (b'{"valence": 9}', "valence is 9"),
        (b'{"valence": "1"}', "valence is '1'"),
        (b'{"arousal": 1e999}', "must be finite"),
        (b'{"seed": 1.5}', "seed is 1.5"),
        (b'{"seed": true}', "seed is True"),
        (b'{"steps": 0}', "steps is 0"),
        (b'{"prompt": {"a": 1}}', "prompt is a dict"),
        (b'{"prompt": "\\u001b[31mred"}', "control characters"),
        (b'{"a\\u0000": 1}', "printable"),
        (b'{"a": [[[[[1]]]]]}', "nested deeper"),
        (b'{"a": [' + b"1," * 1000 + b"1]}", "longer than 1000"),
        (b'{"prompt": "' + b"x" * 70_000 + b'"}', "longer than 65536"),
    ],
)
def test_hostile_recipes_are_refused_with_a_reason(tmp_path: Path, text: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        read_recipe(with_json(tmp_path / "a.png", text))
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_compressed_text_is_never_unpacked(tmp_path: Path) -> None:
    bomb = zlib.compress(b" " * 50_000_000)
    path = png(tmp_path / "a.png", chunk(b"iTXt", b"emoticrafter\0\1\0\0\0" + bomb))
    with pytest.raises(InputError, match="compressed or malformed"):
        read_recipe(path)


def test_a_chunk_that_claims_to_be_huge(tmp_path: Path) -> None:
    path = png(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:33] + struct.pack(">I4s", 2**32 - 1, b"tEXt") + b"emoticrafter\0")
    with pytest.raises(InputError, match="cut short"):
        read_recipe(path)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 2000), value=st.integers(0, 255), kind=st.sampled_from(["png", "jpg", "webp"]))
def test_a_changed_byte_gives_a_recipe_or_a_clear_error(tmp_path: Path, at: int, value: int, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    if not path.exists():
        Picture(image=Image.new("RGB", (8, 8)), recipe=RECIPE).save(path)
    data = bytearray(path.read_bytes())
    data[at % len(data)] = value
    (tmp_path / f"b.{kind}").write_bytes(data)
    try:
        recipe = read_recipe(tmp_path / f"b.{kind}")
    except EmotiCrafterError:
        return
    assert check_recipe(recipe) == recipe


def test_a_recipe_is_copied_and_made_plain() -> None:
    given_one = {"prompt": "x", "size": (1, 2)}
    plain = check_recipe(given_one)
    assert plain == {"prompt": "x", "size": [1, 2]}
    assert plain is not given_one
    with pytest.raises(InputError, match="model is a object"):
        check_recipe({"model": object()})
    assert check_recipe({"valence": None}) == {"valence": None}


def test_joint_recipe_splits_what_is_shared() -> None:
    a, b = {"prompt": "x", "valence": 1, "seed": 7}, {"prompt": "x", "valence": 2, "seed": 7}
    assert joint_recipe([a, b]) == {"prompt": "x", "seed": 7, "pictures": [{"valence": 1}, {"valence": 2}]}
    assert joint_recipe([]) == {"pictures": []}


def test_parameters_have_the_form_that_other_tools_read() -> None:
    text = as_parameters({**RECIPE, "negative": "fog\nrain", "emotion": "a, b"})
    first, second, third = text.split("\n")
    assert first == "a dog, an \u00e9clair and 犬 \U0001f415"
    assert second == "Negative prompt: fog rain"
    assert third.startswith("Steps: 25, ")
    assert {"Valence: -2", "Arousal: 1.5", "Seed: 7", "CFG scale: 7.5", "Size: 128x128", "Model: storybook"} <= set(
        third.split(", ")
    )
    assert 'Emotion: "a, b"' in third
    assert "torch" not in third
    assert as_parameters({}) == ""
