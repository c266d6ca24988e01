"""A contact sheet: one scene over the plane of emotions, arousal upwards and valence to the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from emoticrafter.emotion import grid
from emoticrafter.errors import InputError
from emoticrafter.escapes import plain
from emoticrafter.picture import Picture

__all__ = ["contact_sheet", "sheet_size"]

_PAPER = (252, 251, 248)
_INK = (38, 38, 44)
_GREY = (122, 121, 128)
_LINE = (206, 204, 200)
_SMOOTH = 4  # corners and arrows are drawn this much larger, then reduced

# Tried in turn when a title needs letters that Pillow's own font lacks; what no font has is left out.
_OTHER_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "NotoSansCJK-Regular.ttc", "Arial Unicode.ttf", "arial.ttf", "msyh.ttc")

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def contact_sheet(
    pictures: Sequence[Picture | Image.Image], valences: Sequence[float], arousals: Sequence[float], title: str = ""
) -> Image.Image:
    """Lay pictures out as a labelled grid; all are drawn at the size of the first.

    pictures: in the order of `emotion.grid(valences, arousals)`, that is row by row, the highest arousal first. Returns an
    RGB image whose type and margins grow with the cells. Raises InputError if the number of pictures does not fit.
    """
    emotions = grid(valences, arousals)
    if len(pictures) != len(emotions):
        raise InputError(f"{len(pictures)} pictures were given for a grid of {len(emotions)}.", "Give one per emotion.")
    images = [p if isinstance(p, Image.Image) else p.image for p in pictures]
    columns = sorted({e.valence for e in emotions})
    rows = sorted({e.arousal for e in emotions}, reverse=True)

    wide, high = images[0].size
    plan = _plan(images[0].size, columns, rows, title)
    unit, gap, left, top, inner_wide, inner_high = plan.unit, plan.gap, plan.left, plan.top, plan.inner_wide, plan.inner_high
    sheet = Image.new("RGB", plan.size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, line in enumerate(plan.lines):
        draw.text((left, round(1.4 * unit) + i * plan.leading), line, _INK, plan.title_font)
    mask = _rounded((wide, high), max(2, wide // 28))
    for i, image in enumerate(images):
        row, column = divmod(i, len(columns))
        place = (left + column * (wide + gap), top + row * (high + gap))
        sheet.paste(image.convert("RGB").resize((wide, high), Image.Resampling.LANCZOS), place, mask)

    for i, value in enumerate(columns):
        x, y = left + i * (wide + gap) + wide // 2, top + inner_high + round(0.6 * unit)
        draw.text((x, y), f"{value:g}", _INK, plan.number_font, anchor="ma")
    for i, value in enumerate(rows):
        y = top + i * (high + gap) + high // 2
        draw.text((left - round(0.6 * unit), y), f"{value:g}", _INK, plan.number_font, anchor="rm")
    across = _axis(inner_wide, unit, "unpleasant", "valence", "pleasant")
    sheet.paste(across, (left, top + inner_high + round(2.1 * unit)))
    upward = _axis(inner_high, unit, "calm", "arousal", "excited").transpose(Image.Transpose.ROTATE_90)
    sheet.paste(upward, (round(0.5 * unit), top))
    return sheet


def sheet_size(cell: tuple[int, int], valences: Sequence[float], arousals: Sequence[float], title: str = "") -> tuple[int, int]:
    """The width and height in pixels of the contact sheet of pictures of this size."""
    return _plan(cell, sorted(set(valences)), sorted(set(arousals), reverse=True), title).size


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """Where everything goes on a sheet, in pixels. unit: the height of a number."""

    unit: int
    gap: int
    left: int
    top: int
    inner_wide: int
    inner_high: int
    size: tuple[int, int]
    leading: int
    lines: list[str]
    title_font: Font
    number_font: Font


def _plan(cell: tuple[int, int], columns: Sequence[float], rows: Sequence[float], title: str) -> _Plan:
    wide, high = cell
    unit = min(max(min(wide, high) // 9, 12), 72)
    gap = max(3, wide // 32)
    number_font = ImageFont.load_default(unit)
    widest = max(number_font.getlength(f"{value:g}") for value in rows)
    left, right, bottom = round(2.9 * unit + widest), round(1.4 * unit), round(4.0 * unit)
    inner_wide, inner_high = len(columns) * (wide + gap) - gap, len(rows) * (high + gap) - gap
    title_font, title = _title_font(title, round(1.5 * unit))
    lines = _wrap(title, title_font, inner_wide)
    leading = round(2.0 * unit)
    top = round(1.4 * unit) + (len(lines) * leading + round(0.6 * unit) if lines else 0)
    return _Plan(
        unit=unit, gap=gap, left=left, top=top, inner_wide=inner_wide, inner_high=inner_high, leading=leading, lines=lines,
        size=(left + inner_wide + right, top + inner_high + bottom), title_font=title_font, number_font=number_font,
    )  # fmt: skip


def _axis(length: int, unit: int, low: str, name: str, high: str) -> Image.Image:
    """A strip of `length` pixels: the ends of the axis in words, its name in the middle, an arrow between them."""
    strip = Image.new("RGB", (length, round(1.5 * unit)), _PAPER)
    draw = ImageDraw.Draw(strip)
    font = ImageFont.load_default(round(0.95 * unit))
    middle = round(0.7 * unit)
    ends = draw.textlength(low, font) + draw.textlength(high, font)
    half = draw.textlength(name, font) / 2
    if ends + 2 * half + 3 * unit > length:  # a single column: the name alone
        draw.text((length / 2, middle), name, _GREY, font, anchor="mm")
        return strip
    draw.text((0, middle), low, _GREY, font, anchor="lm")
    draw.text((length / 2, middle), name, _INK, font, anchor="mm")
    draw.text((length, middle), high, _GREY, font, anchor="rm")
    pad = 0.7 * unit
    from_low = (draw.textlength(low, font) + pad, length / 2 - half - pad)
    to_high = (length / 2 + half + pad, length - draw.textlength(high, font) - pad)
    thick = max(1, unit // 12)
    for start, end in (from_low, to_high):
        if end - start > unit:
            draw.line((start, middle, end, middle), _LINE, thick)
    if to_high[1] - to_high[0] > unit:
        side = max(4, round(0.5 * unit))
        head = Image.new("L", (side * _SMOOTH, side * _SMOOTH), 0)
        ImageDraw.Draw(head).polygon([(0, 0), (head.width, head.height / 2), (0, head.height)], 255)
        place = (round(to_high[1]) - side // 2, middle - side // 2)
        strip.paste(_LINE, place, head.resize((side, side), Image.Resampling.BOX))
    return strip


def _rounded(size: tuple[int, int], radius: int) -> Image.Image:
    large = Image.new("L", (size[0] * _SMOOTH, size[1] * _SMOOTH), 0)
    ImageDraw.Draw(large).rounded_rectangle((0, 0, large.width - 1, large.height - 1), radius * _SMOOTH, 255)
    return large.resize(size, Image.Resampling.BOX)


def _title_font(title: str, size: int) -> tuple[Font, str]:
    """A font for the title, and the title without what the font cannot draw."""
    title = " ".join(plain(title, 2000).split())
    best: tuple[Font, str] | None = None
    for name in (None, *_OTHER_FONTS):
        try:
            font = ImageFont.load_default(size) if name is None else ImageFont.truetype(name, size)
        except OSError:
            continue
        drawn = _drawable(title, font)
        if best is None or len(drawn) > len(best[1]):
            best = font, drawn
        if drawn == title:
            break
    assert best is not None  # the first font comes with Pillow
    return best[0], " ".join(best[1].split())


def _drawable(text: str, font: Font) -> str:
    absent = bytes(font.getmask("\uffff"))  # the box that stands for a missing letter
    return "".join(c for c in text if c == " " or bytes(font.getmask(c)) != absent)


def _wrap(text: str, font: Font, width: int, most: int = 2) -> list[str]:
    """Split at spaces into `most` lines of `width` pixels; the last one ends in dots if something is left."""
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < most:
        taken = 1
        while taken < len(words) and font.getlength(" ".join(words[: taken + 1])) <= width:
            taken += 1
        lines.append(" ".join(words[:taken]))
        words = words[taken:]
        cut = bool(words) and len(lines) == most
        if cut or font.getlength(lines[-1]) > width:
            line = lines[-1][:500]
            while line and font.getlength(f"{line}...") > width:
                line = line[:-1]
            lines[-1] = f"{line.rstrip()}..." if line else ""
    return [line for line in lines if line]
