"""How long to wait after failures in a row."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Backoff"]

_MOST_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double, in seconds: ``first_s`` after one failure, never more than ``last_s``."""

    first_s: float
    last_s: float

    def after(self, failures: int) -> float:
        """The wait after so many failures in a row, one at least."""
        return min(self.first_s * 2.0 ** min(failures - 1, _MOST_DOUBLINGS), self.last_s)
