"""A virtual camera's picture: a street at a given instant, as RGB pixels.

Only what moves is drawn for a frame: backgrounds and vehicles are kept ready-made for each level of daylight.
"""

import random
from datetime import datetime, tzinfo

import numpy as np
import numpy.typing as npt

from . import osd, sprites
from .sky import Daylight, daylight
from .streets import HEIGHT_PX, STREETS, WIDTH_PX
from .traffic import Vehicle, lamp

__all__ = ["HEIGHT_PX", "WIDTH_PX", "Picture", "Scene"]

Picture = npt.NDArray[np.uint8]

# How long traffic has been moving before the first picture, so that no camera starts on an empty road.
_WARM_UP_S = 40
# The longest step of the traffic simulation.
_STEP_S = 0.25
# Sprites exist in sizes this far apart.
_SIZE_STEP = 1.07
_LAMPS = {"red": (0, (255, 52, 40)), "yellow": (1, (255, 200, 40)), "green": (2, (60, 240, 110))}


class Scene:
    """One street with its traffic. `place` is a key of `streets.STREETS`; `zone` is that of the burned-in clock.

    Not thread-safe: `frame` moves the traffic on.
    """

    def __init__(self, place: str, name: str, zone: tzinfo, *, seed: int = 0) -> None:
        self._street = STREETS[place]
        self._zone = zone
        self._display = osd.Display(name, zone)
        self._dice = random.Random(seed)  # noqa: S311 - traffic, not secrets
        self._lanes = self._street.lanes()
        self._background: Picture | None = None
        self._light: Daylight | None = None
        self._light_minute = -1
        self._last_s: float | None = None

    def frame(self, at_us: int) -> Picture:
        """As ``picture``, with name, clock and time code burned in."""
        picture = self.picture(at_us)
        self._display.draw(picture, at_us)
        return picture

    def picture(self, at_us: int) -> Picture:
        """What there is to see at an instant (microseconds, UTC, Unix epoch), which must not go back: (360, 640, 3)
        RGB."""
        at_s = at_us / 1e6
        self._move(at_s)
        light, background = self._lighting(at_us)
        picture = background.copy()
        shown = [
            (y, x, scale, vehicle, lane.view)
            for lane in self._lanes
            for vehicle in lane.vehicles
            # What is seen of a vehicle that drives away is its rear end.
            for x, y, scale in [lane.place(max(0.0, vehicle.at_m - (vehicle.length_m if lane.view == "rear" else 0)))]
        ]
        for y, x, scale, vehicle, view in sorted(shown, key=lambda entry: entry[0]):
            self._vehicle(picture, (x, y, scale), vehicle, view, light)
        for x, top, radius, crossing in self._street.signals:
            self._signal(picture, x, top, radius, lamp(at_s, crossing=crossing))
        return picture

    def _move(self, at_s: float) -> None:
        begin = at_s - _WARM_UP_S if self._last_s is None else max(self._last_s, at_s - _WARM_UP_S)
        while begin < at_s:
            seconds = min(_STEP_S, at_s - begin)
            begin += seconds
            for lane in self._lanes:
                lane.step(seconds, begin, self._dice)
        self._last_s = at_s

    def _lighting(self, at_us: int) -> tuple[Daylight, Picture]:
        minute = at_us // 60_000_000
        if self._background is None or self._light is None or minute != self._light_minute:
            self._light_minute = minute
            light = daylight(datetime.fromtimestamp(at_us // 1_000_000, self._zone))
            if light != self._light or self._background is None:
                self._light = light
                self._background = np.asarray(self._street.paint(light))
            return light, self._background
        return self._light, self._background

    def _vehicle(
        self, picture: Picture, place: tuple[float, float, float], vehicle: Vehicle, view: sprites.View, light: Daylight
    ) -> None:
        x, y, scale = place
        size = _SIZE_STEP ** round(np.log(scale) / np.log(_SIZE_STEP))
        drawn = sprites.vehicle(vehicle.kind, view, vehicle.colour, round(size, 3), light)
        height, width = drawn.colour.shape[:2]
        # Along a lane the place is that of the front, across it that of the middle.
        offset = {"right": -vehicle.length_m / 2, "left": vehicle.length_m / 2}.get(view, 0.0) * scale
        left = round(x + offset - width / 2)
        drawn.paste(picture, left, round(y) - height + sprites.foot_px(size))

    @staticmethod
    def _signal(picture: Picture, x: int, top: int, radius: int, shown: str) -> None:
        row, colour = _LAMPS[shown]
        for other in range(3):
            y = top + round(radius * (1.5 + 2.4 * other))
            grid_y, grid_x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
            disc = grid_x**2 + grid_y**2 <= radius**2
            area = picture[y - radius : y + radius + 1, x - radius : x + radius + 1]
            area[disc] = colour if other == row else (48, 46, 44)
