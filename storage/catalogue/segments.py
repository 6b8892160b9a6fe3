"""Segments, inits, runs and spans: the rows that say what was recorded.

Invariant: the spans of a camera, node and epoch are exactly the union of its closed segments but for their holes, cut
at UTC midnights; a segment without an end is one that grows, and it is in no span yet.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from storage.catalogue import holes, spans
from storage.catalogue.database import next_rev
from storage.catalogue.rows import value_lists
from storage.causes import Cause
from storage.format.boxes import Hole, Track
from storage.format.layout import segment_path
from storage.intervals import Interval, subtract

__all__ = [
    "LAST_SPANS",
    "LONGEST_SEGMENT_US",
    "Init",
    "Key",
    "Segment",
    "begin",
    "begin_run",
    "between",
    "discard",
    "end_run",
    "finish",
    "footage_bounds",
    "get",
    "growing",
    "grown",
    "init",
    "last_end",
    "needs_init",
    "put_init",
    "within_millisecond",
]

# The writer ends every segment within this, whatever is configured and whenever the next keyframe comes, so that a
# query for a range needs to look back no further.
LONGEST_SEGMENT_US = 2 * 3600 * 1_000_000
# Of so many that began last one ends last: ends are not sorted where a clock was set back, and holes make many short
# ones.
LAST_SPANS = 64


@dataclass(frozen=True, slots=True)
class Key:
    """The identity of a segment, a run or a span: unique in a whole fleet."""

    camera: str
    start_us: int
    node: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Init:
    """The bytes that make fragments decodable; ``id`` is their SHA-256. Codecs as in RFC 6381, sizes in pixels."""

    id: str
    data: bytes
    video_codec: str
    audio_codec: str | None
    width: int
    height: int

    @classmethod
    def of(cls, data: bytes, tracks: Iterable[Track]) -> Init:
        """The init that these bytes are."""
        video = next(track for track in tracks if track.kind == "video")
        audio = next((track.codec for track in tracks if track.kind == "audio"), None)
        return cls(hashlib.sha256(data).hexdigest(), data, video.codec, audio, video.width, video.height)


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of footage. While it grows, ``end_us`` is where its footage is known to reach and ``media_end``,
    ``sha256`` are None.

    Wall-clock and media time map linearly: ``start_us ↔ media_start``, ``end_us ↔ media_end``; while it grows, one
    second is ``timescale`` ticks. ``holes`` are stretches in which no frame could be decoded, sorted, none touching
    another.
    """

    key: Key
    end_us: int
    growing: bool
    root: str
    root_path: Path
    init: str
    run_start_us: int
    timescale: int
    media_start: int
    media_end: int | None
    frames: int
    bytes: int
    sha256: str | None
    holes: tuple[Interval, ...] = ()
    run_seq: int = 0
    """Runs that began later have a greater one, whatever the clock said; 0: not known."""

    @property
    def footage(self) -> list[Interval]:
        """When there is footage: all of it but its holes."""
        return subtract(self.key.start_us, self.end_us, self.holes)

    @property
    def relative_path(self) -> PurePosixPath:
        """The file's path below its root."""
        key = self.key
        return segment_path(key.camera, key.start_us, key.epoch, key.node, growing=self.growing)

    @property
    def path(self) -> Path:
        """The file's path. A growing file changes its name when it closes: on ``FileNotFoundError`` ask the catalogue
        again."""
        return self.root_path / self.relative_path


_SELECT = """SELECT c.id AS camera, s.start_us, n.id AS node, s.epoch, s.end_us, r.id AS root, r.path AS root_path,
s.init, s.run_start_us, s.timescale, s.media_start, s.media_end, s.frames, s.bytes, s.sha256, g.until_us,
(SELECT group_concat(h.from_us || ' ' || h.until_us) FROM hole h
  WHERE (h.camera, h.start_us, h.node, h.epoch) = (s.camera, s.start_us, s.node, s.epoch)) AS holes,
(SELECT u.seq FROM run u
  WHERE (u.camera, u.start_us, u.node, u.epoch) = (s.camera, s.run_start_us, s.node, s.epoch)) AS run_seq
FROM segment s LEFT JOIN growing g USING (camera, start_us, node, epoch) JOIN camera c ON c.key = s.camera
JOIN node n ON n.key = s.node JOIN root r ON r.key = s.root"""


