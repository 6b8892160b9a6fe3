"""Taking in files that the catalogue does not know as closed: what was growing when its recorder died, and what was
closed unheard.

Invariant: a file is given its name, durably, before the catalogue lists it; whatever is no segment of ours is reported
and left alone. What a growing row is known to have held is entered as footage or as missing, never forgotten.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
from dataclasses import dataclass, field, replace
from pathlib import Path

from storage.catalogue import facts, segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key, Segment
from storage.causes import Cause
from storage.disk.files import Files
from storage.disk.reading import RecordedFile, exists
from storage.disk.roots import Root
from storage.format.boxes import BoxError
from storage.format.layout import SegmentName, parse
from storage.recovery.adopt import Brought, Loss, bring, described
from storage.recovery.adopted_rows import insert_brought

__all__ = ["IntakeReport", "TakingIn", "close_row_without_file", "end_run", "files_of", "may_hold_footage"]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class IntakeReport:
    """What was found and done. ``later``: unfinished segments that are adopted while recording goes on."""

    unlinked: int = 0
    adopted: int = 0
    cut_bytes: int = 0
    entered: int = 0
    missing: int = 0
    later: int = 0
    foreign: list[str] = field(default_factory=list)


class TakingIn:
    """Takes in the files of one root. Those adopted are entered many at a time: each transaction waits for the disk.
    Killed before, the next start enters them by their tails."""

    def __init__(
        self, database: Database, files: Files, root: Root, loss: Loss, report: IntakeReport, *, batch: int
    ) -> None:
        """``batch``: how many adopted files are entered in one transaction."""
        self._database = database
        self._files = files
        self._root = root
        self._loss = loss
        self._report = report
        self._batch = batch
        self._brought: list[Brought] = []

    def take(self, path: Path) -> bool:
        """Takes in one file, or reports it. False if the disk refused, so that it should be tried again."""
        name = parse(path.relative_to(self._root.path).as_posix())
        if name is None:
            self._report.foreign.append(str(path))
            return True
        try:
            if name.growing:
                self._brought.append(bring(self._files, self._root, path))
                if len(self._brought) >= self._batch:
                    self.flush()
            elif not _is_known(self._database, name):
                self.flush()
                self._insert(path)
        except BoxError as error:
            # Reported, never removed: it may be the only trace of something.
            log.warning("%s: %s; left alone", path, error)
            self._report.foreign.append(str(path))
        except FileExistsError as error:
            # Both are somebody's footage; which of them the catalogue lists is no reason to lose the other.
            log.error("%s: %s; left alone", path, error.strerror)
            self._report.foreign.append(str(path))
        except FileNotFoundError:
            log.info("%s went while it was looked at", path)
        except OSError as error:
            log.error("%s can't be taken in yet: %s", path, error)
            return False
        return True

    def _insert(self, path: Path) -> None:
        found = described(self._files, path, self._root)
        if not found.frames:
            raise BoxError("holds no picture")
        with self._database.write() as conn:
            # Retention runs on while a recorder's cameras are taken in: what it gave up since must not come back.
            is_there = exists(path, self._files)
            if is_there is None:
                raise OSError(errno.EIO, "the disk does not say whether it is still there", str(path))
            if is_there and not _is_garbage(conn, found.key):
                insert_brought(conn, self._root, found, self._loss)
                self._report.entered += 1

    def flush(self) -> None:
        """Enters what was adopted; parts that hold nothing to keep go, once the catalogue has heard so."""
        brought, self._brought = self._brought, []
        if not brought:
            return
        with self._database.write() as conn:
            for each in brought:
                insert_brought(conn, self._root, each, self._loss)
        for each in brought:
            self._report.cut_bytes += each.cut_bytes
            self._report.adopted += bool(each.frames)
            if not each.frames:
                self._drop(each.part)

    def _drop(self, part: Path) -> None:
        try:
            self._files.unlink(part)
            self._files.sync_folder(part.parent)
        except OSError as error:
            log.error("%s can't be removed: %s; it stays for the next start", part, error)


def _is_known(database: Database, name: SegmentName) -> bool:
    key = Key(name.camera, name.start_ms * 1000, name.node, name.epoch)
    with database.read() as conn:
        there = segments.within_millisecond(conn, key)
        segment = None if there is None else segments.get(conn, there)
        return segment is not None and not segment.growing


def _is_garbage(conn: sqlite3.Connection, key: Key) -> bool:
    row = conn.execute(
        "SELECT 1 FROM garbage WHERE camera = (SELECT key FROM camera WHERE id = ?) AND start_us = ?"
        " AND node = (SELECT key FROM node WHERE id = ?) AND epoch = ?",
        (key.camera, key.start_us, key.node, key.epoch),
    ).fetchone()
    return row is not None


def files_of(row: Segment, files: Files) -> list[Path]:
    """Where a growing segment's file may be: its writer may have been killed between giving it its name
    and saying so."""
    final = replace(row, growing=False).path
    return [path for path in (row.path, final) if exists(path, files) is not False]


def close_row_without_file(conn: sqlite3.Connection, row: Segment, now_us: int, loss: Loss) -> bool:
    """A growing row without a file that tells more is not footage. What it is known to have held is missing; says
    whether there was any."""
    key, held = row.key, row.end_us > row.key.start_us
    segments.discard(conn, key)
    if held:
        detail = {"segments": 1, "bytes": row.bytes, "noticed_us": now_us}
        for a, b in row.footage:
            facts.insert(conn, key.camera, Cause.MISSING, a, b, detail, node=key.node, epoch=key.epoch)
            detail = {**detail, "segments": 0, "bytes": 0}
    facts.reach_back(conn, key.camera, row.end_us, loss.cause, loss.detail, node=loss.node, epoch=loss.epoch)
    return held


def may_hold_footage(row: Segment, files: Files) -> bool:
    """Whether a growing row's file, which could not be taken in, may be at another time. One that is no segment of ours
    never will."""
    return any(exists(path, files) is None or _holds(path, files) for path in files_of(row, files))


def _holds(path: Path, files: Files) -> bool:
    from storage.format.segment_file import read

    try:
        with RecordedFile.open(path, files) as file:
            read(file)
    except BoxError:
        return False
    except OSError:
        return exists(path, files) is not False
    return True


def end_run(conn: sqlite3.Connection, run: Key, loss: Loss) -> None:
    """A run whose recorder died ended with its last footage."""
    row = conn.execute(
        "SELECT end_us FROM segment WHERE camera = (SELECT key FROM camera WHERE id = ?) AND run_start_us = ?"
        " AND node = (SELECT key FROM node WHERE id = ?) AND epoch = ? AND start_us >= ? AND end_us IS NOT NULL"
        " ORDER BY start_us DESC LIMIT 1",
        (run.camera, run.start_us, run.node, run.epoch, run.start_us),
    ).fetchone()
    end_us = run.start_us if row is None else row[0]
    segments.end_run(conn, run, end_us=end_us, cause=loss.cause, detail=loss.detail)
