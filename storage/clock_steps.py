"""Steps of the server's clock while a camera was recorded: each ended a run, whose row says so."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

__all__ = ["ClockStep", "clock_steps"]


@dataclass(frozen=True, slots=True)
class ClockStep:
    """The server's clock was set: it showed ``at_us``, and then ``to_us``."""

    at_us: int
    to_us: int

    @property
    def by_us(self) -> int:
        """By how much; negative: back."""
        return self.to_us - self.at_us


def clock_steps(conn: sqlite3.Connection, camera: str, start_us: int, end_us: int) -> list[ClockStep]:
    """The steps of the server's clock during the camera's recording that left, entered or went back over ``[start_us, end_us)``; in the order in
    which they happened."""
    rows = conn.execute(
        "SELECT end_us, detail FROM run WHERE camera = (SELECT key FROM camera WHERE id = ?) AND cause = 'clock_step'"
        " AND end_us IS NOT NULL ORDER BY seq, start_us",
        (camera,),
    ).fetchall()
    steps = []
    for at_us, detail in rows:
        step = ClockStep(at_us, at_us + int(json.loads(detail).get("step_us", 0)))
        touches = start_us <= step.at_us < end_us or start_us <= step.to_us < end_us
        if touches or (step.by_us < 0 and step.to_us < end_us and step.at_us > start_us):
            steps.append(step)
    return steps
