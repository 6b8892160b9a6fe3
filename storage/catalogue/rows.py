"""Many rows by one statement. Pure.

Between two statements, or two rows of ``executemany``, Python hands its lock to another thread: in a worker whose event
loop is busy each of thousands of rows then waits for it, and all other processes wait for the catalogue meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

__all__ = ["value_lists"]

# A statement may have 32,766 parameters, and long ones take long to prepare.
_ROWS: Final = 250


def value_lists(rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, list[Any]]]:
    """``VALUES`` with a place for each value of some of the rows, and the values; all rows in a few of them."""
    for at in range(0, len(rows), _ROWS):
        part = rows[at : at + _ROWS]
        row = "(" + ",".join("?" * len(part[0])) + ")"
        yield "VALUES " + ",".join([row] * len(part)), [value for values in part for value in values]
