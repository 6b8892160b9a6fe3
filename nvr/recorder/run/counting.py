"""What is counted of one connection: what its source, runs, timelines and audio counted, together. Names are those of
storage/catalogue/counters.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from nvr.recorder.clocks.clock import RunClock
from nvr.recorder.clocks.timeline import Timeline
from nvr.recorder.run.run import Run
from storage.catalogue.counters import difference

__all__ = ["Counting"]

_OWN: Final = (
    "connections",
    "frames",
    "bytes",
    "recorded_us",
    "out_of_order",
    "outliers",
    "camera_clock_steps",
    "by_arrival",
    "lost_frames",
    "keyframe_interval_us",
    "corrupt",
    "overloads",
)
# What a gap tells that was torn by a loss.
_OF_LOSS: Final = ("lost_packets", "damaged", "undecodable")


class Counting:
    """The counts of one connection. ``own``: those of runs and timelines that are over, and of the connection
    itself."""

    def __init__(self) -> None:
        self.own = dict.fromkeys(_OWN, 0)
        self.source: Callable[[], Mapping[str, int]] = dict
        self._at_run: Mapping[str, int] = {}
        self._at_loss: Mapping[str, int] = {}

    def all(
        self, run: Run | None, timeline: Timeline | None, clock: RunClock, audio: Mapping[str, int]
    ) -> dict[str, int]:
        """All of them so far, with those of what is under way; without zeros."""
        counted = {**self.own, **self.source(), "late_us": clock.late_us, **audio}
        if timeline is not None:
            _add_timeline(counted, timeline)
        if run is not None:
            _add_run(counted, run)
        return {name: count for name, count in counted.items() if count}

    def run_ended(self, run: Run) -> None:
        """A run is over."""
        _add_run(self.own, run)

    def timeline_ended(self, timeline: Timeline) -> None:
        """A timeline is over."""
        _add_timeline(self.own, timeline)

    def since_run(self, counted: Mapping[str, int]) -> dict[str, int]:
        """What was counted since the run before ended."""
        found = difference(counted, self._at_run)
        self._at_run = counted
        return found

    def lost(self, counted: Mapping[str, int], step_us: int, usual_us: int) -> dict[str, int]:
        """What was lost since the last loss, of frames that are usually ``usual_us`` apart and now ``step_us``: as a
        gap tells it."""
        found = difference(counted, self._at_loss)
        self._at_loss = counted
        known = found.get("damaged", 0) + found.get("undecodable", 0)
        frames = max(known, round(step_us / usual_us) - 1 if usual_us else 0, 1)
        self.own["lost_frames"] += frames
        return {"lost_frames": frames, **{name: count for name, count in found.items() if name in _OF_LOSS}}

    def is_loss_known(self, counted: Mapping[str, int]) -> bool:
        """Whether packets are missing that no gap has told of yet."""
        return counted.get("lost_packets", 0) > self._at_loss.get("lost_packets", 0)


def _add_run(to: dict[str, int], run: Run) -> None:
    to["frames"] += run.frames
    to["bytes"] += run.bytes
    to["recorded_us"] += run.recorded_us


def _add_timeline(to: dict[str, int], timeline: Timeline) -> None:
    to["out_of_order"] += timeline.moved
    to["outliers"] += timeline.outliers
    to["camera_clock_steps"] += timeline.steps
    to["by_arrival"] += timeline.by_arrival
