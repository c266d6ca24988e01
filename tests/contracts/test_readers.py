"""What comes in has one reader of each kind: text, pictures, named files, tensors, tables, arrays.

A file that a user names may be a pipe or a device, a picture may start a program, a line may hold U+2028, and a file of our own
may be damaged: the readers know, and nobody else opens, decodes or cuts. This walks the syntax of every module of the package.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "emoticrafter"
_OURS = {"read_table", "read_text"}  # called by their bare names: functions of the readers themselves
_TEXT = {"encoding", "errors", "newline", "buffering"}  # what the `open` of a path takes, and no other
_MODE = re.compile(r"[rwax]b?t?\+?b?")

# What is called, and the modules that may.
READERS = {
    "Image.open": {"inputs/pictures.py"},
    "open to read": set(),  # builtin `open`, and the method of a path with a mode to read
    **{name: set() for name in ("io.open", "codecs.open", "gzip.open", "bz2.open", "lzma.open")},
    "os.open": {"inputs/named.py", "files.py", "training/state.py"},  # the latter two bring to the disk what they wrote
    "io.FileIO": {"inputs/named.py", "prompts/llm/ledger.py"},  # the ledger is appended to; it is checked before
    "read_text": set(),
    "read_bytes": {"storybook/versions.py"},  # of the package's own sources
    "splitlines": {"inputs/lines.py", "errors.py"},  # of bytes; of what an error says
    "readlines": set(),
    "json.load": set(),
    "np.load": {"inputs/arrays.py"},
    "torch.load": {"pickles.py"},
    "load_file": set(),
    "safe_open": {"tensors.py"},
    "read_table": set(),
    "read_schema": set(),
    "ParquetFile": {"data/parquet.py"},
    "read_csv": set(),
    "read_parquet of pandas": set(),
    "loadmat": {"data/importers/emotic.py"},  # from bytes that were read
    "tarfile.open": {"storybook/world/sprites.py"},  # of the package that npm has fetched
    "ZipFile": set(),
    "imread": {"storybook/world/sprites.py"},  # pictures of that package
    "fromfile": set(),
    "memmap": set(),
    "pickle.load": set(),
    # Libraries that read a folder of a model: `inputs.folders.check_model_folder` is called before. The crafter's is ours.
    "from_pretrained": {
        "backbones/sdxl/loading.py", "crafter.py", "prompts/lengths.py", "judges/clip.py", "storybook/training/common.py",
    },
    "from_single_file": {"backbones/sdxl/loading.py"},
    "load_lora_weights": {"backbones/loras.py"},  # of a file that was looked through, or of the hub
}  # fmt: skip


def readings(text: str) -> list[tuple[int, str]]:
    """The calls in a module that read files or cut texts, each with its line."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and (name := _name(node)) is not None:
            found.append((node.lineno, name))
    return sorted(found)


def _name(call: ast.Call) -> str | None:
    function = call.func
    if isinstance(function, ast.Name):
        if function.id == "open" and _reads(call, 1, bare=True):
            return "open to read"
        return function.id if function.id in READERS and function.id not in _OURS else None
    if not isinstance(function, ast.Attribute):
        return None
    owner = function.value.id if isinstance(function.value, ast.Name) else ""
    if f"{owner}.{function.attr}" in READERS:
        return f"{owner}.{function.attr}"
    if function.attr == "open" and _reads(call, 0, bare=False):
        return "open to read"
    if owner in ("pd", "pandas") and function.attr == "read_parquet":
        return "read_parquet of pandas"
    return function.attr if function.attr in READERS else None


def _reads(call: ast.Call, place: int, bare: bool) -> bool:
    """Whether a call of `open` has a mode to read; bare: without a mode it has."""
    given = [*call.args[place : place + 1], *(word.value for word in call.keywords if word.arg == "mode")]
    if not given:
        return bare or any(word.arg in _TEXT for word in call.keywords)
    mode = given[0].value if isinstance(given[0], ast.Constant) else None
    return isinstance(mode, str) and _MODE.fullmatch(mode) is not None and ("r" in mode or "+" in mode)


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_only_the_readers_read(path: Path) -> None:
    own = path.relative_to(SOURCE).as_posix()
    found = readings(path.read_text(encoding="utf-8"))
    assert [f"line {line}: {name}" for line, name in found if own not in READERS[name]] == []


def test_every_exception_is_in_use() -> None:
    used = {(name, path.relative_to(SOURCE).as_posix()) for path in modules() for _, name in readings(path.read_text("utf-8"))}
    assert {(name, own) for name, owns in READERS.items() for own in owns} - used == set()


def test_a_path_is_never_opened_without_a_mode() -> None:
    """`path.open()` reads; what else is called `open` without arguments is a model, or the options that open one."""
    found = {
        ast.unparse(node.func)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "open" and not node.args
        if not node.keywords
    }
    assert found <= {"model.open", "replace(model, no_calibration=True).open"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("open('a')", ["open to read"]),
        ("open(name, 'rb')", ["open to read"]),
        ("open(name, 'w')", []),
        ("path.open('rb', buffering=0)", ["open to read"]),
        ("path.open(mode='r')", ["open to read"]),
        ("path.open(encoding='utf-8')", ["open to read"]),
        ("path.open('a', encoding='utf-8')", []),
        ("FeatureStore.open(folder)", []),
        ("Image.open(file).convert('RGB')", ["Image.open"]),
        ("path.read_text(encoding='utf-8').splitlines()", ["read_text", "splitlines"]),
        ("pq.read_table(path)", ["read_table"]),
        ("read_table(path, 'pairs')", []),
        ("load_file(path)", ["load_file"]),
        ("pd.read_parquet(path)", ["read_parquet of pandas"]),
        ("json.loads(text)", []),
        ("np.load(path)", ["np.load"]),
    ],
)
def test_the_walker_sees_what_reads(text: str, found: list[str]) -> None:
    assert [name for _, name in readings(text)] == found
