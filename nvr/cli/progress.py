"""Progress of long work on a terminal: one line that is rewritten, on stderr; nothing where nobody looks."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Final

__all__ = ["ProgressLine"]

_EVERY_S: Final = 0.2


class ProgressLine:
    """Call it with bytes done and in all; as a context manager it leaves a clean line behind."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_seen = sys.stderr.isatty()
        self._began = self._last = time.monotonic()
        self._width = 0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if not self._is_seen or (now - self._last < _EVERY_S and done < total):
            return
        self._last = now
        rate = done / max(now - self._began, 1e-3)
        left_s = (total - done) / rate if rate else 0
        share = 100 * done // total if total else 100
        self._put(
            f"{self._what}: {share} %  {done / 1e6:,.0f} of {total / 1e6:,.0f} MB  {rate / 1e6:,.0f} MB/s"
            f"  {left_s:,.0f} s left"
        )

    def _put(self, text: str) -> None:
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_seen and self._width:
            self._put("")
            sys.stderr.write("\r")
