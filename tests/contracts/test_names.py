"""A name means one thing: no public class twice in the package, no file's name more than twice."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "emoticrafter"
UNCLEAR = {"asking", "cells", "foreign", "gathered", "helpers", "misc", "own", "plans", "telling", "utils"}
ONCE = {"_hash", "_number", "_plain", "_sha256"}  # helpers of which there were several


def test_no_public_class_stands_twice() -> None:
    assert _twice(_types_of) == {}


def test_helpers_that_everybody_needs_stand_once() -> None:
    assert _twice(_helpers_of) == {}


def test_no_file_shares_its_name_with_two_others() -> None:
    named = defaultdict(list)
    for path in _modules():
        if path.stem not in ("__init__", "__main__"):
            named[path.stem].append(path.relative_to(PACKAGE).as_posix())
    assert {name: places for name, places in named.items() if len(places) > 2} == {}
    assert UNCLEAR & set(named) == set()


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _twice(names_of: Callable[[ast.stmt], Iterator[str]]) -> dict[str, list[str]]:
    """The names that stand at the top of several modules, with these."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in _modules():
        for node in ast.parse(path.read_text("utf-8")).body:
            for name in names_of(node):
                found[name].append(path.relative_to(PACKAGE).as_posix())
    return {name: places for name, places in found.items() if len(places) > 1}


def _types_of(node: ast.stmt) -> Iterator[str]:
    """Public classes, and types that are called by a name: Step = Callable[...]."""
    if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
        yield node.name
    for target in node.targets if isinstance(node, ast.Assign) else ():
        if isinstance(target, ast.Name) and target.id[0].isupper() and not target.id.isupper():
            yield target.id


def _helpers_of(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef) and node.name in ONCE:
        yield node.name
