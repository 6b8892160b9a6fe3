"""All cameras at once: a constant number of queries however many there are.

Integer keys stay inside the SQL; every row is joined to its camera's text id.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from nvr.api.http.bodies import CameraBody, CameraSource, CameraState, CameraStatusBody
from nvr.api.http.times import format_time, seconds
from nvr.cameras.present import SILENT_US, CameraNow, present
from nvr.config import format_duration, format_size, redact
from nvr.texts.plain import plain_detail
from storage.catalogue import cameras
from storage.catalogue.segments import LAST_SPANS
from storage.causes import Cause

__all__ = ["SILENT_US", "Health", "camera_bodies", "health"]

_HEARTBEAT_US: Final = 10 * 1_000_000

# The first and last footage come from the ends of primary keys, a few steps each, not from reading what lies between.
_CAMERAS: Final = f"""
SELECT c.id, c.name, c.labels, c.source, c.settings, c.added_us,
  t.state, t.since_us, t.cause, t.detail, t.recorded_until_us, t.bitrate_bps, t.frame_rate, t.updated_us, t.counters,
  (SELECT k.offset_us FROM clock_sample k WHERE k.camera = c.key ORDER BY k.at_us DESC LIMIT 1) AS clock_us,
  i.video_codec, i.width, i.height,
  (SELECT min(s.start_us) FROM segment s WHERE s.camera = c.key) AS first_us,
  (SELECT max(end_us) FROM (SELECT end_us FROM span p WHERE p.camera = c.key
    ORDER BY p.start_us DESC LIMIT {LAST_SPANS})) AS last_us,
  (SELECT max(g.until_us) FROM growing g WHERE g.camera = c.key) AS growing_us
FROM camera c LEFT JOIN status t ON t.camera = c.key LEFT JOIN init i ON i.id = t.init
WHERE c.removed_us IS NULL"""


def camera_bodies(
    conn: sqlite3.Connection,
    *,
    now_us: int,
    with_url: bool,
    camera: str | None = None,
    among: Collection[str] | None = None,
) -> list[CameraBody]:
    """Cameras that are not removed, by id, or the one of this id; of those ``among`` these. ``with_url``: for an
    administrator."""
    named = among if camera is None else [camera]
    one = "" if named is None else " AND c.id IN (SELECT value FROM json_each(:named))"
    rows = conn.execute(f"{_CAMERAS}{one} ORDER BY c.id", {"named": json.dumps(sorted(named or ()))})
    now = present(conn, now_us, named)
    return [_camera_body(conn, row, now[row["id"]], with_url=with_url) for row in rows]


def _camera_body(conn: sqlite3.Connection, row: sqlite3.Row, now: CameraNow, *, with_url: bool) -> CameraBody:
    settings = cameras.open_settings(conn, row["id"], row["settings"])[0] if with_url else json.loads(row["settings"])
    body = CameraBody(
        id=row["id"],
        name=row["name"],
        labels=json.loads(row["labels"]),
        audio=bool(settings.get("audio", False)),
        source=CameraSource(row["source"]),
        status=_status_body(row, now, whole=with_url),
        first_footage=_time(row["first_us"]),
        last_footage=None if row["first_us"] is None else _last(row),
    )
    if with_url:
        body.url = redact(str(settings.get("url", "")))
        live_url = settings.get("live_url")
        body.live_url = None if live_url is None else redact(str(live_url))
        body.priority = int(settings.get("priority") or 0)
        names = ("expected_interval_us", "max_age_us", "min_age_us")
        lengths_us = (settings.get(name) for name in names)
        body.expected_interval, body.max_age, body.min_age = (
            None if length_us is None else format_duration(length_us) for length_us in lengths_us
        )
        max_bytes = settings.get("max_bytes")
        body.max_bytes = None if max_bytes is None else format_size(max_bytes)
    return body


def _last(row: sqlite3.Row) -> str:
    return format_time(max(row["last_us"] or 0, row["growing_us"] or 0, row["first_us"]))


# A camera under one of these is not connected to.
_OFF: Final = (Cause.DISABLED, Cause.SCHEDULE)


def _status_body(row: sqlite3.Row, now: CameraNow, *, whole: bool) -> CameraStatusBody:
    recording = now.is_recording
    state = CameraState.RECORDING if recording else CameraState.OFF if now.cause in _OFF else CameraState.WAITING
    since_us = row["since_us"] if recording or now.since_us is None else now.since_us
    cause = None if recording else now.cause
    detail = None if recording else (now.detail if whole else plain_detail(now.detail or {})) or None
    return CameraStatusBody(
        state=state,
        since=format_time(row["added_us"] if since_us is None else since_us),
        cause=cause,
        class_=None if recording else now.cause_class,
        detail=detail,
        recorded_until=_time(row["recorded_until_us"]),
        codec=row["video_codec"],
        width=row["width"],
        height=row["height"],
        bitrate_bps=row["bitrate_bps"] if recording else None,
        frame_rate=row["frame_rate"] if recording else None,
        clock_offset_s=None if row["clock_us"] is None else seconds(row["clock_us"]),
        counters=json.loads(row["counters"] or "{}"),
    )


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else format_time(at_us)


@dataclass(frozen=True, slots=True)
class Health:
    """``heartbeat_age_us`` is None if the server never beat; ``silent`` counts cameras without a recent word of their
    recorder."""

    heartbeat_age_us: int | None
    silent: int

    @property
    def heart_stopped(self) -> bool:
        """Whether the supervisor seems to be gone."""
        return self.heartbeat_age_us is None or self.heartbeat_age_us > _HEARTBEAT_US


def health(conn: sqlite3.Connection, *, node: str, now_us: int) -> Health:
    """How the recording side is, as far as the catalogue shows."""
    beat: Any = conn.execute("SELECT watermark_us FROM node WHERE id = ?", (node,)).fetchone()
    silent = conn.execute(
        "SELECT count(*) FROM camera c LEFT JOIN status t ON t.camera = c.key"
        " WHERE c.removed_us IS NULL AND coalesce(t.updated_us, c.added_us) < ?",
        (now_us - SILENT_US,),
    ).fetchone()[0]
    age_us = None if beat is None or beat[0] is None else now_us - int(beat[0])
    return Health(age_us, int(silent))
