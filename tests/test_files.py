from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoticrafter.errors import OutputError
from emoticrafter.files import (
    atomic_folder,
    atomic_path,
    cache_directory,
    check_folder,
    check_writable,
    names_in,
    safe_name,
    user_path,
    write_together,
)


def write(path: Path, text: str = "new", force: bool = False, then: Callable[[], object] = lambda: None) -> None:
    """Write `text`, with `then` happening before the file takes its name."""
    with atomic_path(path, force) as temporary:
        temporary.write_text(text)
        then()


def fail(error: BaseException) -> Callable[[], object]:
    def stop() -> None:
        raise error

    return stop


def test_cache_directory_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EMOTICRAFTER_CACHE", str(tmp_path / "here"))
    assert cache_directory() == tmp_path / "here"
    assert not cache_directory().exists()
    monkeypatch.delenv("EMOTICRAFTER_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_directory() == tmp_path / ".cache" / "emoticrafter"


def test_a_leading_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    assert user_path("~/a/b") == user_path(Path("~/a/b")) == tmp_path / "a" / "b"
    assert user_path("~") == tmp_path
    for plain in ("a", "./~", "a/~/b", "~no such user/a", "~\0/a", ""):
        assert user_path(plain) == Path(plain)
    assert check_writable("~/a.png") == tmp_path / "a.png"


def test_a_file_appears_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "a.png"
    with atomic_path(target) as temporary:
        temporary.write_bytes(b"half")
        assert not target.exists()
        assert temporary.suffix == ".png"
        assert temporary.parent == target.parent  # a rename between disks would not be atomic
    assert target.read_bytes() == b"half"
    assert os.listdir(target.parent) == ["a.png"]


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_what_ends_early_leaves_no_half_file_and_keeps_the_old_one(tmp_path: Path, stop: type[BaseException]) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(stop):
        write(target, "half", force=True, then=fail(stop()))
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_existing_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(OutputError, match=r"exists\. .*--force"):
        write(target)
    assert target.read_text() == "old"
    write(target, force=True)
    assert target.read_text() == "new"


def test_a_file_that_another_process_wrote_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with pytest.raises(OutputError, match="exists"):
        write(target, "ours", then=lambda: target.write_text("theirs"))
    assert target.read_text() == "theirs"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    write(tmp_path / "link.txt", force=True)
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_so_and_nothing_is_lost(tmp_path: Path, code: int) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(OutputError, match=r"disk is full.*a\.txt.*Free some space"):
        write(target, "half", force=True, then=fail(OSError(code, "No space")))
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_full_disk_is_seen_through_other_libraries(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="disk is full"), atomic_path(tmp_path / "a"):
        raise RuntimeError("I/O error: No space left on device (os error 28)")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux")
def test_a_really_full_disk(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="disk is full"), atomic_path(tmp_path / "a"), open("/dev/full", "wb") as full:
        full.write(b"x")
    assert os.listdir(tmp_path) == []


def test_a_refused_write_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No permission to write"), atomic_path(tmp_path / "a"):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_errors_that_are_not_about_the_output_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a"):
        (tmp_path / "some input").read_text()


def test_a_folder_without_write_permission_is_refused_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere, so the mode bits prove nothing
    with pytest.raises(OutputError, match="No permission"):
        check_writable(tmp_path / "deep" / "a.txt")


@pytest.mark.parametrize("name", ["folder", "file.txt/below.txt", "a\0b", "x" * 300])
def test_impossible_names_are_refused_early(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.txt").touch()
    with pytest.raises(OutputError):
        check_writable(tmp_path / name, force=True)


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs a device")
def test_a_device_is_never_replaced() -> None:
    with pytest.raises(OutputError, match="not a regular file"):
        write(Path("/dev/null"), force=True)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a children's playground", "a-childrens-playground"),
        ("../../etc/passwd", "etc-passwd"),
        ("..\\windows\\system32", "windows-system32"),
        (".hidden", "hidden"),
        ("-rf /", "rf"),
        ("two\nlines\x00\x1b[31m", "two-lines-31m"),
        ("犬が海辺に", "犬が海辺に"),
        ("CON", "CON_"),
        ("", "untitled"),
        ("!?", "untitled"),
    ],
)
def test_safe_name(text: str, name: str) -> None:
    assert safe_name(text) == name


@given(st.text(max_size=300), st.integers(min_value=8, max_value=80))
def test_any_text_gives_a_name_that_stays_in_its_folder(text: str, limit: int) -> None:
    name = safe_name(text, limit)
    assert 0 < len(name) <= limit
    assert len(name.encode()) <= 201
    assert Path(name).name == name
    assert name[0] not in ".-"
    assert name.replace("-", "").isprintable()


# A place that cannot be written to is told before the work