def _segment(row: sqlite3.Row) -> Segment:
    is_growing = row["end_us"] is None
    end_us = max(row["until_us"] or 0, row["start_us"]) if is_growing else row["end_us"]
    return Segment(
        Key(row["camera"], row["start_us"], row["node"], row["epoch"]),
        end_us,
        is_growing,
        row["root"],
        Path(row["root_path"]),
        row["init"],
        row["run_start_us"],
        row["timescale"],
        row["media_start"],
        row["media_end"],
        row["frames"] or 0,
        row["bytes"] or 0,
        row["sha256"],
        holes.parsed(row["holes"]),
        row["run_seq"] or 0,
    )


_WHERE_KEY = holes.KEY


# Not OR IGNORE: that would also swallow a camera, node or root that the catalogue does not know.
_UNLESS_THERE = "ON CONFLICT (camera, start_us, node, epoch) DO NOTHING"


def _key_values(key: Key) -> dict[str, Any]:
    return {"camera": key.camera, "start_us": key.start_us, "node": key.node, "epoch": key.epoch}


def between(conn: sqlite3.Connection, camera: str, start_us: int, end_us: int) -> list[Segment]:
    """Segments of one camera that overlap ``[start_us, end_us)``, the growing one included, by start, then epoch, then
    node."""
    query = (
        f"{_SELECT} WHERE s.camera = (SELECT key FROM camera WHERE id = ?) AND s.start_us >= ? AND s.start_us < ?"
        " AND (s.end_us IS NULL OR s.end_us > ?) ORDER BY s.start_us, s.epoch, n.id"
    )
    rows = conn.execute(query, (camera, start_us - LONGEST_SEGMENT_US, end_us, start_us))
    return [segment for segment in map(_segment, rows) if segment.growing or segment.end_us > start_us]


def get(conn: sqlite3.Connection, key: Key) -> Segment | None:
    """The segment of this identity."""
    query = f"{_SELECT} WHERE c.id = :camera AND s.start_us = :start_us AND n.id = :node AND s.epoch = :epoch"
    row = conn.execute(query, _key_values(key)).fetchone()
    return None if row is None else _segment(row)


def within_millisecond(conn: sqlite3.Connection, key: Key) -> Key | None:
    """The segment whose name is that of ``key``, of which only the millisecond of its start is known."""
    row = conn.execute(
        "SELECT start_us FROM segment WHERE camera = (SELECT key FROM camera WHERE id = :camera)"
        " AND start_us >= :start_us AND start_us < :start_us + 1000"
        " AND node = (SELECT key FROM node WHERE id = :node) AND epoch = :epoch",
        _key_values(key),
    ).fetchone()
    return None if row is None else replace(key, start_us=row[0])


def growing(conn: sqlite3.Connection, camera: str | None = None) -> list[Segment]:
    """Segments without an end, of one camera or of all."""
    # From the small table: the big one is never searched for rows without an end.
    query = _SELECT.replace("segment s LEFT JOIN growing g", "growing g JOIN segment s")
    query += " WHERE c.id = ?" if camera is not None else ""
    rows = conn.execute(query + " ORDER BY c.id, g.start_us", (camera,) if camera is not None else ())
    return [_segment(row) for row in rows]


def footage_bounds(conn: sqlite3.Connection, camera: str) -> tuple[int, int] | None:
    """Start of the first and end of the last footage of a camera, the growing segment included."""
    row = conn.execute(
        "SELECT (SELECT min(start_us) FROM segment WHERE camera = c.key),"
        " (SELECT max(end_us) FROM (SELECT end_us FROM span WHERE camera = c.key ORDER BY start_us DESC LIMIT ?)),"
        " (SELECT max(until_us) FROM growing WHERE camera = c.key) FROM camera c WHERE c.id = ?",
        (LAST_SPANS, camera),
    ).fetchone()
    if row is None or row[0] is None:
        return None
    return row[0], max(row[1] or 0, row[2] or 0, row[0])


