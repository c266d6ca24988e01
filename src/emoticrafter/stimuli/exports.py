"""What a set is handed on as: norms, conditions for PsychoPy and jsPsych, a study for the panel, a paragraph, a licence note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emoticrafter.data.sheets import read_sheet
from emoticrafter.data.values import number
from emoticrafter.errors import InputError
from emoticrafter.escapes import csv_text, script
from emoticrafter.stimuli.design import PROPERTIES, StimulusDesign
from emoticrafter.version import installed_version

__all__ = ["NORMS", "export_texts", "rated_norms"]

NORMS = "norms.csv"
COLUMNS = (
    "file", "cell", "content", "prompt", "people", "method", "seed", "valence_asked", "arousal_asked", "valence_judged",
    "arousal_judged", "valence_rated", "valence_rated_sd", "arousal_rated", "arousal_rated_sd", "raters", *PROPERTIES,
    "people_seen", "nearest", "sha256",
)  # fmt: skip
_SHOWN = (
    "cell",
    "content",
    "people",
    "valence_judged",
    "arousal_judged",
    *PROPERTIES,
)  # beside the file, in a program's conditions


def export_texts(design: StimulusDesign, rows: Sequence[Mapping[str, Any]], report: Mapping[str, Any]) -> dict[str, str]:
    """Each file of the set's folder but pictures and page, by its name, as text. rows: of the set, with `COLUMNS`."""
    return {
        NORMS: csv_text([COLUMNS, *([_cell(row.get(name)) for name in COLUMNS] for row in rows)]),
        "pictures.csv": _panel_source(rows),
        "study.toml": _study(design),
        "psychopy/conditions.csv": csv_text(
            [("image", *_SHOWN), *((f"../{row['file']}", *(_cell(row.get(name)) for name in _SHOWN)) for row in rows)]
        ),
        "jspsych/stimuli.js": _jspsych(rows),
        "methods.md": methods_text(design, rows, report),
        "LICENSE.md": licence_text(design),
    }


