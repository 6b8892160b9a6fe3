"""One segment's file while it is written: create, append, close. Runs on the disk writer's thread of its root.

Order of a close: tail → sync → rename → sync folder; only then may the catalogue call it closed. Invariant: at every moment the file
is an init, a head and whole fragments, save for the bytes of the write under way.
"""

from __future__ import annotations

import errno
import hashlib
from dataclasses import dataclass
from pathlib import Path

from storage.files import Files
from storage.index import SegmentIndex
from storage.segment_file import Head, Tail, head_box, tail_box

__all__ = ["Closed", "SegmentWriter"]


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed segment's size in bytes and the SHA-256 of its whole file."""

    bytes: int
    sha256: str


class SegmentWriter:
    """The file of one growing segment."""

    def __init__(self, files: Files, root: Path, part: Path, final: Path, init: bytes, head: Head) -> None:
        """Creates the file and writes its init and head. Part and final path are absolute, below ``root``.

        Raises:
            OSError: it can't be created; no half-made file is left behind.
        """
        self._files = files
        self._part = part
        self._final = final
        self._hash = hashlib.sha256()
        self.bytes = 0
        files.make_folders(root, part.parent)
        if final.exists():
            # A clock set back can lead to the same millisecond again; a rename would replace footage without a word.
            raise FileExistsError(errno.EEXIST, "a segment of this name exists", str(final))
        try:
            self._fd = files.create(part)
        except FileNotFoundError:
            # The clean-up of empty folders came in between.
            files.make_folders(root, part.parent)
            self._fd = files.create(part)
        try:
            self.append([init, head_box(head)])
            files.sync_folder(part.parent)
        except OSError:
            files.close(self._fd)
            files.unlink(part)
            raise

    def append(self, buffers: list[bytes]) -> None:
        """Appends whole boxes.

        Raises:
            OSError: the disk refused; the file may end in a broken box, which adoption cuts off.
        """
        self.bytes += self._files.write_all(self._fd, buffers)
        for buffer in buffers:
            self._hash.update(buffer)

    def sync(self) -> None:
        """Makes what was appended survive power loss.

        Raises:
            OSError: what was written since the last sync may be lost, and trying again would wrongly succeed: give the file up.
        """
        self._files.sync(self._fd)

    def close(self, *, end_us: int, media_end: int, frames: int, reason: str, index: SegmentIndex) -> Closed:
        """Writes the tail and gives the file its final name.

        Raises:
            OSError: it stays a ``.part`` file, to be adopted later; the descriptor is closed all the same.
        """
        try:
            self.append([tail_box(Tail(end_us, media_end, frames, reason, self._hash.hexdigest()), index)])
            self._files.sync(self._fd)
        finally:
            self._files.close(self._fd)
        self._files.rename(self._part, self._final)
        self._files.sync_folder(self._final.parent)
        return Closed(self.bytes, self._hash.hexdigest())

    def abandon(self) -> None:
        """Closes the descriptor and leaves the ``.part`` file as it is."""
        self._files.close(self._fd)
