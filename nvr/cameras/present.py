"""The fleet at this moment: which cameras must be recorded, which are, and since when those are down that are not.

The one answer for outages, alerts, metrics and the page. What the figures (``storage.coverage.figures``) say of a
range, this says of its last instant, for the price of a few steps in indexes a camera. Invariants: a camera is down
exactly if it is required and not recorded; since when is where its footage, or what kept it from being required, ended
last.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nvr.orders.in_force import in_force
from storage.catalogue.segments import LAST_SPANS
from storage.causes import Cause, CauseClass, class_of, is_required
from storage.times import iso

__all__ = ["SILENT_US", "CameraNow", "present"]

# Recorders report every second. After this long without a report nobody knows whether the camera is recorded.
SILENT_US: Final = 15_000_000


@dataclass(frozen=True, slots=True)
class CameraNow:
    """A camera of the fleet.

    ``is_required``: no order, window or schedule keeps it from being recorded, and it is set up. ``since_us``: of one
    that is down, of its outage; of one that need not be recorded, of the decision (None where nothing dates it); of one
    that is recorded, None. ``cause`` and ``detail`` say why it is not recorded: None and a reason if its recorder has
    stopped reporting. ``footage_us``: the end of its footage, known for one that is down.
    """

    key: int
    camera: str
    is_required: bool
    is_recording: bool
    since_us: int | None = None
    cause: Cause | None = None
    detail: Mapping[str, Any] | None = None
    footage_us: int | None = None

    @property
    def is_down(self) -> bool:
        """Whether it should be recorded and is not."""
        return self.is_required and not self.is_recording

    @property
    def cause_class(self) -> CauseClass:
        """Who has to act on it."""
        return CauseClass.SERVER if self.cause is None else class_of(self.cause, self.detail or {})


# A camera's open fact of the recorder is its last one: at a change of recorders there may be two for a moment.
_CAMERAS: Final = """
SELECT k.key, k.id, k.added_us, f.start_us AS fact_us, f.cause, f.detail,
  t.state, t.cause AS told_cause, t.detail AS told_detail, t.recorded_until_us, t.updated_us
FROM camera k LEFT JOIN fact f INDEXED BY fact_end ON f.camera = k.key AND f.end_us IS NULL AND f.layer = 'recorder'
LEFT JOIN status t ON t.camera = k.key WHERE k.removed_us IS NULL {one} ORDER BY k.id, f.start_us, f.epoch"""

# As the index ``fact_outside`` has it: causes outside of what is required, and footage that went by policy or person.
_OUTSIDE: Final = "cause IN ('disabled', 'maintenance', 'schedule', 'not_configured', 'pruned', 'deleted')"
_ENDS: Final = f"""
SELECT k.value AS camera,
  (SELECT max(end_us) FROM (SELECT end_us FROM span WHERE camera = k.value AND start_us < :now
    ORDER BY start_us DESC LIMIT {LAST_SPANS}) WHERE end_us <= :now) AS span_us,
  (SELECT max(until_us) FROM growing WHERE camera = k.value AND until_us <= :now) AS growing_us,
  (SELECT max(end_us) FROM fact INDEXED BY fact_outside
    WHERE camera = k.value AND end_us <= :now AND {_OUTSIDE}) AS outside_us
FROM json_each(:keys) k"""


def present(conn: sqlite3.Connection, now_us: int, cameras: Collection[str] | None = None) -> dict[str, CameraNow]:
    """Every camera that is not removed, or those of these ids, by id."""
    named = None if cameras is None else json.dumps(list(cameras))
    one = "" if named is None else "AND k.id IN (SELECT value FROM json_each(:named))"
    last = {row["id"]: row for row in conn.execute(_CAMERAS.format(one=one), {"named": named})}
    decided = in_force(conn, now_us, next(iter(last)) if len(last) == 1 else None)
    down = {row["key"] for id_, row in last.items() if id_ not in decided and not _records(row, now_us)}
    ends = {
        row["camera"]: row
        for row in conn.execute(_ENDS, {"now": now_us, "keys": json.dumps(sorted(down))} if down else _NONE)
    }
    found: dict[str, CameraNow] = {}
    for id_, row in last.items():
        key, records = row["key"], _records(row, now_us)
        cause, detail = _why(row, now_us)
        if id_ in decided:
            first = decided[id_][0]
            found[id_] = CameraNow(key, id_, False, records, first.since_us, first.cause, first.detail)
        elif records:
            found[id_] = CameraNow(key, id_, True, True)
        elif cause is not None and not is_required(cause):
            since_us = row["fact_us"] if row["state"] is not None else row["added_us"]
            found[id_] = CameraNow(key, id_, False, False, since_us or None, cause, detail)
        else:
            since_us, footage_us = _since(row, ends[key], now_us)
            found[id_] = CameraNow(key, id_, True, False, since_us, cause, detail, footage_us)
    return found


_NONE: Final[Mapping[str, Any]] = {"now": 0, "keys": "[]"}


def _records(row: sqlite3.Row, now_us: int) -> bool:
    """Whether footage is being written, as far as a recorder that reports can tell."""
    return row["cause"] is None and row["state"] == "recording" and not _is_silent(row, now_us)


def _is_silent(row: sqlite3.Row, now_us: int) -> bool:
    return bool(now_us - row["updated_us"] > SILENT_US)


def _why(row: sqlite3.Row, now_us: int) -> tuple[Cause | None, Mapping[str, Any]]:
    """Why it is not recorded: by its fact, or by its recorder's report until there is one."""
    if row["cause"] is not None:
        return Cause(row["cause"]), json.loads(row["detail"])
    if row["state"] is None:
        # No recorder has ever reported it.
        return Cause.NOT_CONFIGURED, {}
    if _is_silent(row, now_us):
        return None, {"reason": f"its recorder has not reported since {iso(row['updated_us'])}"}
    return None if row["told_cause"] is None else Cause(row["told_cause"]), json.loads(row["told_detail"])


def _since(row: sqlite3.Row, ends: sqlite3.Row, now_us: int) -> tuple[int, int | None]:
    """Since when a camera is down, and the end of its footage."""
    footage_us = max(ends["span_us"] or 0, ends["growing_us"] or 0)
    known_us = [footage_us, ends["outside_us"] or 0, row["added_us"]]
    if row["cause"] is None:
        # Footage that the catalogue has not been told of yet; of a recorder that is silent nobody knows since its last
        # report.
        footage_us = max(footage_us, min(row["recorded_until_us"] or 0, now_us))
        known_us += [footage_us, row["updated_us"] if _is_silent(row, now_us) else 0]
    return min(max(known_us), now_us), footage_us or None
