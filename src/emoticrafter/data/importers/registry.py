"""The data sets that can be imported, by name: a file with `load`, and an entry here. The command line follows from it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoticrafter.extras import need_extra

if TYPE_CHECKING:
    import pandas as pd

    from emoticrafter.data.reports import ImportLedger

__all__ = ["DATA_SETS", "DataSet", "Loader"]

Loader = Callable[[Path, "ImportLedger"], "pd.DataFrame"]


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A data set whose annotations can be imported.

    origin: the module with `load(source, ledger)`, which gives the table of annotations (see `data.tables`). about: the help,
    which says what becomes of the ratings. file: the name of the file that its authors publish. needs: packages beside pandas
    and pyarrow. licence: goes into the table.
    """

    origin: str
    about: str
    file: str
    needs: tuple[str, ...] = ()
    licence: str | None = None

    def loader(self) -> Loader:
        """Raises MissingError where a package is not installed."""
        need_extra("data", "pandas", "pyarrow", *self.needs)
        load: Loader = importlib.import_module(self.origin).load
        return load

    def describe(self, name: str) -> dict[str, Any]:
        """What a table says of its origin: JSON values."""
        return {"importer": name, **({"licence": self.licence} if self.licence else {})}


_HERE = "emoticrafter.data.importers"
DATA_SETS = {
    "oasis": DataSet(
        origin=f"{_HERE}.oasis",
        about="Import the annotations of OASIS: ratings from 1 to 7 become x - 4.",
        file="OASIS.csv",
    ),
    "emotic": DataSet(
        origin=f"{_HERE}.emotic",
        about=(
            "Import the annotations of EMOTIC: ratings from 1 to 10 become (x - 5.5) / 1.5, the people of a picture are averaged."
        ),
        file="Annotations.mat",
        needs=("scipy",),
    ),
    "findingemo": DataSet(
        origin=f"{_HERE}.findingemo",
        about=(
            "Import the annotations of FindingEmo: arousal becomes a - 3, the annotators of a picture are averaged.\n\n"
            "Its licence, CC BY-NC-SA 4.0, allows no commercial use."
        ),
        file="annotations_single.ann",
        licence="CC BY-NC-SA 4.0",
    ),
}
