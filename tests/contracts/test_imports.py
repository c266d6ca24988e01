"""Imports go only downward, and what must be quick needs no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "emoticrafter"

# From the bottom up: a room imports only from floors below its own, and within itself. A room is a module, or a folder with
# all that is in it and is no room of its own. docs/architecture.md draws the same house in four floors.
FLOORS = (
    {"errors", "escapes", "version"},
    {"coordinates", "locks"},
    {"emotion", "extras", "files", "guidance", "inputs", "progress", "signals", "threads", "watch"},
    {"configs", "metrics", "sampling", "settings"},
    {"masks", "request", "storybook.words", "tensors"},
    {"descent", "eit", "loss_terms", "pickles", "recipe", "calibration", "backbones", "storybook.world"},
    {
        "checkpoint",
        "picture",
        "ridge",
        "system",
        "objective",
        "data",
        "storybook.scenes",
        "storybook.versions",
        "storybook.feelings",
        "storybook.judge",
    },
    {"features", "judges", "prompts", "sheet", "storybook.captions"},
    {"method"},
    {"crafter", "batch", "training", "storybook.annotated"},
    {"storybook.training", "rivals"},
    {"evaluation"},
    {"panel", "stimuli"},
    {"cluster"},
    {"cli"},
)
FLOOR_OF = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
HEAVY = {"torch", "diffusers", "transformers"}


def modules() -> list[Path]:
    """Every module but the package's own face, `python -m emoticrafter`, and folders that only hold rooms."""
    faces = {SOURCE / "__init__.py", SOURCE / "__main__.py", SOURCE / "storybook" / "__init__.py"}
    return sorted(path for path in SOURCE.rglob("*.py") if path not in faces)


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
    """The room that holds a module of ours, given with or without a name from it; None for modules of others."""
    parts = module.split(".")
    if parts[0] != "emoticrafter":
        return None
    names = [".".join(parts[1:end]) for end in range(len(parts), 1, -1)]
    return next((name for name in names if name in FLOOR_OF), module)


def name_of(path: Path) -> str:
    return ".".join(["emoticrafter", *path.relative_to(SOURCE).with_suffix("").parts])


def crooked(importer: str, targets: set[str]) -> list[str]:
    """The imports that do not lead to the importer's own room or to a floor below it."""
    own = room(importer)
    return [
        target
        for target in sorted(targets)
        if (other := room(target)) not in (None, own) and FLOOR_OF.get(other or "", len(FLOORS)) >= FLOOR_OF[own or ""]
    ]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_only_lower_floors(path: Path) -> None:
    own = name_of(path)
    assert room(own) in FLOOR_OF, f"{own} has no floor yet: add it to FLOORS, and to docs/architecture.md"
    assert crooked(own, imported(path)) == []


def test_every_room_exists() -> None:
    names = {name_of(path) for path in SOURCE.rglob("*.py")}
    for name in FLOOR_OF:
        assert {f"emoticrafter.{name}", f"emoticrafter.{name}.__init__"} & names, name


@pytest.mark.parametrize(
    ("importer", "target", "allowed"),
    [
        ("crafter", "emoticrafter.backbones.base.Backbone", True),
        ("backbones.sdxl.backbone", "emoticrafter.backbones.loading.fingerprint", True),
        ("backbones.sdxl.backbone", "emoticrafter.crafter.EmotiCrafter", False),
        ("picture", "emoticrafter.sheet.contact_sheet", False),
        ("crafter", "emoticrafter.__version__", False),  # the package's face stands above all
        ("crafter", "emoticrafter.storybook.training.run", False),  # the same floor: neither leans on the other
        ("storybook.judge", "emoticrafter.crafter.EmotiCrafter", False),
        ("storybook.world.render", "emoticrafter.storybook.captions", False),
        ("storybook.training.eit", "emoticrafter.eit.EITConfig", True),
        ("errors", "emoticrafter.files", False),
        ("errors", "os.path", True),
    ],
)
def test_the_guard_tells_down_from_up(importer: str, target: str, allowed: bool) -> None:
    assert (crooked(f"emoticrafter.{importer}", {target}) == []) is allowed


def test_only_doors_judges_the_evaluation_and_the_storybook_itself_know_the_storybook() -> None:
    """The main path names no concrete model: `open_backbone` finds the shipped one by its folder. A suite may.

    Of the rivals two modules do: what they learn there is its scenes, and one of them may write with its grammar.
    """
    knowing = {"emoticrafter.rivals.scenes", "emoticrafter.rivals.rewriting"}
    outside = [
        path for path in modules() if path.relative_to(SOURCE).parts[0] not in ("storybook", "judges", "evaluation", "cli")
    ]
    outside = [path for path in outside if name_of(path) not in knowing]
    assert [name_of(path) for path in outside if any("emoticrafter.storybook" in module for module in imported(path))] == []


def test_the_world_and_its_words_need_no_torch() -> None:
    rooms = {"storybook.world", "storybook.words", "storybook.scenes", "storybook.feelings", "storybook.captions"}
    paths = [path for path in modules() if room(name_of(path)) in rooms]
    assert len(paths) > 20
    assert [name_of(path) for path in paths if {module.split(".")[0] for module in imported(path)} & HEAVY] == []


@pytest.mark.parametrize(
    "statement",
    [
        "import emoticrafter",
        "from emoticrafter import Emotion, Picture",
        "import emoticrafter.files, emoticrafter.errors, emoticrafter.emotion, emoticrafter.inputs.lines",
        "import emoticrafter.cli.main",
        "import emoticrafter.batch, emoticrafter.method, emoticrafter.request, emoticrafter.sampling",
        "import emoticrafter.storybook.world, emoticrafter.storybook.captions",
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
