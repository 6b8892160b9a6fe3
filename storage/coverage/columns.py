"""Coverage folded to the columns of a drawing: a month of thousands of gaps as a handful of runs. Pure.

Invariants: the runs' lengths are the columns together; a gap is never less than a column, and of several things in one
column the worst is shown: a fault before a decision, a decision before footage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from storage.causes import Cause, CauseClass
from storage.coverage.one_camera import Coverage

__all__ = ["ColumnRun", "folded"]

_NOT_KNOWN: Final = 0
_FOOTAGE: Final = 1
# The worst last.
_BY_WEIGHT: Final = (
    CauseClass.POLICY,
    CauseClass.ADMINISTRATIVE,
    CauseClass.NETWORK,
    CauseClass.CAMERA,
    CauseClass.SERVER,
)


class ColumnRun(NamedTuple):
    """``columns`` of one kind. ``cause`` is None of footage; both are None of what is not known."""

    columns: int
    footage: bool
    cause: Cause | None
    cause_class: CauseClass | None


def folded(coverage: Coverage, columns: int) -> list[ColumnRun]:
    """The runs of ``columns`` columns that the whole range is.

    Raises:
        ValueError: no column at all.
    """
    if columns < 1:
        raise ValueError("a drawing has at least one column")
    start_us, length_us = coverage.start_us, coverage.end_us - coverage.start_us
    kinds: list[tuple[Cause, CauseClass]] = sorted(
        {(gap.cause, gap.cause_class) for gap in coverage.gaps}, key=lambda kind: (_BY_WEIGHT.index(kind[1]), kind[0])
    )
    code_of = {kind: number + _FOOTAGE + 1 for number, kind in enumerate(kinds)}
    codes = np.zeros(columns, np.int32)
    for a, b in coverage.spans:
        low, high = (a - start_us) * columns // length_us, -(-(b - start_us) * columns // length_us)
        codes[low:high] = _FOOTAGE
    for gap in coverage.gaps:
        low = (gap.start_us - start_us) * columns // length_us
        # Where it ends within a column, that one is shared: it is the gap's only if it has no other.
        high = max((gap.end_us - start_us) * columns // length_us, low + 1)
        part = codes[low:high]
        np.maximum(part, code_of[gap.cause, gap.cause_class], out=part)
    edges = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1, [columns]])
    return [_run(int(codes[a]), b - a, kinds) for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]


def _run(code: int, columns: int, kinds: Sequence[tuple[Cause, CauseClass]]) -> ColumnRun:
    if code <= _FOOTAGE:
        return ColumnRun(columns, code == _FOOTAGE, None, None)
    return ColumnRun(columns, False, *kinds[code - _FOOTAGE - 1])
