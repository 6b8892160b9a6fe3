"""Making a catalogue from footage files alone.

What the files know comes back: cameras by id, runs, segments, spans, and why each run ended. What only the catalogue
knew (users, names, the ledger of deletions, why a camera was out of reach) does not: a hole within a run is
``missing``, as nothing says who removed it.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from storage.catalogue import cameras, facts, segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Init, Key
from storage.causes import Cause, Layer
from storage.disk.files import FILES, Files
from storage.disk.roots import IDENTITY_FILE, Root
from storage.format.boxes import BoxError, parse_init
from storage.format.layout import SegmentName, parse
from storage.format.segment_file import SegmentFile, init_of, read_fd
from storage.recovery.adopt import bring, check_name

__all__ = ["Progress", "rebuild"]

log = logging.getLogger(__name__)

_BATCH: Final = 1_000
# Enough for a disk to sort its seeks; the work between them is one core's all the same.
_READERS: Final = 8
_DETAIL: Final = {"reason": "from the files, when the catalogue was rebuilt"}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: files found and entered so far, and those that are no segments of ours, damaged, or without a
    picture."""

    files: int
    entered: int
    left_alone: int


@dataclass(frozen=True, slots=True)
class _Found:
    """What one file says. ``sha256`` is known only of a file that was given its tail just now: no other is read as a
    whole."""

    key: Key
    root: Root
    file: SegmentFile
    init: Init
    end_us: int
    media_end: int
    reason: str
    size: int
    sha256: str | None


def rebuild(database: Database, roots: Sequence[Root], *, files: Files = FILES) -> Iterator[Progress]:
    """Fills an empty catalogue; yields progress. No recorder may be running.

    Files are entered camera by camera in the order of time, so spans and facts come out as they were. Part files are
    closed, as a start would do; everything else stays as it is.
    """
    seen = entered = left_alone = 0
    _register(database, roots)
    with ThreadPoolExecutor(_READERS, thread_name_prefix="rebuild") as readers:
        for camera in _folders(roots):
            story = _Story(camera)
            paths, strangers = _segments(roots, camera)
            seen += strangers
            left_alone += strangers
            for start in range(0, len(paths), _BATCH):
                batch = paths[start : start + _BATCH]
                read = readers.map(lambda item: _read(files, item[1], item[2]), batch)
                found = [each for each in read if each is not None]
                with database.write() as conn:
                    for each in found:
                        story.enter(conn, each)
                seen += len(batch)
                entered += len(found)
                left_alone += len(batch) - len(found)
                yield Progress(seen, entered, left_alone)
            with database.write() as conn:
                story.end(conn)
    with database.write() as conn:
        _settle_node(conn)
    yield Progress(seen, entered, left_alone)


def _folders(roots: Sequence[Root]) -> list[str]:
    """Names at the top of the roots: cameras, and perhaps strangers."""
    return sorted({path.name for root in roots for path in root.path.iterdir() if path.name != IDENTITY_FILE})


def _segments(roots: Sequence[Root], folder: str) -> tuple[list[tuple[SegmentName, Root, Path]], int]:
    """The segments of one camera in the order of time; and how many other files are among them."""
    found: list[tuple[SegmentName, Root, Path]] = []
    strangers = 0
    for root in roots:
        for path in _files(root.path / folder):
            name = parse(path.relative_to(root.path).as_posix())
            if name is None:
                strangers += 1
                log.warning("%s is not a segment of this server; left alone", path)
            else:
                found.append((name, root, path))
    # A part file beside its closed segment comes after it.
    found.sort(key=lambda item: (item[0].start_ms, item[0].epoch, item[0].node, item[0].growing))
    single: list[tuple[SegmentName, Root, Path]] = []
    for item in found:
        if single and _same(single[-1][0], item[0]):
            strangers += 1
            log.warning("%s is there already as %s; left alone", item[2], single[-1][2])
        else:
            single.append(item)
    return single, strangers


def _same(a: SegmentName, b: SegmentName) -> bool:
    return (a.start_ms, a.epoch, a.node) == (b.start_ms, b.epoch, b.node)


def _files(top: Path) -> Iterator[Path]:
    if not top.is_dir():
        if top.exists():
            yield top
        return
    refused: list[OSError] = []
    for folder, _, names in os.walk(top, onerror=refused.append):
        for name in names:
            yield Path(folder, name)
    for error in refused:
        log.error("%s can't be listed: %s; what is in it is not in the new catalogue", error.filename, error.strerror)


def _register(database: Database, roots: Sequence[Root]) -> None:
    with database.write() as conn:
        for root in roots:
            conn.execute("INSERT OR IGNORE INTO root (id, path) VALUES (?, ?)", (root.id, str(root.path)))


def _settle_node(conn: sqlite3.Connection) -> None:
    """Epochs go on behind the highest; this machine is the one that used it, and was last known to be alive when its
    footage ended: so the next start says ``server_down`` from then on."""
    conn.execute(
        "UPDATE meta SET value = max(value, (SELECT coalesce(max(epoch), 0) FROM segment)) WHERE key = 'epoch'"
    )
    conn.execute(
        "INSERT OR REPLACE INTO meta (key, value) SELECT 'node', n.id FROM segment s JOIN node n ON n.key = s.node"
        " ORDER BY s.epoch DESC LIMIT 1"
    )
    conn.execute("UPDATE node SET watermark_us = (SELECT max(end_us) FROM segment WHERE node = node.key)")


