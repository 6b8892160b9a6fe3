"""How late the event loop is, and what it was at: whatever keeps it keeps everybody who asks.

Belongs here: what is measured of it, for ``/metrics`` and the log. Invariant: costs some wake-ups a second, and asks
nothing of the loop but a note of the time.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback
from typing import Final

from nvr.log import PerMinute

__all__ = ["LoopWatch"]

log = logging.getLogger(__name__)

_EVERY_S: Final = 0.1
_LATE_S: Final = 0.2
_WORTH_A_LINE_S: Final = 1.0
_FRAMES: Final = 4


class LoopWatch:
    """``late`` counts delays of over 200 ms, ``longest_s`` is the longest. ``run`` is a task on the loop; a thread of
    its own looks what the loop is at while it is late."""

    def __init__(self) -> None:
        self.late = 0
        self.longest_s = 0.0
        self._due_s = time.monotonic() + _EVERY_S
        self._at = ""
        self._lines = PerMinute(2)
        self._ended = threading.Event()

    async def run(self) -> None:
        """Measures until it is cancelled."""
        loop_thread = threading.get_ident()
        threading.Thread(target=self._look, args=(loop_thread,), name="loop-watch", daemon=True).start()
        try:
            while True:
                self._due_s = time.monotonic() + _EVERY_S
                await asyncio.sleep(_EVERY_S)
                self._note(time.monotonic() - self._due_s)
        finally:
            self._ended.set()

    def _note(self, late_s: float) -> None:
        at, self._at = self._at, ""
        if late_s < _LATE_S:
            return
        self.late += 1
        self.longest_s = max(self.longest_s, late_s)
        if late_s >= _WORTH_A_LINE_S and self._lines.take() is not None:
            log.info("requests waited %.1f s: the event loop was at %s", late_s, at or "nothing that was seen")

    def _look(self, thread: int) -> None:
        while not self._ended.wait(_EVERY_S):
            if time.monotonic() - self._due_s < _LATE_S or self._at:
                continue
            frame = sys._current_frames().get(thread)
            if frame is not None:
                found = traceback.extract_stack(frame)[-_FRAMES:]
                self._at = " > ".join(f"{one.filename.rpartition('/')[2]}:{one.lineno} {one.name}" for one in found)
