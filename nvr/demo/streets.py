"""The two places the virtual cameras look at: their backgrounds and the lanes of their traffic.

Backgrounds are drawn at twice their size and reduced; coordinates here are those of the 640 x 360 picture.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from . import sky
from .sky import Daylight
from .traffic import Lane

WIDTH_PX = 640
HEIGHT_PX = 360
_SCALE = 2

Point = tuple[float, float]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Street:
    """A place: how to paint it in a given light, its lanes, and its signal heads (x, y, radius, crossing street's)."""

    paint: Callable[[Daylight], Image.Image]
    lanes: Callable[[], list[Lane]]
    signals: Sequence[tuple[int, int, int, bool]]


class _Canvas:
    def __init__(self, light: Daylight, horizon: int, seed: int) -> None:
        self.light = light
        self.image = sky.paint((WIDTH_PX * _SCALE, HEIGHT_PX * _SCALE), horizon * _SCALE, light, seed)
        self.draw = ImageDraw.Draw(self.image)
        self.glow = Image.new("RGB", self.image.size)
        self._glow_draw = ImageDraw.Draw(self.glow)

    def lit(self, colour: Colour) -> Colour:
        red, green, blue = (max(0, min(255, int(c * t))) for c, t in zip(colour, self.light.tint, strict=True))
        return red, green, blue

    def shape(self, points: Sequence[Point], colour: Colour, *, shines: bool = False) -> None:
        fill = colour if shines else self.lit(colour)
        self.draw.polygon([(x * _SCALE, y * _SCALE) for x, y in points], fill=fill)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour, *, shines: bool = False) -> None:
        self.shape(((x0, y0), (x1, y0), (x1, y1), (x0, y1)), colour, shines=shines)

    def disc(self, x: float, y: float, rx: float, ry: float, colour: Colour, *, shines: bool = False) -> None:
        box = ((x - rx) * _SCALE, (y - ry) * _SCALE, (x + rx) * _SCALE, (y + ry) * _SCALE)
        self.draw.ellipse(box, fill=colour if shines else self.lit(colour))

    def shine(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """Light that falls on what is around (x, y) after dark."""
        if self.light.lamps:
            box = ((x - rx) * _SCALE, (y - ry) * _SCALE, (x + rx) * _SCALE, (y + ry) * _SCALE)
            self._glow_draw.ellipse(box, fill=colour)

    def tree(self, x: float, foot: float, height: float, dice: random.Random) -> None:
        trunk = height * 0.05
        self.box(x - trunk, foot - height * 0.55, x + trunk, foot, (92, 70, 52))
        for _ in range(26):
            dx, dy = dice.uniform(-0.34, 0.34), dice.uniform(-0.30, 0.26)
            shade = dice.uniform(0.75, 1.15) - dy * 0.6
            leaf = (int(52 * shade), int(104 * shade), int(50 * shade))
            size = height * dice.uniform(0.09, 0.17)
            self.disc(x + dx * height, foot - height * 0.70 + dy * height, size, size * 0.8, leaf)

    def windows(self, x0: float, y0: float, x1: float, y1: float, step: Point, dice: random.Random) -> None:
        y = y0
        while y + step[1] * 0.55 <= y1:
            x = x0
            while x + step[0] * 0.55 <= x1:
                on = self.light.lamps and dice.random() < 0.45
                colour = (250, 214, 138) if on else (86, 104, 120)
                self.box(x, y, x + step[0] * 0.55, y + step[1] * 0.55, colour, shines=on)
                x += step[0]
            y += step[1]

    def finish(self) -> Image.Image:
        if self.light.lamps:
            small = self.glow.resize((WIDTH_PX, HEIGHT_PX)).filter(ImageFilter.GaussianBlur(9))
            return ImageChops.add(self.image.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BOX), small)
        return self.image.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BOX)


def _grain(image: Image.Image, below: int, seed: int) -> Image.Image:
    """Asphalt is never one flat colour."""
    pixels = np.asarray(image, np.int16).copy()
    noise = np.random.default_rng(seed).normal(0, 2.2, (HEIGHT_PX - below, WIDTH_PX, 1))
    pixels[below:] += noise.astype(np.int16)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8), "RGB")


# Simpang Lima: a junction seen along the main road from a mast 5 m high ---------------------------------------------

_HORIZON = 122
_VANISH_X = 316
_NEAR_M = 8.0  # the distance that the picture's lower edge shows
_NEAR_PX_PER_M = 45.0
_FAR_M = 150.0
_JUNCTION_M = (17.5, 30.0)


