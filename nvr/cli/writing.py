"""Files that commands write where people tell them to: whole, or not at all.

Invariant: no file of somebody else's is ever replaced, and of one that could not be finished nothing is left, whatever
ended it short of SIGKILL.
"""

from __future__ import annotations

import signal
import sys

__all__ = ["end_in_order"]


def end_in_order() -> None:
    """A command that is told to end, or whose terminal is closed, removes what it has not finished. One that runs on
    without a terminal (nohup) goes on doing so."""

    def leave(number: int, _: object) -> None:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, leave)
