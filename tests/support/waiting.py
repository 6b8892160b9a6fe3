"""Waiting for what another thread, process or task does: never for a time, always for something that is named.

Invariant: who waits in vain is told for what, and for how long it was waited.
"""

from __future__ import annotations

import asyncio
import linecache
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

__all__ = ["remains", "until", "until_async"]

T = TypeVar("T")
_LOOK_S = 0.01


def until(question: Callable[[], T], what: str = "", within_s: float = 60.0, *, look_s: float = _LOOK_S) -> T:
    """The first true answer to the question, which is asked every ``look_s`` seconds. Without ``what`` it is named by
    the line that asks.

    Raises:
        AssertionError: there was none within ``within_s`` seconds.
    """
    what = what or _line(sys._getframe(1))
    deadline = time.monotonic() + within_s
    while not (answer := question()):
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(look_s)  # sleep: between two questions
    return answer


async def until_async(
    question: Callable[[], T], what: str = "", within_s: float = 60.0, *, look_s: float = _LOOK_S
) -> T:
    """As ``until``, while the event loop goes on."""
    what = what or _line(sys._getframe(1))
    deadline = time.monotonic() + within_s
    while not (answer := question()):
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        await asyncio.sleep(look_s)  # sleep: between two questions
    return answer


def remains(question: Callable[[], object], what: str, for_s: float, *, look_s: float = 0.2) -> None:
    """The answer to the question is true all the time.

    Raises:
        AssertionError: it was not.
    """
    deadline = time.monotonic() + for_s
    while time.monotonic() < deadline:
        assert question(), f"no longer so: {what}"
        time.sleep(look_s)  # sleep: between two questions


def _line(frame: FrameType) -> str:
    return linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
