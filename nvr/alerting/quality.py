"""Cameras that are recorded, and not well: what their last whole hour says. Pure.

Invariant: of each kind there is one condition, for all cameras that it is about.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from nvr.alerting.conditions import AlertKind, Condition

__all__ = ["LastHour", "unwell"]

_LOST_FRAMES: Final = 100
_TIME_FAULTS: Final = 3
# Keyframes this far apart, and this many times as far as in the day before.
_APART_US: Final = 10_000_000
_APART_TIMES: Final = 3


@dataclass(frozen=True, slots=True)
class LastHour:
    """Of one camera. ``recorded``: the share of what should have been recorded, None if nothing was to be;
    ``time_faults``: how often time stamps strayed, stepped or ran at a wrong rate; ``keyframe_us``: how far keyframes
    lay apart at most, and ``keyframe_before_us`` in a mean hour of the day before (0: not known)."""

    camera: str
    recorded: float | None = None
    lost_frames: int = 0
    time_faults: int = 0
    keyframe_us: int = 0
    keyframe_before_us: int = 0


def unwell(hours: Iterable[LastHour], *, least_percent: int, since_us: int) -> list[Condition]:
    """What is wrong with cameras in the hour that began at ``since_us``. ``least_percent``: of what should be recorded
    in an hour; 0: any is enough."""
    members: dict[AlertKind, list[str]] = {}
    for hour in hours:
        kinds = []
        # One of which nothing was recorded is down, which is another alert.
        if hour.recorded and 100 * hour.recorded < least_percent:
            kinds.append(AlertKind.RECORDED_LITTLE)
        if hour.lost_frames >= _LOST_FRAMES:
            kinds.append(AlertKind.FRAMES_LOST)
        if hour.time_faults >= _TIME_FAULTS:
            kinds.append(AlertKind.TIME_STAMPS_OFF)
        if hour.keyframe_us > max(_APART_US, _APART_TIMES * hour.keyframe_before_us) and hour.keyframe_before_us:
            kinds.append(AlertKind.KEYFRAMES_APART)
        for kind in kinds:
            members.setdefault(kind, []).append(hour.camera)
    return [
        Condition(kind, "", since_us, tuple(sorted(cameras)), {"percent": least_percent})
        for kind, cameras in sorted(members.items())
    ]
