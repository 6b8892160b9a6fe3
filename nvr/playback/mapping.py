"""Wall clock ↔ media time of a segment. Pure, integers only.

Closed: ``start_us ↔ media_start`` and ``end_us ↔ media_end``, linear in between. Growing: one second is ``timescale``
ticks. Invariants: both known points map exactly; ``wall_us`` never decreases; and ``ticks_at(t)`` is the *first* tick
whose wall time is not before ``t``, so that "``wall_us(p) >= t``" and "``p >= ticks_at(t)``" mean the same. Everything
that asks which frames a range holds rests on that.
"""

from __future__ import annotations

from dataclasses import dataclass

from storage.catalogue.segments import Segment

__all__ = ["TimeMap"]


@dataclass(frozen=True, slots=True)
class TimeMap:
    """``us`` microseconds pass in ``ticks`` ticks, from ``start_us ↔ media_start`` on."""

    start_us: int
    media_start: int
    us: int
    ticks: int

    @classmethod
    def of(cls, segment: Segment) -> TimeMap:
        """The mapping of a segment, as its row says."""
        start_us = segment.key.start_us
        if not segment.growing and segment.media_end is not None:
            us, ticks = segment.end_us - start_us, segment.media_end - segment.media_start
            if us > 0 and ticks > 0:
                return cls(start_us, segment.media_start, us, ticks)
        return cls(start_us, segment.media_start, 1_000_000, segment.timescale)

    def wall_us(self, ticks: int) -> int:
        """When a media time was, rounded down to a microsecond."""
        return self.start_us + (ticks - self.media_start) * self.us // self.ticks

    def ticks_at(self, at_us: int) -> int:
        """The first media time that is not before ``at_us``."""
        # -(-a // b) is a / b rounded up.
        return self.media_start - (self.start_us - at_us) * self.ticks // self.us
