"""Bringing catalogue and files together at a start: finish deletions, adopt what was being written, say why nothing was recorded since.

Order: garbage → unfinished and unentered files → rows without a file → runs → facts. Each step is complete in itself, so a kill between
any two only leaves work for the next start.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from storage import cameras, facts, garbage, segments, status
from storage.adopt import Loss
from storage.boxes import BoxError
from storage.causes import Cause
from storage.database import Database
from storage.files import FILES, Files
from storage.intake import Report, TakingIn, exists
from storage.layout import hour_folder
from storage.roots import Root, is_mounted
from storage.segment_file import read
from storage.segments import LONGEST_SEGMENT_US, Key, Segment

__all__ = ["Report", "reconcile"]

log = logging.getLogger(__name__)

_HOUR_US = 3_600_000_000
# Adopted files entered in one transaction at a start. While people watch, a file must not have its name for long before its row says so.
_BATCH = 200
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


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
    loss = Loss(cause, detail, node, epoch)
    if only is None:
        report.unlinked = garbage.sweep(database, files)
    with database.read() as conn:
        known = {camera.id for camera in cameras.every(conn, removed=True)}
        open_rows = segments.growing(conn)
    wanted = known if only is None else known & set(only)
    since_us = (alive_us if alive_us is not None else now_us) - LONGEST_SEGMENT_US
    mounted = [root for root in roots if is_mounted(root)]
    for root in mounted:
        # What the catalogue takes for growing is looked for by name, however long ago that was; the folders tell of the rest.
        named = [path for row in open_rows if row.root == root.id and row.key.camera in wanted for path in _paths(row)]
        taking = TakingIn(database, files, root, loss, report, batch=_BATCH if only is None else 1)
        for path in dict.fromkeys([*named, *_recent_files(database, root, sorted(wanted), since_us)]):
            taking.take(path)
        taking.flush()
    _close_rows_without_file(database, wanted, {root.id for root in mounted}, now_us, loss, report)
    with database.write() as conn:
        for camera in sorted(wanted):
            _close_story(conn, camera, loss, alive_us, now_us)
    return report


def _paths(row: Segment) -> list[Path]:
    """Where a growing segment's file may be: its writer may have been killed between giving it its name and saying so."""
    final = replace(row, growing=False).path
    return [path for path in (row.path, final) if exists(path) is not False]


def _listed(folder: Path) -> list[str]:
    """The names of what a folder holds, sorted. One that can't be read must not keep the server from starting."""
    try:
        # Not as paths: a city's recent hours hold 100,000 files, and next to none needs one.
        return sorted(os.listdir(folder))  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        log.error("%s can't be listed: %s; what is in it stays for the next start", folder, error)
        return []


def _recent_files(database: Database, root: Root, wanted: Sequence[str], since_us: int) -> Iterator[Path]:
    """Files in the hours in which a segment may have been growing, but for those that the catalogue knows as closed. Names tell the start,
    so older folders need no look. By what is there, not hour by hour: a server may come back after a year, or a clock from 1970."""
    first = hour_folder("x", max(since_us, 0)).parts
    day, hour = first[1], first[2]
    from_us = max(since_us, 0) // _HOUR_US * _HOUR_US
    for camera in wanted:
        known: set[str] | None = None
        for day_name in _listed(root.path / camera):
            if day_name < day or not _DAY.fullmatch(day_name):
                continue
            for hour_name in _listed(root.path / camera / day_name):
                if (day_name, hour_name) >= (day, hour):
                    known = _entered(database, camera, from_us) if known is None else known
                    folder = root.path / camera / day_name / hour_name
                    yield from (
                        folder / name for name in _listed(folder) if f"{day_name}/{hour_name}/{name}" not in known
                    )


