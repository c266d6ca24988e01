"""Every error that a user can meet says what to do next."""

import ast
from pathlib import Path

import emoticrafter
from emoticrafter import errors

PACKAGE = Path(emoticrafter.__file__).parent
KINDS = {name for name in errors.__all__ if name != "EmotiCrafterError"}

# What these raise goes through a reader that adds the file, the entry and the cure; or is not told to a user at all.
WITHOUT_A_CURE = {
    "inputs/typed.py", "recipe.py", "calibration.py", "tensors.py", "evaluation/judges/base.py",  # parts of what a reader tells
    "batch/files.py",  # why a picture is drawn again
    "storybook/world/scene.py", "storybook/world/sprites.py",  # within the problem itself
}  # fmt: skip


def test_every_error_names_the_next_step():
    bare = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
                starred = any(isinstance(one, ast.Starred) for one in node.args)
                if len(node.args) < 2 and not starred and name not in WITHOUT_A_CURE:
                    bare.append(f"{name}:{node.lineno}")
    assert bare == []
