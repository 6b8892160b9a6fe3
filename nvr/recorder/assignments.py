"""What a worker is told: which cameras are its own, and what of them. The lines between supervisor and worker; imports
no media.

A line tells only what has changed, so that one camera's change costs the same among five as among five thousand.
Invariant: the lines that ``lines`` makes lead a worker from what it was told before to exactly what is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import msgspec

from nvr.recorder.sources.reading import Reading
from storage.causes import Cause

__all__ = ["Leaving", "Line", "Order", "lines", "stop_s"]

_MOST_IN_A_LINE: Final = 200


Leaving: TypeAlias = tuple[str, dict[str, Any]]
"""Why a camera is no longer a worker's: cause and detail."""
_REMOVED: Final[Leaving] = (Cause.NOT_CONFIGURED.value, {"reason": "camera removed"})


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to do about one camera: record ``camera``, its settings with their secrets, as ``reading`` says (None: as
    the settings do) under ``epoch``; or, with ``stopped`` (cause, detail), say why it does not record. ``tentative``:
    another worker still records it, so no failure to begin is told."""

    epoch: int
    camera: dict[str, Any]
    reading: Reading | None = None
    stopped: tuple[str, dict[str, Any]] | None = None
    tentative: bool = False


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line. ``gone`` are cameras that are this worker's no more, and the cause and detail of their gap; null:
    another one records them already. ``roots``: (identity, path) of footage roots that there are besides those known.
    """

    orders: dict[str, Order] = {}
    gone: dict[str, Leaving | None] = {}
    roots: list[tuple[str, str]] = []


def lines(sent: Mapping[str, Order], wanted: Mapping[str, Order], why: Mapping[str, Leaving | None]) -> list[Line]:
    """The lines that lead from ``sent`` to ``wanted``. ``why``: as in ``Line.gone``, of cameras that go but were not
    removed."""
    news = [(id_, order) for id_, order in wanted.items() if sent.get(id_) != order]
    gone = {id_: why.get(id_, _REMOVED) for id_ in sent if id_ not in wanted}
    found = [Line(gone=gone)] if gone else []
    chunks = (news[at : at + _MOST_IN_A_LINE] for at in range(0, len(news), _MOST_IN_A_LINE))
    return [*found, *(Line(orders=dict(chunk)) for chunk in chunks)]


def stop_s(cameras: int) -> float:
    """How long a worker with so many cameras may take to close its segments: each is a tail, a sync and a rename."""
    return 8.0 + 0.01 * cameras
