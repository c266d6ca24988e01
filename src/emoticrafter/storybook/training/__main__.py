"""python -m emoticrafter.storybook.training --preset cpu --out DIR [--stage NAME ...] [--steps N | --minutes M]"""

from __future__ import annotations

import argparse
import signal
import sys

from emoticrafter.errors import EmotiCrafterError
from emoticrafter.storybook import training


def main() -> None:
    from emoticrafter.storybook.training.common import restart_with_steady_memory

    restart_with_steady_memory()
    parser = argparse.ArgumentParser(prog="python -m emoticrafter.storybook.training", description="Build the storybook model.")
    parser.add_argument("--preset", default="cpu", choices=sorted(training.PRESETS))
    parser.add_argument("--out", required=True)
    parser.add_argument("--stage", action="append", choices=training.STAGES, help="may be given several times; default: all")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device")
    options = vars(parser.parse_args())
    options["stages"] = options.pop("stage")
    try:
        training.run(**options)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except EmotiCrafterError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