def _ground(across_m: float, distance_m: float) -> Point:
    """Where a point of the road lies in the picture: metres right of the middle line, metres from the camera."""
    near = _NEAR_M / distance_m
    return _VANISH_X + across_m * _NEAR_PX_PER_M * near, _HORIZON + (HEIGHT_PX - _HORIZON) * near


def _quad(across: tuple[float, float], distance: tuple[float, float]) -> list[Point]:
    return [
        _ground(across[0], distance[0]),
        _ground(across[1], distance[0]),
        _ground(across[1], distance[1]),
        _ground(across[0], distance[1]),
    ]


_NEAR_SIGNAL = _ground(-8.2, 16.6)
_FAR_SIGNAL = _ground(8.3, 33.0)


def _paint_simpang_lima(light: Daylight) -> Image.Image:
    dice = random.Random(5)  # noqa: S311 - a street's looks, and the same ones every time
    canvas = _Canvas(light, _HORIZON, 5)
    for x, width, height, shade in (
        (-10, 92, 70, 0.95), (74, 46, 42, 0.8), (116, 64, 88, 0.9), (184, 58, 34, 0.82), (372, 52, 38, 0.8),
        (418, 60, 96, 0.92), (484, 78, 58, 0.86), (556, 100, 78, 0.97),
    ):  # fmt: skip
        wall = (int(196 * shade), int(190 * shade), int(182 * shade))
        canvas.box(x, _HORIZON - height, x + width, _HORIZON + 8, wall)
        canvas.box(x, _HORIZON - height, x + width, _HORIZON - height + 4, (150, 96, 78))
        canvas.windows(x + 5, _HORIZON - height + 10, x + width - 4, _HORIZON - 6, (9, 10), dice)
    canvas.box(0, _HORIZON - 1, WIDTH_PX, HEIGHT_PX, (104, 126, 80))
    asphalt, kerb, white = (92, 93, 97), (170, 168, 162), (226, 226, 220)
    canvas.shape(_quad((-9.6, 9.6), (4, _FAR_M * 4)), (150, 144, 134))
    canvas.shape(_quad((-7.6, 7.6), (4, _FAR_M * 4)), kerb)
    canvas.shape(_quad((-7.4, 7.4), (4, _FAR_M * 4)), asphalt)
    canvas.shape(_quad((-90, 90), _JUNCTION_M), asphalt)
    for distance in ((4.0, 14.2), (34.0, _FAR_M * 4)):
        canvas.shape(_quad((-0.6, 0.6), distance), kerb)
        canvas.shape(_quad((-0.4, 0.4), distance), (84, 128, 70))
    for lane_m in (-4.0, 4.0):
        for start in range(4, 140, 4):
            if not _JUNCTION_M[0] - 4 < start < _JUNCTION_M[1] + 3:
                canvas.shape(_quad((lane_m - 0.08, lane_m + 0.08), (start, start + 2)), white)
    canvas.shape(_quad((-7.2, -0.7), (13.6, 14.1)), white)
    canvas.shape(_quad((0.7, 7.2), (34.4, 35.4)), white)
    for stripe in range(14):
        across = -7.0 + stripe * 1.02
        canvas.shape(_quad((across, across + 0.55), (14.7, 16.8)), white)
    trees = [(side * (10.6 + (n % 2) * 1.4), 36.0 + 9.0 * n) for n in range(10) for side in (-1, 1)]
    trees += [(-11.6, 15.5), (12.0, 15.0), (-12.4, 11.6), (12.6, 11.0)]
    for across_m, away_m in sorted(trees, key=lambda tree: -tree[1]):
        canvas.tree(*_ground(across_m, away_m), 7.4 * _NEAR_PX_PER_M * _NEAR_M / away_m, dice)
    for away_m in (96.0, 66.0, 44.0):
        _lamp_post(canvas, _ground(0, away_m), 8.5 * _NEAR_PX_PER_M * _NEAR_M / away_m)
    _signal_post(canvas, _NEAR_SIGNAL, 118, 6)
    _signal_post(canvas, _FAR_SIGNAL, 62, 3)
    for across_m in (-4.0, 4.0):
        canvas.shine(*_ground(across_m, 13), 110, 34, (46, 38, 22))
    return _grain(canvas.finish(), _HORIZON, 5)


