"""Bringing catalogue and files together at a start: finish deletions, adopt what was being written, say why nothing was
recorded since.

Order: garbage → unfinished and unentered files → rows without a file → runs → facts. Each step is complete in itself,
so a kill between any two only leaves work for the next start. What takes long is left to a ``Backlog``: recording must
not wait for it.
"""

from __future__ import annotations

import logging
import re
import sqlite3
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from storage.catalogue import cameras, facts, segments, status
from storage.catalogue.database import Database
from storage.catalogue.segments import LONGEST_SEGMENT_US, Key, Segment
from storage.causes import Cause
from storage.disk.files import FILES, Files
from storage.disk.roots import Root, is_mounted
from storage.format.layout import hour_folder
from storage.recovery.adopt import Loss
from storage.recovery.backlog import Backlog
from storage.recovery.take_in import IntakeReport, TakingIn, close_row_without_file, end_run, files_of, may_hold_footage
from storage.retention import deleting as garbage
from storage.tiers.local import LocalTier

__all__ = ["IntakeReport", "queue_unfinished", "reconcile"]

log = logging.getLogger(__name__)

_HOUR_US = 3_600_000_000
# Adopted files entered in one transaction at a start. While people watch, a file must not have its name for long before
# its row says so.
_BATCH = 200
# So long may adoption keep recorders waiting. A few cameras' files take less; a city's would take minutes, as each is
# read as a whole.
PATIENCE_S: Final = 1.0
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
    backlog: Backlog | None = None,
    patience_s: float = PATIENCE_S,
) -> IntakeReport:
    """Reconciles all cameras, or ``only`` some whose recorder has just died.

    ``alive_us`` is when the recorder was last known to be alive; what each camera lacks since its last footage gets
    ``cause`` and ``detail``. No recorder of these cameras may be running. Unfinished segments that are not adopted
    after ``patience_s``, or that the disk refuses to let us adopt, go to the ``backlog``, if there is one; they stay
    growing rows until then, and recorders may start.
    """
    report = IntakeReport()
    loss = Loss(cause, detail, node, epoch)
    if only is None:
        report.unlinked = garbage.sweep(database, LocalTier(files))
    with database.read() as conn:
        known = {camera.id for camera in cameras.list_all(conn, removed=True)}
        open_rows = segments.growing(conn)
    wanted = known if only is None else known & set(only)
    since_us = (alive_us if alive_us is not None else now_us) - LONGEST_SEGMENT_US
    mounted = [root for root in roots if is_mounted(root)]
    waiting = set() if backlog is None else backlog.keys()
    until = time.monotonic() + patience_s
    for root in mounted:
        taking = TakingIn(database, files, root, loss, report, batch=_BATCH if only is None else 1)
        # What the catalogue takes for growing is looked for by name, however long ago that was; the folders tell of the
        # rest.
        for row in open_rows:
            if row.root != root.id or row.key.camera not in wanted or row.key in waiting:
                continue
            is_late = backlog is not None and time.monotonic() > until
            refused = is_late or False in [taking.take(path) for path in files_of(row, files)]
            if refused and backlog is not None:
                backlog.add(root, row, loss)
        for path in _recent_files(database, root, sorted(wanted), since_us, files):
            taking.take(path)
        taking.flush()
    if backlog is not None:
        added = backlog.keys() - waiting
        report.later, waiting = len(added), waiting | added
    left: dict[str, list[Segment]] = defaultdict(list)
    for row in open_rows:
        if row.key in waiting:
            left[row.key.camera].append(row)
    _close_rows_without_file(database, wanted, {root.id for root in mounted}, now_us, loss, report, waiting, files)
    with database.write() as conn:
        _explain_left(conn, left, loss)
        for camera in sorted(wanted):
            _close_story(conn, camera, loss, alive_us, now_us, left[camera])
    return report


