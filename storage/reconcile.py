"""Bringing catalogue and files together at a start: finish deletions, adopt what was being written, say why nothing was recorded since.

Order: garbage → unfinished and unentered files → rows without a file → runs → facts. Each step is complete in itself, so a kill between
any two only leaves work for the next start.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage import cameras, facts, garbage, segments, status
from storage.adopt import adopt, enter_closed
from storage.boxes import BoxError
from storage.causes import Cause
from storage.database import Database
from storage.files import FILES, Files
from storage.intervals import SECOND_US
from storage.layout import hour_folder, parse
from storage.roots import Root
from storage.segment_file import read
from storage.segments import LONGEST_SEGMENT_US, Key

__all__ = ["Report", "reconcile"]

log = logging.getLogger(__name__)

_HOUR_US = 3600 * SECOND_US


@dataclass(slots=True)
class Report:
    """What was found and done."""

    unlinked: int = 0
    adopted: int = 0
    cut_bytes: int = 0
    entered: int = 0
    missing: int = 0
    foreign: list[str] = field(default_factory=list)


def reconcile(
    database: Database,
    roots: Sequence[Root],
    *,
    node: str,
    epoch: int,
    cause: Cause,
    detail: Mapping[str, Any],
    alive_us: int | None,
    now_us: int,
    only: Iterable[str] | None = None,
    files: Files = FILES,
) -> Report:
    """Reconciles all cameras, or ``only`` some whose recorder has just died.

    ``alive_us`` is when the recorder was last known to be alive; what each camera lacks since its last footage gets ``cause`` and
    ``detail``. No recorder of these cameras may be running.
    """
    report = Report()
    if only is None:
        report.unlinked = garbage.sweep(database, files)
    with database.read() as conn:
        known = {camera.id for camera in cameras.every(conn, removed=True)}
    wanted = known if only is None else known & set(only)
    since_us = (alive_us if alive_us is not None else now_us) - LONGEST_SEGMENT_US
    for root in roots:
        for path in _recent_files(root, sorted(wanted), since_us, now_us):
            _take_in(database, files, root, path, report)
    _close_rows_without_file(database, wanted, {root.id for root in roots}, now_us, node, epoch, report)
    with database.write() as conn:
        for camera in sorted(wanted):
            _close_story(conn, camera, node, epoch, cause, detail, alive_us, now_us)
    return report


def _recent_files(root: Root, wanted: Sequence[str], since_us: int, now_us: int) -> Iterator[Path]:
    """Files in the hours in which a segment may have been growing: names tell the start, so older folders need no look."""
    hours = range(since_us // _HOUR_US, now_us // _HOUR_US + 2)
    for camera in wanted:
        if not (root.path / camera).is_dir():
            continue
        for hour in hours:
            folder = root.path / hour_folder(camera, hour * _HOUR_US)
            if folder.is_dir():
                yield from sorted(folder.iterdir())


def _take_in(database: Database, files: Files, root: Root, path: Path, report: Report) -> None:
    name = parse(path.relative_to(root.path).as_posix())
    if name is None:
        report.foreign.append(str(path))
        return
    try:
        if name.growing:
            adopted = adopt(database, files, root, path)
            report.adopted += adopted.end_us is not None
            report.cut_bytes += adopted.cut_bytes
            return
        with database.read() as conn:
            entered = conn.execute(
                "SELECT end_us FROM segment WHERE camera = (SELECT key FROM camera WHERE id = ?) AND epoch = ?"
                " AND node = (SELECT key FROM node WHERE id = ?) AND start_us >= ? AND start_us < ?",
                (name.camera, name.epoch, name.node, name.start_ms * 1000, name.start_ms * 1000 + 1000),
            ).fetchone()
        if entered is None or entered["end_us"] is None:
            found = read(path)
            with path.open("rb") as file:
                init = file.read(found.init_bytes)
            frames = len(found.index.video.samples)
            enter_closed(database, root, found, init, end_us=found.end_us, frames=frames, size=found.size, sha256=None)
            report.entered += 1
    except (BoxError, FileNotFoundError) as error:
        # Reported, never removed: it may be the only trace of something.
        log.warning("%s: %s; left alone", path, error)
        report.foreign.append(str(path))
    except OSError as error:
        log.error("%s can't be taken in: %s; it stays for the next start", path, error)


def _close_rows_without_file(
    database: Database, wanted: set[str], mounted: set[str], now_us: int, node: str, epoch: int, report: Report
) -> None:
    """A growing row whose file is gone is not footage. What it is known to have held is missing, not forgotten."""
    with database.read() as conn:
        rows = [s for s in segments.growing(conn) if s.key.camera in wanted]
    for segment in rows:
        if segment.root not in mounted:
            continue
        if segment.path.exists():
            # A part file that could not be adopted (logged above): its footage is there, but not usable now.
            continue
        with database.write() as conn:
            segments.discard(conn, segment.key)
            if segment.end_us > segment.key.start_us:
                key = segment.key
                detail = {"segments": 1, "bytes": segment.bytes, "noticed_us": now_us}
                facts.insert(
                    conn,
                    key.camera,
                    Cause.MISSING,
                    key.start_us,
                    segment.end_us,
                    detail,
                    node=key.node,
                    epoch=key.epoch,
                )
                report.missing += 1


def _close_story(
    conn: sqlite3.Connection,
    camera: str,
    node: str,
    epoch: int,
    cause: Cause,
    detail: Mapping[str, Any],
    alive_us: int | None,
    now_us: int,
) -> None:
    """Ends the camera's open runs, and sets the cause from its last footage, or from when its recorder was last alive, on."""
    for row in conn.execute(
        "SELECT r.start_us, n.id AS node, r.epoch, (SELECT max(end_us) FROM segment s WHERE s.camera = r.camera"
        " AND s.run_start_us = r.start_us AND s.node = r.node AND s.epoch = r.epoch AND s.start_us >= r.start_us) AS end_us"
        " FROM run r JOIN node n ON n.key = r.node WHERE r.end_us IS NULL AND r.camera = (SELECT key FROM camera WHERE id = ?)",
        (camera,),
    ).fetchall():
        key = Key(camera, row["start_us"], row["node"], row["epoch"])
        segments.end_run(conn, key, end_us=row["end_us"] or row["start_us"], cause=cause, detail=detail)
    last_us = conn.execute(
        "SELECT max(end_us) FROM span WHERE camera = (SELECT key FROM camera WHERE id = ?)", (camera,)
    ).fetchone()[0]
    current = facts.open_fact(conn, camera)
    if current is None:
        at_us = last_us if last_us is not None else min(alive_us or now_us, now_us)
        facts.enter(conn, camera, at_us, cause, detail, node=node, epoch=epoch)
        facts.reach_back(conn, camera, at_us)
    elif current.cause not in (Cause.SERVER_DOWN, Cause.NOT_CONFIGURED):
        at_us = max(current.start_us, min(alive_us or now_us, now_us))
        facts.enter(conn, camera, at_us, cause, detail, node=node, epoch=epoch)
    status.rest(conn, camera, cause, recorded_until_us=last_us, at_us=now_us)
