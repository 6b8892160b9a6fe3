"""Making a catalogue from footage files alone.

What the files know comes back: cameras by id, runs, segments, spans, and why each run ended. What only the catalogue knew (users, names, the
ledger of deletions, why a camera was out of reach) does not: a hole within a run is ``missing``, as nothing says who removed it.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import cameras, facts, segments
from storage.adopt import adopt
from storage.boxes import BoxError
from storage.causes import Cause
from storage.database import Database
from storage.files import FILES, Files
from storage.layout import parse
from storage.roots import Root
from storage.segment_file import SegmentFile, read_fd
from storage.segments import Init, Key

__all__ = ["Progress", "rebuild"]

log = logging.getLogger(__name__)

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: files found and entered so far, and those that are no segments or damaged."""

    files: int
    entered: int
    left_alone: int


@dataclass(frozen=True, slots=True)
class _Found:
    root: Root
    path: Path
    file: SegmentFile
    init: bytes


def rebuild(database: Database, roots: Sequence[Root], *, files: Files = FILES) -> Iterator[Progress]:
    """Fills an empty catalogue; yields progress. No recorder may be running.

    Files are entered camera by camera in the order of time, so spans and facts come out as they were.
    """
    seen = entered = left_alone = 0
    highest_epoch = 0
    by_camera: dict[str, list[tuple[int, int, Root, Path]]] = {}
    for root in roots:
        for path in _files(root.path):
            name = parse(path.relative_to(root.path).as_posix())
            if name is None:
                left_alone += 1
                log.warning("%s is not a segment of this server; left alone", path)
                continue
            by_camera.setdefault(name.camera, []).append((name.start_ms, name.epoch, root, path))
            highest_epoch = max(highest_epoch, name.epoch)
    _register(database, roots, highest_epoch)
    for camera, paths in sorted(by_camera.items()):
        story = _Story(camera)
        paths.sort(key=lambda item: item[:2])
        for start in range(0, len(paths), _BATCH):
            batch: list[_Found] = []
            for _, _, root, path in paths[start : start + _BATCH]:
                seen += 1
                found = _read(database, files, root, path, story)
                if found is None:
                    left_alone += 1
                else:
                    batch.append(found)
            with database.write() as conn:
                for found in batch:
                    story.enter(conn, found)
            entered += len(batch)
            yield Progress(seen, entered, left_alone)
        with database.write() as conn:
            story.end(conn)
    yield Progress(seen, entered, left_alone)


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".mp4"):
                yield Path(folder, name)


def _register(database: Database, roots: Sequence[Root], highest_epoch: int) -> None:
    with database.write() as conn:
        for root in roots:
            conn.execute("INSERT OR IGNORE INTO root (id, path) VALUES (?, ?)", (root.id, str(root.path)))
        conn.execute("UPDATE meta SET value = max(value, ?) WHERE key = 'epoch'", (highest_epoch,))


def _read(database: Database, files: Files, root: Root, path: Path, story: _Story) -> _Found | None:
    try:
        if path.name.endswith(".part.mp4"):
            # Closing it is what a start would do too; its own row is entered with the others below.
            with database.write() as conn:
                story.introduce(conn)
            adopted = adopt(database, files, root, path)
            if adopted.end_us is None:
                return None
            path = path.with_name(path.name.removesuffix(".part.mp4") + ".mp4")
        with path.open("rb", buffering=0) as opened:
            file = read_fd(opened.fileno())
            return _Found(root, path, file, os.pread(opened.fileno(), file.init_bytes, 0))
    except (BoxError, OSError) as error:
        log.warning("%s: %s; left alone", path, error)
        return None


class _Story:
    """One camera's segments in the order of time, and what lies between them."""

    def __init__(self, camera: str) -> None:
        self._camera = camera
        self._introduced = False
        self._run: Key | None = None
        self._end_us: int | None = None
        self._reason = ""
        self._until_us: int | None = None

    def introduce(self, conn: sqlite3.Connection) -> None:
        """The camera, known by its id alone until the configuration or a person says more."""
        if self._introduced:
            return
        self._introduced = True
        if cameras.find(conn, self._camera) is None:
            cameras.add(
                conn,
                camera=self._camera,
                name=self._camera,
                source="file",
                settings={},
                labels={},
                node=_any_node(conn),
                epoch=0,
                at_us=0,
            )

    def enter(self, conn: sqlite3.Connection, found: _Found) -> None:
        """Enters the next segment."""
        file = found.file
        head = file.head
        conn.execute("INSERT OR IGNORE INTO node (id) VALUES (?)", (head.node,))
        self.introduce(conn)
        key = Key(head.camera, head.start_us, head.node, head.epoch)
        run = Key(head.camera, head.run_start_us, head.node, head.epoch)
        self._between(conn, run, head.start_us)
        init = Init.of(found.init, file.tracks)
        segments.put_init(conn, init)
        segments.begin_run(conn, run)
        segments.begin(
            conn,
            key,
            root=found.root.id,
            init=init.id,
            run_start_us=head.run_start_us,
            timescale=head.timescale,
            media_start=head.media_start,
        )
        tail = file.tail
        segments.finish(
            conn,
            key,
            end_us=file.end_us,
            media_end=tail.media_end if tail is not None else file.index.media_end,
            frames=len(file.index.video.samples),
            bytes_=file.size,
            sha256=None,
        )
        self._run, self._end_us, self._reason = run, file.end_us, tail.reason if tail is not None else ""
        self._until_us = max(self._until_us or 0, file.end_us)

    def _between(self, conn: sqlite3.Connection, run: Key, start_us: int) -> None:
        """States why there is nothing between the last segment and this one."""
        if self._run is None or self._until_us is None:
            facts.resume(conn, self._camera, start_us)
            return
        if run != self._run:
            self._end_run(conn)
        if start_us > self._until_us:
            cause = _cause(self._reason) if run != self._run else Cause.MISSING
            detail: dict[str, Any] = {"reason": "from the files, when the catalogue was rebuilt"}
            facts.insert(
                conn, self._camera, cause, self._until_us, start_us, detail, node=self._run.node, epoch=self._run.epoch
            )

    def _end_run(self, conn: sqlite3.Connection) -> None:
        assert self._run is not None and self._end_us is not None
        segments.end_run(conn, self._run, end_us=self._end_us, cause=_cause(self._reason), detail={"rebuilt": True})

    def end(self, conn: sqlite3.Connection) -> None:
        """After the last segment nothing was recorded: the server is not running."""
        if self._run is None or self._until_us is None:
            return
        self._end_run(conn)
        detail = {"reason": "from the files, when the catalogue was rebuilt"}
        facts.enter(
            conn, self._camera, self._until_us, _cause(self._reason), detail, node=self._run.node, epoch=self._run.epoch
        )


def _any_node(conn: sqlite3.Connection) -> str:
    row = conn.execute("SELECT id FROM node LIMIT 1").fetchone()
    if row is None:
        conn.execute("INSERT INTO node (id) VALUES ('rebuilt')")
        return "rebuilt"
    return str(row[0])


def _cause(reason: str) -> Cause:
    """The reason in a tail is the cause that ended its run; a rotation's or an adopted file's means that the recorder ended with it."""
    try:
        return Cause(reason)
    except ValueError:
        return Cause.SERVER_DOWN
