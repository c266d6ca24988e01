from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from emoticrafter.errors import InputError, MissingError
from emoticrafter.settings import Section, as_dict, as_toml, key, keys, read_settings


@dataclass(frozen=True, kw_only=True)
class Pace(Section):
    steps: int = key(10, "updates", least=1, most=1000)
    rate: float = key(0.5, "per update", above=0)
    limit: float | None = key(None, "none where left out", above=0)
    kind: Literal["even", "falling"] = key("even", "of the rate")
    exact: bool = key(False, "whether it is exact")


@dataclass(frozen=True, kw_only=True)
class Names(Section):
    folder: str = key("here", "a folder")
    words: tuple[str, ...] = key(("a", "b"), "some words")


@dataclass(frozen=True, kw_only=True)
class Plan:
    pace: Pace
    names: Names


def read(tmp_path: Path, text: str | bytes, *overrides: str) -> Plan:
    path = tmp_path / "plan.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_settings(Plan, path, overrides)


def test_values_of_the_file_and_defaults_of_the_rest(tmp_path: Path) -> None:
    plan = read(tmp_path, "[pace]\nsteps = 3\nrate = 1\nlimit = 2.5\n[names]\nwords = ['x']\n")
    assert plan.pace == Pace(steps=3, rate=1.0, limit=2.5)
    assert type(plan.pace.rate) is float
    assert plan.names.words == ("x",)
    assert read(tmp_path, "") == Plan(pace=Pace(), names=Names())


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf[pace]\r\nsteps = 7\r\n").pace.steps == 7


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[pace]\nstep = 3", ["pace.step", "Did you mean steps?", "steps, rate, limit, kind, exact"]),
        ("[pase]\nsteps = 3", ["[pase]", "Did you mean pace?", "pace, names"]),
        ("steps = 3", ["steps"]),
        ("pace = 3", ["pace", "section"]),
        ("[pace]\nsteps = 0", ["steps is 0", "a whole number from 1 to 1000"]),
        ("[pace]\nsteps = 1001", ["1001"]),
        ("[pace]\nsteps = 2.0", ["2.0", "a whole number"]),
        ("[pace]\nsteps = true", ["True", "a whole number"]),
        ('[pace]\nsteps = "3"', ["'3'", "a whole number"]),
        ("[pace]\nrate = nan", ["nan", "a number above 0"]),
        ("[pace]\nrate = inf", ["inf"]),
        ("[pace]\nrate = 0", ["rate is 0"]),
        ("[pace]\nexact = 1", ["exact is 1", "true or false"]),
        ('[pace]\nkind = "rising"', ["'rising'", "one of even, falling"]),
        ("[names]\nwords = 'x'", ["words is 'x'", "a list, each text"]),
        ("[names]\nwords = [1]", ["1", "text"]),
        ("[names]\nfolder = 2024", ["folder is 2024", "text"]),
        (f"[pace]\nrate = 1{'0' * 400}", ["rate is 1000"]),
        ("[pace\nsteps = 3", ["not TOML", "line 1"]),
        (f"[pace]\nsteps = {'9' * 5000}", ["not TOML: line 2 holds a number of 5000 digits; 4300 are the most. Mend that line."]),
        (f"[pace]\nsteps = 0x{'f' * 5000}", ["steps is a number of thousands of digits", "a whole number"]),
        (f"pace = {'[' * 100_000}", ["not TOML", "nested too deeply"]),
        (b"\xff\xfe\x00", ["not TOML"]),
    ],
)
def test_what_breaks_a_rule_is_an_error_that_says_the_rule(tmp_path: Path, text: str | bytes, told: list[str]) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    assert "plan.toml" in str(error.value)
    for part in told:
        assert part in str(error.value)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("override", "section", "name", "value"),
    [
        ("pace.steps=20", "pace", "steps", 20),
        (" pace.steps = 1_000 ", "pace", "steps", 1000),
        ("pace.limit=1e-3", "pace", "limit", 0.001),
        ("pace.exact=true", "pace", "exact", True),
        ("pace.kind=falling", "pace", "kind", "falling"),
        ('pace.kind="falling"', "pace", "kind", "falling"),
        ("names.folder=runs/a b=c", "names", "folder", "runs/a b=c"),
        ("names.words=['c', 'd']", "names", "words", ("c", "d")),
        ("names.words=[]", "names", "words", ()),
    ],
)
def test_overrides_are_toml_and_text_needs_no_quotes(
    tmp_path: Path, override: str, section: str, name: str, value: object
) -> None:
    plan = read(tmp_path, "[pace]\nsteps = 3\nrate = 0.25", override)
    assert getattr(getattr(plan, section), name) == value
    assert plan.pace.rate == 0.25


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("pace.steps", "section.key=value"),
        ("steps=3", "section.key=value"),
        ("pace.stesp=3", "Did you mean steps?"),
        ("pase.steps=3", "Did you mean pace?"),
        ("pace.steps=three", "not TOML"),
        ("pace.steps=", "not TOML"),
        (f"pace.steps={'9' * 5000}", "not TOML"),
        ("pace.steps=0.5", "a whole number"),
        ("pace.steps=1\nrate=2", "more than one value"),
        ("pace.kind=sideways", "one of even, falling"),
    ],
)
def test_overrides_are_checked(tmp_path: Path, override: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read(tmp_path, "", override)


def test_what_is_no_file_is_missing(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(MissingError, match="no recipe"):
            read_settings(Plan, path)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="longer"):
        read(tmp_path, b"#" * ((1 << 20) + 1))


def test_a_recipe_written_as_toml_reads_back_the_same(tmp_path: Path) -> None:
    plan = Plan(pace=Pace(limit=0.1, rate=1e-7), names=Names(folder='C:\\runs\\"é"\x7f\t', words=("ü", "")))
    assert read(tmp_path, as_toml(plan)) == plan
    assert as_dict(plan)["pace"] == {"steps": 10, "rate": 1e-7, "limit": 0.1, "kind": "even", "exact": False}
    assert "limit" not in as_dict(Plan(pace=Pace(), names=Names()))["pace"]


def test_keys_tell_name_meaning_and_rule() -> None:
    by_name = {one.name: one for one in keys(Plan)}
    assert list(by_name)[:2] == ["pace.steps", "pace.rate"]
    assert by_name["pace.steps"].rule == "a whole number from 1 to 1000"
    assert by_name["pace.limit"].about == "none where left out"
    assert by_name["names.words"].default == ("a", "b")


def test_a_section_made_in_code_is_checked_too() -> None:
    with pytest.raises(InputError, match="steps is 0"):
        Pace(steps=0)
