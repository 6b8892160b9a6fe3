"""Cameras whose data crash the process that reads them. Pure.

A crash in a thread that works for one camera alone puts that camera into a worker of its own; a crash on the event
loop, which works for many, only if it was the second within an hour, as the first may have been another's. There it
harms nobody, until its settings change, after a restart of the server too, and is tried again with growing waits.
Invariant: after that no crash of its costs another camera a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from nvr.backoff import Backoff

__all__ = ["Accusations", "Confinement"]

_ENOUGH: Final = 2
_WITHIN_S: Final = 3600.0
_WAITS: Final = Backoff(2.0, 600.0)
_WELL_AFTER_S: Final = 600.0


class Accusations:
    """Crashes in whose work, and when (seconds of a monotonic clock)."""

    def __init__(self) -> None:
        self._at: dict[str, list[float]] = {}
        self._certain: set[str] = set()

    def accuse(self, camera: str, now: float, *, certain: bool) -> int:
        """Its worker crashed in this camera's work; returns its crashes within the hour. ``certain``: in a thread of
        its own."""
        recent = [at for at in self._at.get(camera, []) if now - at < _WITHIN_S]
        self._at[camera] = [*recent, now]
        if certain:
            self._certain.add(camera)
        return len(self._at[camera])

    def suffices(self, camera: str) -> bool:
        """Whether it must be kept apart."""
        return camera in self._certain or len(self._at.get(camera, [])) >= _ENOUGH

    def forget(self, camera: str) -> None:
        """Its settings are others now."""
        self._at.pop(camera, None)
        self._certain.discard(camera)


@dataclass(slots=True)
class Confinement:
    """A camera that is kept apart, with these settings (a digest)."""

    camera: str
    settings: str
    crashes: int
    waiting: bool = True
    _in_a_row: int = 1

    def crashed(self, lived_s: float) -> None:
        """Its own worker ended after so long."""
        self.crashes += 1
        self._in_a_row = 1 if lived_s >= _WELL_AFTER_S else self._in_a_row + 1

    @property
    def wait_s(self) -> float:
        """How long until it is tried again."""
        return _WAITS.after(self._in_a_row)

    @property
    def detail(self) -> dict[str, Any]:
        """What its gap and its status say."""
        times = "once" if self.crashes == 1 else f"{self.crashes} times"
        return {
            "error": f"what this camera sends crashed its recorder {times}: it has a process of its own,"
            f" and is tried again every {self.wait_s:.0f} s",
            "crashes": self.crashes,
        }
