"""Cameras whose bytes crash the process that reads them. Pure.

The second crash in a camera's work within an hour puts it into a worker of its own, where it harms nobody, for as long as the server runs: the first may have
been anything. There it is tried again with growing waits. Invariant: after that no crash of its costs another camera a frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Accusations", "Confinement"]

_ENOUGH: Final = 2
_WITHIN_S: Final = 3600.0
_FIRST_WAIT_S: Final = 2.0
_LAST_WAIT_S: Final = 600.0
_WELL_AFTER_S: Final = 600.0


class Accusations:
    """Crashes in whose work, and when (seconds of a monotonic clock)."""

    def __init__(self) -> None:
        self._at: dict[str, list[float]] = {}

    def accuse(self, camera: str, now: float) -> int:
        """Its worker crashed in this camera's work; returns its crashes within the hour."""
        recent = [at for at in self._at.get(camera, []) if now - at < _WITHIN_S]
        self._at[camera] = [*recent, now]
        return len(self._at[camera])

    def suffices(self, camera: str) -> bool:
        """Whether it must be kept apart."""
        return len(self._at.get(camera, [])) >= _ENOUGH


@dataclass(slots=True)
class Confinement:
    """A camera that is kept apart."""

    camera: str
    crashes: int
    waiting: bool = True
    _next_s: float = field(default=_FIRST_WAIT_S)

    def crashed(self, lived_s: float) -> None:
        """Its own worker ended after so long."""
        self.crashes += 1
        self._next_s = _FIRST_WAIT_S if lived_s >= _WELL_AFTER_S else min(2 * self._next_s, _LAST_WAIT_S)

    @property
    def wait_s(self) -> float:
        """How long until it is tried again."""
        return self._next_s

    @property
    def detail(self) -> dict[str, Any]:
        """What its gap and its status say."""
        return {
            "error": f"what this camera sends crashed its recorder {self.crashes} times: it has a process of its own,"
            f" and is tried again every {self._next_s:.0f} s",
            "crashes": self.crashes,
        }
