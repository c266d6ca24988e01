"""Imports go only downward, and what must be quick needs no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "emoticrafter"

# From the bottom up. A module may import its own floor and those below.
FLOORS = (
    {"emotion", "errors", "files"},
    {"eit", "checkpoint", "picture", "recipe", "sheet", "backbones"},
    {"crafter", "system", "storybook"},
    {"cli"},
)
FLOOR_OF = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
HEAVY = {"torch", "diffusers", "transformers"}


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or not path.name.startswith("__"))


def imported(path: Path) -> set[str]:
    """Every module that a file imports, also inside functions and for types only, under its full name."""
    return imports_of(path.read_text(encoding="utf-8"), ["emoticrafter", *path.relative_to(SOURCE).parts[:-1]])


def imports_of(text: str, package: list[str]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{origin}.{name.name}" for name in node.names}
    return found


def room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "emoticrafter" and len(parts) > 1 and not parts[1].startswith("__") else None


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_only_its_own_floor_and_below(path: Path) -> None:
    own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    assert own in FLOOR_OF, f"{own} has no floor yet: add it to FLOORS, and to docs/architecture.md"
    for module in imported(path):
        other = room(module)
        # A public name of the package itself, such as emoticrafter.EmotiCrafter, comes from above.
        if other is not None:
            assert other in FLOOR_OF, f"{path.name} imports {module}: import it from the module that defines it"
            assert FLOOR_OF[other] <= FLOOR_OF[own], f"{own} imports {module}, which is above it"


@pytest.mark.parametrize("path", [p for p in modules() if "world" in p.parts], ids=lambda path: str(path.relative_to(SOURCE)))
def test_world_draws_without_torch(path: Path) -> None:
    assert not {module.split(".")[0] for module in imported(path)} & HEAVY


@pytest.mark.parametrize(
    "statement",
    [
        "import emoticrafter",
        "from emoticrafter import Emotion, Picture",
        "import emoticrafter.files, emoticrafter.errors, emoticrafter.emotion",
        "import emoticrafter.cli.main",
        "import emoticrafter.storybook.world",
    ],
)
def test_needs_no_torch(statement: str) -> None:
    code = f"import sys; {statement}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_walker_resolves_relative_imports() -> None:
    text = "from ..crafter import EmotiCrafter\nfrom . import sdxl\ndef f():\n    import torch.nn\n"
    assert imports_of(text, ["emoticrafter", "backbones"]) == {
        "emoticrafter.crafter.EmotiCrafter",
        "emoticrafter.backbones.sdxl",
        "torch.nn",
    }