def rated_norms(path: Path, rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """What people rated, by the set's file: mean and sd of both axes, and the number of raters.

    path: the norms.csv of `panel analyse`. Pictures are known by prompt, seed and the emotion asked for. Raises MissingError, and
    InputError where none of its pictures is of this set.
    """
    sheet = read_sheet(path, marked=True)
    needed = ["prompt", "seed", "valence_asked", "arousal_asked", "valence_mean", "valence_people", "arousal_mean"]
    columns = sheet.find([*needed, "valence_sd", "arousal_sd"])
    sheet.require(needed, columns, "Give the norms.csv that `emoticrafter panel analyse` wrote.")
    files = {_key(row["prompt"], row["seed"], row["valence_asked"], row["arousal_asked"]): row["file"] for row in rows}
    found: dict[str, dict[str, float]] = {}
    for line in sheet.rows:
        if line.fault:
            raise sheet.fault(line)
        cells = {name: line.cells[at].strip() for name, at in columns.items()}
        key = _key(cells["prompt"], *(number(cells[name]) for name in ("seed", "valence_asked", "arousal_asked")))
        if key in files:
            found[files[key]] = {
                "valence_rated": number(cells["valence_mean"]), "valence_rated_sd": number(cells.get("valence_sd", "")),
                "arousal_rated": number(cells["arousal_mean"]), "arousal_rated_sd": number(cells.get("arousal_sd", "")),
                "raters": number(cells["valence_people"]),
            }  # fmt: skip
    if not found:
        raise InputError(
            f"None of the {len(sheet.rows)} pictures of {str(path)!r} is of this set.", "Rate study.toml of the set."
        )
    return found


def methods_text(design: StimulusDesign, rows: Sequence[Mapping[str, Any]], report: Mapping[str, Any]) -> str:
    """A paragraph for the methods section."""
    own, plane, wishes = design.drawing, design.plane, report["wishes"]
    matched = [f"{one['wish']}, {one['found']}" for one in wishes if one["held"] and one["wish"].startswith("matched in ")]
    missed = [f"{one['wish']} ({one['found']})" for one in wishes if not one["held"]]
    rated = f", and {report['rated']} pictures were rated by people, too: see norms.csv." if report["rated"] else "."
    parts = [
        f"The set {design.set.name!r} has {len(rows)} pictures, {design.set.per_cell} in each of {len(design.cells)} cells of the"
        f" plane of valence ({_list(plane.valences)}) and arousal ({_list(plane.arousals)}), both from -3 to 3.",
        f"They were drawn by EmotiCrafter {installed_version()} (backbone {own.backbone}, method {own.method}) from"
        f" {len(design.contents)} prompts; {report['candidates']:,} candidates were drawn, each from a seed of its own, and the"
        " set was chosen among them by a mixed-integer program that minimises the distance between the emotion asked for and the"
        f" one that the judge {report['judges']['emotion']['judge']} read, and the differences between cells in"
        f" {_words(design.matching.properties)}.",
        "No picture was changed.",
        f"{len(wishes) - len(missed)} of {len(wishes)} wishes hold" + (f": {'; '.join(matched)}." if matched else "."),
        f"Not held: {'; '.join(missed)}." if missed else "",
        "Luminance and contrast are mean and standard deviation of CIELAB L*; colourfulness after Hasler and Suesstrunk (2003);"
        f" complexity is bits per pixel as JPEG of quality 75. Feelings were read by a program{rated}",
    ]
    return "# Methods\n\n" + " ".join(part for part in parts if part) + "\n"


def licence_text(design: StimulusDesign) -> str:
    """Under what terms the set may be handed on, as far as this program can know."""
    storybook = design.drawing.backbone == "storybook"
    model = (
        "The pictures were drawn by the storybook model that ships with EmotiCrafter under the Apache License 2.0. EmotiCrafter"
        " claims no rights in them."
        if storybook
        else f"The pictures were drawn with the model {design.drawing.backbone!r}, whose licence decides what may be done with"
        " them: read it before you publish the set. EmotiCrafter itself claims no rights in them."
    )
    return (
        f"# Licence of the set {design.set.name}\n\n{model}\n\nWhether pictures that a program drew are protected at all differs"
        " between countries. A set for others is best given with a plain statement, such as CC0 1.0 or CC BY 4.0, by whoever"
        " publishes it. Every picture carries the recipe that it was drawn from; norms.csv holds a checksum of each.\n"
    )


def _panel_source(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table that `[[pictures]]` of a study reads."""
    columns = ("file", "valence", "arousal", "prompt", "method", "seed")
    names = {"valence": "valence_asked", "arousal": "arousal_asked"}
    return csv_text([columns, *([_cell(row[names.get(name, name)]) for name in columns] for row in rows)])


def _study(design: StimulusDesign) -> str:
    """A study in which people rate the set on the affect grid, to be changed as wanted."""
    return (
        "# Have people rate the set: emoticrafter panel serve study.toml\n"
        "# Then: emoticrafter panel analyse panels/NAME --out rated\n"
        "# Then: the command that made the set, with --norms rated/norms.csv\n\n"
        f'[study]\nkind = "rate"\nname = "{design.set.name}"\nseed = {design.set.seed}\n\n'
        '[rate]\ninstrument = "affect-grid"\n\n[design]\npractice = 2\nchecks = 3\nrepeats = 4\n\n'
        '[[pictures]]\nsource = "pictures.csv"\n'
    )


def _jspsych(rows: Sequence[Mapping[str, Any]]) -> str:
    """The set as timeline variables: JSON, which is JavaScript."""
    variables = [{"stimulus": f"../{row['file']}", **{name: row.get(name) for name in _SHOWN}} for row in rows]
    return (
        "// const trial = {type: jsPsychImageKeyboardResponse, stimulus: jsPsych.timelineVariable('stimulus'), choices: [' ']};\n"
        "// jsPsych.run([{timeline: [trial], timeline_variables: stimuli, randomize_order: true}]);\n"
        f"const stimuli = {script(variables)};\n"
    )


def _key(prompt: str, seed: float, valence: float, arousal: float) -> tuple[str, float, float, float]:
    return " ".join(prompt.split()), float(seed), round(float(valence), 4), round(float(arousal), 4)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return round(value, 4) if isinstance(value, float) else "" if value is None else value


def _list(values: Sequence[float]) -> str:
    return ", ".join(f"{one:g}" for one in values)


def _words(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or "nothing else"
