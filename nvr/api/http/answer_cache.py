"""Answers that are kept for a few seconds, for routes that thousands may ask at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

__all__ = ["KeptAnswers"]

# Of pictures of citizens' size, some 60 MB.
_MOST: Final = 1_024


class KeptAnswers:
    """Answers kept for a few seconds: a thousand viewers cost what one does. One for the whole application."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[int, Any]] = {}

    def peek(self, key: str, now_us: int, fresh_s: int) -> Any:
        """What was made for this key within ``fresh_s``, or None. Waits for nobody."""
        kept = self._kept.get(key)
        return kept[1] if kept is not None and kept[0] <= now_us < kept[0] + fresh_s * 1_000_000 else None

    def get(self, key: str, now_us: int, fresh_s: int, make: Callable[[], Any]) -> Any:
        """What was made for this key within ``fresh_s``, or made now. Makers wait for one another, those who find it
        made do not."""
        if (kept := self.peek(key, now_us, fresh_s)) is not None:
            return kept
        with self._lock:
            if (kept := self.peek(key, now_us, fresh_s)) is not None:
                return kept
            made = make()
            if len(self._kept) >= _MOST:
                del self._kept[min(self._kept, key=lambda name: self._kept[name][0])]
            self._kept[key] = (now_us, made)
            return made

    def forget(self) -> None:
        """What was answered may not be true any more: a view was cut."""
        with self._lock:
            self._kept.clear()
