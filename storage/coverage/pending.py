"""Footage that is being written and that the catalogue does not know yet: until where each camera's story may be told.

A segment that is being closed may take long: its successor is listed meanwhile, perhaps on another disk, or its run has
ended, and what lies between the last that is known of it and what follows is neither footage nor a gap. Invariant: such
a stretch is "not known yet", in every answer, until it is entered or a fact explains it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["pending"]

# The file of a run's last segment may not have its name yet when the run's end is known. If it never gets it, a fact
# says why.
_NAMING_US: Final = 60_000_000

_EXPLAINED: Final = (
    "(EXISTS (SELECT 1 FROM fact f INDEXED BY fact_end WHERE f.camera = {camera} AND f.end_us > {at}"
    " AND f.start_us <= {at})"
    " OR EXISTS (SELECT 1 FROM fact f INDEXED BY fact_end WHERE f.camera = {camera} AND f.end_us IS NULL"
    " AND f.start_us <= {at}))"
)
# A growing segment that does not reach the next one of its run.
_CLOSING: Final = f"""SELECT place, min(reach) FROM (
  SELECT k.key AS place, g.camera, max(g.start_us, g.until_us) AS reach,
    (SELECT n.start_us FROM segment n WHERE n.camera = g.camera AND n.start_us > g.start_us AND n.node = g.node
      AND n.epoch = g.epoch AND n.run_start_us = s.run_start_us ORDER BY n.start_us LIMIT 1) AS next_us
  FROM json_each(:keys) k CROSS JOIN growing g ON g.camera = k.value
  CROSS JOIN segment s ON s.camera = g.camera AND s.start_us = g.start_us AND s.node = g.node AND s.epoch = g.epoch) c
WHERE next_us > reach AND NOT {_EXPLAINED.format(camera="c.camera", at="c.reach")} GROUP BY place"""
# A run that has just ended, and reaches further than its segments.
_ENDED: Final = f"""SELECT place, reach FROM (
  SELECT k.key AS place, r.camera, r.end_us,
    coalesce((SELECT coalesce(s.end_us, max(g.start_us, g.until_us), s.start_us) FROM segment s
      LEFT JOIN growing g ON g.camera = s.camera AND g.start_us = s.start_us AND g.node = s.node AND g.epoch = s.epoch
      WHERE s.camera = r.camera AND s.start_us >= r.start_us AND s.node = r.node AND s.epoch = r.epoch
        AND s.run_start_us = r.start_us
      ORDER BY s.start_us DESC LIMIT 1), r.start_us) AS reach
  FROM json_each(:keys) k CROSS JOIN run r ON r.camera = k.value
  WHERE r.start_us = (SELECT max(start_us) FROM run WHERE camera = k.value AND start_us <= :now)
    AND r.end_us > :now - {_NAMING_US}) c
WHERE end_us > reach AND NOT {_EXPLAINED.format(camera="c.camera", at="c.reach")}"""


def pending(conn: sqlite3.Connection, values: Mapping[str, Any], now_us: int) -> dict[int, int]:
    """From when on a camera's story is not known yet, by its place in ``values["keys"]``, a JSON list of cameras' keys;
    without those where nothing is pending."""
    found: dict[int, int] = {}
    for query in (_CLOSING, _ENDED):
        for place, reach_us in conn.execute(query, {"keys": values["keys"], "now": now_us}):
            found[place] = min(reach_us, found.get(place, reach_us))
    return found
