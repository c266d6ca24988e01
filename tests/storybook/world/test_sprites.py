"""Sprites: the names that a scene may need, the stand-ins, and the package's files, fetched or not."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from emoticrafter.errors import MissingError
from emoticrafter.storybook.world import sprites
from emoticrafter.storybook.world.scene import ANIMALS, THINGS, VEHICLES
from emoticrafter.storybook.world.sprites import CODES, CodeSprites, PackageSprites, fetch


def package(folder: Path) -> Path:
    """A folder like the package's, with one dog: a red square in the middle of nothing."""
    folder.mkdir(parents=True)
    picture = np.zeros((40, 60, 4), np.uint8)
    picture[10:30, 20:30] = (0, 0, 255, 255)  # OpenCV writes blue, green, red, alpha
    cv2.imwrite(str(folder / f"{CODES['dog']}.webp"), picture, [cv2.IMWRITE_WEBP_QUALITY, 101])
    return folder


def test_every_subject_that_is_a_sprite_has_a_code_of_its_own() -> None:
    assert {*ANIMALS, *VEHICLES, *THINGS} <= set(CODES)
    assert len(set(CODES.values())) == len(CODES)


def test_stand_ins_differ_and_stay_the_same() -> None:
    source = CodeSprites()
    for name in CODES:
        sprite = source.get(name)
        assert sprite.dtype == np.uint8
        assert sprite.shape[2] == 4
        assert not sprite.flags.writeable
        assert sprite[..., 3].any(axis=0).all()  # cropped to what is visible
    assert source.get("dog") is source.get("dog")
    assert len({source.get(name).tobytes() for name in CODES}) == len(CODES)


def test_a_file_of_the_package_is_read_as_rgba_and_cropped(tmp_path: Path) -> None:
    source = PackageSprites(package(tmp_path / "assets"))
    dog = source.get("dog")
    assert dog.shape == (20, 10, 4)
    assert (dog == (255, 0, 0, 255)).all()
    assert source.get("dog") is dog


def test_a_missing_file_says_how_to_mend_it(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"'cat'.*fetch it anew"):
        PackageSprites(package(tmp_path / "assets")).get("cat")


def test_fetch_unpacks_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def npm(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        with tarfile.open(tmp_path / "root" / "one.tgz", "w:gz") as archive:
            archive.add(package(tmp_path / "made"), "package/assets")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(sprites.shutil, "which", lambda name: "/bin/npm")
    monkeypatch.setattr(sprites.subprocess, "run", npm)
    (tmp_path / "root" / "package").mkdir(parents=True)  # begun by a run that was killed
    for _ in range(2):
        assert fetch(tmp_path / "root") == tmp_path / "root" / "package" / "assets"
    assert len(asked) == 1
    assert f"{sprites.PACKAGE}@{sprites.VERSION}" in asked[0]
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["package"]


def test_a_download_that_is_killed_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = package(tmp_path / "made")

    def npm(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        with tarfile.open(tmp_path / "root" / "one.tgz", "w:gz") as archive:
            archive.add(made, "package/assets")
        return subprocess.CompletedProcess(command, 0, "", "")

    def killed(self: tarfile.TarFile, path: str, **_: object) -> None:
        (Path(path) / "package" / "assets").mkdir(parents=True)
        raise KeyboardInterrupt

    monkeypatch.setattr(sprites.shutil, "which", lambda name: "/bin/npm")
    monkeypatch.setattr(sprites.subprocess, "run", npm)
    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, "extractall", killed)
        with pytest.raises(KeyboardInterrupt):
            fetch(tmp_path / "root")
    assert [path.name for path in fetch(tmp_path / "root").iterdir()] == [path.name for path in made.iterdir()]


def test_without_npm_or_network_the_next_step_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sprites.shutil, "which", lambda name: None)
    with pytest.raises(MissingError, match=r"install Node\.js"):
        fetch(tmp_path)
    monkeypatch.setattr(sprites.shutil, "which", lambda name: "/bin/npm")
    failed = subprocess.CompletedProcess([], 1, "", "npm error network\n")
    monkeypatch.setattr(sprites.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(MissingError, match=r"npm error network.*npm pack"):
        fetch(tmp_path)