@lru_cache(maxsize=256)
def _init(data: bytes) -> Init:
    return Init.of(data, parse_init(data))


def _read(files: Files, root: Root, path: Path) -> _Found | None:
    try:
        if path.name.endswith(".part.mp4"):
            brought = bring(files, root, path)
            file = brought.found
            if file is None or not brought.frames:
                raise BoxError("holds no picture")
            tail = file.tail
            reason = "adopted" if tail is None else tail.reason
            media_end = file.index.media_end if tail is None else tail.media_end
            return _Found(
                brought.key,
                root,
                file,
                _init(brought.init),
                brought.end_us,
                media_end,
                reason,
                brought.size,
                brought.sha256,
            )
        with path.open("rb", buffering=0) as opened:
            file = read_fd(opened.fileno())
            init = init_of(opened.fileno(), file)
        key = check_name(root, path, file.head)
        if not file.index.video.count:
            raise BoxError("holds no picture")
        tail = file.tail
        media_end = file.index.media_end if tail is None else tail.media_end
        reason = "" if tail is None else tail.reason
        return _Found(key, root, file, _init(init), file.end_us, media_end, reason, file.size, None)
    except (BoxError, OSError) as error:
        log.warning("%s: %s; left alone", path, error)
        return None


class _Story:
    """One camera's segments in the order of time, and what lies between them."""

    def __init__(self, camera: str) -> None:
        self._camera = camera
        self._introduced = False
        self._run: Key | None = None
        self._end_us = 0
        self._reason = ""
        self._until_us = 0

    def _introduce(self, conn: sqlite3.Connection, first: Key) -> None:
        """The camera, known by its id alone until the configuration or a person says more."""
        self._introduced = True
        if cameras.find(conn, self._camera) is None:
            cameras.add(
                conn,
                camera=self._camera,
                name=self._camera,
                source="file",
                settings={},
                labels={},
                node=first.node,
                epoch=0,
                at_us=first.start_us,
            )

    def enter(self, conn: sqlite3.Connection, found: _Found) -> None:
        """Enters the next segment."""
        head, key = found.file.head, found.key
        conn.execute("INSERT INTO node (id) VALUES (?) ON CONFLICT (id) DO NOTHING", (key.node,))
        if not self._introduced:
            self._introduce(conn, key)
        run = Key(key.camera, head.run_start_us, key.node, key.epoch)
        self._between(conn, run, key.start_us)
        segments.put_init(conn, found.init)
        segments.begin_run(conn, run)
        segments.begin(
            conn,
            key,
            root=found.root.id,
            init=found.init.id,
            run_start_us=head.run_start_us,
            timescale=head.timescale,
            media_start=head.media_start,
        )
        segments.finish(
            conn,
            key,
            end_us=found.end_us,
            media_end=found.media_end,
            frames=found.file.index.video.count,
            bytes_=found.size,
            sha256=found.sha256,
            found=found.file.index.holes,
        )
        self._run, self._end_us, self._reason = run, found.end_us, found.reason
        self._until_us = max(self._until_us, found.end_us)

    def _between(self, conn: sqlite3.Connection, run: Key, start_us: int) -> None:
        """States why there is nothing between the last segment and this one."""
        if self._run is None:
            facts.resume(conn, self._camera, start_us)
            return
        if run != self._run:
            self._end_run(conn)
        if start_us > self._until_us:
            # A run that only went on to its next file had footage after this one: whoever removed that is not known.
            cause = Cause.MISSING if run == self._run else _cause(self._reason) or Cause.MISSING
            facts.insert(
                conn,
                self._camera,
                cause,
                self._until_us,
                start_us,
                _DETAIL,
                node=self._run.node,
                epoch=self._run.epoch,
                # The decision itself is in no file, only that the recorder obeyed one.
                layer=Layer.RECORDER if cause.layer is Layer.ORDER else None,
            )

    def _end_run(self, conn: sqlite3.Connection) -> None:
        assert self._run is not None
        cause = _cause(self._reason) or Cause.SERVER_DOWN
        segments.end_run(conn, self._run, end_us=self._end_us, cause=cause, detail={"rebuilt": True})

    def end(self, conn: sqlite3.Connection) -> None:
        """After the last segment nothing was recorded: the server is not running."""
        if self._run is None:
            return
        self._end_run(conn)
        cause = _cause(self._reason) or Cause.SERVER_DOWN
        facts.enter(conn, self._camera, self._until_us, cause, _DETAIL, node=self._run.node, epoch=self._run.epoch)


def _cause(reason: str) -> Cause | None:
    """What ended a run, by the reason in the tail of its last file. An adopted file's recorder ended with it. None if
    its run had gone on (a rotation), or its tail is lost: then footage has followed that is not there any more."""
    if reason == "adopted":
        return Cause.SERVER_DOWN
    try:
        cause = Cause(reason)
    except ValueError:
        return None
    return None if cause.layer is Layer.FOOTAGE else cause
