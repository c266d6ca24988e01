"""A world that gains places and subjects, wherever in its lists, moves nothing that was drawn, read or recorded before."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from emoticrafter.errors import CheckpointError
from emoticrafter.judges.storybook import SHIPPED
from emoticrafter.storybook import judge as storybook_judge
from emoticrafter.storybook.judge import LABELS, JudgeConfig, JudgeNetwork, load_judge, save_judge

# In a process of its own, where the lists are longer before anything reads them.
CODE = """
import hashlib, json, random, sys
from emoticrafter.storybook.world import scene as world

if sys.argv[1] == "grown":
    world.PLACES = ("volcano", *world.PLACES[:5], "moon", *world.PLACES[5:])
    world.PEOPLE = ("pirate", *world.PEOPLE)
    world.ANIMALS = (*world.ANIMALS[:3], "unicorn", *world.ANIMALS[3:])
    world.SUBJECTS = world.PEOPLE + world.ANIMALS + world.VEHICLES + world.THINGS
    world.CLOTHES = {"black": (0, 0, 0), **world.CLOTHES}

from emoticrafter.emotion import Emotion
from emoticrafter.evaluation.cases import held_out_cases
from emoticrafter.judges import storybook_judges
from emoticrafter.storybook import scenes
from emoticrafter.storybook.annotated import annotated_scenes
from emoticrafter.storybook.world import render

def digest(value):
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]

rng = random.Random(7)
drawn = [scenes.sample_scene(rng) for _ in range(2000)]
pictures = [render(scene, Emotion(valence=1, arousal=-2), 64) for scene in drawn[:8]]
judges = storybook_judges()
print(json.dumps({
    "random": digest(drawn),
    "held out": digest([scenes.sample_scene(rng, held_out=True) for _ in range(300)]),
    "annotated": digest(annotated_scenes(1000, 3)),
    "cases": digest([(case.id, case.prompt, case.scene) for case in held_out_cases(132, 0)]),
    "seen": digest(judges.content.contents(pictures)),
    "felt": judges.emotion.emotions(pictures).tolist(),
}))
"""


def run(how: str) -> dict[str, object]:
    done = subprocess.run([sys.executable, "-c", CODE, how], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_what_the_world_gains_moves_nothing() -> None:
    before = run("as it is")
    assert run("grown") == before
    assert (before["random"], before["held out"]) == ("36cecd0b0d8c51b4", "a2361efb737d3682")
    assert (before["annotated"], before["cases"]) == ("97c5b445973a0a78", "2616df6f939e5d99")


def test_a_judge_keeps_its_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_judge(SHIPPED / "content.safetensors").config.labels == {
        name: list(LABELS[name]) for name in ("place", "subjects")
    }
    made = JudgeNetwork(JudgeConfig(width=4, heads={"place": 2}, labels={"place": ["forest", "beach"]}))
    save_judge(made, tmp_path / "judge.safetensors", {})
    monkeypatch.setitem(storybook_judge.LABELS, "place", ("volcano", *LABELS["place"]))
    assert load_judge(tmp_path / "judge.safetensors").config.labels == {"place": ["forest", "beach"]}


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (["forest", "atlantis"], "A judge's place is 'atlantis', which this world has not."),
        (["forest", "forest"], "Labels of a judge's place come twice."),
        (["forest"], r"the heads \{'place': 2\}"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, places: list[str], message: str) -> None:
    made = JudgeNetwork(JudgeConfig(width=4, heads={"place": 2}, labels={"place": places}))
    save_judge(made, tmp_path / "judge.safetensors", {})
    with pytest.raises(CheckpointError, match=message):
        load_judge(tmp_path / "judge.safetensors")


def test_a_file_without_labels_has_those_that_there_were(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    made = JudgeNetwork(JudgeConfig(width=4, heads={"place": len(LABELS["place"])}))
    about = {"config": {"width": 4, "heads": made.config.heads}, "figures": {}}
    state = {name: tensor.half() for name, tensor in made.state_dict().items()}
    save_file(state, tmp_path / "judge.safetensors", {"judge": json.dumps(about)})
    loaded = load_judge(tmp_path / "judge.safetensors")
    assert loaded.config.labels == {"place": list(LABELS["place"])}
    assert torch.equal(loaded.first.weight, made.first.weight.half().float())
