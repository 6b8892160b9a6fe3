"""Moving closed segments off a footage root that is to be taken away.

For each: copy under a name of its own → sync → read back and compare → an intent in the catalogue → rename → sync
folder → the row names the new file → unlink the old one. Killed anywhere, the next pass goes on. Invariants: at every
moment the segment's row names a whole file with the recorded bytes; the old file goes only after the new one was read
back from its disk; what can't be read, or is not what was recorded, stays where it is.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from storage.catalogue import segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key, Segment
from storage.disk.draining import MOVING_FILE
from storage.disk.files import FILES, Files
from storage.disk.reading import RecordedFile, refuse_existing
from storage.disk.roots import Root, is_mounted
from storage.recovery import copied_files
from storage.recovery.comparing import altered, hashed, unreadable
from storage.recovery.pacing import BackgroundPace, PaceStopped
from storage.retention import holds
from storage.retention.plan import Disk
from storage.tiers.local import LocalTier

__all__ = ["MovedOff", "choose_target", "move_off", "remove_part", "sweep_copies"]

log = logging.getLogger(__name__)

_CHUNK_BYTES: Final = 1 << 20
_PAGE: Final = 1_000


class _Left(Exception):
    """A segment stays where it is; the message says why."""


@dataclass(slots=True)
class MovedOff:
    """What a pass did: ``segments`` and ``bytes`` moved; ``left``: files that can't be moved, each with the reason
    (``keys_left``: whose); ``has_room``: no disk to move to is at its floor; ``growing``: segments that are still being
    recorded there; ``refused``: the disk that something was to move to, and why it did not take it: the pass ended
    there; ``whole``: it came to the end."""

    segments: int = 0
    bytes: int = 0
    left: list[tuple[Path, str]] = field(default_factory=list)
    keys_left: set[Key] = field(default_factory=set)
    has_room: bool = True
    growing: int = 0
    refused: tuple[Root, OSError] | None = None
    whole: bool = False

    @property
    def is_empty(self) -> bool:
        """Nothing is there any more."""
        return self.whole and not self.left and not self.growing and self.has_room


def choose_target(disks: Sequence[Disk], size: int) -> Disk | None:
    """Where a file of ``size`` bytes goes: to the disk with the most room above its floor. A hundredth of each stays
    for what is recorded meanwhile: footage is not moved so that other footage must go. None: there is no such room."""
    able = [disk for disk in disks if disk.free_bytes - size >= disk.floor_bytes + disk.total_bytes // 100]
    return max(able, key=lambda disk: disk.free_bytes - disk.floor_bytes, default=None)


def sweep_copies(database: Database, files: Files = FILES) -> list[tuple[Path, str]]:
    """Removes the files that segments have left behind, and those of copies that were cut off. Returns those that have
    to stay, each with the reason: they are tried again."""
    tier, staying = LocalTier(files), []
    with database.read() as conn:
        waiting = copied_files.list_all(conn)
    for copy in waiting:
        if not copy.is_named:
            if not is_mounted(Root(copy.root, copy.root_path)):
                continue
            if copy.elsewhere is not None:
                try:
                    state = tier.stat(copy.elsewhere / copy.relative_path)
                except OSError as error:
                    staying.append((copy.path, unreadable(error)))
                    continue
                if state is None or state.size != copy.bytes:
                    staying.append((copy.path, f"it is not whole on {copy.elsewhere}, where it moved to"))
                    continue
            if not tier.delete(copy.root_path, [copy.path]):
                continue
        with database.write() as conn:
            copied_files.settle(conn, copy.key, copy.root)
    return staying


def remove_part(root: Root, files: Files = FILES) -> None:
    """Removes what a copy to this root that was cut off has left there.

    Raises:
        OSError: the disk refuses.
    """
    part = root.path / MOVING_FILE
    if part.exists():
        files.unlink(part)


def move_off(
    database: Database,
    source: Root,
    target_for: Callable[[int], Root | None],
    bytes_per_s: int,
    stop: threading.Event,
    *,
    skip: frozenset[Key] = frozenset(),
    files: Files = FILES,
) -> MovedOff:
    """Moves what is closed on ``source``, what a legal hold is on first, then camera by camera the newest first; at
    most ``bytes_per_s``. ``target_for`` is asked where so many bytes may go. ``skip``: what was left before.
    """
    sweep_copies(database, files)
    done, pace = MovedOff(), BackgroundPace(bytes_per_s, stop)
    for segment in _on(database, source):
        if stop.is_set():
            return done
        if segment.key in done.keys_left:
            # A hold was on it: it came first.
            continue
        if segment.growing:
            done.growing += 1
            continue
        if segment.key in skip:
            done.left.append((segment.path, "could not be moved before"))
            done.keys_left.add(segment.key)
            continue
        target = target_for(segment.bytes)
        if target is None:
            done.has_room = False
            return done
        try:
            moved = _move(database, segment, source, target, pace, files)
        except _Left as error:
            if not is_mounted(source):
                return done
            log.error("%s stays on the root that is to be emptied: %s", segment.path, error)
            done.left.append((segment.path, str(error)))
            done.keys_left.add(segment.key)
            continue
        except PaceStopped:
            return done
        except OSError as error:
            done.refused = target, error
            with suppress(OSError):  # it is that disk that refuses; a start tries again
                remove_part(target, files)
            return done
        sweep_copies(database, files)
        done.segments += moved
        done.bytes += segment.bytes * moved
    done.whole = True
    return done


def _on(database: Database, source: Root) -> Iterator[Segment]:
    with database.read() as conn:
        held = holds.active(conn)
        (root,) = conn.execute("SELECT key FROM root WHERE id = ?", (source.id,)).fetchone()
    for camera, ranges in held.items():
        for start_us, end_us in ranges:
            with database.read() as conn:
                found = segments.between(conn, camera, start_us, end_us)
            yield from (segment for segment in found if segment.root == source.id and not segment.growing)
    after = (1 << 62, 1 << 62, 1 << 62, 1 << 62)
    while True:
        with database.read() as conn:
            page = conn.execute(
                "SELECT camera, start_us, node, epoch, root FROM segment"
                " WHERE (camera, start_us, node, epoch) < (?, ?, ?, ?)"
                " ORDER BY camera DESC, start_us DESC, node DESC, epoch DESC LIMIT ?",
                (*after, _PAGE),
            ).fetchall()
        if not page:
            return
        after = tuple(page[-1][:4])
        for row in page:
            if row[4] == root:
                with database.read() as conn:
                    segment = segments.get(conn, _key(conn, row))
                if segment is not None and segment.root == source.id:
                    yield segment


def _key(conn: sqlite3.Connection, row: sqlite3.Row) -> Key:
    camera, node = conn.execute(
        "SELECT c.id, n.id FROM camera c, node n WHERE c.key = ? AND n.key = ?", (row[0], row[2])
    ).fetchone()
    return Key(camera, row[1], node, row[3])


def _move(database: Database, segment: Segment, source: Root, target: Root, pace: BackgroundPace, files: Files) -> bool:
    """Whether it moved: it may have been deleted meanwhile.

    Raises:
        _Left: it stays.
        OSError: the target refused.
        PaceStopped: it is to stop.
    """
    now_us = time.time_ns() // 1000
    final = target.path / segment.relative_path
    try:
        refuse_existing(final, files)
    except FileExistsError:
        raise _Left(f"{final} is there already") from None
    part = target.path / MOVING_FILE
    remove_part(target, files)
    try:
        digest = _copy(segment, part, pace, files)
        with RecordedFile.open(part, files) as copy:
            if hashed(copy, segment.bytes)[0] != digest:
                raise OSError(None, f"footage root {target.path} does not give back what was written to it", str(part))
        with database.write() as conn:
            copied_files.expect(conn, segment.key, target.id, now_us=now_us)
        files.make_folders(target.path, final.parent)
        refuse_existing(final, files)
        files.rename(part, final)
    except (_Left, PaceStopped):
        remove_part(target, files)
        raise
    files.sync_folder(final.parent)
    if not is_mounted(target) or not is_mounted(source):
        # What was written may lie below a mount point.
        return False
    with database.write() as conn:
        return copied_files.move(conn, segment, target.id, now_us=now_us)


def _copy(segment: Segment, part: Path, pace: BackgroundPace, files: Files) -> str:
    """Copies the file, durably, and out of memory, so that it is read back from the disk; returns its SHA-256."""
    digest = hashlib.sha256()
    try:
        original = RecordedFile.open(segment.path, files)
    except OSError as error:
        raise _Left("is missing" if isinstance(error, FileNotFoundError) else unreadable(error)) from None
    with original:
        _vouch(original, segment)
        fd = files.create(part)
        try:
            for at in range(0, segment.bytes, _CHUNK_BYTES):
                try:
                    data = original.read_at(at, min(_CHUNK_BYTES, segment.bytes - at))
                except OSError as error:
                    raise _Left(unreadable(error)) from None
                original.forget(at, len(data))
                digest.update(data)
                files.write_all(fd, [data])
                pace(len(data))
            if segment.sha256 is not None and digest.hexdigest() != segment.sha256:
                raise _Left("its bytes are not those that were recorded (SHA-256 differs)")
            files.sync(fd)
            files.forget(fd, 0, segment.bytes)
        finally:
            files.close(fd)
    return digest.hexdigest()


def _vouch(original: RecordedFile, segment: Segment) -> None:
    try:
        size = original.size()
        if size != segment.bytes:
            raise _Left(f"has {size} bytes, the catalogue says {segment.bytes}")
        if segment.sha256 is None and (reason := altered(original, size, None)[1]) is not None:
            raise _Left(reason)
    except OSError as error:
        raise _Left(unreadable(error)) from None
