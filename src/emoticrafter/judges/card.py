"""The card of a judge: what it may be used for, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from emoticrafter.escapes import markdown
from emoticrafter.judges.trust import AXES, R2_FLOOR, Trust

if TYPE_CHECKING:
    from emoticrafter.judges.head import Head

__all__ = ["card_of", "trust_lines"]


def card_of(name: str, config: Mapping[str, Any], head: Head) -> str:
    """The text of card.md."""
    sizes = " to ".join(str(size) for size in (head.channels, *(len(bias) for _, bias in head.layers)))
    how = [f"- {markdown(key)}: {markdown(value)}" for key, value in head.about.items()]
    return "\n".join(
        [
            f"# {markdown(name)}",
            "",
            "This judge reads valence and arousal, -3 to 3, from pictures.",
            f"It is a head ({sizes}, activation {markdown(head.activation)}) on the",
            f"frozen image tower of {markdown(head.clip)}{', features at length 1' if head.unit else ''}.",
            "",
            f"- sha256 of the head: {markdown(config['sha256'])}",
            f"- sha256 of the tower: {markdown(head.fingerprint or 'unknown: any tower of that width is taken')}",
            *how,
            "",
            *trust_lines(head.trust),
            "",
        ]
    )


def trust_lines(trust: Trust) -> list[str]:
    """A validation as Markdown: figures, calibration, error by region."""
    if not trust.pictures or trust.valence is None or trust.arousal is None:
        return ["It was never validated: comparisons refuse it unless forced."]
    lines = [
        f"Validated on {markdown(trust.validated_on)}. Comparisons refuse a judge with an R2 below {R2_FLOOR:g} on either axis.",
        "",
    ]
    lines += ["| axis | R2 | Spearman | mean error | calibration slope | intercept |", "|---|---|---|---|---|---|"]
    for axis in AXES:
        one = getattr(trust, axis)
        lines.append(
            f"| {axis} | " + " | ".join(map(_three_digits, (one.r2, one.spearman, one.error, one.slope, one.intercept))) + " |"
        )
    if trust.valence.bins:
        lines += [
            "",
            "Calibration: what was read, and what was true on average.",
            "",
            "| axis | read | true | pictures |",
            "|---|---|---|---|",
        ]
        lines += [f"| {axis} | {r:+.2f} | {t:+.2f} | {n:.0f} |" for axis in AXES for r, t, n in getattr(trust, axis).bins]
    if trust.regions:
        lines += [
            "",
            "Error by region (thirds of each axis).",
            "",
            "| region | pictures | valence | arousal |",
            "|---|---|---|---|",
        ]
        for region, row in trust.regions.items():
            lines.append(
                f"| {markdown(region)} | {row['pictures']:.0f} | {row['valence_error']:.2f} | {row['arousal_error']:.2f} |"
            )
    return lines


def _three_digits(x: float) -> str:
    return "unknown" if math.isnan(x) else f"{x:.3f}"
