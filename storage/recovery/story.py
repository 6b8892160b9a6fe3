"""What one camera's files tell when a catalogue is made of them: its segments in the order of time, and why nothing is
between two.

Invariant: what could not be read is not said to be missing. Its time is ``disk_error``, by the file's name.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from storage.catalogue import cameras, facts, segments
from storage.catalogue.segments import Init, Key
from storage.causes import Cause, Layer
from storage.disk.roots import Root
from storage.format.segment_file import SegmentFile

__all__ = ["ALWAYS_US", "CameraStory", "Found", "Unread"]

ALWAYS_US: Final = 1 << 62
"""Later than all footage."""
_DETAIL: Final[Mapping[str, Any]] = {"reason": "from the files, when the catalogue was rebuilt"}


@dataclass(frozen=True, slots=True)
class Unread:
    """A file, or a folder with all that is in it, that the disk did not give: what starts within ``within`` may be in
    it."""

    path: Path
    within: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Found:
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


class CameraStory:
    """One camera's segments in the order of time, and what lies between them. ``unread``: what could not be read so
    far."""

    def __init__(self, camera: str, unread: Sequence[Unread]) -> None:
        self.unread = list(unread)
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

    def add(self, conn: sqlite3.Connection, found: Found) -> None:
        """Adds the next segment."""
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
            unread = self._unread_in(self._until_us, start_us)
            if unread is not None:
                cause = Cause.DISK_ERROR
            facts.insert(
                conn,
                self._camera,
                cause,
                self._until_us,
                start_us,
                unread or _DETAIL,
                node=self._run.node,
                epoch=self._run.epoch,
                # The decision itself is in no file, only that the recorder obeyed one.
                layer=Layer.RECORDER if cause.layer is Layer.ORDER else None,
            )

    def _unread_in(self, start_us: int, end_us: int) -> Mapping[str, Any] | None:
        """What says of a stretch that a file of it could not be read; None if there is none."""
        for each in self.unread:
            if each.within[0] < end_us and each.within[1] > start_us:
                return {"reason": "it could not be read when the catalogue was rebuilt", "file": str(each.path)}
        return None

    def _end_run(self, conn: sqlite3.Connection) -> None:
        assert self._run is not None
        cause = _cause(self._reason) or Cause.SERVER_DOWN
        segments.end_run(conn, self._run, end_us=self._end_us, cause=cause, detail={"rebuilt": True})

    def end(self, conn: sqlite3.Connection) -> None:
        """After the last segment nothing was recorded: the server is not running."""
        if self._run is None:
            return
        self._end_run(conn)
        cause, detail = _cause(self._reason) or Cause.SERVER_DOWN, _DETAIL
        unread = self._unread_in(self._until_us, ALWAYS_US)
        if unread is not None:
            cause, detail = Cause.DISK_ERROR, unread
        facts.set_cause(conn, self._camera, self._until_us, cause, detail, node=self._run.node, epoch=self._run.epoch)


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
