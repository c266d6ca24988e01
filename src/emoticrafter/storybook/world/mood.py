"""From a point of the valence-arousal plane to what a painter decides: light, colour, weather, life, motion.

Every property is a continuous function of valence and arousal. The rules and the findings that they follow:

- Saturation and brightness. Pleasure rises with brightness and saturation, arousal rises with saturation and falls with
  brightness (Valdez & Mehrabian 1994, "Effects of color on emotions", J. Exp. Psychol. Gen. 123, eqs. 1-2).
- Hue. Joy and cheer go with yellow and bright warm colours, sadness with grey and blue, fear and anger with black and red
  (Jonauskaite et al. 2020, "Universal patterns in color-emotion associations", Psychol. Sci. 31).
- Contrast, sharp edges. Angular, high-contrast patterns are read as threat and as activation (Bar & Neta 2006, "Humans
  prefer curved visual objects", Psychol. Sci. 17; Aronoff 2006, "How we recognize angry and happy emotion").
- Weather and light. Sunshine lifts mood, dull and rainy scenes lower it (Keller et al. 2005, "A warm heart and a clear
  head", Psychol. Sci. 16).
- Plants and order. Flourishing greenery is pleasant, decay and disorder are not (Ulrich 1983, "Aesthetic and affective
  response to natural environment"; Kotabe et al. 2016, "The order of disorder", J. Exp. Psychol. Gen. 145).
- Motion, density. Arousal rises with motion and with visual complexity (Detenber, Simons & Bennett 1998, "Roll 'em!", J.
  Broadcast. Electron. Media 42; Berlyne 1971, "Aesthetics and Psychobiology").
- Faces and posture. Smile and brow carry valence, opening of eyes and mouth carries arousal (Russell & Bullock 1985,
  "Multidimensional scaling of emotional facial expressions"; Wallbott 1998, "Bodily expression of emotion").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from emoticrafter.emotion import Emotion
from emoticrafter.storybook.world.canvas import Color, mix


def _ramp(x: float, low: float, high: float) -> float:
    """0 below `low`, 1 above `high`, smooth between."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


# Nine anchors over the plane, rows arousal -3, 0, 3, columns valence -3, 0, 3: (sky top, sky at the horizon, accent).
_ANCHORS: dict[tuple[int, int], tuple[Color, Color, Color]] = {
    (-1, -1): ((74, 98, 136), (170, 190, 208), (112, 124, 150)),
    (0, -1): ((176, 200, 220), (232, 236, 232), (176, 196, 204)),
    (1, -1): ((150, 160, 240), (255, 206, 190), (244, 176, 212)),
    (-1, 0): ((58, 64, 88), (124, 122, 136), (88, 92, 128)),
    (0, 0): ((104, 164, 226), (206, 230, 244), (232, 200, 112)),
    (1, 0): ((72, 158, 246), (255, 240, 196), (255, 214, 74)),
    (-1, 1): ((66, 22, 56), (214, 60, 34), (255, 92, 40)),
    (0, 1): ((28, 84, 196), (250, 190, 120), (255, 168, 40)),
    (1, 1): ((10, 120, 255), (255, 226, 80), (255, 64, 140)),
}


