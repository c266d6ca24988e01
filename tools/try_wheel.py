"""Build the wheel, install it into an empty environment, and draw a picture with it from a folder of its own.

    python -m tools.try_wheel

What an editable install hides is found here: a file that the wheel lacks, a package that only the tests' extras bring.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Prints where the package lies, what it carries along, and whether an extra's package came with it.
PROBE = """
import importlib.util, json
from pathlib import Path
import emoticrafter
home = Path(emoticrafter.__file__).parent
carried = [name for name in ("configs", "storybook/judges", "storybook/weights") if any((home / name).iterdir())]
print(json.dumps({"home": str(home), "carried": carried, "extras": importlib.util.find_spec("pandas") is not None}))
"""


def call(*command: str | Path, cwd: Path) -> str:
    """What a command prints; one that fails ends the program with what it said."""
    # Nothing of the checkout may be found from within: no PYTHONPATH, no folder with sources.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def pinned_torch(constraints: Path = ROOT / "constraints.txt") -> str:
    """The requirement that is installed first and by itself, as the Makefile does."""
    found = re.search(r"^torch==\S+$", constraints.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[0]


def build(folder: Path) -> Path:
    """The wheel of this checkout, in `folder`."""
    call(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """The program directory of a new environment that holds the wheel and what it needs, no more."""
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = (programs / "python", "-m", "pip", "install", "--quiet")
    call(*pip, pinned_torch(), cwd=folder)
    call(*pip, "--constraint", ROOT / "constraints.txt", wheel, cwd=folder)
    return programs


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name).resolve()
        for part in ("wheel", "environment", "elsewhere"):
            (scratch / part).mkdir()
        programs, elsewhere = install(build(scratch / "wheel"), scratch / "environment"), scratch / "elsewhere"
        about = json.loads(call(programs / "python", "-c", PROBE, cwd=elsewhere))
        assert Path(about["home"]).is_relative_to(scratch), about
        assert about["carried"] == ["configs", "storybook/judges", "storybook/weights"], about
        assert not about["extras"], about
        call(programs / "emoticrafter", "generate", "a dog on a beach", "--mood", "melancholic", "--out", "a.png", cwd=elsewhere)
        recipe = json.loads(call(programs / "emoticrafter", "info", "a.png", "--json", cwd=elsewhere))
        print(f"From the wheel alone: {recipe.get('prompt', recipe)!r} is drawn.")


if __name__ == "__main__":
    main()
