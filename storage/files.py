"""The one seam through which storage touches disks, so that tests can fail, cut or kill any step of it.

Nothing above this module calls ``os`` to change a file. Every method does one system call's worth of work and lets ``OSError`` out.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

__all__ = ["FILES", "Files"]

# As many as one call takes (IOV_MAX).
_MOST_BUFFERS: Final = 1024


class Files:
    """The real disk."""

    def create(self, path: Path) -> int:
        """Creates a file that must not exist yet and opens it for appending and reading."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o640)

    def open_existing(self, path: Path) -> int:
        """Opens a file for reading and appending."""
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)

    def write(self, fd: int, buffers: Sequence[bytes | memoryview]) -> int:
        """Appends; returns how many bytes it took, which may be fewer than given."""
        return os.writev(fd, buffers)

    def allocate(self, fd: int, size: int) -> None:
        """Makes the file, which is empty, ``size`` bytes that are there for certain."""
        os.posix_fallocate(fd, 0, size)

    def truncate(self, fd: int, size: int) -> None:
        """Cuts the file to ``size`` bytes."""
        os.ftruncate(fd, size)

    def sync(self, fd: int) -> None:
        """Returns when the file's bytes are on the disk."""
        os.fdatasync(fd)

    def forget(self, fd: int, start: int, end: int) -> None:
        """Tells the system that these bytes, which are synced, need not stay in memory: what people are watching should. Only advice."""
        if end > start:
            os.posix_fadvise(fd, start, end - start, os.POSIX_FADV_DONTNEED)

    def close(self, fd: int) -> None:
        """Closes the file."""
        os.close(fd)

    def rename(self, old: Path, new: Path) -> None:
        """Renames a file within its folder. The caller has made sure that ``new`` is not in use."""
        old.rename(new)

    def unlink(self, path: Path) -> None:
        """Removes a file."""
        path.unlink()

    def make_folder(self, path: Path) -> None:
        """Makes one folder; its parent exists."""
        path.mkdir(mode=0o750)

    def remove_folder(self, path: Path) -> None:
        """Removes an empty folder."""
        path.rmdir()

    def sync_folder(self, path: Path) -> None:
        """Returns when the folder's entries are on the disk."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def usage(self, path: Path) -> tuple[int, int]:
        """Bytes free for us, and bytes in all, of the disk that holds ``path``."""
        info = os.statvfs(path)
        return info.f_bavail * info.f_frsize, info.f_blocks * info.f_frsize

    def make_folders(self, root: Path, below: Path) -> None:
        """Makes ``below`` and its parents down from ``root``, which exists, durably."""
        missing: list[Path] = []
        at = below
        while at != root and not at.is_dir():
            missing.append(at)
            at = at.parent
        for folder in reversed(missing):
            try:
                self.make_folder(folder)
            except FileExistsError:
                continue
            try:
                self.sync_folder(folder.parent)
            except OSError:
                # Left there, the next attempt would take it for durable.
                with contextlib.suppress(OSError):
                    self.remove_folder(folder)
                raise

    def write_all(self, fd: int, buffers: Sequence[bytes | memoryview]) -> int:
        """Appends all of the buffers, however many calls that takes; returns their bytes."""
        total = sum(map(len, buffers))
        written = self.write(fd, buffers if len(buffers) <= _MOST_BUFFERS else (b"".join(buffers),))
        if written < total:
            rest = memoryview(b"".join(buffers))[max(written, 0) :]
            while rest:
                count = self.write(fd, [rest])
                if count <= 0:
                    raise OSError(errno.EIO, "the disk takes no more bytes and does not say why")
                rest = rest[count:]
        return total


FILES = Files()
