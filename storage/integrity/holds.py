"""Whether the holds are those that the audit log tells of: each placed one there, with its camera, range and reason,
and released only if the log says so.

Invariant: this only ever reports. Holds that are older than the log are not judged.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["differences"]

_MOST: Final = 100


@dataclass(slots=True)
class _Told:
    """What the log says of a hold."""

    seq: int
    camera: str | None
    detail: dict[str, Any]


def differences(conn: sqlite3.Connection) -> list[str]:
    """In words, what of the holds is not as the log says."""
    try:
        return _differences(conn)[:_MOST]
    except (sqlite3.Error, UnicodeError) as error:
        return [f"holds and log can't be compared: {error}"]


def _differences(conn: sqlite3.Connection) -> list[str]:
    told: dict[str, _Told] = {}
    released: set[str] = set()
    for seq, action, camera, text in conn.execute(
        "SELECT seq, action, camera, detail FROM audit WHERE action IN ('hold_placed', 'hold_released') ORDER BY seq"
    ):
        try:
            detail = json.loads(text)
            id_ = str(detail["hold"])
        except (ValueError, TypeError, KeyError):
            # Changed since it was entered: verifying the log says so.
            continue
        if action == "hold_placed":
            told[id_] = _Told(seq, camera, detail)
        else:
            released.add(id_)
    first_us = conn.execute("SELECT min(at_us) FROM audit").fetchone()[0]
    found: list[str] = []
    rows = conn.execute(
        "SELECT h.id, c.id AS camera, h.start_us, h.end_us, h.reason, h.placed_us, h.released_us FROM hold h"
        " LEFT JOIN camera c ON c.key = h.camera"
    )
    seen = set()
    for id_, camera, start_us, end_us, reason, placed_us, released_us in rows:
        seen.add(id_)
        entry = told.get(id_)
        if entry is None:
            if first_us is not None and placed_us >= first_us:
                found.append(f"hold {id_} of {camera}: the log does not say that it was placed")
        else:
            wanted = (entry.camera, *(entry.detail.get(name) for name in ("start_us", "end_us", "reason")))
            if (camera, start_us, end_us, reason) != wanted:
                found.append(f"hold {id_} of {camera}: it is not as entry {entry.seq} of the log says")
        if released_us is not None and id_ not in released and (entry is not None or placed_us >= (first_us or 0)):
            found.append(f"hold {id_} of {camera}: it is released, and the log does not say so")
        elif released_us is None and id_ in released:
            found.append(f"hold {id_} of {camera}: it holds, and the log says that it was released")
    found += [
        f"hold {id_} of {entry.camera}: entry {entry.seq} of the log says that it was placed, and it is not there"
        for id_, entry in told.items()
        if id_ not in seen
    ]
    return found
