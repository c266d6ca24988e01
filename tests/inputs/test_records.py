"""JSON files that somebody, or something, changed: the error names file, entry and cure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from emoticrafter.errors import CheckpointError, InputError, MissingError
from emoticrafter.inputs.records import parse_json, read_marked, read_record


def read(path: Path) -> object:
    return read_record(path, dict[str, float], "run", "Run it again.", most=1000)


def test_a_file_is_read_with_and_without_a_mark(tmp_path: Path) -> None:
    for mark in ("", "\ufeff"):
        (tmp_path / "a.json").write_text(f'{mark}{{"loss": 1}}', encoding="utf-8")
        assert read(tmp_path / "a.json") == {"loss": 1.0}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is damaged: Expecting value"),
        (b'{"loss": 1', "is damaged: Expecting"),
        (b"null", "is damaged: it is None; it must be an object"),
        (b"[1]", "is damaged: it is [1]; it must be an object"),
        (b'{"loss": null}', "is damaged: loss is None; it must be a number"),
        (b'{"loss": NaN}', "is damaged: loss is nan; it must be a number"),
        (b'{"loss": 1e999}', "is damaged: loss is inf; it must be a number"),
        (b"[" * 999, "is damaged: "),
        (b'{"a": ' + b"9" * 900 + b"}", "is damaged: a is 99999"),
        ('{"loss": 1}'.encode("utf-16"), "is damaged: 'a.json' is no text in UTF-8: it is UTF-16"),
        (b"\0" * 9, "is damaged: 'a.json' holds null bytes"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_cure(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError) as error:
        read(tmp_path / "a.json")
    assert error.value.problem.startswith(f"The run '{tmp_path}/a.json' {says}")
    assert error.value.hint == "Run it again."


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "long.json").write_text('{"loss": 1}' + " " * 1000)
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.json")
    for name, says in (("long", "longer than 1000 bytes"), ("zero", "it is a device"), ("pipe", "it is a named pipe")):
        with pytest.raises(InputError, match=rf"{name}\.json' .*{says}.* Run it again"):
            read(tmp_path / f"{name}.json")
    with pytest.raises(MissingError, match=r"There is no run '.*a\.json'. Run it again"):
        read(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"format": "other", "version": 1}', "'format' is 'other', not 'ours'"),
        ("{}", "'format' is None, not 'ours'"),
        ('{"format": "ours", "version": 2}', "has version 2; this program reads version 1. Update emoticrafter."),
        ('{"format": "ours"}', "has version None; this program reads version 1. Update emoticrafter."),
        ('{"format": ["ours"], "version": 1}', r"'format' is \['ours'\], not 'ours'"),
    ],
)
def test_a_file_says_what_it_is(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(CheckpointError, match=says.replace("'format'", '"format"')):
        read_marked(tmp_path / "a.json", "ours", 1, "judge", "Train it again.", error=CheckpointError)


def test_json_that_is_nested_too_deeply_is_no_json() -> None:
    for text in ("[" * 100_000, '{"a":' * 100_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            parse_json(text)
