"""What is sent to a camera that is moved, and when. Pure; times are seconds of a monotonic clock.

Invariant: a camera of which nobody said within ``DEAD_MAN_S`` how it is to move is stopped, and at most ten moves a
second are sent, of which the latest counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["DEAD_MAN_S", "STILL", "PtzStep", "PtzVelocity", "next_step"]

DEAD_MAN_S: Final = 0.7
"""Browsers say every 0.3 s how the camera is to move."""

_LEAST_S: Final = 0.1
# What a device is told to stop after by itself is twice this.
RENEW_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class PtzVelocity:
    """Of pan (to the right), tilt (up) and zoom (in), each −1 to 1."""

    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0

    @property
    def is_still(self) -> bool:
        """Whether nothing moves."""
        return not (self.pan or self.tilt or self.zoom)


STILL: Final = PtzVelocity()


class PtzStep(StrEnum):
    """What is to be done now."""

    WAIT = "wait"
    MOVE = "move"
    STOP = "stop"


def next_step(
    wanted: PtzVelocity, until_s: float, sent: PtzVelocity, sent_s: float, now_s: float
) -> tuple[PtzStep, float | None]:
    """What is to be done now, and after how many seconds to ask again at the latest (None: when something else is
    wanted). ``wanted`` holds until ``until_s``; ``sent`` is what the camera does, since ``sent_s``."""
    if wanted.is_still or now_s >= until_s:
        return (PtzStep.WAIT, None) if sent.is_still else (PtzStep.STOP, None)
    due_s = sent_s + (RENEW_S if wanted == sent else _LEAST_S)
    if now_s >= due_s:
        return PtzStep.MOVE, None
    return PtzStep.WAIT, min(due_s, until_s) - now_s
