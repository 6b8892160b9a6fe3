"""One segment's file while it is written: create, append, close.

Called from the disk writer's thread of its root. What waits for the disk (a sync; after the tail everything) goes to
``Waiters``, so that other segments are written meanwhile. Order of a close: tail → sync → rename → sync folder; only
then may the catalogue call it closed. Invariant: at every moment the file is an init, a head and whole fragments, save
for the bytes of the write under way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from storage.disk.files import Files
from storage.disk.reading import refuse_existing
from storage.errors import SyncError
from storage.format.segment_file import Head, Tail, beginning, tail_box
from storage.writing.threads import Digest, Hasher, Waiters

__all__ = ["Closed", "SegmentWriter"]


_CREATE_TRIES: Final = 3
# Less is not worth a call.
_FORGOTTEN_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed segment's size in bytes and the SHA-256 of its whole file."""

    bytes: int
    sha256: str


class SegmentWriter:
    """The file of one growing segment."""

    def __init__(
        self,
        files: Files,
        root: Path,
        part: Path,
        final: Path,
        init: bytes,
        head: Head,
        *,
        hasher: Hasher | None = None,
        waiters: Waiters | None = None,
    ) -> None:
        """Creates the file and writes its init and head; ``named`` tells when its name survives power loss. Part and
        final path are absolute, below ``root``, whose disk is there. Without ``hasher`` and ``waiters`` everything is
        done on the caller's thread.

        Raises:
            OSError: it can't be created; no half-made file is left behind unless the disk refuses even to remove it.
        """
        self._files = files
        self._part = part
        self._final = final
        self._hasher = hasher or Hasher("")
        self._waiters = waiters or Waiters(0, "")
        self._digest = Digest()
        self.bytes = 0
        self.synced_bytes = 0
        self._marked_bytes = 0
        # Up to where the system was told that nobody needs it, and up to where it may be.
        self._forgotten = 0
        self._old = 0
        self._syncing: Future[None] | None = None
        # A clock set back can lead to the same millisecond again.
        refuse_existing(final, files)
        self._fd = self._create(root)
        try:
            self.disk = files.disk_of(self._fd)
            """The file system that it is on, if all of that can be synced by one call; see ``Files.disk_of``."""
            self.append([beginning(init, head)])
        except OSError:
            self.abandon()
            with contextlib.suppress(OSError):
                files.unlink(part)
            raise
        self.named = self._waiters.submit(lambda: files.sync_folder(part.parent))

    def _create(self, root: Path) -> int:
        for _ in range(_CREATE_TRIES - 1):
            # The clean-up of empty folders may come in between, for the hour's folder as for the day's.
            with contextlib.suppress(FileNotFoundError):
                self._files.make_folders(root, self._part.parent)
                return self._files.create(self._part)
        self._files.make_folders(root, self._part.parent)
        return self._files.create(self._part)

    def append(self, buffers: Sequence[bytes]) -> None:
        """Appends whole boxes.

        Raises:
            OSError: the disk refused; the file may end in a broken box, which adoption cuts off.
        """
        self.bytes += self._files.write_all(self._fd, buffers)
        self._hasher.add(self._digest, buffers)

    def begin_sync(self, done: Callable[[Future[None]], None]) -> None:
        """Begins to make what was appended survive power loss; ``done`` is called, on any thread, when ``end_sync``
        need not wait. There must be no other sync under way."""
        assert self._syncing is None
        self.mark()
        self._syncing = self._waiters.submit(partial(self._files.sync, self._fd), first=True)
        self._syncing.add_done_callback(done)

    def mark(self) -> None:
        """A sync begins that takes in all that was appended."""
        self._marked_bytes = self.bytes

    def confirm(self) -> None:
        """The sync that began at the last ``mark`` has ended well."""
        # One sync behind: the newest seconds are what live viewers are about to ask for.
        self._old = self.synced_bytes
        self.synced_bytes = self._marked_bytes

    def held(self) -> int:
        """Another descriptor of the file, as of ``Files.hold``."""
        return self._files.hold(self._fd)

    def unneeded(self) -> tuple[int, int, int] | None:
        """What need not stay in memory, if that has become much: a descriptor as of ``held``, start and
        end. Told once."""
        start, end = self._forgotten, self._old
        if end - start < _FORGOTTEN_BYTES:
            return None
        held = self.held()
        self._forgotten = end
        return held, start, end

    def end_sync(self) -> None:
        """Waits for the sync under way, if there is one.

        Raises:
            SyncError: what was written since the last sync may be lost, and trying again would wrongly succeed: give
                the file up. It is
                cut to what the last sync confirmed if the disk allows that much, so that no later start takes more for
                good.
        """
        syncing, self._syncing = self._syncing, None
        if syncing is None:
            return
        try:
            syncing.result()
        except OSError as error:
            with contextlib.suppress(OSError):
                self._files.truncate(self._fd, self.synced_bytes)
            raise SyncError(error.errno, error.strerror) from error
        self.confirm()

    def begin_close(self, *, end_us: int, media_end: int, frames: int, reason: str, index: bytes) -> Future[Closed]:
        """Begins to write the tail and to give the file its final name. The future raises ``SyncError`` as
        ``end_sync``, or ``OSError``: it stays a ``.part`` file, or has its final name already; the descriptor is closed
        in any case. The tail waits for the hash of all before it, so it is written where waiting costs no other segment
        anything."""
        return self._waiters.submit(lambda: self._finish(end_us, media_end, frames, reason, index))

    def _finish(self, end_us: int, media_end: int, frames: int, reason: str, index: bytes) -> Closed:
        try:
            content = self._hasher.hexdigest(self._digest)
            self.append([tail_box(Tail(end_us, media_end, frames, reason, content), index)])
            # One that failed must not be followed by another, which would wrongly succeed.
            self.named.result()
            self.end_sync()
            try:
                self._files.sync(self._fd)
            except OSError as error:
                with contextlib.suppress(OSError):
                    self._files.truncate(self._fd, self.synced_bytes)
                raise SyncError(error.errno, error.strerror) from error
            with contextlib.suppress(OSError):
                self._files.forget(self._fd, self._forgotten, self.synced_bytes)
            self.synced_bytes = self.bytes
        finally:
            self.abandon()
        # Somebody may have put one there meanwhile.
        refuse_existing(self._final, self._files)
        self._files.rename(self._part, self._final)
        self._files.sync_folder(self._final.parent)
        return Closed(self.bytes, self._hasher.hexdigest(self._digest))

    def abandon(self) -> None:
        """Closes the descriptor and leaves the ``.part`` file as it is. What it held is synced or given up already: an
        error of the close tells nothing more."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                self._files.close(fd)
