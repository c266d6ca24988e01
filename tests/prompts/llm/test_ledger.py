from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from emoticrafter.errors import InputError, OutputError
from emoticrafter.prompts.llm.ledger import AnswerLedger


def add(ledger: AnswerLedger, key: str, **given: Any) -> None:
    values: dict[str, Any] = {"status": "answer", "text": f"text of {key}", "about": "x", "tokens_in": 3, "tokens_out": 2} | given
    ledger.add(key, values.pop("status"), values.pop("text"), **values)


def filled(path: Path, *keys: str) -> Path:
    with AnswerLedger(path) as ledger:
        for key in keys:
            add(ledger, key)
    return path


def test_what_is_added_is_there_at_once(tmp_path: Path) -> None:
    with AnswerLedger(tmp_path / "new" / "a.jsonl") as ledger:
        add(ledger, "one", text="a line\nand another \u2028 one, \ud800 half a pair")
        add(ledger, "two", status="refusal")
        add(ledger, "three", status="useless")
        seen = AnswerLedger.read(ledger.path)
    assert list(seen.settled) == ["one", "two"]  # what was useless may be asked again
    assert seen.settled["one"]["text"] == "a line\nand another \u2028 one, ? half a pair"
    assert (seen.tokens_in, seen.tokens_out) == (9, 6)  # but it was paid for
    with AnswerLedger(ledger.path) as again:
        assert list(again.settled) == ["one", "two"]
        add(again, "three")
    assert list(AnswerLedger.read(ledger.path).settled) == ["one", "two", "three"]


def test_no_file_is_an_empty_ledger(tmp_path: Path) -> None:
    assert AnswerLedger.read(tmp_path / "none.jsonl").settled == {}
    assert not (tmp_path / "none.jsonl").exists()


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_a_torn_line_is_cut_off(tmp_path: Path, cut: int) -> None:
    path = filled(tmp_path / "a.jsonl", "one", "two")
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert list(AnswerLedger.read(path).settled) == ["one"]
    with AnswerLedger(path) as ledger:
        assert list(ledger.settled) == ["one"]
        add(ledger, "three")
    assert list(AnswerLedger.read(path).settled) == ["one", "three"]


@pytest.mark.parametrize(
    "content", [b"precious, and without an end of line", b"\x00\x01\x02", b"{}\n", b"[1]\n", b'{"key": 1}\n']
)
def test_a_file_of_somebody_else_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    for opened in (lambda: AnswerLedger.read(path), lambda: AnswerLedger(path).__enter__()):
        with pytest.raises(InputError, match="Line 1"):
            opened()
    assert path.read_bytes() == content


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = filled(tmp_path / "a.jsonl", "one", "two", "three")
    lines = path.read_text().splitlines()
    lines[1] = lines[1][:30]
    path.write_text("\r\n".join(lines) + "\r\n")
    with pytest.raises(InputError, match="Line 2"):
        AnswerLedger.read(path)
    path.write_text("\r\n".join([lines[0], lines[2]]) + "\r\n")
    assert list(AnswerLedger.read(path).settled) == ["one", "three"]


def test_one_at_a_time(tmp_path: Path) -> None:
    path = filled(tmp_path / "a.jsonl", "one")
    with AnswerLedger(path), pytest.raises(OutputError, match="Another run"):
        AnswerLedger(path).__enter__()
    with AnswerLedger(path):
        pass


def test_half_a_line_does_not_stay_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    with AnswerLedger(path) as ledger:
        add(ledger, "one")
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            with pytest.raises(OutputError, match="No space left"):
                add(ledger, "two")
        assert list(ledger.settled) == ["one"]
        add(ledger, "three")
    assert [json.loads(line)["key"] for line in path.read_text().splitlines()] == ["one", "three"]


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be kept"):
        AnswerLedger(tmp_path / "file" / "a.jsonl").__enter__()
    with pytest.raises(InputError, match="cannot be read"):
        AnswerLedger.read(tmp_path)
