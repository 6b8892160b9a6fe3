"""Much work in short transactions: whoever else writes has a turn in between.

Invariant: the write lock is held for a slice and its commit, however many items there are; an item is written wholly or
not.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from storage.catalogue.database import Database

__all__ = ["in_slices"]

_T = TypeVar("_T")

# A slice takes no further item after this long; an item takes one or two milliseconds.
_SLICE_S: Final = 0.015
# Whoever waits for the lock gets it: the lock by itself is nobody's turn.
_PAUSE_S: Final = 0.002


def in_slices(
    database: Database,
    items: Sequence[_T],
    write: Callable[[sqlite3.Connection, _T], None],
    *,
    first: Callable[[sqlite3.Connection], None] | None = None,
    most: int = 50,
) -> None:
    """Writes the items in order, ``most`` in a slice; ``first`` comes before them, in the first slice. What ``write``
    raises ends it: the slices before are written, this one is not."""
    position = 0
    while position < len(items) or first is not None:
        with database.write() as conn:
            if first is not None:
                first(conn)
                first = None
            until_s = time.monotonic() + _SLICE_S
            last = position + most
            while position < min(len(items), last) and time.monotonic() < until_s:
                write(conn, items[position])
                position += 1
        if position < len(items):
            time.sleep(_PAUSE_S)
