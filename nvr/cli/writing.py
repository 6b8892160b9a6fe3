"""Files that commands write where people tell them to: whole, or not at all.

Invariant: no file of somebody else's is ever replaced, and of one that could not be finished nothing is left, whatever
ended it short of SIGKILL.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["end_in_order", "new_file"]


@contextmanager
def new_file(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file that must not exist, open for writing; on the disk at the end of the block.

    Raises:
        OSError: it exists, or the disk does not take it.
    """
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(fd, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def end_in_order() -> None:
    """A command that is told to end, or whose terminal is closed, removes what it has not finished. One that runs on
    without a terminal (nohup) goes on doing so."""

    def leave(number: int, _: object) -> None:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, leave)
