"""Daylight: how bright it is at a local time of day, and the sky that goes with it."""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

# Semarang lies 7 degrees south of the equator: the year hardly moves these (hours, local time).
_SUNRISE_H = 5.6
_SUNSET_H = 17.8
# Steps between night and day. Backgrounds and vehicles are drawn once for each: few, so that they are drawn rarely.
LEVELS = 24

_NIGHT = ((8, 11, 28), (30, 32, 52))
_DUSK = ((70, 84, 140), (244, 158, 96))
_DAY = ((92, 152, 214), (206, 226, 238))

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Daylight:
    """`level` 0 (night) to `LEVELS` (day); `warm` 0–1 is how red the light is; the sun's place is for the sky only."""

    level: int
    warm: float

    @property
    def brightness(self) -> float:
        return self.level / LEVELS

    @property
    def lamps(self) -> bool:
        """Whether street lamps and headlights are on."""
        return self.brightness < 0.55

    @property
    def tint(self) -> tuple[float, float, float]:
        """What the colour of a lit thing is multiplied with."""
        base = 0.36 + 0.64 * self.brightness
        return base * (1 + 0.06 * self.warm), base * (1 - 0.04 * self.warm), base * (1.06 - 0.22 * self.warm)


def daylight(local: datetime) -> Daylight:
    """The light at a local time."""
    hour = local.hour + local.minute / 60 + local.second / 3600
    # Height of the sun as a sine over the day; twilight is the band around the horizon.
    height = math.sin(math.pi * (hour - _SUNRISE_H) / (_SUNSET_H - _SUNRISE_H))
    if not 0 < hour - _SUNRISE_H + 2 < _SUNSET_H - _SUNRISE_H + 4:
        height = -1.0
    ramp = min(1.0, max(0.0, (height + 0.18) / 0.5))
    level = round(LEVELS * ramp * ramp * (3 - 2 * ramp))
    return Daylight(level, round(max(0.0, 1 - abs(level / LEVELS - 0.45) / 0.45), 2))


def paint(size: tuple[int, int], horizon: int, light: Daylight, seed: int) -> Image.Image:
    """A sky of `size` pixels whose gradient ends at `horizon`, with clouds, or stars at night."""
    width, height = size
    day = light.brightness
    rows = np.clip(np.arange(height) / max(horizon, 1), 0, 1)[:, np.newaxis]
    top, low = (
        np.asarray(night) * (1 - day) + np.asarray(noon) * day for night, noon in zip(_NIGHT, _DAY, strict=True)
    )
    top = top * (1 - light.warm * 0.6) + np.asarray(_DUSK[0]) * light.warm * 0.6
    low = low * (1 - light.warm * 0.8) + np.asarray(_DUSK[1]) * light.warm * 0.8
    gradient = top * (1 - rows) + low * rows
    sky = Image.fromarray(np.repeat(gradient[:, np.newaxis, :], width, axis=1).astype(np.uint8), "RGB")
    random = np.random.default_rng(seed)
    if day < 0.25:
        draw = ImageDraw.Draw(sky)
        for x, y, shine in random.random((60, 3)):
            gray = int(90 + 130 * shine * (1 - y))
            draw.point((int(x * width), int(y * horizon)), fill=(gray, gray, min(255, gray + 20)))
        draw.ellipse(_box(width * 0.78, horizon * 0.3, horizon * 0.08), fill=(232, 230, 210))
    return _clouds(sky, horizon, light, random)


def _clouds(sky: Image.Image, horizon: int, light: Daylight, random: np.random.Generator) -> Image.Image:
    mask = Image.new("L", sky.size, 0)
    draw = ImageDraw.Draw(mask)
    for x, y, extent in random.random((7, 3)):
        for step in range(6):
            radius = horizon * (0.05 + 0.07 * extent) * (1 - abs(step - 2.5) / 5)
            centre = x * sky.width + (step - 2.5) * radius * 1.5
            draw.ellipse(_box(centre, horizon * (0.15 + 0.6 * y), radius, flat=0.5), fill=int(120 + 90 * extent))
    mask = mask.filter(ImageFilter.GaussianBlur(max(1.0, horizon * 0.03)))
    lit = tuple(int(channel * (0.16 + 0.84 * light.brightness)) for channel in (250, 246 - int(50 * light.warm), 244))
    sky.paste(Image.new("RGB", sky.size, lit), (0, 0), mask)
    return sky


def _box(x: float, y: float, radius: float, flat: float = 1.0) -> tuple[float, float, float, float]:
    return x - radius, y - radius * flat, x + radius, y + radius * flat
