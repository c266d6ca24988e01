"""A setting is declared once, and everything that knows it is derived from the declaration."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import emoticrafter
from emoticrafter import Emotion
from emoticrafter.batch import plan_rows
from emoticrafter.errors import InputError
from emoticrafter.guidance import EVERYWHERE, GuidanceRange
from emoticrafter.sampling import Sampling, parse_size, settings
from tests.docs.test_extending import code_of

PACKAGE = Path(emoticrafter.__file__).parent


def test_entries_are_what_recipes_have_always_said() -> None:
    sampling = Sampling(
        strength=1, start=0.25, steps=4, guidance=3, guidance_range=EVERYWHERE, size=(48, 32), negative=None, preview=True
    )
    assert list(sampling.entries().items()) == [
        ("strength", 1.0), ("start", 0.25), ("steps", 4), ("guidance", 3.0), ("width", 48), ("height", 32), ("negative", None),
    ]  # fmt: skip
    limited = Sampling(guidance_range=GuidanceRange(0.3, 0.85))
    assert limited.entries()["guidance_range"] == [0.3, 0.85]
    assert Sampling.of_entries(sampling.entries()) == sampling.model_copy(update={"preview": False})
    with pytest.raises(KeyError, match="height"):
        Sampling.of_entries(dict.fromkeys(("strength", "start", "steps", "guidance", "width"), 1))


def test_the_schema_says_types_ranges_defaults_and_help() -> None:
    found = Sampling.model_json_schema()["properties"]
    assert list(found) == list(settings())
    assert found["steps"] == {
        "anyOf": [{"type": "integer"}, {"type": "null"}], "default": None, "title": "Steps",
        "description": "Denoising steps.", "minimum": 1, "maximum": 1000,
    }  # fmt: skip
    assert found["preview"]["default"] is False
    assert "minimum" not in found["size"]


@pytest.mark.parametrize(("given", "made"), [(64, (64, 64)), ((48, 32), (48, 32)), ([48, 32], (48, 32))])
def test_a_size_is_a_side_or_two(given: Any, made: tuple[int, int]) -> None:
    assert Sampling(size=given).size == made
    assert parse_size("48x32") == (48, 32)
    with pytest.raises(InputError, match=r"The size is 32\.0 x 32; each side must be a whole number") as caught:
        Sampling(size=(32.0, 32))  # type: ignore[arg-type]
    assert caught.value.field == "size"


CHECK = """
import json
import pyarrow as pa
from typer.main import get_command
from emoticrafter import Emotion
from emoticrafter.batch import plan_rows
from emoticrafter.batch.index import LATER
from emoticrafter.batch.inputs import OWN
from emoticrafter.batch.plan import new_plan, read_plan
from emoticrafter.cli.main import app
from emoticrafter.cli.options import SamplingOptions
from emoticrafter.evaluation.suite import read_suite
from emoticrafter.recipe import check_recipe
from emoticrafter.request import Request
from emoticrafter.sampling import Sampling
from pathlib import Path

option = next(one for one in get_command(app).commands["generate"].params if one.name == "rescale")
plain, row = plan_rows(["a"], [Emotion.neutral()], [0])[0], plan_rows(["a"], [Emotion.neutral()], [0], {"rescale": 0.7})[0]
plan = new_plan({}, ".png", 4, {one.id({}): one for one in (plain, row)})
plan.write(Path("plan.parquet"))
try:
    check_recipe({"rescale": 7})
    refused = None
except Exception as error:
    refused = error.field
told = {"strength": 1, "start": 0, "steps": 1, "guidance": 1, "width": 8, "height": 8}
print(json.dumps({
    "option": [option.opts, option.help],
    "given": SamplingOptions(rescale=0.7).given(),
    "cell": OWN["rescale"]("rescale", "0,7"),
    "index": LATER["rescale"],
    "plan": sorted(str(one.rescale) for one in read_plan(Path("plan.parquet")).rows.values()),
    "ids": [plain.resolved({}).id({}), row.resolved({}).id({}) != plain.resolved({}).id({})],
    "sampling": row.sampling.rescale,
    "suite": read_suite("quick", ["model.rescale=0.7"])[0].model.rescale,
    "recipe": Sampling(rescale=0.7).entries()["rescale"],
    "silent": "rescale" in Sampling().entries(),
    "again": Sampling.of_entries(told | {"rescale": 0.7}).rescale,
    "refused": refused,
    "schema": Request.model_json_schema()["$defs"]["Sampling"]["properties"]["rescale"]["maximum"],
}))
"""


def test_a_new_setting_appears_everywhere_by_its_declaration_alone(tmp_path: Path) -> None:
    package = tmp_path / "src" / "emoticrafter"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("weights", "__pycache__"))
    (package / "storybook" / "weights").symlink_to(PACKAGE / "storybook" / "weights")
    (tmp_path / "configs").symlink_to(PACKAGE.parents[1] / "configs")
    path = package / "sampling.py"
    text = path.read_text(encoding="utf-8")
    assert text.count("    calibrated: Annotated[") == 1
    added = "".join(
        f"    {line}" if line.strip() else line for line in code_of("A sampling setting")[0].splitlines(keepends=True)
    )
    path.write_text(text.replace("    calibrated: Annotated[", f"{added}    calibrated: Annotated["), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}
    done = subprocess.run([sys.executable, "-c", CHECK], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    unchanged = plan_rows(["a"], [Emotion.neutral()], [0])[0].resolved({}).id({})
    assert found == {
        "option": [["--rescale"], "Brings the guided prediction back to the contrast of the plain one."],
        "given": {"rescale": 0.7},
        "cell": 0.7,
        "index": "double",
        "plan": ["0.7", "None"],
        "ids": [unchanged, True],  # pictures that were drawn before there was the setting keep theirs
        "sampling": 0.7,
        "suite": 0.7,
        "recipe": 0.7,
        "silent": False,
        "again": 0.7,
        "refused": "rescale",
        "schema": 1,
    }
