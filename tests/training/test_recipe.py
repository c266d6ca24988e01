from __future__ import annotations

import json
import math
import re
import tomllib
from pathlib import Path

import pytest

from emoticrafter.errors import InputError, MissingError
from emoticrafter.settings import Key, as_dict, keys
from emoticrafter.training.recipe import FREE, Recipe, differences, find_recipe, read_recipe

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "src" / "emoticrafter" / "configs"
SHIPPED = ("paper", "released", "smoke", "storybook")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_recipes_are_found_by_name_and_by_path(name: str) -> None:
    assert find_recipe(name) == CONFIGS / f"{name}.toml"
    assert find_recipe(f"{name}.toml") == find_recipe(f"configs/{name}.toml") == find_recipe(name)
    assert read_recipe(name) == read_recipe(CONFIGS / f"{name}.toml")


def test_the_recipes_are_those_that_ship() -> None:
    assert {path.stem for path in CONFIGS.glob("*.toml")} == set(SHIPPED)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["src/emoticrafter"]


def test_an_unknown_recipe_is_answered_with_those_that_ship(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="paper, released, smoke, storybook"):
        find_recipe("papre")
    with pytest.raises(InputError, match="folder"):
        find_recipe(tmp_path)


def test_the_papers_recipe_is_the_papers() -> None:
    """Section 5.1: AdamW, rate 1e-3, decay 1e-5, batch 768, 200 epochs of 39,843 pairs; section 4.3: alpha, Silverman."""
    recipe = read_recipe("paper")
    assert (recipe.train.rate, recipe.train.weight_decay, recipe.train.batch, recipe.train.epochs) == (1e-3, 1e-5, 768, 200)
    assert (recipe.train.schedule, recipe.train.clip, recipe.train.average, recipe.train.gain_pace) == (
        "constant",
        None,
        0.0,
        1.0,
    )
    assert (recipe.density.chosen("estimate"), recipe.density.chosen("power"), recipe.density.clip) == ("silverman", 1, None)
    assert recipe.objective.alpha == 1.5
    assert recipe.steps(39_843) == 10_376
    eit = recipe.model.eit(2048, 77)
    assert (eit.width, eit.heads, eit.blocks, eit.emotion_tokens, eit.variant) == (768, 12, 12, 16, "paper")


@pytest.mark.parametrize("name", ["paper", "released"])
def test_what_goes_beyond_the_paper_is_off(name: str) -> None:
    objective = read_recipe(name).objective
    extra = ("semantic", "identity", "affect", "prompt_dropout", "counterfactual")
    assert [getattr(objective, term) for term in extra] == [0.0] * 5


def test_released_differs_from_paper_in_the_block_and_the_weights_alone() -> None:
    differ = differences(as_dict(read_recipe("released")), as_dict(read_recipe("paper")))
    assert [text.split()[0] for text in differ] == ["density.preset", "model.encoder_width", "model.variant"]
    weights = read_recipe("released").density
    assert [weights.chosen(name) for name in ("estimate", "power", "normalise")] == ["isotropic", 2, False]  # type: ignore[arg-type]


def test_differences_pass_over_what_may_change() -> None:
    one = as_dict(read_recipe("smoke"))
    free = ["train.steps=99", "train.micro_batch=2", "data.features=elsewhere", "log.trackers=[]", "train.keep=9"]
    assert differences(one, as_dict(read_recipe("smoke", free))) == []
    assert differences(as_dict(read_recipe("smoke", ["train.clip=0.5"])), one) == ["train.clip 0.5, not 1.0"]
    assert set(FREE) <= {one.name for one in keys(Recipe)}


def test_the_rate_rises_stays_and_falls() -> None:
    constant = read_recipe("smoke", ["train.rate=1.0", "train.warmup=4"])
    assert [constant.rate_at(step, 100) for step in (0, 1, 3, 4, 99)] == [0.25, 0.5, 1.0, 1.0, 1.0]
    cosine = read_recipe("smoke", ["train.rate=1.0", "train.schedule=cosine", "train.warmup=10", "train.final_rate=0.1"])
    rates = [cosine.rate_at(step, 110) for step in range(111)]
    assert rates[10] == 1.0
    assert rates[60] == pytest.approx(0.55)
    assert rates[110] == pytest.approx(0.1)
    assert all(a > b for a, b in zip(rates[10:], rates[11:], strict=False))
    assert math.isfinite(cosine.rate_at(5, 3))  # shorter than its warm-up


def test_steps_come_before_epochs() -> None:
    assert read_recipe("paper", ["train.steps=7"]).steps(1000) == 7
    assert read_recipe("paper", ["train.epochs=0.5", "train.batch=10"]).steps(101) == 6


def row(one: Key) -> str:
    """A key as docs/training.md explains it."""
    default = list(one.default) if isinstance(one.default, tuple) else one.default
    return f"| `{one.name}` | {one.about} | {one.rule} | {'' if default is None else f'`{json.dumps(default)}`'} |"


def test_every_key_is_explained_in_the_documents() -> None:
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| `(?:model|data|density|objective|train|log)\.[a-z_0-9]+` \|.*$", page, re.MULTILINE)
    assert found == [row(one) for one in keys(Recipe)]
    assert ", ".join(f"`{name}`" for name in sorted(FREE)) in page