def last_end(conn: sqlite3.Connection, camera: str, now_us: int) -> int | None:
    """Where the closed footage of a camera ends, of what began by ``now_us``."""
    row = conn.execute(
        "SELECT max(end_us) FROM (SELECT end_us FROM span WHERE camera = (SELECT key FROM camera WHERE id = ?)"
        " AND start_us <= ? ORDER BY start_us DESC LIMIT 8)",
        (camera, now_us),
    ).fetchone()
    return None if row[0] is None else int(row[0])


def put_init(conn: sqlite3.Connection, new: Init) -> None:
    """Keeps an init; the same bytes are kept once."""
    conn.execute(
        "INSERT INTO init (id, bytes, video_codec, audio_codec, width, height) VALUES (?,?,?,?,?,?)"
        " ON CONFLICT (id) DO NOTHING",
        (new.id, new.data, new.video_codec, new.audio_codec, new.width, new.height),
    )


def init(conn: sqlite3.Connection, id_: str) -> Init | None:
    """The init of this content address."""
    row = conn.execute(
        "SELECT id, bytes, video_codec, audio_codec, width, height FROM init WHERE id = ?", (id_,)
    ).fetchone()
    return None if row is None else Init(*row)


def needs_init(conn: sqlite3.Connection, camera: str, start_us: int, end_us: int, init_: str) -> bool:
    """Whether a segment of this camera that overlaps ``[start_us, end_us)`` can be decoded by this init only."""
    row = conn.execute(
        "SELECT 1 FROM segment WHERE camera = (SELECT key FROM camera WHERE id = ?) AND start_us > ? AND start_us < ?"
        " AND coalesce(end_us, ?) > ? AND init = ? LIMIT 1",
        (camera, start_us - LONGEST_SEGMENT_US, end_us, end_us, start_us, init_),
    ).fetchone()
    return row is not None


def begin_run(conn: sqlite3.Connection, key: Key) -> None:
    """A connection to a camera has brought its first footage. Of several, the one that is said first began first: a
    clock may have been set back between."""
    conn.execute(
        "INSERT INTO run (camera, start_us, node, epoch, seq) VALUES ((SELECT key FROM camera WHERE id = :camera),"
        f" :start_us, (SELECT key FROM node WHERE id = :node), :epoch, :seq) {_UNLESS_THERE}",
        {**_key_values(key), "seq": next_rev(conn)},
    )


def end_run(conn: sqlite3.Connection, key: Key, *, end_us: int, cause: Cause, detail: Mapping[str, Any]) -> None:
    """A run ended, and why. Word of it may overtake that of its beginning, which waits for the name of its
    first file."""
    begin_run(conn, key)
    conn.execute(
        f"UPDATE run SET end_us = :end_us, cause = :cause, detail = :detail WHERE {_WHERE_KEY}",
        {**_key_values(key), "end_us": end_us, "cause": cause, "detail": json.dumps(dict(detail))},
    )


def begin(
    conn: sqlite3.Connection,
    key: Key,
    *,
    root: str,
    init: str,
    run_start_us: int,
    timescale: int,
    media_start: int,
) -> None:
    """A segment's file was created and grows from now on."""
    conn.execute(
        "INSERT INTO segment (camera, start_us, node, epoch, root, init, run_start_us, timescale, media_start) VALUES"
        " ((SELECT key FROM camera WHERE id = :camera), :start_us, (SELECT key FROM node WHERE id = :node), :epoch,"
        f" (SELECT key FROM root WHERE id = :root), :init, :run_start_us, :timescale, :media_start) {_UNLESS_THERE}",
        {
            **_key_values(key),
            "root": root,
            "init": init,
            "run_start_us": run_start_us,
            "timescale": timescale,
            "media_start": media_start,
        },
    )
    conn.execute(
        "INSERT INTO growing (camera, start_us, node, epoch, until_us) SELECT camera, start_us, node, epoch, start_us"
        f" FROM segment WHERE {_WHERE_KEY} AND end_us IS NULL {_UNLESS_THERE}",
        _key_values(key),
    )