def _lamp_post(canvas: _Canvas, foot: Point, height: float) -> None:
    x, y = foot
    reach = height * 0.22
    canvas.box(x - 0.8, y - height, x + 0.8, y, (120, 122, 126))
    canvas.box(x - reach, y - height, x + reach, y - height + 1.2, (120, 122, 126))
    for side in (-reach, reach):
        if canvas.light.lamps:
            canvas.disc(x + side, y - height + 1.5, 2.4, 1.6, (255, 238, 196), shines=True)
        canvas.shine(x + side, y - height + 2, 11, 9, (120, 100, 60))
        canvas.shine(x + side * 1.4, y, reach * 1.7, 6, (60, 50, 30))


def _signal_post(canvas: _Canvas, at: Point, height: float, radius: float) -> None:
    x, foot = at
    canvas.box(x - 1.4, foot - height, x + 1.4, foot, (84, 86, 90))
    top = foot - height
    canvas.box(x - radius * 1.6, top, x + radius * 1.6, top + radius * 7.8, (30, 32, 34))


def _lanes_simpang_lima() -> list[Lane]:
    def away(across_m: float) -> Callable[[float], tuple[float, float, float]]:
        def place(at_m: float) -> tuple[float, float, float]:
            distance = at_m + 3.0
            return *_ground(across_m, distance), _NEAR_PX_PER_M * _NEAR_M / distance

        return place

    def towards(across_m: float) -> Callable[[float], tuple[float, float, float]]:
        def place(at_m: float) -> tuple[float, float, float]:
            distance = max(_FAR_M - at_m, 2.2)
            return *_ground(across_m, distance), _NEAR_PX_PER_M * _NEAR_M / distance

        return place

    def across(distance: float, towards_right: bool) -> Callable[[float], tuple[float, float, float]]:
        def place(at_m: float) -> tuple[float, float, float]:
            scale = _NEAR_PX_PER_M * _NEAR_M / distance
            x = at_m * scale if towards_right else WIDTH_PX - at_m * scale
            return x, _ground(0, distance)[1], scale

        return place

    lanes = [
        Lane("rear", _FAR_M - 6, away(-5.6), stop_m=14.0 - 3.0 - 0.6),
        Lane("rear", _FAR_M - 6, away(-2.3), stop_m=14.0 - 3.0 - 0.6),
        Lane("front", _FAR_M - 2.4, towards(2.3), stop_m=_FAR_M - 36.0),
        Lane("front", _FAR_M - 2.4, towards(5.6), stop_m=_FAR_M - 36.0),
    ]
    for distance, right in ((26.5, True), (20.5, False)):
        scale = _NEAR_PX_PER_M * _NEAR_M / distance
        stop = (_ground(-10.5, distance)[0] if right else WIDTH_PX - _ground(10.5, distance)[0]) / scale
        lane = Lane("right" if right else "left", WIDTH_PX / scale, across(distance, right), max(1.0, stop), True)
        lanes.append(lane)
    return lanes


# Tugu Muda: the monument and Lawang Sewu behind it, seen across the ring road ---------------------------------------