@pytest.mark.parametrize("place", ["/proc/nowhere", "/sys/nowhere"])
def test_a_folder_that_cannot_be_made_is_told_at_once(place: str) -> None:
    if not Path(place).parent.is_dir():
        pytest.skip("another kind of system")
    with pytest.raises(OutputError, match=r"Cannot write .*: no file can be made in|No permission to write"):
        check_writable(f"{place}/a.png")
    with pytest.raises(OutputError, match=r"Cannot write .*: no file can be made in|No permission to write"):
        check_folder(place)
    with pytest.raises(OutputError), atomic_path(f"{place}/a.png"):
        raise AssertionError("the work began")


def test_the_folder_that_a_link_leads_to_is_made(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone" / "away")
    write(check_writable(tmp_path / "link" / "a.png"))
    assert (tmp_path / "gone" / "away" / "a.png").read_text() == "new"


def test_a_link_that_leads_nowhere_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone" / "away")
    with pytest.raises(OutputError, match=r"no file can be made in '.*link' \(File exists\)"):
        check_folder(tmp_path / "link")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OutputError, match="loop"):
        check_writable(tmp_path / "loop" / "a.png")


def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    assert check_writable(tmp_path / "new" / "deep" / "a.png") == tmp_path / "new" / "deep" / "a.png"
    assert check_folder(tmp_path / "new" / "deep") == tmp_path / "new" / "deep"
    assert os.listdir(tmp_path) == []
    (tmp_path / "here").mkdir()
    check_folder(tmp_path / "here")
    assert os.listdir(tmp_path / "here") == []


def test_a_folder_may_be_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is not a folder"):
        check_folder(tmp_path / "file")
    with pytest.raises(OutputError, match="no file can be made in"):
        check_folder(tmp_path / "file" / "below")


def test_what_a_writer_meets_at_its_own_file_is_no_fault_of_the_program(tmp_path: Path) -> None:
    def strange(path: Path) -> None:
        raise OSError(errno.EIO, "Input/output error", str(path))

    with (
        pytest.raises(OutputError, match=r"Cannot write '.*a\.png': Input/output error"),
        atomic_path(tmp_path / "a.png") as file,
    ):
        strange(file)
    with pytest.raises(OSError, match="Input/output error"), atomic_path(tmp_path / "a.png"):
        strange(tmp_path / "what is read")


def test_files_that_belong_together_appear_in_their_order(tmp_path: Path) -> None:
    seen = []

    def writer(name: str) -> Callable[[Path], object]:
        def write(path: Path) -> None:
            assert path.suffix == Path(name).suffix
            path.write_text(name)
            seen.append(name)

        return write

    write_together([(tmp_path / name, writer(name)) for name in ("a.txt", "new/b.json", "c.txt")])
    assert {path.name: path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == {
        "a.txt": "a.txt", "b.json": "new/b.json", "c.txt": "c.txt",
    }  # fmt: skip
    times = [(tmp_path / name).stat().st_ctime_ns for name in ("a.txt", "new/b.json", "c.txt")]
    assert times == sorted(times)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), ValueError("x")])
@pytest.mark.parametrize("failing", range(3))
def test_of_files_that_belong_together_none_appears_when_one_fails(
    tmp_path: Path, error: Exception | KeyboardInterrupt, failing: int
) -> None:
    (tmp_path / "b").write_text("old")

    def writer(number: int) -> Callable[[Path], object]:
        def write(path: Path) -> None:
            path.write_text("new")
            if number == failing:
                raise error

        return write

    paths = [tmp_path / name for name in "abc"]
    with pytest.raises(OutputError if isinstance(error, OSError) else type(error)) as caught:
        write_together([(path, writer(i)) for i, path in enumerate(paths)], force=True)
    if isinstance(error, OSError):
        assert repr(str(paths[failing])) in str(caught.value)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("b", "old")]
    with pytest.raises(OutputError, match="exists"):
        write_together([(path, writer(9)) for path in paths])
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("b", "old")]


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def half_written(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    target = tmp_path / "made"
    with pytest.raises(KeyboardInterrupt), atomic_folder(target) as folder:
        half_written(folder)
    assert list(tmp_path.iterdir()) == []
    with atomic_folder(target) as folder:
        (folder / "first").touch()
        assert not target.exists()
    with pytest.raises(OutputError, match="stays"), atomic_folder(target, fail(OutputError("It stays."))) as folder:
        (folder / "second").touch()
    assert [path.name for path in target.iterdir()] == ["first"]
    with atomic_folder(target) as folder:
        (folder / "third").touch()
    assert [path.name for path in target.iterdir()] == ["third"]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_what_file_managers_lay_into_folders_is_passed_over(tmp_path: Path) -> None:
    assert names_in(tmp_path / "nowhere") == set()
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "Desktop.ini", ".directory", "._notes.txt"):
        (tmp_path / name).touch()
    assert names_in(tmp_path) == set()
    (tmp_path / "notes.txt").touch()
    assert names_in(tmp_path) == {"notes.txt"}
    with pytest.raises(OutputError, match="is no folder that can be read"):
        names_in(tmp_path / "notes.txt")
