"""A study that begins is frozen: pictures without their recipes, and no later change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from emoticrafter.errors import InputError, MissingError
from emoticrafter.panel.frozen import DESIGN, draft, freeze, is_frozen, open_frozen
from emoticrafter.panel.serving import begin_or_take_up
from tests.panel.studies import frozen_study, write_pictures, write_study


def test_what_is_opened_is_what_was_frozen(tmp_path: Path) -> None:
    write_pictures(tmp_path)
    made = draft(write_study(tmp_path, "rank", "[design]\nchecks = 1"))
    kept = freeze(made, tmp_path / "kept")
    again = open_frozen(tmp_path / "kept")
    assert str(tmp_path) not in (tmp_path / "kept" / DESIGN).read_text(encoding="utf-8")
    assert kept.hash == made.hash == again.hash
    assert len(kept.hash) == 16
    assert [again.trials(i) for i in range(5)] == [made.trials(i) for i in range(5)]
    assert (again.study, again.words, again.consent) == (made.study, made.words, made.consent)


def test_the_hash_is_of_settings_pictures_words_and_consent(tmp_path: Path) -> None:
    write_pictures(tmp_path)
    path = write_study(tmp_path, "rank")
    first = draft(path).hash
    assert draft(path).hash == first
    changed = {
        "settings": ("[study]", "[exclusion]\nfailed_checks = 3\n[study]"),
        "words": ('language = "en"', 'language = "de"'),
        "consent": ("[[pictures]]", '[people]\nconsent = "consent.txt"\n[[pictures]]'),
    }
    (tmp_path / "consent.txt").write_text("Say yes.\n", encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    hashes = {first}
    for old, new in changed.values():
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        hashes.add(draft(path).hash)
    path.write_text(text, encoding="utf-8")
    Image.new("RGB", (48, 48), "white").save(tmp_path / "0-0-0-0.png")
    hashes.add(draft(path).hash)
    assert len(hashes) == 5


def test_the_hash_is_not_of_the_place(tmp_path: Path) -> None:
    for place in ("here", "there"):
        write_pictures(tmp_path / place)
        write_study(tmp_path / place, "rank")
    assert draft(tmp_path / "here" / "tiny.toml").hash == draft(tmp_path / "there" / "tiny.toml").hash


def test_a_shown_picture_carries_no_recipe_and_is_made_smaller(tmp_path: Path) -> None:
    note = PngImagePlugin.PngInfo()
    note.add_text("parameters", "a dog, very sad, valence -3")
    for name in ("one", "two"):
        Image.new("RGB", (400, 200), "red").save(tmp_path / f"{name}.png", pnginfo=note)
    (tmp_path / "pictures.csv").write_text("file,prompt\none.png,\ntwo.png,\n", encoding="utf-8")
    kept = freeze(draft(write_study(tmp_path, "rate", "[design]\nedge = 100")), tmp_path / "kept")
    for name in kept.units.pictures:
        content = kept.picture_path(name).read_bytes()
        assert b"very sad" not in content
        with Image.open(kept.picture_path(name)) as image:
            assert (image.format, image.size) == ("WEBP", (100, 50))


def test_a_study_that_was_changed_after_it_was_laid_out_is_refused(tmp_path: Path) -> None:
    frozen_study(tmp_path, "rank")
    path = tmp_path / "kept" / DESIGN
    entries = json.loads(path.read_text(encoding="utf-8"))
    entries["words"]["questions"]["rank_valence"] = "Anything."
    path.write_text(json.dumps(entries), encoding="utf-8")
    with pytest.raises(InputError, match="was changed after it had been laid out"):
        open_frozen(tmp_path / "kept")
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="is damaged"):
        open_frozen(tmp_path / "kept")


def test_a_file_that_says_something_else_than_what_began_is_refused(tmp_path: Path) -> None:
    write_pictures(tmp_path)
    path = write_study(tmp_path, "rank")
    began = begin_or_take_up(path, tmp_path / "kept")
    for picture in tmp_path.glob("*.png"):  # the frozen study needs them no more
        picture.unlink()
    assert begin_or_take_up(path, tmp_path / "kept").hash == began.hash
    assert begin_or_take_up(tmp_path / "kept", tmp_path / "kept").hash == began.hash
    path.write_text(path.read_text(encoding="utf-8").replace("[[pict", "[people]\nwanted = 3\n[design]\nchecks = 1\n[[pict"))
    with pytest.raises(InputError, match=r"has begun, and its file says something else now: design.checks, people.wanted"):
        begin_or_take_up(path, tmp_path / "kept")


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    write_pictures(tmp_path)
    path = write_study(tmp_path, "rank")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(InputError, match="is not empty"):
        begin_or_take_up(path, tmp_path / "mine")
    assert [one.name for one in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    assert not is_frozen(tmp_path / "mine")
    with pytest.raises(MissingError):
        open_frozen(tmp_path / "mine")


def test_a_picture_that_cannot_be_read_leaves_no_folder(tmp_path: Path) -> None:
    write_pictures(tmp_path)
    made = draft(write_study(tmp_path, "rank"))
    (tmp_path / "0-1--3-0.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="cannot be decoded"):
        freeze(made, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
