"""What a pilot's report says about people and contents, for planning the study that follows."""

from __future__ import annotations

import math
from pathlib import Path

from emoticrafter.errors import InputError
from emoticrafter.inputs.records import damaged, read_marked
from emoticrafter.panel.analysis.power import Spreads
from emoticrafter.panel.report.document import FORMAT, VERSION

__all__ = ["spreads_of"]


def spreads_of(pilot: Path, measure: str | None = None) -> Spreads:
    """Those of a pilot: of the mixed model of a measure, by default the first that has one. pilot: its report.json.

    Raises MissingError, and InputError for no report and for one whose measure has no model.
    """
    entries = read_marked(pilot, FORMAT, VERSION, "report of a study", "Write it again with `emoticrafter panel analyse`.")
    try:
        found = {one["name"]: (one["mixed"] or {}).get("fit") for one in entries["measures"]}
        fits = {name: fit["deviations"] for name, fit in found.items() if fit is not None}
        name = measure or next(iter(fits), None)
        if name not in fits:
            raise InputError(
                f"The pilot {str(pilot)!r} has no mixed model of {name or 'any measure'}.",
                f"It has: {', '.join(fits) or 'none; give --noise, --taste and --spread'}.",
                field="measure",
                value=measure,
            )
        own = {key: float(value) for key, value in fits[name].items()}
        both = math.sqrt(2)  # of a difference of two
        return Spreads(
            noise=own["rest"], taste=both * own.get("people by method", 0.0), contents=both * own.get("items by method", 0.0)
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(pilot, "report of a study", "Write it again with `emoticrafter panel analyse`.", error) from error
