"""One thread a footage root that does all of its writing, so that the recorders' event loop never waits for a disk.

Beside it, threads of the same root hash what was written and wait for syncs (``storage.writing.threads``): writing does
not stand still for them. Its result is handled by the writing thread alone, so everything of a handle happens on
it. A slow disk costs its own cameras bounded memory and then refusals, which the recorder accounts for; never another
disk's cameras. Invariant: bytes queued ≤ the root's limit and, per segment, ≤ its share; what is refused was never
accepted.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from sqlite3 import Connection
from typing import Any, Final

from storage.catalogue import segments
from storage.catalogue.segments import Init
from storage.disk.files import FILES, Files
from storage.disk.roots import Presence, Root
from storage.errors import SyncError
from storage.format.boxes import BoxError, Fragment
from storage.format.index_builder import IndexBuilder
from storage.format.segment_file import Head
from storage.format.spare import spare_head
from storage.writing.at_risk import AtRisk
from storage.writing.broken_segments import Salvage, paths
from storage.writing.catalogue_writer import CatalogueWriter
from storage.writing.open_segment import SegmentHandle
from storage.writing.segment_writer import Closed, SegmentWriter
from storage.writing.syncing import TOGETHER, Syncing
from storage.writing.threads import Hasher, Waiters

__all__ = ["DiskWriter"]

log = logging.getLogger(__name__)

_QUEUE_BYTES: Final = 256 << 20
_SEGMENT_QUEUE_BYTES: Final = 32 << 20
_GATHERED_BYTES: Final = 4 << 20
# With more than this waiting, writing itself is what limits.
_BEHIND_BYTES: Final = 8 << 20
# Four syncs at once take a third of the time of four in turn; more gain nothing (docs/design/measurements.md).
_WAITERS: Final = 4
# A segment's bytes are hashed in order, one segment beside the other; where a disk is faster than one thread hashes,
# two keep up.
_HASHERS: Final = 2
# With so many segments being closed the disk does not keep up; what else comes is to wait in the queue, which is
# limited.
_MOST_CLOSING: Final = 16
# Names tell the start in milliseconds.
_NAME_UNIT_US: Final = 1_000
_MOST_NAMES: Final = 100


class _Job:
    """Something to be done for a segment. ``closing_us``: it closes it, and its footage was to end then. ``read_s``:
    when the first of its frames was read, by the monotonic clock."""

    def __init__(self, handle: SegmentHandle, size: int, closing_us: int | None, read_s: float | None) -> None:
        self.handle = handle
        self.size = size
        self.closing_us = closing_us
        self.read_s = read_s

    def do(self, writer: DiskWriter) -> None:
        """Does it, on the writing thread. Raises what it likes."""
        raise NotImplementedError


class _Call(_Job):
    """Anything."""

    def __init__(
        self,
        call: Callable[[], None],
        handle: SegmentHandle,
        size: int = 0,
        closing_us: int | None = None,
        read_s: float | None = None,
    ) -> None:
        super().__init__(handle, size, closing_us, read_s)
        self._call = call

    def do(self, writer: DiskWriter) -> None:
        """As in ``_Job``."""
        self._call()


class _Append(_Job):
    """A fragment, as nearly all jobs are: so no closure is made for it."""

    def __init__(
        self,
        handle: SegmentHandle,
        size: int,
        read_s: float,
        buffers: Sequence[bytes],
        fragment: Fragment,
        end_us: int,
    ) -> None:
        super().__init__(handle, size, None, read_s)
        self._buffers = buffers
        self._fragment = fragment
        self._end_us = end_us

    def do(self, writer: DiskWriter) -> None:
        """As in ``_Job``."""
        writer.write_fragment(self.handle, self._buffers, self.size, self._fragment, self._end_us, self.read_s)


class DiskWriter:
    """The writing thread of one root."""

    def __init__(
        self,
        root: Root,
        catalogue: CatalogueWriter,
        *,
        sync_interval_s: float,
        files: Files = FILES,
        queue_bytes: int = _QUEUE_BYTES,
        segment_queue_bytes: int = _SEGMENT_QUEUE_BYTES,
        sync_together: int = TOGETHER,
    ) -> None:
        self.root = root
        self._presence = Presence(root)
        self._catalogue = catalogue
        self._files = files
        self._queue_bytes = queue_bytes
        self._segment_queue_bytes = segment_queue_bytes
        self._jobs: deque[_Job] = deque()
        # The lock itself costs a fraction of what it does by way of the condition.
        self._lock = threading.RLock()
        self._wake = threading.Condition(self._lock)
        self._queued = 0
        self._closing = False
        self.salvage = Salvage(root, catalogue, files)
        self._hashers = [Hasher(f"hash-{root.id[:4]}-{number}") for number in range(_HASHERS)]
        self._hasher_of_next = cycle(self._hashers)
        self._waiters = Waiters(_WAITERS, f"sync-{root.id[:4]}")
        self.at_risk = AtRisk(sync_interval_s)
        self._syncing = Syncing(
            files, self._waiters, sync_interval_s, self.at_risk, self._expect, self._fail, sync_together
        )
        # What waits for the disk, and how much of it closes a segment; results that are to be handled.
        self._away = 0
        self._away_closing = 0
        self._returned: deque[tuple[Callable[[Future[Any]], None], Future[Any]]] = deque()
        # Whether what is queued is handed over by ``hand_over`` and not at once.
        self.gathers = False
        self._own_thread = threading.Thread(target=self._run, name=f"disk-{root.id[:4]}", daemon=True)

    def start(self) -> None:
        """Starts the threads."""
        for hasher in self._hashers:
            hasher.start()
        self._waiters.start()
        self._own_thread.start()

    def open(self, head: Head, init: Init, index: IndexBuilder, first_run: bool) -> SegmentHandle:
        """Queues the creation of a segment. ``first_run``: it is its run's first, so the run begins with it."""
        handle = SegmentHandle(head, init, index, written_until_us=head.start_us, first_run=first_run)
        self._put(_Call(lambda: self._create(handle), handle))
        return handle

    def append(
        self,
        handle: SegmentHandle,
        buffers: Sequence[bytes],
        fragment: Fragment,
        end_us: int,
        read_s: float | None = None,
    ) -> bool:
        """Queues ``buffers``, whole boxes that begin with the ``moof`` of this fragment: footage up to ``end_us``,
        whose first frame that is not safe by a spare was read at ``read_s``, monotonic (None: now). False if the queue
        is full: nothing was taken."""
        size = 0
        for buffer in buffers:
            size += len(buffer)
        at_s = time.monotonic() if read_s is None else read_s
        return self._queue(_Append(handle, size, at_s, buffers, fragment, end_us), at_s)

    def keep(self, handle: SegmentHandle, fragment: Sequence[bytes], read_s: float) -> bool:
        """Queues a spare (``storage.format.spare``) of frames that are no fragment yet, the first of which was read at
        ``read_s``, monotonic. False if the queue is full: nothing was taken."""
        whole = b"".join(fragment)
        buffers = [spare_head(whole), whole]
        size = sum(map(len, buffers))
        job = _Call(lambda: self._keep(handle, buffers, size, read_s), handle, size, None, read_s)
        return self._queue(job, read_s)

    def _queue(self, job: _Job, read_s: float) -> bool:
        handle, size = job.handle, job.size
        self.at_risk.holds(read_s)
        with self._lock:
            # Under the same lock as the queueing: the recorder's threads must not pass the limit together.
            if self._queued + size > self._queue_bytes or handle.queued_bytes + size > self._segment_queue_bytes:
                return False
            self._put_locked(job)
        return True

    def close_segment(self, handle: SegmentHandle, *, end_us: int, media_end: int, frames: int, reason: str) -> None:
        """Queues the closing of a segment. Its end by the server's clock, the presentation time at which its video ends
        in ticks, its video samples, and why it ends."""
        job = _Call(lambda: self._close(handle, end_us, media_end, frames, reason), handle, closing_us=end_us)
        self._put(job)

    def stop(self, timeout_s: float) -> bool:
        """Does what is queued and ends the thread; says whether it did so in time."""
        with self._lock:
            self._closing = True
            self._wake.notify()
        self._own_thread.join(timeout_s)
        return not self._own_thread.is_alive()

    @property
    def queued_bytes(self) -> int:
        """Bytes accepted and not yet written."""
        return self._queued

    def _put(self, job: _Job) -> None:
        with self._lock:
            self._put_locked(job)

    def _put_locked(self, job: _Job) -> None:
        self._jobs.append(job)
        self._queued += job.size
        job.handle.queued_bytes += job.size
        if not self.gathers or self._queued > _GATHERED_BYTES:
            self._wake.notify()

    def hand_over(self) -> None:
        """Lets the thread do what was queued. Who queues many small things in one go and then waits for something else
        does well to let them gather (``gathers``): two threads that take turns at every one of them cost more than the
        work."""
        with self._lock:
            if self._jobs:
                self._wake.notify()

    def _run(self) -> None:
        while self._turn():
            pass
        for handle in self._syncing.open:
            if handle.writer is not None:
                handle.writer.abandon()
        for hasher in self._hashers:
            hasher.stop()
        self._waiters.stop()

    def _turn(self) -> bool:
        """Some jobs, if there are any, and what is due; false once all is done and the writer was told to stop."""
        with self._lock:
            if not self._may_work() and not self._returned and not self._is_done():
                self._wake.wait(min(1.0, max(0.01, self._syncing.poll_s)))
            if self._is_done():
                return False
        if self._may_work():
            behind = self._queued > _BEHIND_BYTES
            for hasher in self._hashers:
                hasher.behind = behind
            self._do_some()
        self._handle_returned()
        if self._syncing.is_poll_due():
            self._syncing.poll(self._queued_since())
        self._handle_returned()
        self.salvage.poll()
        return True

    def _do_some(self) -> None:
        """Does what is queued until something else is due: to look for that after each job costs as much as the job."""
        while self._may_work():
            # Others only add to it.
            job = self._jobs.popleft()
            self._do(job)
            if self._returned or self._syncing.is_poll_due():
                return

    def _queued_since(self) -> float | None:
        with self._lock:
            # Of those in front one may have no frames: it creates or closes a segment.
            return next((job.read_s for job in islice(self._jobs, 4) if job.read_s is not None), None)

    def _may_work(self) -> bool:
        return bool(self._jobs) and self._away_closing < _MOST_CLOSING

    def _is_done(self) -> bool:
        return self._closing and not self._jobs and not self._away

    def _expect(self, what: Callable[[Future[Any]], None]) -> Callable[[Future[Any]], None]:
        """Something is waited for elsewhere; ``what`` is to be done about it on the writing thread. Returns what to
        call when it has ended, on any thread."""
        self._away += 1
        return partial(self._return, what)

    def _return(self, what: Callable[[Future[Any]], None], ended: Future[Any]) -> None:
        with self._lock:
            self._returned.append((what, ended))
            self._wake.notify()

    def _handle_returned(self) -> None:
        while self._returned:
            self._away -= 1
            what, ended = self._returned.popleft()
            what(ended)

    def _do(self, job: _Job) -> None:
        handle = job.handle
        if handle.error is None:
            try:
                job.do(self)
            except Exception as error:
                self._failed(handle, error)
        elif job.closing_us is not None:
            # Its recorder had gone on to the next segment before the disk refused: nobody else knows of the hole
            # between them.
            self.salvage.explain(handle, handle.written_until_us, job.closing_us)
        with self._lock:
            self._queued -= job.size
            handle.queued_bytes -= job.size

    def _failed(self, handle: SegmentHandle, error: Exception) -> None:
        if isinstance(error, OSError):
            self._fail(handle, error)
        elif isinstance(error, BoxError):
            self._fail(handle, OSError(errno.EIO, f"the muxer's bytes are not a fragment: {error}"))
        else:
            # Whatever it is, it is this segment's: the thread is all cameras'.
            log.error("camera %s: segment can't be written on %s", handle.head.camera, self.root.path, exc_info=error)
            self._fail(handle, OSError(errno.EIO, f"{type(error).__name__}: {error}"))

    def _fail(self, handle: SegmentHandle, error: OSError) -> None:
        if handle.writer is not None:
            try:
                # Its descriptor is about to be closed; and if the sync under way fails as well, less can be trusted.
                handle.writer.end_sync()
            except SyncError as worse:
                error = worse
        log.error("camera %s: segment can't be written on %s: %s", handle.head.camera, self.root.path, error)
        if isinstance(error, SyncError):
            handle.trusted_bytes = handle.writer.synced_bytes if handle.writer is not None else 0
        handle.error = error
        self._syncing.discard(handle)
        if handle.writer is not None:
            # Its part file stays: it is adopted up to its last whole fragment.
            handle.writer.abandon()
        if not handle.offset:
            handle.be_done()
        else:
            # Until it can be adopted the catalogue knows how far it reaches, so that the story has no hole meanwhile.
            key, until_us = handle.key, handle.written_until_us
            if handle.named:
                found = tuple(handle.index.holes)
                self._catalogue.put(lambda conn: segments.grown(conn, key, until_us, found))
            else:
                # It is not listed yet. If its name comes, it is; if not, there is a cause.
                self.salvage.explain(handle, key.start_us, until_us)
            self.salvage.add(handle)

    def _create(self, handle: SegmentHandle) -> None:
        if not self._presence.is_mounted():
            # The disk went away while the server ran: below its mount point, or on another disk there, is not ours to
            # write.
            raise OSError(
                errno.ENODEV, "the root's identity file is gone or another's: is its disk mounted?", str(self.root.path)
            )
        for _ in range(_MOST_NAMES):
            part, final = paths(self.root, handle.head)
            try:
                handle.writer = SegmentWriter(
                    self._files,
                    self.root.path,
                    part,
                    final,
                    handle.init.data,
                    handle.head,
                    hasher=next(self._hasher_of_next),
                    waiters=self._waiters,
                )
                break
            except FileExistsError:
                # A clock that was set back has led to the same millisecond again. Earlier, as it then overlaps what was
                # before: later would leave a gap that nothing explains.
                start_us = handle.head.start_us - _NAME_UNIT_US
                log.warning("%s exists: the segment is said to begin a millisecond earlier", final)
                handle.head = replace(handle.head, start_us=start_us)
        if handle.writer is None:
            raise FileExistsError(
                errno.EEXIST, "a segment of this name exists, and of those of many milliseconds before"
            )
        handle.offset = handle.writer.bytes
        self._syncing.add(handle)
        handle.writer.named.add_done_callback(self._expect(partial(self._named, handle)))

    def _named(self, handle: SegmentHandle, named: Future[None]) -> None:
        """The file's name is on the disk: the catalogue may list it."""
        try:
            named.result()
        except Exception as error:
            # If it is being closed, that has failed as well.
            if handle in self._syncing:
                self._failed(handle, error)
            return
        if handle.named or handle.done:
            # Done without a name: it broke and was adopted, and the catalogue has been told what became of it.
            return
        handle.named = True
        root, key, head, init = self.root.id, handle.key, handle.head, handle.init
        until_us, found = handle.written_until_us, tuple(handle.index.holes)

        def operation(conn: Connection) -> None:
            segments.put_init(conn, init)
            if handle.first_run:
                segments.begin_run(conn, replace(key, start_us=head.run_start_us))
            segments.begin(
                conn,
                key,
                root=root,
                init=init.id,
                run_start_us=head.run_start_us,
                timescale=head.timescale,
                media_start=head.media_start,
            )
            segments.grown(conn, key, until_us, found)

        self._catalogue.put(operation)

    def write_fragment(
        self,
        handle: SegmentHandle,
        buffers: Sequence[bytes],
        size: int,
        fragment: Fragment,
        end_us: int,
        read_s: float | None,
    ) -> None:
        """Does what ``append`` queued, on the writing thread.

        Raises:
            OSError: the disk refused.
            BoxError: it is no fragment of this segment.
        """
        assert handle.writer is not None
        handle.writer.append(buffers)
        handle.index.add(handle.offset, size, fragment)
        handle.offset += size
        handle.written_until_us = end_us
        self._syncing.dirty(handle, read_s)

    def _keep(self, handle: SegmentHandle, buffers: Sequence[bytes], size: int, read_s: float) -> None:
        assert handle.writer is not None
        handle.writer.append(buffers)
        handle.offset += size
        self._syncing.dirty(handle, read_s)

    def _close(self, handle: SegmentHandle, end_us: int, media_end: int, frames: int, reason: str) -> None:
        assert handle.writer is not None
        self._syncing.close(handle)
        handle.written_until_us = end_us
        if handle.named:
            # Its successor is listed before it is closed, if that takes long.
            key, found = handle.key, tuple(handle.index.holes)
            self._catalogue.put(lambda conn: segments.grown(conn, key, end_us, found))
        closing = handle.writer.begin_close(
            end_us=end_us, media_end=media_end, frames=frames, reason=reason, index=handle.index.packed()
        )
        self._away_closing += 1
        closing.add_done_callback(self._expect(partial(self._closed, handle, end_us, media_end, frames)))

    def _closed(self, handle: SegmentHandle, end_us: int, media_end: int, frames: int, closing: Future[Closed]) -> None:
        self._away_closing -= 1
        try:
            closed = closing.result()
        except Exception as error:
            self._failed(handle, error)
            return
        # Its word may have overtaken that of the name.
        assert handle.writer is not None
        self._named(handle, handle.writer.named)
        handle.synced_until_us = end_us
        self._syncing.closed(handle)
        key, found = handle.key, tuple(handle.index.holes)
        self._catalogue.put(
            lambda conn: segments.finish(
                conn,
                key,
                end_us=end_us,
                media_end=media_end,
                frames=frames,
                bytes_=closed.bytes,
                sha256=closed.sha256,
                found=found,
            )
        )
        handle.be_done()
