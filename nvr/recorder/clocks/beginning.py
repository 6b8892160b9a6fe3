"""The first seconds of a connection, while frames wait for the clock's anchor: how fast time stamps run against
arrival. Pure."""

from __future__ import annotations

from typing import Final

from nvr.recorder.clocks.hold import BATCH_US

__all__ = ["Beginning"]

_SHORTEST_US: Final = 1_000_000
_LONGEST_US: Final = 4_000_000
_FRAMES: Final = 4
_IMPROVED_US: Final = 150_000
_SETTLED_US: Final = 500_000
_SETTLED_BATCHES: Final = 2
_COMPARED_US: Final = 250_000
_SLOW: Final = 0.75
_FAST: Final = 1.25
_EVEN_TIMES: Final = 4


class Beginning:
    """``add`` each frame. ``arrivals_us`` has their moments. Only of the last frame of those read at once the moment is
    known."""

    def __init__(self) -> None:
        self.arrivals_us: list[int] = []
        self._steps: list[int] = []
        self._least_delay_us = 1 << 62
        self._improved_us = self._unimproved = 0
        self._batch_us = 0
        # (arrival, media time, number): of the first batch's last frame, of the latest whole batch's, and of the frame
        # before.
        self._first: tuple[int, int, int] | None = None
        self._whole: tuple[int, int, int] | None = None
        self._before = (0, 0, 0)

    def add(self, media_us: int, now_us: int) -> None:
        """A frame of this media time arrived."""
        if not self.arrivals_us:
            self._batch_us = now_us
        elif now_us - self._batch_us > BATCH_US:
            self._end_batch()
            self._batch_us = now_us
        if self.arrivals_us:
            self._steps.append(media_us - self._before[1])
        self.arrivals_us.append(now_us)
        self._before = (now_us, media_us, len(self.arrivals_us))

    def _end_batch(self) -> None:
        at_us, media_us, _ = self._whole = self._before
        self._first = self._first or self._whole
        # Of the last frame alone: those before it had waited to be read, the longer the busier the machine.
        if at_us - media_us < self._least_delay_us - _IMPROVED_US:
            # Since it last was so much less, however many frames that took.
            self._improved_us, self._least_delay_us = at_us, at_us - media_us
            self._unimproved = 0
        else:
            self._unimproved += 1

    @property
    def _is_catching_up(self) -> bool:
        """Whether frames have lately come ever less late."""
        if self._whole is None or self._unimproved < _SETTLED_BATCHES:
            return True
        return self._whole[0] - self._improved_us < _SETTLED_US

    @property
    def pace(self) -> float:
        """How many seconds the time stamps say have passed in each second; -1 if that can't be said yet."""
        first, whole = self._first, self._whole
        if first is None or whole is None or whole[0] - first[0] < _COMPARED_US:
            return -1.0
        return (whole[1] - first[1]) / (whole[0] - first[0])

    @property
    def interval_us(self) -> float:
        """Microseconds from frame to frame, by arrival."""
        assert self._first is not None and self._whole is not None
        return (self._whole[0] - self._first[0]) / max(1, self._whole[2] - self._first[2])

    @property
    def is_even(self) -> bool:
        """Whether time stamps, at whatever rate, are about as far apart from frame to frame."""
        return bool(self._steps) and max(self._steps) <= _EVEN_TIMES * max(1, self.step_us)

    @property
    def step_us(self) -> int:
        """From time stamp to time stamp, the middle one of all so far: the first one may be FFmpeg's guess."""
        return sorted(self._steps)[len(self._steps) // 2] if self._steps else 0

    def ready(self, now_us: int) -> bool:
        """Whether the run's beginning can be told: after a second, or up to four, while time stamps do not keep pace or
        a backlog is being caught up."""
        if not self.arrivals_us:
            return False
        passed_us = now_us - self.arrivals_us[0]
        return passed_us >= _LONGEST_US or (
            passed_us >= _SHORTEST_US
            and len(self.arrivals_us) >= _FRAMES
            and not self._is_catching_up
            and self.pace >= _SLOW
        )

    def is_off(self, now_us: int) -> bool:
        """Whether time stamps are seen not to keep pace: they are slow; or fast, and have been so without a pause, as
        no backlog is that is being caught up."""
        if not self.arrivals_us or now_us - self.arrivals_us[0] < _LONGEST_US:
            return False
        return 0 <= self.pace < _SLOW or (self.pace > _FAST and self._is_catching_up)
