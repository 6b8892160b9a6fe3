"""Answers that are kept for a few seconds, for routes that thousands may ask at once. Invariant: at most 1,024 of them,
and of pictures 64 MiB, or one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

__all__ = ["KeptAnswers"]

_MOST: Final = 1_024
# As many pictures of citizens' size, where cameras are as they should be.
_MOST_BYTES: Final = 64 << 20


class KeptAnswers:
    """Answers kept for a few seconds: a thousand viewers cost what one does. One for the whole application. ``bytes``:
    what those weigh that are kept."""

    def __init__(self, *, most: int = _MOST, most_bytes: int = _MOST_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._lock = threading.Lock()
        # What was made longest ago first.
        self._kept: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

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
            if (old := self._kept.pop(key, None)) is not None:
                self.bytes -= _size(old[1])
            self._kept[key] = (now_us, made)
            self.bytes += _size(made)
            while len(self._kept) > 1 and (len(self._kept) > self._most or self.bytes > self._most_bytes):
                self.bytes -= _size(self._kept.popitem(last=False)[1][1])
            return made

    def forget(self) -> None:
        """What was answered may not be true any more: a view was cut."""
        with self._lock:
            self._kept.clear()
            self.bytes = 0


def _size(made: Any) -> int:
    """In bytes, of what pictures are made of; what is one for all cameras has its bound by them."""
    return sum(len(part) for part in made if isinstance(part, bytes)) if isinstance(made, tuple) else 0
