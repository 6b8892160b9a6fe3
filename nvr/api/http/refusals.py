"""What was refused, by code: a stranger's request costs a number here and no line in a log."""

from __future__ import annotations

import threading
from collections import Counter

__all__ = ["Refusals"]


class Refusals:
    """Counts by code of ``nvr.api.http.errors`` and for connections; there are no more keys than these. Safe to use
    from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, code: str) -> None:
        """One more."""
        with self._lock:
            self._counts[code] += 1

    def counts(self) -> dict[str, int]:
        """All so far, since the process started."""
        with self._lock:
            return dict(self._counts)
