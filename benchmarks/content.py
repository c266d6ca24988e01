"""Is the content kept? Classifiers of place and subjects look at the grids of the emotion benchmark and at neutral pictures.

A picture agrees on the place if the likeliest place is one that the prompt's word can mean; on the subjects, counting each of
the prompt's k kinds of subject, if it is among the k likeliest. `--pictures` shares the grids with the emotion benchmark.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.common import Report, parser, table
from benchmarks.grids import AXIS, POINTS, Drawer, add_options, flat
from benchmarks.world import find_sprites
from emoticrafter.evaluation.cases import StorybookCase, place_right, subjects_right
from emoticrafter.judges.storybook import Seen


def agreement(cases: Sequence[StorybookCase], seen: Sequence[Seen]) -> dict[str, Any]:
    """Shares of agreement, and what was most often taken for what. `seen` holds as many pictures of each case, in order."""
    each = len(seen) // len(cases)
    places = [place_right(cases[number // each].expected, one) for number, one in enumerate(seen)]
    subjects = [subjects_right(cases[number // each].expected, one) for number, one in enumerate(seen)]
    mistaken: Counter[tuple[str, str]] = Counter()
    for number, one in enumerate(seen):
        case = cases[number // each]
        if not places[number]:
            mistaken[case.scene.place, one.place] += 1
        wanted = case.expected.subjects
        first = one.subjects[: len(wanted)]
        wrong = [kind for kind in first if not any(kind in kinds for kinds in wanted)] or first
        mistaken.update(("/".join(sorted(kinds)), wrong[0]) for kinds in wanted if not kinds & set(first))
    return {
        "place": float(np.mean(places)),
        "subject": float(np.mean(subjects)),
        "all_subjects": float(np.mean(np.equal(subjects, 1))),
        "pictures": len(seen),
        "place_by_picture": places,
        "subject_by_picture": subjects,
        "mistaken": [{"prompt": wanted, "picture": seen, "times": times} for (wanted, seen), times in mistaken.most_common(15)],
    }


def worst_prompts(cases: Sequence[StorybookCase], figures: dict[str, Any], number: int = 8) -> list[dict[str, Any]]:
    places = np.reshape(figures["place_by_picture"], (len(cases), -1)).mean(axis=1)
    subjects = np.reshape(figures["subject_by_picture"], (len(cases), -1)).mean(axis=1)
    order = np.argsort(places + subjects)[:number]
    return [{"prompt": cases[i].prompt, "place": places[i], "subject": subjects[i]} for i in order]


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser("content", __doc__)
    add_options(options)
    options.add_argument("--strength", type=float, help="by default the checkpoint's own")
    options.add_argument("--noises", type=int, default=5, help="neutral pictures of each prompt")
    given = options.parse_args(arguments)
    if given.smoke:
        given.prompts, given.steps, given.noises = 2, 1, 2
    report, drawer = Report("content", given), Drawer(given)
    classifier = drawer.judge("content")

    def seen(pictures: np.ndarray) -> list[Seen]:
        return [Seen(place=place, subjects=tuple(odds), people=0.0) for place, odds in classifier.contents(pictures)]

    sprites = find_sprites(given.smoke)
    grids, neutral = drawer.kept(given.strength)
    rows = {
        f"strength {drawer.strength(given.strength):g}": agreement(drawer.cases, seen(flat(grids))),
        "neutral": agreement(drawer.cases, seen(drawer.several(neutral, given.noises))),
        "rendered scenes": agreement(drawer.cases, seen(flat(drawer.rendered(sprites)))),
    }
    ours = next(iter(rows.values()))
    cells = {
        name: np.reshape(ours[f"{name}_by_picture"], (-1, len(POINTS))).mean(axis=0).reshape(len(AXIS), len(AXIS))
        for name in ("place", "subject")
    }
    worst = worst_prompts(drawer.cases, ours)
    for row in rows.values():
        del row["place_by_picture"], row["subject_by_picture"]
    report.figures = {
        "prompts": [case.prompt for case in drawer.cases],
        "classifier": classifier.figures,
        "sprites": type(sprites).__name__,
        "rows": rows,
        "cells": {"order": "rows: arousal from 3 to -3; columns: valence from -3 to 3", **cells},
        "worst": worst,
    }
    for name, key, place, subject in (("grid", ours, 0.95, 0.85), ("neutral", rows["neutral"], 0.98, 0.92)):
        report.bar(f"{name}: place", key["place"], least=place)
        report.bar(f"{name}: subject", key["subject"], least=subject)
    keys = ("place", "subject", "all_subjects", "pictures")
    shown = table("agreement with the prompt", ("", *keys), [(name, *(row[key] for key in keys)) for name, row in rows.items()])
    confused = [(f"{one['prompt']} taken for {one['picture']}", one["times"]) for one in ours["mistaken"][:8]]
    weak = [(one["prompt"], float(one["place"]), float(one["subject"])) for one in worst]
    report.finish(shown, table("mistaken", ("", "times"), confused), table("worst prompts", ("", "place", "subject"), weak))


if __name__ == "__main__":
    main()
