"""The public surface is frozen: adding, renaming or dropping a name is a decision, taken here."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

import emoticrafter

PUBLIC = {
    "emoticrafter": {"EmotiCrafter", "Emotion", "Picture", "__version__"},
    "emoticrafter.backbones.base": {"Backbone", "BackboneClass", "BeforeStep", "PromptEncoder", "Sampler", "SamplingDefaults"},
    "emoticrafter.backbones.features": {"PromptFeatures", "TokenStream"},
    "emoticrafter.batch": {
        "COLUMNS", "Batched", "Feeling", "Prompt", "Row", "parse_grid", "parse_seeds", "plan_rows", "read_emotions", "read_index",
        "read_prompts", "run_batch",
    },
    "emoticrafter.calibration": {"CALIBRATION", "AxisMap", "Calibration"},
    "emoticrafter.checkpoint": {"describe", "holding", "import_released", "load", "load_calibration", "peek", "save"},
    "emoticrafter.features.store": {"FeatureStore", "Manifest", "Shard"},
    "emoticrafter.eit": {"EITConfig", "EmotionInjectionTransformer", "Order", "Predicts", "VAEncoder", "Variant"},
    "emoticrafter.emotion": {"LIMIT", "MOODS", "Emotion", "NamedMood", "grid", "nearest_mood", "parse_axis", "path"},
    "emoticrafter.errors": {
        "CheckpointError", "DeviceError", "EmotiCrafterError", "InputError", "MissingError", "OutputError", "StoppedError",
    },
    "emoticrafter.judges": {"JUDGES", "KnownJudge", "open_judge", "storybook_judges"},
    "emoticrafter.files": {
        "atomic_folder", "atomic_path", "cache_directory", "check_folder", "check_writable", "disk_errors",
        "names_in", "safe_name", "user_path", "write_together",
    },
    "emoticrafter.locks": {"LOCK", "beside", "busy", "check_free", "hold"},
    "emoticrafter.method": {
        "USUAL_CELL", "BackboneMethod", "BaseMethod", "Grid", "Method", "UnknownWordsWarning", "Unopened", "warn_in_python",
    },
    "emoticrafter.picture": {"Picture", "check_savable", "save_animation", "save_together"},
    "emoticrafter.recipe": {
        "as_exif", "as_gif_comment", "as_json", "as_parameters", "as_png_text", "check_recipe", "joint_recipe", "read_recipe",
    },
    "emoticrafter.request": {"MAX_PICTURES", "MAX_SEED", "Request", "one_prompt", "seeds_of"},
    "emoticrafter.rivals": {"METHODS", "Budget", "Learned", "MethodEntry", "Rival", "open_method", "train_method"},
    "emoticrafter.sampling": {
        "DEFAULT", "OWN", "Sampling", "SamplingDefaults", "Setting", "Size", "checked_text", "parse_size", "settings",
    },
    "emoticrafter.sheet": {"contact_sheet", "sheet_size"},
    "emoticrafter.signals": {"begin_worker", "noted_signals", "stop_signals"},
    "emoticrafter.storybook.training": {"PRESETS", "STAGES", "check_build", "run"},
    "emoticrafter.storybook.world": {"Scene", "Subject", "render"},
    "emoticrafter.loss_terms": {"TERMS", "LossTerm", "Pairs", "Prediction", "residual_target", "weighted_square"},
    "emoticrafter.objective": {"Objective", "ObjectiveConfig", "Pairs", "residual_target", "switched_on", "weighted_square"},
    "emoticrafter.settings": {"Key", "Section", "as_dict", "as_toml", "key", "keys", "read_settings", "read_tables"},
    "emoticrafter.system": {"describe_system"},
    "emoticrafter.training": {"Outcome", "Recipe", "read_recipe", "train"},
    "emoticrafter.version": {"installed_version"},
    "emoticrafter.watch": {"SILENT", "Preview", "Step", "Watch", "once"},
}  # fmt: skip


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names(module: str) -> None:
    found = importlib.import_module(module)
    assert set(found.__all__) == PUBLIC[module]
    assert all(hasattr(found, name) for name in found.__all__)


def test_no_public_name_is_a_module_name() -> None:
    modules = {info.name for info in pkgutil.iter_modules([str(Path(emoticrafter.__file__).parent)])}
    assert not set(emoticrafter.__all__) & modules


def test_dir_shows_the_public_names() -> None:
    assert set(emoticrafter.__all__) <= set(dir(emoticrafter))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Emotions"):
        emoticrafter.Emotions  # noqa: B018
