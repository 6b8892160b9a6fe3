"""The partition of many cameras' ranges into footage and gaps at once, by arrays.

Pure. What ``storage.coverage.partition.partition`` does for one camera, for hundreds in one pass: the cameras lie one
behind the other on one axis of microseconds, so that they are one problem. Invariant: the gaps are those that
``partition`` finds camera by camera.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from storage.causes import Cause, CauseClass, Layer
from storage.coverage.partition import partition, rank

__all__ = ["CAUSES", "CLASSES", "CODE", "LAYER_OF_RANK", "OPEN", "FactArrays", "Gaps", "Int64", "partition_many"]

Int64 = NDArray[np.int64]

# The code of a cause and its class in arrays is their place here. Some causes have several classes: as ``CODE`` names
# them the one that they have if nothing else is said, after the other causes those that their facts may name
# (``storage.causes.class_of``).
_NAMED: Final = tuple(
    (cause, name)
    for cause in (Cause.CORRUPT, Cause.STALLED)
    for name in (CauseClass.NETWORK, CauseClass.CAMERA, CauseClass.SERVER)
    if name is not cause.cause_class
)
CAUSES: Final[tuple[Cause, ...]] = (*Cause, *(cause for cause, _ in _NAMED))
CLASSES: Final[tuple[CauseClass, ...]] = (*(cause.cause_class for cause in Cause), *(name for _, name in _NAMED))
CODE: Final[dict[str, int]] = {
    **{cause: code for code, cause in enumerate(Cause)},
    **{f"{cause}/{name}": len(Cause) + number for number, (cause, name) in enumerate(_NAMED)},
}
_UNKNOWN: Final = CODE[Cause.UNKNOWN]
# Facts of one rank only compete by their start; of ranks the least wins.
LAYER_OF_RANK: Final[dict[int, Layer]] = {
    **{rank(cause, cause.layer): cause.layer for cause in CAUSES},
    rank(Cause.UNKNOWN, Layer.RECORDER): Layer.RECORDER,
}
# As the end of a fact: it is still so. Later than any time there is.
OPEN: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class FactArrays:
    """Facts of many cameras; those of one camera and rank in the order in which a later one wins: by start, epoch,
    node.

    ``camera`` is a place in the list asked for, ``end_us`` is ``OPEN`` while it is still so, ``cause`` a code, ``rank``
    that of ``storage.coverage.partition.rank``.
    """

    camera: Int64
    start_us: Int64
    end_us: Int64
    cause: Int64
    rank: Int64


@dataclass(frozen=True, slots=True)
class Gaps:
    """Gaps by camera and time. ``fact`` is the place of the fact that a gap was derived from, -1 if none
    explains it."""

    camera: Int64
    start_us: Int64
    end_us: Int64
    fact: Int64
    cause: Int64

    def __len__(self) -> int:
        return len(self.camera)

    @property
    def length_us(self) -> Int64:
        """How long each is."""
        return self.end_us - self.start_us


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Disjoint stretches on the axis, sorted, each with the fact that holds in it."""

    start: Int64
    end: Int64
    fact: Int64


class _Axis:
    """Camera ``n``'s time ``start_us + t`` is at ``n * stride + t``; what it does not know yet is left out."""

    def __init__(self, start_us: int, known_us: Int64, longest_us: int) -> None:
        self.start_us, self.known_us = start_us, known_us
        # One more than the range: cameras never touch.
        self.stride = longest_us + 1

    def place(self, camera: Int64, at_us: Int64) -> Int64:
        inside: Int64 = np.minimum(np.maximum(at_us - self.start_us, 0), self.known_us[camera])
        return camera * self.stride + inside


def partition_many(
    start_us: int,
    end_us: int,
    as_of_us: Int64,
    spans: tuple[Int64, Int64, Int64],
    facts: FactArrays,
) -> Gaps:
    """Gaps of each camera in ``[start_us, min(end_us, as_of_us[camera]))``.

    ``spans``: cameras, starts and ends of footage, in any order, overlaps welcome.
    """
    known_us = np.clip(as_of_us, start_us, end_us) - start_us
    axis = _Axis(start_us, known_us, end_us - start_us)
    holes = _holes(axis, *spans)
    layers = [_pieces(axis, facts, number) for number in sorted(LAYER_OF_RANK)]
    start, end, fact = _attribute(holes, layers)
    camera = start // axis.stride
    base = start_us - camera * axis.stride
    cause = np.full(len(fact), _UNKNOWN, np.int64)
    cause[fact >= 0] = facts.cause[fact[fact >= 0]]
    return Gaps(camera, start + base, end + base, fact, cause)