@dataclass(frozen=True)
class Mood:
    """The painter's decisions at one emotion. `v` and `a` are valence and arousal scaled to [-1, 1]."""

    v: float
    a: float

    @classmethod
    def of(cls, emotion: Emotion) -> Mood:
        return cls(emotion.valence / 3, emotion.arousal / 3)

    # Degrees 0..1 of the four directions and of the four corners of the plane.
    @cached_property
    def joy(self) -> float:
        return max(self.v, 0.0)

    @cached_property
    def gloom(self) -> float:
        return max(-self.v, 0.0)

    @cached_property
    def thrill(self) -> float:
        return max(self.a, 0.0)

    @cached_property
    def calm(self) -> float:
        return max(-self.a, 0.0)

    @cached_property
    def elation(self) -> float:
        """Pleasant and excited."""
        return _ramp(self.v, 0.0, 1.0) * _ramp(self.a, -0.2, 1.0)

    @cached_property
    def serenity(self) -> float:
        """Pleasant and calm."""
        return _ramp(self.v, 0.0, 1.0) * _ramp(-self.a, -0.2, 1.0)

    @cached_property
    def terror(self) -> float:
        """Unpleasant and excited."""
        return _ramp(-self.v, 0.0, 1.0) * _ramp(self.a, -0.2, 1.0)

    @cached_property
    def sorrow(self) -> float:
        """Unpleasant and calm."""
        return _ramp(-self.v, 0.0, 1.0) * _ramp(-self.a, -0.2, 1.0)

    # What scenery asks for.
    @cached_property
    def wind(self) -> float:
        """Bends trees, flags and rain; 0 (still) .. 1 (gale)."""
        return max(0.08 + 0.55 * self.a * (0.6 + 0.4 * abs(self.a)) + 0.35 * self.terror, 0.0)

    @cached_property
    def wave(self) -> float:
        """Height of waves, 0 (mirror) .. 1 (storm)."""
        return min(max(0.22 + 0.55 * self.a + 0.3 * self.terror, 0.0), 1.0)

    @cached_property
    def mist(self) -> float:
        """Fog between the planes of the picture, 0..0.75."""
        return self.calm * (0.46 + 0.2 * self.gloom)

    @cached_property
    def rain(self) -> float:
        """Falling rain (snow where it is cold), 0..1."""
        return _ramp(-self.v, 0.18, 1.0) * (0.55 + 0.45 * self.a * 0.9)

    @cached_property
    def decay(self) -> float:
        """Bare trees, broken and dark buildings, weeds, 0..1."""
        return _ramp(-self.v, 0.12, 0.95)

    @cached_property
    def bloom(self) -> float:
        """Blossom, flowers, lit windows, bunting, 0..1."""
        return _ramp(self.v, 0.05, 0.95)

    @cached_property
    def motion(self) -> float:
        """How much subjects move, 0 (still) .. 1."""
        return min(max(0.18 + 0.6 * self.a + 0.22 * abs(self.a) * self.a, 0.0), 1.0)

    # Colours.
    def _anchor(self, index: int) -> Color:
        column, row = (1 if self.v > 0 else -1), (1 if self.a > 0 else -1)
        x, y = abs(self.v), abs(self.a)
        near = mix(_ANCHORS[0, 0][index], _ANCHORS[column, 0][index], x)
        far = mix(_ANCHORS[0, row][index], _ANCHORS[column, row][index], x)
        return mix(near, far, y)

    @cached_property
    def sky_top(self) -> Color:
        return self._anchor(0)

    @cached_property
    def sky_low(self) -> Color:
        """The sky at the horizon; also the colour of mist."""
        return self._anchor(1)

    @cached_property
    def accent(self) -> Color:
        return self._anchor(2)

    def foliage(self, leaf: Color) -> Color:
        """A living colour as it looks here: fresh when pleasant, brown when not, vivid with arousal."""
        dead = mix((112, 104, 84), (96, 52, 48), self.thrill)
        fresh = mix(leaf, (120, 216, 84), 0.30 * self.joy * (0.4 + 0.6 * self.thrill))
        pale = mix(fresh, (176, 212, 186), 0.35 * self.calm * (1 - self.gloom))
        return mix(pale, dead, 0.75 * self.decay)

    def window(self, glass: Color = (164, 204, 232)) -> Color:
        """A window: lit and warm when pleasant, dark when not, red with fear."""
        lit = mix(glass, (255, 226, 130), self.bloom)
        return mix(lit, mix((38, 42, 56), (150, 40, 24), self.terror), self.decay)

    def wall(self, paint: Color) -> Color:
        """A painted surface: cheerful or weathered."""
        bright = mix(paint, (255, 250, 236), 0.10 * self.joy)
        return mix(bright, (110, 108, 112), 0.42 * self.decay)