def grown(conn: sqlite3.Connection, key: Key, until_us: int, found: Sequence[Hole] = ()) -> None:
    """A growing segment's footage reaches ``until_us``, with the holes ``found`` so far. Never shortens; a closed
    segment is not touched."""
    holes.grown(conn, _key_values(key), found)
    conn.execute(
        f"UPDATE growing SET until_us = max(until_us, :until_us) WHERE {_WHERE_KEY}",
        {**_key_values(key), "until_us": until_us},
    )


def all_grown(conn: sqlite3.Connection, grown_: Iterable[tuple[Key, int, Sequence[Hole]]]) -> None:
    """The same of many: how far each reaches, and its holes."""
    rows: list[tuple[int, str, int, str, int]] = []
    for key, until_us, found in grown_:
        if found:
            # A hole is known before what comes after it.
            holes.grown(conn, _key_values(key), found)
        rows.append((until_us, key.camera, key.start_us, key.node, key.epoch))
    for values, part in value_lists(rows):
        # An update that joins takes whichever table first; one row of the list after the other is right.
        conn.execute(
            f"WITH given (until_us, camera, start_us, node, epoch) AS ({values})"
            " INSERT INTO growing (camera, start_us, node, epoch, until_us)"
            " SELECT growing.camera, growing.start_us, growing.node, growing.epoch, given.until_us"
            " FROM given CROSS JOIN camera ON camera.id = given.camera CROSS JOIN node ON node.id = given.node"
            " CROSS JOIN growing ON growing.camera = camera.key AND growing.start_us = given.start_us"
            " AND growing.node = node.key AND growing.epoch = given.epoch WHERE true"
            " ON CONFLICT DO UPDATE SET until_us = max(until_us, excluded.until_us)",
            part,
        )


def finish(
    conn: sqlite3.Connection,
    key: Key,
    *,
    end_us: int,
    media_end: int,
    frames: int,
    bytes_: int,
    sha256: str | None,
    found: Sequence[Hole] = (),
) -> None:
    """A growing segment's file, which has the holes ``found``, is closed under its final name. Does nothing if it is
    closed already: adoption and a late writer may both say so."""
    changed = conn.execute(
        "UPDATE segment SET end_us = :end_us, media_end = :media_end, frames = :frames, bytes = :bytes,"
        f" sha256 = :sha256 WHERE {_WHERE_KEY} AND end_us IS NULL",
        {
            **_key_values(key),
            "end_us": end_us,
            "media_end": media_end,
            "frames": frames,
            "bytes": bytes_,
            "sha256": sha256,
        },
    )
    if changed.rowcount:
        conn.execute(f"DELETE FROM growing WHERE {_WHERE_KEY}", _key_values(key))
        there = holes.settle(conn, _key_values(key), found, end_us=end_us, media_end=media_end)
        spans.extend(conn, _key_values(key), subtract(key.start_us, end_us, there), bytes_)


def discard(conn: sqlite3.Connection, key: Key) -> None:
    """Removes a segment's row, its holes, and its time from the spans of its node and epoch; other segments' time
    stays."""
    row = conn.execute(f"SELECT end_us, bytes FROM segment WHERE {_WHERE_KEY}", _key_values(key)).fetchone()
    conn.execute(f"DELETE FROM growing WHERE {_WHERE_KEY}", _key_values(key))
    conn.execute(f"DELETE FROM segment WHERE {_WHERE_KEY}", _key_values(key))
    if row is not None and row["end_us"] is not None:
        spans.shrink(conn, _key_values(key), row["end_us"], LONGEST_SEGMENT_US)
