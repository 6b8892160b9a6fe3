"""The event loop of all relays of a process, in a thread of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import uvloop

__all__ = ["THREAD"]

T = TypeVar("T")


class _Thread:
    """The event loop of all relays."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = uvloop.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="relays", daemon=True).start()
            return self._loop

    def call(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """The result of work done there. Not from an event loop."""
        future = asyncio.run_coroutine_threadsafe(work, self.loop())
        try:
            return future.result(timeout_s)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise


THREAD: Final = _Thread()
