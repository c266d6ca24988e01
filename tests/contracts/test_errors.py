"""Every error that a user can meet says what to do next."""

import ast
import itertools
from pathlib import Path

import emoticrafter
from emoticrafter import errors

PACKAGE = Path(emoticrafter.__file__).parent
KINDS = {name for name in errors.__all__ if name != "EmotiCrafterError"}

# What these raise goes through a reader that adds the file, the entry and the cure; or is not told to a user at all.
WITHOUT_A_CURE = {
    "inputs/typed.py", "recipe.py", "calibration.py", "tensors.py", "judges/trust.py",  # parts of what a reader tells
    "batch/files.py",  # why a picture is drawn again
    "storybook/world/scene.py", "storybook/world/sprites.py",  # within the problem itself
}  # fmt: skip
QUOTED = {"error", "str(error)", "error.problem"}


def test_every_error_names_the_next_step() -> None:
    bare = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
                starred = any(isinstance(one, ast.Starred) for one in node.args)
                if len(node.args) < 2 and not starred and name not in WITHOUT_A_CURE:
                    bare.append(f"{name}:{node.lineno}")
    assert bare == []


def test_no_reason_brings_a_full_stop_of_its_own() -> None:
    """What another library says may end in one; `errors.reason_of` takes it away."""
    bare = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for part, after in itertools.pairwise(node.values if isinstance(node, ast.JoinedStr) else ()):
                said = isinstance(part, ast.FormattedValue) and ast.unparse(part.value) in QUOTED
                if said and isinstance(after, ast.Constant) and str(after.value).startswith("."):
                    bare.append(f"{path.relative_to(PACKAGE)}:{after.lineno}")
    assert bare == []