def _holes(axis: _Axis, camera: Int64, start_us: Int64, end_us: Int64) -> tuple[Int64, Int64]:
    """What lies between footage, as starts and ends on the axis. Borders are empty footage: they give the first and the
    last hole, and that of a camera without any."""
    every = np.arange(len(axis.known_us), dtype=np.int64)
    border = every * axis.stride
    start, end = axis.place(camera, start_us), axis.place(camera, end_us)
    # Within a hole, footage that is empty (a segment that has just begun) would cut it in two.
    real = end > start
    start = np.concatenate([start[real], border, border + axis.known_us])
    end = np.concatenate([end[real], border, border + axis.known_us])
    order = np.argsort(start, kind="stable")
    start, end = start[order], end[order]
    # The running maximum, not the previous row's end: a long span may contain later short ones. It never reaches the
    # next camera.
    reached = np.maximum.accumulate(end)
    is_hole = (start[1:] > reached[:-1]) & (start[1:] // axis.stride == reached[:-1] // axis.stride)
    return reached[:-1][is_hole], start[1:][is_hole]


def _pieces(axis: _Axis, facts: FactArrays, number: int) -> _Pieces:
    """The facts of a rank as disjoint stretches."""
    chosen = np.flatnonzero(facts.rank == number)
    camera = facts.camera[chosen]
    start, end = axis.place(camera, facts.start_us[chosen]), axis.place(camera, facts.end_us[chosen])
    real = end > start
    start, end, fact = start[real], end[real], chosen[real]
    order = np.argsort(start, kind="stable")
    pieces = _Pieces(start[order], end[order], fact[order])
    if bool(np.all(pieces.end[:-1] <= pieces.start[1:])):
        return pieces
    return _untangled(axis, facts, pieces, LAYER_OF_RANK[number])


def _untangled(axis: _Axis, facts: FactArrays, pieces: _Pieces, layer: Layer) -> _Pieces:
    """Facts of a rank that overlap: rare, so camera by camera, by the way of one camera."""
    start, end, found = [], [], []
    camera = pieces.start // axis.stride
    for number in np.unique(camera).tolist():
        rows = np.sort(pieces.fact[camera == number])
        stretches = [
            (int(facts.start_us[row]), int(facts.end_us[row]), CAUSES[int(facts.cause[row])]) for row in rows.tolist()
        ]
        until_us = axis.start_us + int(axis.known_us[number])
        base = number * axis.stride - axis.start_us
        for part in partition(axis.start_us, until_us, (), stretches, [layer] * len(stretches))[1]:
            if part.fact >= 0:
                start.append(part.start_us + base)
                end.append(part.end_us + base)
                found.append(int(rows[part.fact]))
    return _Pieces(*(np.array(column, np.int64) for column in (start, end, found)))


def _attribute(holes: tuple[Int64, Int64], layers: Sequence[_Pieces]) -> tuple[Int64, Int64, Int64]:
    """Holes cut wherever the deciding fact changes: starts, ends and facts."""
    hole_start, hole_end = holes
    if not len(hole_start):
        return hole_start, hole_end, hole_start
    cuts = np.concatenate([hole_start, hole_end, *(piece for layer in layers for piece in (layer.start, layer.end))])
    cuts.sort(kind="stable")
    cuts = cuts[np.concatenate([[True], cuts[1:] != cuts[:-1]])]
    start, end = cuts[:-1], cuts[1:]
    hole = np.searchsorted(hole_start, start, "right") - 1
    inside = (hole >= 0) & (start < hole_end[hole])
    start, end, hole = start[inside], end[inside], hole[inside]
    fact = np.full(len(start), -1, np.int64)
    for pieces in reversed(layers):
        if len(pieces.start):
            at = np.searchsorted(pieces.start, start, "right") - 1
            holds = (at >= 0) & (start < pieces.end[at])
            fact[holds] = pieces.fact[at[holds]]
    same = (hole[1:] == hole[:-1]) & (fact[1:] == fact[:-1])
    first = np.concatenate([[True], ~same])
    last = np.concatenate([~same, [True]])
    return start[first], end[last], fact[first]