def _entered(database: Database, camera: str, from_us: int) -> set[str]:
    """The names, from the day on, of a camera's closed segments that start at ``from_us`` or later."""
    with database.read() as conn:
        rows = conn.execute(
            "SELECT s.start_us, s.epoch, n.id FROM segment s JOIN node n ON n.key = s.node"
            " WHERE s.camera = (SELECT key FROM camera WHERE id = ?) AND s.start_us >= ? AND s.end_us IS NOT NULL",
            (camera, from_us),
        ).fetchall()
    hours: dict[int, str] = {}
    names = set()
    for start_us, epoch, node in rows:
        hour, rest = divmod(start_us // 1000, 3_600_000)
        if hour not in hours:
            hours[hour] = "/".join(hour_folder("x", start_us).parts[1:])
        minute, rest = divmod(rest, 60_000)
        names.add(f"{hours[hour]}/{minute:02d}-{rest // 1000:02d}.{rest % 1000:03d}Z.{epoch}-{node}.mp4")
    return names


def _close_rows_without_file(
    database: Database, wanted: set[str], mounted: set[str], now_us: int, loss: Loss, report: Report
) -> None:
    """A growing row without a file that tells more is not footage. What it is known to have held is missing, not forgotten."""
    with database.read() as conn:
        rows = [s for s in segments.growing(conn) if s.key.camera in wanted]
    for segment in rows:
        if segment.root not in mounted or any(exists(path) is None or _holds(path) for path in _paths(segment)):
            # Its disk is away, or has just refused (logged above): its footage may be there, but is not usable now.
            continue
        key = segment.key
        with database.write() as conn:
            segments.discard(conn, key)
            if segment.end_us > key.start_us:
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
            facts.reach_back(
                conn, key.camera, segment.end_us, loss.cause, loss.detail, node=loss.node, epoch=loss.epoch
            )


def _holds(path: Path) -> bool:
    """Whether a file that could not be taken in may be at another start. One that is no segment of ours never will."""
    try:
        read(path)
    except BoxError:
        return False
    except OSError:
        return exists(path) is not False
    return True


def _close_story(conn: sqlite3.Connection, camera: str, loss: Loss, alive_us: int | None, now_us: int) -> None:
    """Ends the camera's open runs, and sets the cause from its last footage, or from when its recorder was last alive, on."""
    key = cameras.key_of(conn, camera)
    for row in conn.execute(
        "SELECT r.start_us, n.id AS node, r.epoch, (SELECT end_us FROM segment s WHERE s.camera = r.camera"
        " AND s.run_start_us = r.start_us AND s.node = r.node AND s.epoch = r.epoch AND s.start_us >= r.start_us"
        " AND s.end_us IS NOT NULL ORDER BY s.start_us DESC LIMIT 1) AS end_us"
        " FROM run r JOIN node n ON n.key = r.node WHERE r.end_us IS NULL AND r.camera = ?",
        (key,),
    ).fetchall():
        run = Key(camera, row["start_us"], row["node"], row["epoch"])
        segments.end_run(conn, run, end_us=row["end_us"] or row["start_us"], cause=loss.cause, detail=loss.detail)
    gone_us = min(alive_us or now_us, now_us)
    current = facts.open_fact(conn, camera)
    if current is not None:
        # Footage of which the recorder could not tell any more: the cause before it ends where it began.
        footage = conn.execute(
            "SELECT start_us FROM segment WHERE camera = ? AND start_us > ? AND end_us > start_us ORDER BY start_us LIMIT 1",
            (key, current.start_us),
        ).fetchone()
        if footage is not None and footage["start_us"] <= now_us:
            facts.resume(conn, camera, footage["start_us"])
            current = None
    last_us = segments.last_end(conn, camera, now_us)
    if current is None:
        told_us = facts.story_end(conn, camera, now_us)
        at_us = gone_us if told_us is None else told_us
        facts.enter(conn, camera, at_us, loss.cause, loss.detail, node=loss.node, epoch=loss.epoch)
    elif current.cause not in (Cause.SERVER_DOWN, Cause.NOT_CONFIGURED):
        at_us = max(current.start_us, gone_us)
        facts.enter(conn, camera, at_us, loss.cause, loss.detail, node=loss.node, epoch=loss.epoch)
    status.rest(conn, camera, loss.cause, recorded_until_us=last_us, at_us=now_us)
    known = cameras.find(conn, camera)
    current = facts.open_fact(conn, camera)
    if known is not None and known.removed_us is not None and current is not None:
        # Its recorder never heard of it, and no other will come.
        at_us = max(known.removed_us, current.start_us)
        detail = {"reason": "camera removed"}
        facts.enter(conn, camera, at_us, Cause.NOT_CONFIGURED, detail, node=loss.node, epoch=loss.epoch)