def _paint_tugu_muda(light: Daylight) -> Image.Image:
    dice = random.Random(14)  # noqa: S311 - a street's looks, and the same ones every time
    canvas = _Canvas(light, 168, 14)
    wall, roof, dark = (232, 224, 208), (156, 84, 62), (74, 66, 62)
    for x in range(-20, 660, 34):
        canvas.tree(x, 182, dice.uniform(34, 62), dice)
    canvas.shape([(150, 112), (500, 112), (520, 128), (130, 128)], roof)
    canvas.box(138, 128, 512, 188, wall)
    for row, height in ((132, 22), (160, 24)):
        for number in range(24):
            left = 146 + number * 15.2
            on = light.lamps and dice.random() < 0.6
            colour = (252, 210, 130) if on else dark
            canvas.disc(left + 4.6, row + 5, 4.6, 5, colour, shines=on)
            canvas.box(left, row + 5, left + 9.2, row + height, colour, shines=on)
    for x in (128, 486):
        canvas.box(x, 92, x + 34, 188, wall)
        canvas.shape([(x - 4, 92), (x + 38, 92), (x + 17, 58)], roof)
        canvas.box(x + 15.5, 50, x + 18.5, 62, roof)
        for row in (100, 126, 154):
            canvas.box(x + 7, row, x + 14, row + 18, dark)
            canvas.box(x + 20, row, x + 27, row + 18, dark)
    canvas.box(0, 184, WIDTH_PX, 216, (112, 138, 84))
    canvas.box(0, 214, WIDTH_PX, HEIGHT_PX, (160, 152, 142))
    _monument(canvas, 318)
    asphalt, white = (90, 91, 95), (226, 226, 220)
    canvas.box(0, 228, WIDTH_PX, 286, asphalt)
    canvas.box(0, 226, WIDTH_PX, 229, (196, 194, 188))
    canvas.box(0, 286, WIDTH_PX, 297, (92, 134, 76))
    canvas.box(0, 285, WIDTH_PX, 287.5, (196, 194, 188))
    canvas.box(0, 297, WIDTH_PX, 341, asphalt)
    canvas.box(0, 295.5, WIDTH_PX, 298, (196, 194, 188))
    canvas.box(0, 341, WIDTH_PX, 344, (206, 204, 198))
    for y, thick, step in ((257, 1.3, 34), (319, 1.6, 42)):
        for x in range(0, WIDTH_PX, step):
            canvas.box(x, y, x + step * 0.5, y + thick, white)
    for y in range(230, 285, 7):
        canvas.shape([(508, y), (548, y), (550, y + 3.6), (510, y + 3.6)], white)
    for y in range(299, 340, 8):
        canvas.shape([(518, y), (564, y), (567, y + 4), (521, y + 4)], white)
    canvas.box(497, 229, 501, 285, white)
    canvas.box(580, 298, 584, 341, white)
    for x in range(40, WIDTH_PX, 148):
        _lamp_post(canvas, (x, 292), 108)
        canvas.shine(x, 318, 86, 20, (34, 28, 16))
    _signal_post(canvas, (512, 229), 74, 4)
    return _grain(canvas.finish(), 184, 14)


def _monument(canvas: _Canvas, x: float) -> None:
    """Tugu Muda: a five-sided stone candle with a flame on top, in a garden with a pond."""
    canvas.disc(x, 214, 150, 13, (92, 144, 78))
    canvas.disc(x, 214, 92, 8, (206, 200, 188))
    canvas.disc(x, 214, 84, 6.4, (96, 140, 160))
    stone = (126, 120, 114)
    canvas.shape([(x - 40, 214), (x + 40, 214), (x + 31, 198), (x - 31, 198)], (150, 144, 136))
    canvas.shape([(x - 26, 198), (x + 26, 198), (x + 21, 168), (x - 21, 168)], stone)
    canvas.shape([(x - 15, 168), (x + 15, 168), (x + 9, 84), (x - 9, 84)], (138, 132, 126))
    canvas.shape([(x + 2, 168), (x + 15, 168), (x + 9, 84), (x + 1, 84)], (108, 102, 98))
    canvas.box(x - 13, 80, x + 13, 86, (150, 144, 136))
    for y in (178, 190):
        canvas.box(x - 17, y, x + 17, y + 4, (98, 94, 90))
    canvas.shape([(x - 8, 80), (x - 10, 68), (x - 2, 54), (x + 1, 62), (x + 6, 50), (x + 10, 68), (x + 8, 80)],
                 (206, 148, 52))  # fmt: skip
    canvas.shine(x, 150, 46, 76, (52, 44, 28))


def _lanes_tugu_muda() -> list[Lane]:
    def along(y: float, scale: float, towards_right: bool) -> Callable[[float], tuple[float, float, float]]:
        def place(at_m: float) -> tuple[float, float, float]:
            return (at_m * scale if towards_right else WIDTH_PX - at_m * scale), y, scale

        return place

    lanes = []
    for y, scale, right, line in ((250, 15.0, True, 494), (279, 17.0, True, 494), (315, 19.0, False, 588),
                                  (337, 21.0, False, 588)):  # fmt: skip
        stop = (line if right else WIDTH_PX - line) / scale
        lanes.append(Lane("right" if right else "left", WIDTH_PX / scale, along(y, scale, right), stop,
                          cruise=(7.0, 11.0)))  # fmt: skip
    return lanes


STREETS = {
    "simpang-lima": Street(
        _paint_simpang_lima,
        _lanes_simpang_lima,
        (
            (round(_NEAR_SIGNAL[0]), round(_NEAR_SIGNAL[1] - 118), 6, False),
            (round(_FAR_SIGNAL[0]), round(_FAR_SIGNAL[1] - 62), 3, False),
        ),
    ),
    "tugu-muda": Street(_paint_tugu_muda, _lanes_tugu_muda, ((512, 229 - 74, 4, False),)),
}