def queue_unfinished(
    database: Database, root: Root, backlog: Backlog, *, node: str, living: Collection[int], loss: Loss, now_us: int
) -> int:
    """Leaves to the backlog what recorders that are gone left unfinished on a root, while others record. ``living`` are
    the epochs of recorders that run: their segments are their own. Returns how many segments that are."""
    with database.read() as conn:
        grow = segments.growing(conn)
    dead = [row for row in grow if row.root == root.id and not (row.key.node == node and row.key.epoch in living)]
    for row in dead:
        backlog.add(root, row, loss)
    recorded = {row.key.camera for row in grow if row.key.node == node and row.key.epoch in living}
    reach = {row.key.camera: row.end_us for row in dead if row.key.camera not in recorded}
    with database.write() as conn:
        for camera, end_us in sorted(reach.items()):
            # Where nobody has begun to record, nobody else will say why since then.
            if facts.open_fact(conn, camera) is None:
                at_us = max(facts.story_end(conn, camera, now_us) or 0, end_us)
                facts.set_cause(conn, camera, at_us, loss.cause, loss.detail, node=loss.node, epoch=loss.epoch)
    return len(dead)


def _listed(folder: Path, files: Files) -> list[str]:
    """The names of what a folder holds, sorted. One that can't be read must not keep the server from starting."""
    try:
        return sorted(files.names(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        log.error("%s can't be listed: %s; what is in it stays for the next start", folder, error)
        return []


def _recent_files(database: Database, root: Root, wanted: Sequence[str], since_us: int, files: Files) -> Iterator[Path]:
    """Files in the hours in which a segment may have been growing, but for those that the catalogue knows. Names tell
    the start, so older folders need no look. By what is there, not hour by hour: a server may come back after a year,
    or a clock from 1970."""
    first = hour_folder("x", max(since_us, 0)).parts
    day, hour = first[1], first[2]
    from_us = max(since_us, 0) // _HOUR_US * _HOUR_US
    for camera in wanted:
        known: set[str] | None = None
        for day_name in _listed(root.path / camera, files):
            if day_name < day or not _DAY.fullmatch(day_name):
                continue
            for hour_name in _listed(root.path / camera / day_name, files):
                if (day_name, hour_name) >= (day, hour):
                    known = _known(database, root, camera, from_us) if known is None else known
                    folder = root.path / camera / day_name / hour_name
                    yield from (
                        folder / name
                        for name in _listed(folder, files)
                        if f"{day_name}/{hour_name}/{name}" not in known
                    )


def _known(database: Database, root: Root, camera: str, from_us: int) -> set[str]:
    """The names, from the day on, of a camera's segments that start at ``from_us`` or later: closed ones, and both
    names of those that the catalogue takes for growing on this root."""
    with database.read() as conn:
        rows = conn.execute(
            "SELECT s.start_us, s.epoch, n.id, s.end_us IS NULL FROM segment s JOIN node n ON n.key = s.node"
            " WHERE s.camera = (SELECT key FROM camera WHERE id = ?) AND s.start_us >= ?"
            " AND (s.end_us IS NOT NULL OR s.root = (SELECT key FROM root WHERE id = ?))",
            (camera, from_us, root.id),
        ).fetchall()
    hours: dict[int, str] = {}
    names = set()
    for start_us, epoch, node, grows in rows:
        hour, rest = divmod(start_us // 1000, 3_600_000)
        if hour not in hours:
            hours[hour] = "/".join(hour_folder("x", start_us).parts[1:])
        minute, rest = divmod(rest, 60_000)
        name = f"{hours[hour]}/{minute:02d}-{rest // 1000:02d}.{rest % 1000:03d}Z.{epoch}-{node}"
        names.add(f"{name}.mp4")
        if grows:
            names.add(f"{name}.part.mp4")
    return names


def _close_rows_without_file(
    database: Database,
    wanted: set[str],
    mounted: set[str],
    now_us: int,
    loss: Loss,
    report: IntakeReport,
    waiting: set[Key],
    files: Files,
) -> None:
    with database.read() as conn:
        rows = [s for s in segments.growing(conn) if s.key.camera in wanted and s.key not in waiting]
    for row in rows:
        # Its disk is away, or has just refused (logged above): its footage may be there, but is not usable now.
        if row.root in mounted and not may_hold_footage(row, files):
            with database.write() as conn:
                report.missing += close_row_without_file(conn, row, now_us, loss)


def _explain_left(conn: sqlite3.Connection, left: Mapping[str, Sequence[Segment]], loss: Loss) -> None:
    """Of segments in the backlog whose run went on in another: what may lie between is explained until they are
    adopted, which may be never."""
    for camera, rows in left.items():
        for row in rows:
            after = [
                other.key.start_us
                for other in segments.between(conn, camera, row.end_us, row.end_us + 2 * LONGEST_SEGMENT_US)
                if other.run_start_us == row.run_start_us
                and other.key.epoch == row.key.epoch
                and other.key.node == row.key.node
                and other.key.start_us > row.key.start_us
            ]
            if after and min(after) > row.end_us:
                facts.fill(
                    conn, camera, row.end_us, min(after), loss.cause, loss.detail, node=loss.node, epoch=loss.epoch
                )


def _close_story(
    conn: sqlite3.Connection, camera: str, loss: Loss, alive_us: int | None, now_us: int, left: Sequence[Segment]
) -> None:
    """Ends the camera's open runs, and sets the cause from its last footage, or from when its recorder was last alive,
    on. ``left``: segments in the backlog. They hold what they are known to; their runs are ended by who adopts them."""
    key = cameras.key_of(conn, camera)
    later = {Key(camera, row.run_start_us, row.key.node, row.key.epoch) for row in left}
    for row in conn.execute(
        "SELECT r.start_us, n.id AS node, r.epoch FROM run r JOIN node n ON n.key = r.node"
        " WHERE r.end_us IS NULL AND r.camera = ?",
        (key,),
    ).fetchall():
        run = Key(camera, row["start_us"], row["node"], row["epoch"])
        if run not in later:
            end_run(conn, run, loss)
    gone_us = min(alive_us or now_us, now_us)
    current = facts.open_fact(conn, camera)
    if current is not None:
        # Footage of which the recorder could not tell any more: the cause before it ends where it began.
        footage = conn.execute(
            "SELECT start_us FROM segment WHERE camera = ? AND start_us > ? AND end_us > start_us"
            " ORDER BY start_us LIMIT 1",
            (key, current.start_us),
        ).fetchone()
        if footage is not None and footage["start_us"] <= now_us:
            facts.resume(conn, camera, footage["start_us"])
            current = None
    last_us = max([row.end_us for row in left], default=None)
    closed_us = segments.last_end(conn, camera, now_us)
    if closed_us is not None and (last_us is None or closed_us > last_us):
        last_us = closed_us
    if current is None:
        told_us = facts.story_end(conn, camera, now_us)
        at_us = gone_us if told_us is None else told_us
        facts.set_cause(conn, camera, at_us, loss.cause, loss.detail, node=loss.node, epoch=loss.epoch)
    elif current.cause not in (Cause.SERVER_DOWN, Cause.NOT_CONFIGURED):
        at_us = max(current.start_us, gone_us)
        facts.set_cause(conn, camera, at_us, loss.cause, loss.detail, node=loss.node, epoch=loss.epoch)
    status.rest(conn, camera, loss.cause, recorded_until_us=last_us, at_us=now_us)
    known = cameras.find(conn, camera)
    current = facts.open_fact(conn, camera)
    if known is not None and known.removed_us is not None and current is not None:
        # Its recorder never heard of it, and no other will come.
        at_us = max(known.removed_us, current.start_us)
        detail = {"reason": "camera removed"}
        facts.set_cause(conn, camera, at_us, Cause.NOT_CONFIGURED, detail, node=loss.node, epoch=loss.epoch)
