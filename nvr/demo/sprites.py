"""Vehicles, drawn once per size, colour and light, and pasted from then on.

Shapes are in metres: x to the right from the vehicle's middle, y up from the road.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from .sky import Daylight

Kind = Literal["car", "van", "bus", "bike"]
View = Literal["rear", "front", "left", "right"]
Colour = tuple[int, int, int]

# Width across, length, height in metres.
DIMENSIONS_M: dict[Kind, tuple[float, float, float]] = {
    "car": (1.8, 4.3, 1.5),
    "van": (1.75, 4.0, 1.95),
    "bus": (2.5, 9.5, 3.1),
    "bike": (0.75, 1.95, 1.65),
}
_SUPERSAMPLE = 3
_GLASS = (44, 58, 72)
_TYRE = (24, 24, 26)
_HEADLIGHT = (255, 244, 206)
_TAIL_LIGHT = (226, 34, 30)


@dataclass(frozen=True, slots=True)
class Sprite:
    """A picture with premultiplied colour: result = colour + background * keep / 256."""

    colour: npt.NDArray[np.uint8]
    keep: npt.NDArray[np.uint16]

    def paste(self, picture: npt.NDArray[np.uint8], left: int, top: int) -> None:
        """Draw into a picture, in place; what lies outside is cut off."""
        height, width = self.colour.shape[:2]
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + width, picture.shape[1]), min(top + height, picture.shape[0])
        if x0 >= x1 or y0 >= y1:
            return
        part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        target = picture[y0:y1, x0:x1]
        target[...] = self.colour[part] + ((target * self.keep[part]) >> 8).astype(np.uint8)


def sprite(image: Image.Image) -> Sprite:
    """A sprite of an RGBA image."""
    rgba = np.asarray(image, np.uint16)
    alpha = rgba[:, :, 3:]
    return Sprite((rgba[:, :, :3] * alpha // 255).astype(np.uint8), 256 - (alpha * 256 + 254) // 255)


class _Sketch:
    """Drawing in metres on a transparent canvas with a margin for glow and shadow."""

    def __init__(self, width_m: float, height_m: float, px_per_m: float, light: Daylight) -> None:
        self.scale = px_per_m * _SUPERSAMPLE
        self.margin_m = 0.35
        self.size = (
            max(2, round((width_m + 2 * self.margin_m) * px_per_m)),
            max(2, round((height_m + 2 * self.margin_m) * px_per_m)),
        )
        self.image = Image.new("RGBA", (self.size[0] * _SUPERSAMPLE, self.size[1] * _SUPERSAMPLE), (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)
        self.light = light

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return self.image.width / 2 + x * self.scale, self.image.height - (y + self.margin_m) * self.scale

    def _lit(self, colour: Colour) -> Colour:
        red, green, blue = (min(255, int(c * t)) for c, t in zip(colour, self.light.tint, strict=True))
        return red, green, blue

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour, radius: float = 0.0) -> None:
        (left, bottom), (right, top) = self._at(x0, y0), self._at(x1, y1)
        self.draw.rounded_rectangle((left, top, right, bottom), radius * self.scale, fill=self._lit(colour))

    def shape(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        self.draw.polygon([self._at(*point) for point in points], fill=self._lit(colour))

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        (left, bottom), (right, top) = self._at(x - radius, y - radius), self._at(x + radius, y + radius)
        self.draw.ellipse((left, top, right, bottom), fill=self._lit(colour))

    def lamp(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """A light: shines by itself after dark."""
        if self.light.lamps:
            centre = self._at(x, y)
            for factor, alpha in ((3.0, 50), (2.1, 100), (1.4, 255)):
                reach = radius * factor * self.scale
                self.draw.ellipse(
                    (centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach), fill=(*colour, alpha)
                )
        else:
            self.disc(x, y, radius, colour)

    def shadow(self, half_width: float) -> None:
        (left, top), (right, bottom) = self._at(-half_width, 0.12), self._at(half_width, -0.22)
        self.draw.ellipse((left, top, right, bottom), fill=(0, 0, 0, 110))

    def finish(self) -> Image.Image:
        return self.image.resize(self.size, Image.Resampling.BOX)


# As many as both streets use at one level of daylight (some 1,800, 100 MB): with fewer, drawing costs four times as
# much.
@lru_cache(maxsize=2048)
def vehicle(kind: Kind, view: View, colour: Colour, px_per_m: float, light: Daylight) -> Sprite:
    """The sprite of a vehicle; it stands on the road `foot_px` above its lower edge."""
    width, length, height = DIMENSIONS_M[kind]
    across = view in ("rear", "front")
    sketch = _Sketch(width if across else length, height, px_per_m, light)
    sketch.shadow((width if across else length) * 0.54)
    if across:
        _across(sketch, kind, view == "front", colour)
    else:
        _along(sketch, kind, colour)
    image = sketch.finish()
    return sprite(image if view != "left" else image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))


def foot_px(px_per_m: float) -> int:
    """How far the road lies above a sprite's lower edge."""
    return round(0.35 * px_per_m)


