"""Traffic: vehicles that follow one another along lanes and stop at a red light. No pictures here.

Invariant: vehicles of a lane never overlap and never change their order.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .sprites import DIMENSIONS_M, Colour, Kind, View

Lamp = Literal["green", "yellow", "red"]

_GREEN_S = 14.0
_YELLOW_S = 3.0
_RED_S = 12.0
CYCLE_S = _GREEN_S + _YELLOW_S + _RED_S

_KINDS: Sequence[Kind] = ("bike", "bike", "bike", "car", "car", "car", "van", "bus")
_PAINTS: dict[Kind, Sequence[Colour]] = {
    "bike": ((186, 40, 44), (30, 34, 44), (38, 92, 168), (46, 140, 80)),
    "car": ((236, 236, 232), (190, 194, 200), (40, 42, 48), (168, 30, 34), (34, 74, 140)),
    "van": ((226, 116, 34), (236, 236, 232), (70, 130, 76)),
    "bus": ((196, 34, 40), (38, 98, 178)),
}


def lamp(at_s: float, *, crossing: bool = False) -> Lamp:
    """The traffic light at a time: of the main road, or of the street that crosses it."""
    at_s %= CYCLE_S
    if crossing:
        # Green only well inside the main road's red, so that the junction is empty.
        begin = _GREEN_S + _YELLOW_S + 1.5
        return "green" if begin <= at_s < begin + 6.5 else "yellow" if begin + 6.5 <= at_s < begin + 8.5 else "red"
    return "green" if at_s < _GREEN_S else "yellow" if at_s < _GREEN_S + _YELLOW_S else "red"


@dataclass
class Vehicle:
    """`at_m` is where the front is along the lane; `speed` in m/s."""

    kind: Kind
    colour: Colour
    at_m: float
    speed: float
    cruise: float

    @property
    def length_m(self) -> float:
        return DIMENSIONS_M[self.kind][1]


@dataclass
class Lane:
    """A lane of `length_m` metres; `place` maps a distance along it to (x, y, pixels per metre) of the road there."""

    view: View
    length_m: float
    place: Callable[[float], tuple[float, float, float]]
    stop_m: float | None = None
    crossing: bool = False
    spacing_m: tuple[float, float] = (9.0, 40.0)
    cruise: tuple[float, float] = (8.0, 12.0)
    # First in the list is the one furthest ahead.
    vehicles: list[Vehicle] = field(default_factory=list)
    _next_gap_m: float = 0.0

    def step(self, seconds: float, at_s: float, dice: random.Random) -> None:
        """Move everything on by `seconds` (at most about a second)."""
        light = lamp(at_s, crossing=self.crossing)
        ahead: Vehicle | None = None
        for vehicle in self.vehicles:
            room = 1e9 if ahead is None else ahead.at_m - ahead.length_m - vehicle.at_m - 1.6
            if self.stop_m is not None and light != "green" and vehicle.at_m <= self.stop_m:
                to_line = self.stop_m - vehicle.at_m
                # At yellow go on when braking would have to be harder than 4 m/s².
                if light == "red" or vehicle.speed**2 / 8 < to_line:
                    room = min(room, to_line)
            # The speed from which 3 m/s² still stops within the room left.
            wanted = min(vehicle.cruise, (6 * max(room, 0.0)) ** 0.5)
            change = max(-7.0 * seconds, min(1.9 * seconds, wanted - vehicle.speed))
            vehicle.speed = max(0.0, vehicle.speed + change)
            vehicle.at_m += min(vehicle.speed * seconds, max(room, 0.0))
            ahead = vehicle
        while self.vehicles and self.vehicles[0].at_m - self.vehicles[0].length_m > self.length_m:
            del self.vehicles[0]
        last = self.vehicles[-1] if self.vehicles else None
        if last is None or last.at_m - last.length_m > self._next_gap_m:
            self._enter(dice)

    def _enter(self, dice: random.Random) -> None:
        kind = dice.choice(_KINDS)
        cruise = dice.uniform(*self.cruise)
        self.vehicles.append(Vehicle(kind, dice.choice(_PAINTS[kind]), 0.0, cruise, cruise))
        self._next_gap_m = dice.uniform(*self.spacing_m)
