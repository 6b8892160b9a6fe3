"""Syncing the growing segments of one root: no frame is older than the interval, from its arrival on, before it is safe
from a power cut.

So a sync begins as much sooner as it is going to take: as long as the slowest of late, and half as much again.

Of many, all are synced by one call for their whole file system: a call for each costs more than writing. Such a call
tells that something was lost, not of which file; then each is asked. Used on the disk's writing thread alone.
Invariant: a segment counts as synced up to where it reached when a sync began that told of no loss.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

from storage.disk.files import Files
from storage.writing.at_risk import AtRisk
from storage.writing.open_segment import SegmentHandle
from storage.writing.threads import Waiters

__all__ = ["TOGETHER", "Syncing"]

log = logging.getLogger(__name__)

# How often what is due is looked for, as a part of the interval; and the room that is left besides.
_POLLS: Final = 20
_ROOM: Final = 0.15
# What a sync is taken to need until one has ended, as a part of the interval.
_FIRST: Final = 10
# What a slow sync has taught is forgotten by so much with each that follows.
_FORGETS: Final = 0.8
# A sync may take so many times as long as the slowest of late.
_TIMES: Final = 1.5
# However slow the disk is, a frame is left for so long, as a part of the interval: when it is written it is a second
# and a half old, and syncs would follow each other without end.
_LEAST: Final = 0.4
# One call syncs what others write to the disk as well; for a few segments that is not worth it.
TOGETHER: Final = 8
"""From so many growing segments of one file system on, one call syncs all."""
# By the system, to this process: it need not be tried again.
_NOT_ALLOWED: Final = (errno.ENOSYS, errno.EPERM)


class Syncing:
    """The open segments of a root. ``expect`` takes what is to be done on the writing thread once something ends that
    is waited for elsewhere, and returns what to call then; ``fail`` gives a segment up. ``together``: from so many
    segments on one call is for all."""

    def __init__(
        self,
        files: Files,
        waiters: Waiters,
        interval_s: float,
        at_risk: AtRisk,
        expect: Callable[[Callable[[Future[Any]], None]], Callable[[Future[Any]], None]],
        fail: Callable[[SegmentHandle, OSError], None],
        together: int = TOGETHER,
    ) -> None:
        self._files = files
        self._waiters = waiters
        self._interval_s = interval_s
        self._at_risk = at_risk
        self.poll_s = interval_s / _POLLS
        """How often ``look`` is due."""
        # How long a sync is expected to take.
        self._takes_s = interval_s / _FIRST
        self._expect = expect
        self._fail = fail
        self._together = together
        self._next_poll_s = 0.0
        # No frame that is not being synced arrived before this.
        self._dirty_since_s = math.inf
        # Whether that may be out of date, or one of the open segments be being synced.
        self._check_all = False
        # In the order in which they were opened.
        self._open: dict[SegmentHandle, None] = {}
        # Disks for which a call for all is under way.
        self._called: set[int] = set()
        # Those being closed, and since when they hold something that is not safe.
        self._closing: dict[SegmentHandle, float] = {}

    @property
    def open(self) -> Sequence[SegmentHandle]:
        """The segments that are neither being closed nor given up."""
        return list(self._open)

    def __contains__(self, handle: SegmentHandle) -> bool:
        return handle in self._open

    def add(self, handle: SegmentHandle) -> None:
        """This segment was opened, and holds what is not synced."""
        handle.dirty_since = time.monotonic()
        self._dirty_since_s = min(self._dirty_since_s, handle.dirty_since)
        self._open[handle] = None

    def dirty(self, handle: SegmentHandle, read_s: float | None) -> None:
        """This segment got frames, the first of which was read then; None: now."""
        since_s = time.monotonic() if read_s is None else read_s
        if handle.dirty_since is None or since_s < handle.dirty_since:
            handle.dirty_since = since_s
            self._dirty_since_s = min(self._dirty_since_s, since_s)

    def close(self, handle: SegmentHandle) -> None:
        """From now on who closes this segment looks after it, until ``closed``."""
        self._open.pop(handle, None)
        self._check_all = True
        since_s = _since(handle)
        if since_s is not None:
            self._closing[handle] = since_s

    def closed(self, handle: SegmentHandle) -> None:
        """All of this segment is safe."""
        since_s = self._closing.pop(handle, None)
        if since_s is not None:
            self._at_risk.safe(since_s, time.monotonic())

    def discard(self, handle: SegmentHandle) -> None:
        """From now on somebody else looks after this segment."""
        self._open.pop(handle, None)
        self._closing.pop(handle, None)
        self._check_all = True

    def is_poll_due(self) -> bool:
        """Looking at every segment after every job would cost more than the jobs."""
        return time.monotonic() >= self._next_poll_s

    def poll(self, queued_s: float | None = None) -> None:
        """Begins the syncs that are due. ``queued_s``: when the oldest frame was read that waits to be written."""
        now_s = time.monotonic()
        interval_s = self._interval_s
        self._next_poll_s = now_s + self.poll_s
        before_s = self._at_risk.unread_s + _TIMES * self._takes_s + self.poll_s + interval_s * _ROOM
        due_since_s = now_s - max(interval_s * _LEAST, interval_s - before_s)
        if self._dirty_since_s > due_since_s and not self._check_all:
            # As nearly always: nothing is due, and looking at each would cost as much as writing it.
            oldest_s = min(self._dirty_since_s, min(self._closing.values(), default=math.inf))
            if queued_s is not None:
                oldest_s = min(oldest_s, queued_s)
            self._at_risk.oldest = oldest_s if oldest_s <= now_s else None
            return
        by_disk: dict[int | None, list[SegmentHandle]] = {}
        due: list[SegmentHandle] = []
        oldest_s = min(self._closing.values(), default=now_s + 1)
        self._dirty_since_s, self._check_all = math.inf, False
        for handle in self._open:
            since_s = handle.dirty_since
            if handle.syncing_since is not None:
                self._check_all = True
                oldest_s = min(oldest_s, handle.syncing_since)
            if since_s is None:
                continue
            self._dirty_since_s = min(self._dirty_since_s, since_s)
            oldest_s = min(oldest_s, since_s)
            if handle.syncing_until_us is not None or not handle.named or handle.writer is None:
                continue
            by_disk.setdefault(handle.writer.disk, []).append(handle)
            if since_s <= due_since_s:
                due.append(handle)
        if queued_s is not None:
            oldest_s = min(oldest_s, queued_s)
        self._at_risk.oldest = oldest_s if oldest_s <= now_s else None
        done: set[int] = set()
        for handle in due:
            assert handle.writer is not None
            disk = handle.writer.disk
            if disk is not None and (disk in self._called or disk in done):
                # One at a time: another call, for all or for one, does what this one does, and both take longer.
                continue
            if disk is None or len(by_disk[disk]) < self._together:
                self._sync(handle)
            else:
                self._called.add(disk)
                done.add(disk)
                self._sync_all(disk, by_disk[disk])

    def _sync(self, handle: SegmentHandle) -> None:
        assert handle.writer is not None
        self._begins(handle)
        handle.writer.begin_sync(self._expect(partial(self._synced, handle, time.monotonic())))

    def _begins(self, handle: SegmentHandle) -> None:
        since_s = _since(handle)
        handle.dirty_since, handle.syncing_since = None, since_s
        self._check_all = True
        handle.syncing_until_us = handle.written_until_us

    def _synced(self, handle: SegmentHandle, began_s: float, _: Future[None]) -> None:
        """If the segment is being closed or was given up, that has taken notice already."""
        if handle in self._open and handle.writer is not None:
            try:
                handle.writer.end_sync()
            except OSError as error:
                self._fail(handle, error)
                return
            self._are_synced([handle], began_s)

    def _sync_all(self, disk: int, handles: list[SegmentHandle]) -> None:
        """``handles``: all on one file system, the one that was opened first in front: its descriptor knows of every
        loss since."""
        for handle in handles:
            assert handle.writer is not None
            self._begins(handle)
            handle.writer.mark()
        first = handles[0].writer
        assert first is not None
        try:
            held = first.held()
        except OSError as error:
            self._called.discard(disk)
            self._ask_each(handles, error)
            return

        def sync() -> None:
            try:
                self._files.sync_disk(held)
            finally:
                self._files.release(held)

        began_s = time.monotonic()
        future = self._waiters.submit(sync, first=True)
        future.add_done_callback(self._expect(partial(self._all_synced, disk, handles, began_s)))

    def _all_synced(self, disk: int, handles: list[SegmentHandle], began_s: float, future: Future[None]) -> None:
        self._called.discard(disk)
        left = [handle for handle in handles if handle in self._open]
        try:
            future.result()
        except OSError as error:
            self._ask_each(left, error)
            return
        for handle in left:
            assert handle.writer is not None
            handle.writer.confirm()
        self._are_synced(left, began_s)

    def _ask_each(self, handles: Sequence[SegmentHandle], error: OSError) -> None:
        log.error("a sync of %d segments at once failed, so each is synced: %s", len(handles), error)
        if error.errno in _NOT_ALLOWED:
            self._together = sys.maxsize
        for handle in handles:
            self._sync(handle)

    def _are_synced(self, handles: Sequence[SegmentHandle], began_s: float) -> None:
        now_s = time.monotonic()
        self._next_poll_s = 0.0
        self._takes_s = max(now_s - began_s, _FORGETS * self._takes_s)
        since_s = min((h.syncing_since for h in handles if h.syncing_since is not None), default=None)
        if since_s is not None:
            self._at_risk.safe(since_s, now_s)
        self._at_risk.synced(now_s - began_s)
        unneeded: list[tuple[int, int, int]] = []
        for handle in handles:
            handle.syncing_since = None
            handle.synced_until_us = handle.syncing_until_us or handle.synced_until_us
            handle.syncing_until_us = None
            assert handle.writer is not None
            # Without a free descriptor there is no advice.
            with contextlib.suppress(OSError):
                if (found := handle.writer.unneeded()) is not None:
                    unneeded.append(found)
        if unneeded:
            self._waiters.submit(partial(self._forget, unneeded))

    def _forget(self, unneeded: Sequence[tuple[int, int, int]]) -> None:
        for fd, start, end in unneeded:
            try:
                with contextlib.suppress(OSError):
                    self._files.forget(fd, start, end)
            finally:
                self._files.release(fd)


def _since(handle: SegmentHandle) -> float | None:
    """Since when the segment holds something that is not safe."""
    since_s, dirty_s = handle.syncing_since, handle.dirty_since
    if since_s is None or (dirty_s is not None and dirty_s < since_s):
        return dirty_s
    return since_s
