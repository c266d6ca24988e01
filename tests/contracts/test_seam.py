"""Above backbones/ a model is known by its protocols alone, and no concrete one is named."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emoticrafter.backbones.base import Backbone
from emoticrafter.backbones.denoiser import Denoiser, TextPlaces
from emoticrafter.backbones.outline import Outline

SOURCE = Path(__file__).parents[2] / "src" / "emoticrafter"
MAKES_ONE = ("storybook", "training")  # the embedded model is trained there, with diffusers' classes


def members(*kinds: Any) -> set[str]:
    """What protocols and dataclasses offer."""
    bases = [base for kind in kinds for base in kind.__mro__]
    return {name for base in bases for name in {*vars(base), *vars(base).get("__annotations__", {})} if name[0] != "_"}


# Whatever has such a name is one of these.
OFFERED = {
    "backbone": members(Backbone, Outline),  # a few functions take either
    "outline": members(Outline),
    "denoiser": members(Denoiser),
    "denoiser_of": members(Denoiser),
    "denoiser.text": members(TextPlaces),
}


def above() -> list[Path]:
    """Every module that stands above the backbones."""
    paths = [path for path in sorted(SOURCE.rglob("*.py")) if path.relative_to(SOURCE).parts[0] != "backbones"]
    return [path for path in paths if path.relative_to(SOURCE).parts[:2] != MAKES_ONE]


def owner(node: ast.expr) -> str:
    """The last name of an expression: `backbone` of `self.backbone`, `denoiser_of` of a call of it."""
    if isinstance(node, ast.Call):
        return owner(node.func)
    if isinstance(node, ast.Attribute):
        of_denoiser = node.attr == "text" and owner(node.value) in ("denoiser", "denoiser_of")
        return "denoiser.text" if of_denoiser else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def read(text: str) -> Iterator[tuple[str, str]]:
    """(whose, what) of every attribute that a module reads, also by `getattr` with a name."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Attribute():
                yield owner(node.value), node.attr
            case ast.Call(func=ast.Name("getattr"), args=[whose, ast.Constant(str(what)), *_]):
                yield owner(whose), what


def strange(text: str) -> list[str]:
    """What a module reads of a backbone, and of its parts, that their protocols do not offer."""
    return sorted({f"{whose}.{what}" for whose, what in read(text) if whose in OFFERED and what not in OFFERED[whose]})


def sdxl_named(text: str) -> list[str]:
    """Imports of diffusers' SDXL, and its classes by name."""
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import():
                found += [alias.name for alias in node.names]
            case ast.ImportFrom():
                found += [node.module or "", *(alias.name for alias in node.names)]
            case ast.Constant(str(value)) if value.isidentifier():
                found.append(value)
    return [name for name in found if "stable_diffusion_xl" in name or "StableDiffusionXL" in name]


def test_only_what_the_protocols_offer_is_read() -> None:
    found = {str(path.relative_to(SOURCE)): strange(path.read_text(encoding="utf-8")) for path in above()}
    assert {name: what for name, what in found.items() if what} == {}


def test_no_class_of_sdxl_is_named() -> None:
    found = {str(path.relative_to(SOURCE)): sdxl_named(path.read_text(encoding="utf-8")) for path in above()}
    assert {name: what for name, what in found.items() if what} == {}


def test_the_main_path_names_no_model() -> None:
    for name in ("crafter.py", "request.py", "method.py", "sampling.py"):
        assert "sdxl" not in (SOURCE / name).read_text(encoding="utf-8").lower(), name


def test_the_registry_names_a_model_in_its_row_alone() -> None:
    text = (SOURCE / "backbones" / "registry.py").read_text(encoding="utf-8")
    rows = [node for node in ast.parse(text).body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    assert len(rows) == 1  # calls of `register`
    inside = range(rows[0].lineno, (rows[0].end_lineno or 0) + 1)
    naming = [number for number, line in enumerate(text.splitlines(), 1) if "sdxl" in line.lower() or "StableDiffusion" in line]
    assert naming
    assert set(naming) <= set(inside)


def test_the_guard_sees_what_it_is_to_see() -> None:
    assert len(above()) > 150
    private = "self.backbone._pipeline; backbone.pipeline.unet; getattr(backbone, 'vae')"
    assert strange(private) == ["backbone._pipeline", "backbone.pipeline", "backbone.vae"]
    parts = "denoiser_of(backbone).unet; denoiser.text.tokenizer; denoiser.loss; backbone.encode; outline.check; text.anything"
    assert strange(parts) == ["denoiser.text.tokenizer", "denoiser_of.unet"]
    imports = "from diffusers import StableDiffusionXLPipeline\nfrom diffusers.pipelines import stable_diffusion_xl\nimport torch"
    assert sdxl_named(imports) == ["StableDiffusionXLPipeline", "stable_diffusion_xl"]
    assert sdxl_named("text.startswith('StableDiffusionXL') or 'an SDXL pipeline'") == ["StableDiffusionXL"]
