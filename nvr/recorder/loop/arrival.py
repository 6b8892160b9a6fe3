"""What came of a connection and how evenly: bytes, the time in which they came, and interarrival jitter. Pure.

Invariant: nothing here is about what became footage. What is received counts, decodable or not; and a moment of arrival
is that of the network, never that at which somebody looked.
"""

from __future__ import annotations

from typing import Final

__all__ = ["BURST_US", "Jitter", "Received"]

_JUMP_US: Final = 10_000_000
BURST_US: Final = 5_000_000
"""What a camera kept from before comes in one burst, within so long."""


class Received:
    """How long packets came, of which a silence counts up to ``silence_us``: longer, and it is an outage."""

    def __init__(self, silence_us: int) -> None:
        self._silence_us = silence_us
        self._last_us: int | None = None
        self.us = 0
        """Microseconds."""

    def came(self, now_us: int) -> None:
        """Something came, monotonic microseconds."""
        if self._last_us is not None:
            self.us += min(now_us - self._last_us, self._silence_us)
        self._last_us = now_us


class Jitter:
    """Interarrival jitter after RFC 3550 (6.4.1, A.8): how much the way of a frame differs from that of the one before,
    in absolute value. By whole frames in decoding order, as packets of a frame share a timestamp and reordering is no
    jitter; a frame whose moment of arrival is not known is passed over. Over TCP it holds what the network's buffers
    did. Frames of the first ``burst_us`` do not count. ``us`` is the RFC's running estimate over about sixteen;
    ``sum_us`` of ``readings`` is the plain mean of all."""

    def __init__(self, clock_rate: int, burst_us: int = BURST_US) -> None:
        self._rate = clock_rate
        self._burst_us = burst_us
        self._begin_us: int | None = None
        self._way_us = 0
        self._sixteenths_us = 0
        self.sum_us = 0
        self.readings = 0

    def arrived(self, ticks: int, at_us: int) -> None:
        """The frame whose decoding time is ``ticks`` had arrived at ``at_us``, monotonic."""
        way_us = at_us - ticks * 1_000_000 // self._rate
        apart_us, self._way_us = abs(way_us - self._way_us), way_us
        if self._begin_us is None:
            self._begin_us = at_us
        elif at_us - self._begin_us >= self._burst_us and apart_us < _JUMP_US:
            # Further apart, it is the camera's clock that jumped.
            self._sixteenths_us += apart_us - (self._sixteenths_us + 8 >> 4)
            self.sum_us += apart_us
            self.readings += 1

    @property
    def us(self) -> int:
        """The jitter, microseconds."""
        return self._sixteenths_us >> 4

    def counts(self) -> dict[str, int]:
        """As counted; names are those of storage/catalogue/counters.py."""
        if not self.readings:
            return {}
        return {
            "interarrival_jitter_us": self.us,
            "jitter_sum_us": self.sum_us,
            "jitter_readings": self.readings,
        }
