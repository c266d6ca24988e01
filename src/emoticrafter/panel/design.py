"""In which order whom what is shown: counterbalanced by Latin squares, the rest from the study's seed.

A participant's sequence number is read as digits of a mixed base, one per factor: the order of the methods, the order of the
axes, which picture of a comparison stands first, which window of the contents is seen, and the order of these. All combinations
of rows thus occur equally often in a whole cycle of sequences, and no factor hides behind another. Orders are rows of Williams'
squares: each condition stands at each place, and follows each other condition, equally often.

E. J. Williams (1949), "Experimental designs balanced for the estimation of residual effects of treatments", Australian Journal of
Scientific Research A 2, 149-168.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from emoticrafter.errors import InputError
from emoticrafter.panel.questions import check_question, questions_of
from emoticrafter.panel.study import Study
from emoticrafter.panel.trials import Trial
from emoticrafter.panel.units import Unit, Units

__all__ = ["Balance", "balance", "lay_out", "williams_row", "williams_rows"]


def williams_rows(n: int) -> int:
    """How many rows Williams' square of n conditions has: n where that is even, else 2 n."""
    return n if n % 2 == 0 or n == 1 else 2 * n


def williams_row(n: int, row: int) -> list[int]:
    """Row `row` of the square, a permutation of 0 to n - 1.

    The first is 0, 1, n-1, 2, n-2, ...; each further one adds 1 to all entries, modulo n; for odd n the mirrored rows follow.
    """
    zigzag = [(i + 1) // 2 if i % 2 else -(i // 2) for i in range(n)]
    ordered = [(entry + row) % n for entry in zigzag]
    return ordered[::-1] if row % williams_rows(n) >= n else ordered


@dataclass(frozen=True, kw_only=True)
class Balance:
    """What a person sees, and how many people make the design whole.

    contents: in the study, without those of the practice; seen: by each person. whole: people after which methods, axes and
    places within a comparison are balanced for those who see the same contents; covered: after which every content was seen
    equally often, too; cycle: after which the order of the contents is balanced as well, and sequences begin anew.
    """

    contents: int
    seen: int
    practice: int
    trials: int
    whole: int
    covered: int
    cycle: int


def balance(study: Study, units: Units) -> Balance:
    """Raises InputError where there are fewer contents than the design needs."""
    design = study.design
    contents = len(units.contents) - design.practice
    if contents < 1:
        raise InputError(
            f"The study has {len(units.contents)} contents, of which design.practice keeps {design.practice} for practice.",
            "Draw more, or set design.practice lower.",
        )
    seen = contents if design.contents is None else design.contents
    if seen > contents:
        raise InputError(
            f"design.contents is {seen}; the study has {contents} beside those for practice.", "Draw more, or see fewer."
        )
    whole = williams_rows(len(units.conditions)) * williams_rows(len(units.axes)) * (2 if study.kind == "compare" else 1)
    covered = whole * (contents // math.gcd(contents, seen))
    passes = len(units.conditions) if design.methods == "within" else 1
    main = seen * passes * len(units.axes)
    if design.repeats > main // 2:
        raise InputError(
            f"design.repeats is {design.repeats}; of {main} trials at most {main // 2} can be repeated.", "Set it lower."
        )
    trials = design.practice + main + design.repeats + design.checks
    return Balance(
        contents=contents, seen=seen, practice=design.practice, trials=trials, whole=whole, covered=covered,
        cycle=covered * williams_rows(seen),
    )  # fmt: skip


def lay_out(study: Study, units: Units, sequence: int) -> tuple[Trial, ...]:
    """All trials of the participant who follows row `sequence` of the design, from 0 on; the same ones whenever it is asked."""
    told = balance(study, units)
    at = sequence % told.cycle
    order = list(units.contents)
    _random(study, "contents").shuffle(order)
    practice, contents = order[told.contents :], order[: told.contents]

    at, method_row = divmod(at, williams_rows(len(units.conditions)))
    at, axis_row = divmod(at, williams_rows(len(units.axes)))
    at, flipped = divmod(at, 2) if study.kind == "compare" else (at, 0)
    content_row, window = divmod(at, told.covered // told.whole)
    # Rows that differ in other digits also begin at other contents: few people, too, see each content at different places.
    content_row += sequence % told.whole
    first = window * told.seen % told.contents
    seen = [(first + i) % told.contents for i in range(told.seen)]

    def show(content: int, passed: int, axis: str | None, name: str) -> Trial:
        row = williams_row(len(units.conditions), method_row + content)
        number = row[passed]
        unit = units.by_place[contents[content], units.conditions[number], axis]
        return _trial(study, units, unit, f"{sequence}/{name}", (flipped + content + number) % 2 == 1)

    blocks: list[list[Trial]] = []
    for block, axis_number in enumerate(williams_row(len(units.axes), axis_row)):
        axis, shown = units.axes[axis_number], []
        for passed in range(len(units.conditions) if study.design.methods == "within" else 1):
            for place in williams_row(len(seen), content_row + block):
                shown.append(replace(show(seen[place], passed, axis, f"{axis}/{passed}"), block=block))
        blocks.append(shown)

    tried = []
    for one in practice:
        unit = units.by_place[one, units.conditions[method_row % len(units.conditions)], blocks[0][0].axis]
        tried.append(replace(_trial(study, units, unit, f"{sequence}/practice", False), part="practice"))
    return tuple(_numbered(study, tried, blocks, sequence))


def _numbered(study: Study, practice: list[Trial], blocks: list[list[Trial]], sequence: int) -> Iterator[Trial]:
    """All in their places: practice, then the blocks, each with its repeats at its end, and checks between them."""
    chance = _random(study, f"{sequence}/order")
    laid: list[tuple[Trial, Trial | None]] = [(one, None) for one in practice]
    for number, block in enumerate(blocks):
        share = study.design.repeats // len(blocks) + (number < study.design.repeats % len(blocks))
        again = chance.sample(block[: max(share, len(block) // 2)], share)
        laid += [(one, None) for one in block]
        laid += [(_reshuffled(one, _random(study, f"{sequence}/again/{one.unit}")), one) for one in again]
    apart = (len(laid) - len(practice)) / (study.design.checks + 1)
    for check in range(study.design.checks, 0, -1):  # from behind, so that places stay
        place = len(practice) + min(len(laid) - len(practice), max(1, round(check * apart + chance.uniform(-0.25, 0.25) * apart)))
        laid.insert(place, (_check(check, laid[place - 1][0].block, chance), None))
    numbers = {id(one): number for number, (one, _) in enumerate(laid, 1)}
    for number, (one, first) in enumerate(laid, 1):
        repeated = None if first is None else numbers[id(first)]
        yield replace(one, trial=number, repeat_of=repeated, part=one.part if first is None else "repeat")


def _trial(study: Study, units: Units, unit: Unit, name: str, flipped: bool) -> Trial:
    pictures = list(unit.pictures)
    if study.kind == "compare" and flipped:
        pictures.reverse()
    if study.kind == "rank":
        pictures = _shuffled(pictures, list(unit.pictures), _random(study, f"{name}/{unit.id}"))
    found = [units.pictures[one] for one in pictures]
    return Trial(
        trial=0,
        part="main",
        block=0,
        unit=unit.id,
        content=unit.content,
        pictures=tuple(pictures),
        methods=tuple(one.method for one in found),
        valences=tuple(one.valence for one in found),
        arousals=tuple(one.arousal for one in found),
        prompt=unit.prompt,
        prompt_id=unit.prompt_id,
        seed=unit.seed,
        valence=unit.valence,
        arousal=unit.arousal,
        neutral=unit.neutral,
        axis=unit.axis,
        repeat_of=None,
        questions=tuple(questions_of(study, unit.axis, pictures)),
    )


def _check(number: int, block: int, chance: random.Random) -> Trial:
    """A trial that says what to answer; never the middle, which many give who do not read."""
    right = float(chance.choice([1, 2, 4, 5]))
    return Trial(
        trial=0, part="check", block=block, unit=f"check-{number}", content=f"check-{number}", pictures=(), methods=(),
        valences=(), arousals=(), prompt=None, prompt_id=None, seed=None, valence=None, arousal=None, neutral=None, axis=None,
        repeat_of=None, questions=(check_question(right),),
    )  # fmt: skip


def _reshuffled(trial: Trial, chance: random.Random) -> Trial:
    """The same trial with a set in another order of its pictures."""
    if trial.questions[0].instrument != "rank":
        return replace(trial)
    by_axis = trial.valences if trial.axis == "valence" else trial.arousals
    ordered = [one for _, one in sorted(zip(by_axis, trial.pictures, strict=True))]
    order = _shuffled(list(trial.pictures), ordered, chance)
    places = [trial.pictures.index(one) for one in order]
    first, *rest = trial.questions
    asked = {one.picture: one for one in rest}
    return replace(
        trial,
        pictures=tuple(order),
        methods=tuple(trial.methods[i] for i in places),
        valences=tuple(trial.valences[i] for i in places),
        arousals=tuple(trial.arousals[i] for i in places),
        questions=(first, *(asked[one] for one in order if one in asked)),
    )


def _shuffled(pictures: list[str], ordered: list[str], chance: random.Random) -> list[str]:
    """In an order that is neither the right one nor its reverse: whoever leaves it as it is has answered wrongly."""
    while True:
        order = chance.sample(pictures, len(pictures))
        if order not in (ordered, ordered[::-1]):
            return order


def _random(study: Study, name: str) -> random.Random:
    return random.Random(f"{study.study.seed}/{study.name}/{name}")
