"""Draw the pictures of docs/storybook.md with the world's own renderer; needs the sprites (`make sprites`).

docs/pictures/world.webp: every place at the middle and the four corners of the plane. world-plane.webp: one scene over it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from emoticrafter.emotion import Emotion, grid
from emoticrafter.files import atomic_path
from emoticrafter.sheet import contact_sheet
from emoticrafter.storybook.world import Scene, Subject, render
from emoticrafter.storybook.world.scene import PLACES

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
PAPER, INK, GREY = (252, 251, 248), (38, 38, 44), (122, 121, 128)
SIDE, GAP, ACROSS = 160, 6, 9  # pixels of a picture and between them; places in a band
LEFT, TOP, BETWEEN = 146, 50, 28

MOODS = {
    "excited\nand pleasant": Emotion(valence=2.6, arousal=2.4),
    "calm\nand pleasant": Emotion(valence=2.6, arousal=-2.4),
    "neutral": Emotion.neutral(),
    "calm and\nunpleasant": Emotion(valence=-2.6, arousal=-2.4),
    "excited and\nunpleasant": Emotion(valence=-2.6, arousal=2.4),
}


def scene(place: str, *subjects: str, relation: str | None = None, time: str = "day", seed: int = 0) -> Scene:
    """A scene whose subjects are written as KIND or KIND:ACTION or KIND:ACTION:CLOTHES."""
    made = []
    for text in subjects:
        kind, action, clothes = [*text.split(":"), "", ""][:3]
        made.append(Subject(kind=kind, action=action or "standing", clothes=clothes or None))
    return Scene(place=place, time=time, subjects=tuple(made), relation=relation, seed=seed)


SCENES = (
    scene("playground", "girl:jumping:red", seed=3),
    scene("beach", "dog:running", "ball", relation="chasing", seed=1),
    scene("forest", "deer", seed=5),
    scene("street", "bus:driving", seed=2),
    scene("room", "grandmother:reading", seed=4),
    scene("lake", "swan", seed=6),
    scene("meadow", "girl:walking:blue", "boy:walking:yellow", relation="hand_in_hand", seed=2),
    scene("harbour", "sailboat", seed=1),
    scene("desert", "camel", seed=3),
    scene("snowy_village", "snowman", seed=2),
    scene("night_city", "taxi:driving", time="night", seed=1),
    scene("park", "grandfather:sitting", "grandmother:sitting", relation="on_bench", seed=7),
    scene("school", "boy:reading:green", seed=2),
    scene("hospital", "doctor:waving", seed=1),
    scene("cemetery", "cat", seed=4),
    scene("market", "woman:holding_umbrella:purple", seed=1),
    scene("farm", "tractor:driving", seed=2),
    scene("castle", "dinosaur", time="evening", seed=1),
)
OVER_THE_PLANE = scene("park", "boy:flying_kite:red", "dog", relation="beside", seed=7)


def places_sheet() -> Image.Image:
    """Places in bands of nine columns, moods as rows."""
    assert [one.place for one in SCENES] == list(PLACES)
    bands = [SCENES[i : i + ACROSS] for i in range(0, len(SCENES), ACROSS)]
    band_high = TOP + len(MOODS) * (SIDE + GAP)
    size = (LEFT + ACROSS * (SIDE + GAP) + 24, len(bands) * band_high + BETWEEN)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    name_font, mood_font = ImageFont.load_default(19), ImageFont.load_default(16)
    corner = Image.new("L", (4 * SIDE, 4 * SIDE), 0)
    ImageDraw.Draw(corner).rounded_rectangle((0, 0, 4 * SIDE - 1, 4 * SIDE - 1), 28, 255)
    mask = corner.resize((SIDE, SIDE), Image.Resampling.BOX)
    for band, scenes in enumerate(bands):
        top = band * band_high + TOP
        for row, mood in enumerate(MOODS):
            at = (LEFT - 12, top + row * (SIDE + GAP) + SIDE // 2)
            draw.multiline_text(at, mood, GREY, mood_font, anchor="rm", align="right")
        for column, one in enumerate(scenes):
            left = LEFT + column * (SIDE + GAP)
            draw.text((left + SIDE // 2, top - 12), one.place.replace("_", " "), INK, name_font, anchor="ms")
            for row, emotion in enumerate(MOODS.values()):
                sheet.paste(_drawn(one, emotion), (left, top + row * (SIDE + GAP)), mask)
    return sheet


def plane_sheet() -> Image.Image:
    axis = np.linspace(-3, 3, 5).tolist()
    pictures = [_drawn(OVER_THE_PLANE, emotion) for emotion in grid(axis, axis)]
    return contact_sheet(pictures, axis, axis, title="a boy flying a kite beside a dog in the park")


def _drawn(one: Scene, emotion: Emotion) -> Image.Image:
    return Image.fromarray(render(one, emotion, SIDE))


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, sheet in (("world", places_sheet()), ("world-plane", plane_sheet())):
        path = PICTURES / f"{name}.webp"
        with atomic_path(path, force=True) as temporary:
            sheet.save(temporary, quality=75, method=6)  # a third of what `Picture.save` makes
        print(path)


if __name__ == "__main__":
    main()
