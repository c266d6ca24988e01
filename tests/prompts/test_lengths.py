from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from emoticrafter.backbones.registry import NAMES
from emoticrafter.errors import InputError, MissingError
from emoticrafter.prompts.lengths import PromptRuler

TOKENIZER = Path(NAMES["storybook"]) / "tokenizer"
LONG = "a dog and a girl on a beach, " * 12


@pytest.fixture(scope="module")
def ruler() -> PromptRuler:
    return PromptRuler.of("storybook")


def test_it_counts_as_the_tokenizer_of_the_backbone_does(ruler: PromptRuler) -> None:
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(TOKENIZER)
    prompts = ["a dog on a beach", "", "unheard-of Wörter 😀", LONG, "a dog on a beach"]
    assert ruler.count(prompts) == [len(ids) for ids in tokenizer(prompts, truncation=False, verbose=False).input_ids]
    assert ruler.limit == 48
    assert ruler.count([]) == []


@pytest.mark.parametrize("prompt", [LONG, "x" * 300, "Ünïcödé " * 30, "é’" * 60, "😀" * 40, f"{'a' * 200} dog"])
def test_what_is_cut_fits_and_is_a_beginning(ruler: PromptRuler, prompt: str) -> None:
    cut = ruler.cut(prompt)
    assert prompt.startswith(cut)
    assert ruler.count([cut])[0] <= ruler.limit
    assert ruler.cut(cut) == cut
    if prompt == LONG:
        assert ruler.count([cut])[0] > ruler.limit - 4
        assert cut.split() == prompt.split()[: len(cut.split()) - 1] + [cut.split()[-1]]


def test_a_prompt_of_just_the_limit_is_kept(ruler: PromptRuler) -> None:
    prompt = " ".join(["dog"] * (ruler.limit - 2))
    assert ruler.count([prompt, f"{prompt} dog"]) == [ruler.limit, ruler.limit + 1]
    assert ruler.cut(prompt) == prompt
    assert ruler.cut(f"{prompt} dog") == prompt


def test_a_pipeline_folder_and_the_folder_of_a_tokenizer(tmp_path: Path) -> None:
    shutil.copytree(TOKENIZER, tmp_path / "tokenizer")
    settings = json.loads((TOKENIZER / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer" / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": 9}))
    assert PromptRuler.of(str(tmp_path)).limit == 9
    assert PromptRuler.of(str(tmp_path / "tokenizer")).limit == 9
    del settings["model_max_length"]
    (tmp_path / "tokenizer" / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(InputError, match="names no limit"):
        PromptRuler.of(str(tmp_path))
    (tmp_path / "tokenizer" / "tokenizer.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        PromptRuler.of(str(tmp_path))


def test_backbones_without_a_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.safetensors").write_bytes(b"")
    for name in ("nothing here", str(tmp_path / "one.safetensors"), str(tmp_path / "absent")):
        with pytest.raises(MissingError, match="no folder with a tokenizer"):
            PromptRuler.of(name)
    with pytest.raises(MissingError, match=r"vocab\.json"):
        PromptRuler.of(str(tmp_path))
    asked = []

    def offline(repository: str, files: list[str]) -> Path:
        asked.append((repository, files))
        raise MissingError("offline")

    monkeypatch.setattr("emoticrafter.prompts.lengths.fetch", offline)
    with pytest.raises(MissingError, match="offline"):
        PromptRuler.of("sdxl")
    assert asked == [("stabilityai/stable-diffusion-xl-base-1.0", ["tokenizer/*"])]
