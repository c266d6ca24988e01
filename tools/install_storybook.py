"""Ship a finished build: its model goes into the package, its judges, too, its card to docs/.

python tools/install_storybook.py runs/storybook
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from emoticrafter.errors import EmotiCrafterError, MissingError, OutputError

ROOT = Path(__file__).parents[1]
WEIGHTS = Path("src/emoticrafter/storybook/weights")
JUDGES = Path("src/emoticrafter/storybook/judges")
LARGEST, LARGEST_SUM = 16_000_000, 60_000_000  # bytes: the history keeps every version for ever


def install(build: Path, root: Path = ROOT) -> list[Path]:
    """Replace the shipped model and judges by those of a build; the folders written.

    Raises MissingError where the build is not finished, OutputError where its weights are too large to ship.
    """
    model, judges = build / "assemble" / "model", build / "judge"
    found = {"model": model / "card.json", **{f"judge {n}": judges / f"{n}.safetensors" for n in ("emotion", "content")}}
    if absent := [name for name, path in found.items() if not path.is_file()]:
        raise MissingError(
            f"{build} has no {' and no '.join(absent)}.", f"Finish it with `emoticrafter storybook build --out {build}`."
        )
    sizes = {path.name: path.stat().st_size for path in model.rglob("*.safetensors")}
    if sum(sizes.values()) > LARGEST_SUM or max(sizes.values()) > LARGEST:
        raise OutputError(
            f"The weights are {sum(sizes.values()) / 1e6:.1f} MB, the largest file {max(sizes.values()) / 1e6:.1f} MB;"
            f" {LARGEST_SUM / 1e6:g} MB in files of {LARGEST / 1e6:g} MB can be shipped."
        )
    fresh = root / WEIGHTS.with_name("weights.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(model, fresh)
    shutil.rmtree(root / WEIGHTS, ignore_errors=True)
    fresh.rename(root / WEIGHTS)
    (root / JUDGES).mkdir(parents=True, exist_ok=True)
    for name in ("emotion", "content"):
        shutil.copyfile(judges / f"{name}.safetensors", root / JUDGES / f"{name}.safetensors")
    return [root / WEIGHTS, root / JUDGES]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path, help="the folder that `emoticrafter storybook build --out` worked in")
    try:
        for folder in install(parser.parse_args().build):
            print(folder)
    except EmotiCrafterError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print("Next: emoticrafter calibrate, the benchmarks (benchmarks/README.md), make docs", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