def _across(sketch: _Sketch, kind: Kind, front: bool, colour: Colour) -> None:
    """From behind or from the front."""
    light = _HEADLIGHT if front else _TAIL_LIGHT
    if kind == "bike":
        sketch.box(-0.09, 0, 0.09, 0.62, _TYRE, 0.08)
        sketch.box(-0.17, 0.35, 0.17, 0.8, (60, 60, 64), 0.08)
        sketch.box(-0.37, 0.93, 0.37, 1.0, (40, 40, 42))
        sketch.box(-0.25, 0.72, 0.25, 1.32, colour, 0.12)
        sketch.disc(0, 1.47, 0.17, (226, 226, 222) if colour[0] < 150 else (40, 44, 60))
        sketch.lamp(0, 0.78, 0.09, light)
        return
    width, _, height = DIMENSIONS_M[kind]
    half = width / 2
    dark = (int(colour[0] * 0.72), int(colour[1] * 0.72), int(colour[2] * 0.72))
    for side in (-1, 1):
        sketch.box(side * (half - 0.17) - 0.14, 0, side * (half - 0.17) + 0.14, 0.5, _TYRE, 0.05)
    if kind == "bus":
        sketch.box(-half, 0.25, half, height, colour, 0.14)
        sketch.box(-half + 0.12, 1.35, half - 0.12, height - 0.5, _GLASS, 0.08)
        sketch.box(-0.75, height - 0.4, 0.75, height - 0.14, (250, 190, 60))
    else:
        waist = 0.88 if kind == "car" else 1.0
        inset = 0.26 if kind == "car" else 0.1
        sketch.shape(
            [(-half + 0.04, waist), (half - 0.04, waist), (half - inset, height), (-half + inset, height)], dark
        )
        sketch.shape(
            [
                (-half + 0.16, waist + 0.02),
                (half - 0.16, waist + 0.02),
                (half - inset - 0.08, height - 0.12),
                (-half + inset + 0.08, height - 0.12),
            ],
            _GLASS,
        )
        sketch.box(-half, 0.2, half, waist + 0.04, colour, 0.12)
    sketch.box(-half + 0.02, 0.2, half - 0.02, 0.4, (52, 52, 56), 0.05)
    sketch.box(-0.28, 0.42, 0.28, 0.56, (24, 24, 26) if front else (232, 232, 226))
    for side in (-1, 1):
        sketch.lamp(side * (half - 0.24), 0.66, 0.11, light)


def _along(sketch: _Sketch, kind: Kind, colour: Colour) -> None:
    """From the side, heading right."""
    _, length, height = DIMENSIONS_M[kind]
    half = length / 2
    if kind == "bike":
        for x in (-0.62, 0.62):
            sketch.disc(x, 0.29, 0.29, _TYRE)
            sketch.disc(x, 0.29, 0.13, (130, 130, 134))
        sketch.shape([(-0.8, 0.66), (-0.1, 0.74), (0.45, 0.5), (0.62, 0.9), (0.2, 0.34), (-0.5, 0.36)], (70, 70, 76))
        sketch.shape([(-0.4, 0.72), (0.02, 0.72), (0.14, 1.3), (-0.16, 1.34)], colour)
        sketch.shape([(0.05, 1.24), (0.5, 0.98), (0.48, 0.9), (0.02, 1.1)], colour)
        sketch.shape([(-0.3, 0.78), (0.14, 0.74), (0.2, 0.36), (0.06, 0.34)], (44, 48, 66))
        sketch.disc(0.02, 1.47, 0.17, (226, 226, 222) if colour[0] < 150 else (40, 44, 60))
        sketch.lamp(0.68, 0.86, 0.08, _HEADLIGHT)
        sketch.lamp(-0.8, 0.66, 0.06, _TAIL_LIGHT)
        return
    if kind == "car":
        sketch.shape([(-1.75, 0.85), (-1.3, height), (0.45, height), (1.15, 0.85)], colour)
        sketch.shape([(-1.52, 0.88), (-1.2, 1.38), (-0.45, 1.38), (-0.45, 0.88)], _GLASS)
        sketch.shape([(-0.36, 0.88), (-0.36, 1.38), (0.38, 1.38), (0.92, 0.88)], _GLASS)
        sketch.box(-half, 0.28, half, 0.92, colour, 0.2)
    elif kind == "van":
        sketch.shape(
            [(-half, 0.3), (-half, height - 0.1), (1.0, height), (1.7, 1.05), (half, 0.95), (half, 0.3)], colour
        )
        for x in (-1.75, -0.85, 0.05):
            sketch.box(x, 1.12, x + 0.76, 1.7, _GLASS, 0.06)
        sketch.shape([(0.95, 1.1), (0.95, 1.72), (1.08, 1.72), (1.52, 1.1)], _GLASS)
    else:
        sketch.box(-half, 0.3, half, height, colour, 0.2)
        sketch.box(-half + 0.2, 1.45, half - 0.1, 2.45, _GLASS, 0.1)
        for number in range(1, 7):
            x = -half + number * 1.34
            sketch.box(x, 1.4, x + 0.1, 2.5, colour)
        sketch.box(-half, 0.85, half, 1.05, (244, 244, 240))
    for x in (-half * 0.62, half * 0.62):
        sketch.disc(x, 0.33, 0.33, _TYRE)
        sketch.disc(x, 0.33, 0.16, (150, 150, 154))
    sketch.lamp(half - 0.1, 0.7, 0.11, _HEADLIGHT)
    sketch.lamp(-half + 0.09, 0.74, 0.1, _TAIL_LIGHT)
