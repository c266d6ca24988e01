"""Commands that turn annotated pictures into training features, one module per step of the way."""

from __future__ import annotations

from emoticrafter.cli.commands import Commands

app = Commands(name="data", help="From annotated pictures to training features.", no_args_is_help=True)

from emoticrafter.cli.data import encode, importing, voting, writing  # noqa: E402, F401  each adds its commands
