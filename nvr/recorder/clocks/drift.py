"""How late frames are, second by second, and what the course of that says about a camera's time stamps. Pure.

A network, and a reader that polls, can only delay: so of each second the least delayed frame counts. Lateness in
microseconds: positive is late.
"""

from __future__ import annotations

import itertools
from typing import Final

__all__ = ["Drift", "DriftWindows", "Reports"]

_YOUNG_US: Final = 12_000_000
# A wrong rate shows from the first second on; what begins later may be a congested line that will catch up, and is
# watched for longer.
_YOUNG: Final = (3, 400_000, 500_000)
_MATURE: Final = (4, 600_000, 800_000)
# Within so much a frame's usual distance, and the moment at which it is met, blur a second's least.
_BLUR_US: Final = 100_000
_LASTING_US: Final = 9_500_000
_LAG_US: Final = 500_000
_CATCHING_UP_US: Final = 300_000
_CLEARLY_LATE_US: Final = 700_000
# Reports come every five seconds or so; and so much is a clock that was set.
_REPORTED_US: Final = 7_000_000
_SET_US: Final = 60_000_000
_KEPT: Final = 12
_SLIGHT: Final = 0.02
_RIGHT_RATE: Final = 0.01
_STEEPEST: Final = 0.25


class Drift:
    """The last seconds. ``begin`` when time stamps are taken to be right from here on."""

    def __init__(self) -> None:
        self._begin_us = 0
        self._at_us: list[int] = []
        self._least_us: list[int] = []

    def begin(self, now_us: int) -> None:
        """Forgets what was."""
        self._begin_us = now_us
        self._at_us = []
        self._least_us = []

    def add(self, at_us: int, least_us: int) -> None:
        """A second's least delayed frame arrived at ``at_us``, this late."""
        if len(self._at_us) == _KEPT:
            del self._at_us[0], self._least_us[0]
        self._at_us.append(at_us)
        self._least_us.append(least_us)

    def slope(self) -> float:
        """Seconds of lateness that a second adds, if that is steadily so and far enough by now; else 0. Negative:
        frames come ever earlier."""
        at, least = self._at_us, self._least_us
        young = at[-1] - self._begin_us < _YOUNG_US
        fewest, total_us, now_us = _YOUNG if young else _MATURE
        last_us = least[-1]
        # A delay that is caught up is no rate: only what comes earlier than ever.
        if -_BLUR_US < last_us < now_us:
            return 0.0
        sign = 1 if last_us > 0 else -1
        for first in range(len(least) - 2, -1, -1):
            step_us = (least[first + 1] - least[first]) * sign
            if step_us < -_BLUR_US:
                break
            rise_us = (last_us - least[first]) * sign
            if len(least) - first < fewest or rise_us < total_us:
                continue
            # A single step is no rate.
            if all((b - a) * sign < 0.7 * rise_us for a, b in itertools.pairwise(least[first:])):
                return (last_us - least[first]) / (at[-1] - at[first])
        return 0.0

    def lag_us(self) -> int:
        """How late even the least delayed frame of the last ten seconds was, if that is more than half a second and not
        being caught up; else 0."""
        at, least = self._at_us, self._least_us
        if not at or at[-1] - at[0] < _LASTING_US:
            return 0
        lasting = [late for when, late in zip(at, least, strict=True) if when >= at[-1] - _LASTING_US]
        if max(lasting) - lasting[-1] > _CATCHING_UP_US:
            return 0
        lag_us = min(lasting)
        return lag_us if lag_us > _LAG_US else 0

    def slight_slope(self) -> float:
        """Of a lag: the seconds of lateness that a second adds, all in all; 0 if it is of a moment."""
        at, least = self._at_us, self._least_us
        first = next(number for number, when in enumerate(at) if when >= at[-1] - _LASTING_US)
        slope = (least[-1] - least[first]) / (at[-1] - at[first])
        return slope if slope > _SLIGHT else 0.0


class Reports:
    """The camera's sender reports, which come the same way as its frames: if they are late as well it is the network,
    and time stamps are right."""

    def __init__(self) -> None:
        self._count = 0
        self._at_us = self._frames_late_us = self._late_us = 0
        self._ahead_us: int | None = None

    def add(self, at_us: int, camera_us: int, frames_late_us: int) -> None:
        """A report of the camera's clock came, while frames were so late."""
        ahead_us = camera_us - at_us
        if self._ahead_us is None or ahead_us > self._ahead_us or ahead_us < self._ahead_us - _SET_US:
            self._ahead_us = ahead_us
        self._late_us = self._ahead_us - ahead_us
        self._at_us, self._frames_late_us = at_us, frames_late_us
        self._count += 1

    def are_late(self, now_us: int) -> bool:
        """Whether the latest report was late as frames were: it is the network."""
        return self._is_recent(now_us) and self._frames_late_us >= _CLEARLY_LATE_US and self._was_late

    def forbid(self, now_us: int) -> bool:
        """Whether to believe time stamps of frames that are late: a report was as late, or one that will tell is about
        to come."""
        return self._is_recent(now_us) and (self._frames_late_us < _CATCHING_UP_US or self._was_late)

    def _is_recent(self, now_us: int) -> bool:
        return self._count >= 2 and now_us - self._at_us <= _REPORTED_US

    @property
    def _was_late(self) -> bool:
        """A reader that polls adds up to half a second to a report, too."""
        least = 3 * self._frames_late_us // 4 if self._frames_late_us >= _CLEARLY_LATE_US else self._frames_late_us // 2
        return self._late_us >= least


class DriftWindows:
    """While frames go by arrival: how many seconds of footage a second of the camera's is. Looked at after 2 s, 4 s,
    and then every 8 s."""

    def __init__(self, scale: float, now_us: int) -> None:
        self._estimate = scale
        self.scale = scale
        self._length_us = 2_000_000
        self._begin_us = now_us
        self._right = 0

    def due(self, now_us: int) -> bool:
        """Whether a window has ended."""
        return now_us - self._begin_us >= self._length_us

    def turn(self, now_us: int, least_us: int) -> None:
        """A window ended, in which frames have come to be this late: all of it is the rate's fault, and is to be gone
        after the next one."""
        error = least_us / (now_us - self._begin_us)
        error = max(-_STEEPEST, min(_STEEPEST, error))
        self._estimate *= 1 + error
        self.scale = self._estimate * (1 + error)
        self._right = self._right + 1 if abs(self._estimate - 1) < _RIGHT_RATE and abs(error) < _RIGHT_RATE else 0
        self._begin_us = now_us
        self._length_us = min(8_000_000, 2 * self._length_us)

    @property
    def is_right(self) -> bool:
        """Whether the camera's rate has been right for three windows."""
        return self._right >= 3
