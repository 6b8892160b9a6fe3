"""Steps of the server's clock while a camera was recorded: each ended a run, whose row says so. (A *camera's* clock
that was set ends a run too, and is no step of the server's.)"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

__all__ = ["ClockStep", "FleetStep", "clock_steps", "fleet_steps"]

# One step ends each camera's run within moments; what differs by more than this is another one.
_APART_US: Final = 60_000_000
_ALIKE_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ClockStep:
    """The server's clock was set: it showed ``at_us``, and then ``to_us``."""

    at_us: int
    to_us: int

    @property
    def by_us(self) -> int:
        """By how much; negative: back."""
        return self.to_us - self.at_us


@dataclass(frozen=True, slots=True)
class FleetStep:
    """A step as so many ``cameras`` had it: the first of them at ``at_us``."""

    at_us: int
    to_us: int
    cameras: int

    @property
    def by_us(self) -> int:
        """By how much; negative: back."""
        return self.to_us - self.at_us


def fleet_steps(conn: sqlite3.Connection, cameras: Collection[str], start_us: int, end_us: int) -> list[FleetStep]:
    """The steps of the server's clock over ``[start_us, end_us)`` in the recording of these cameras, by time: a step
    that many had is one."""
    chosen = set(cameras)
    rows = conn.execute(
        "SELECT c.id, r.end_us, r.detail FROM run r JOIN camera c ON c.key = r.camera"
        " WHERE r.cause = 'clock_step' AND r.end_us IS NOT NULL ORDER BY r.end_us"
    )
    found: list[FleetStep] = []
    for camera, at_us, detail in rows:
        step = _step(at_us, detail)
        if camera not in chosen or step is None or not _concerns(step, start_us, end_us):
            continue
        for number in range(len(found) - 1, -1, -1):
            known = found[number]
            if step.at_us - known.at_us > _APART_US:
                found.append(FleetStep(step.at_us, step.to_us, 1))
                break
            if abs(step.by_us - known.by_us) <= _ALIKE_US:
                found[number] = FleetStep(known.at_us, known.to_us, known.cameras + 1)
                break
        else:
            found.append(FleetStep(step.at_us, step.to_us, 1))
    return found


def _step(at_us: int, detail: str) -> ClockStep | None:
    by_us = json.loads(detail).get("step_us")
    return None if by_us is None else ClockStep(at_us, at_us + int(by_us))


def _concerns(step: ClockStep, start_us: int, end_us: int) -> bool:
    touches = start_us <= step.at_us < end_us or start_us <= step.to_us < end_us
    return touches or (step.by_us < 0 and step.to_us < end_us and step.at_us > start_us)


def clock_steps(conn: sqlite3.Connection, camera: str, start_us: int, end_us: int) -> list[ClockStep]:
    """The steps of the server's clock during the camera's recording that left, entered or went back over ``[start_us,
    end_us)``; in the order in which they happened."""
    rows = conn.execute(
        "SELECT end_us, detail FROM run WHERE camera = (SELECT key FROM camera WHERE id = ?) AND cause = 'clock_step'"
        " AND end_us IS NOT NULL ORDER BY seq, start_us",
        (camera,),
    ).fetchall()
    steps = (_step(at_us, detail) for at_us, detail in rows)
    return [step for step in steps if step is not None and _concerns(step, start_us, end_us)]
