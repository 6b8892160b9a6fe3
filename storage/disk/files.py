"""The one seam to footage disks, for writing and reading, so that tests can fail, cut, slow or kill any step.

Nothing above this module calls ``os`` to change a file of footage or to read one; ``tests/test_read_seam.py`` holds the
second. Every method does one system call's worth of work and lets ``OSError`` out.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

__all__ = ["FILES", "Files", "UnsyncedFolderError", "accept_unsynced_folders"]

log = logging.getLogger(__name__)

# As many as one call takes (IOV_MAX).
_MOST_BUFFERS: Final = 1024
# File systems whose sync of all files is known to tell of every lost write: statfs(2), "Filesystem type constants".
# Others may not pass it on to what they stand on (FUSE, overlays), or make more of it than is wanted (btrfs).
_EXT4: Final = 0xEF53
_XFS: Final = 0x58465342
# Before, the kernel did not tell of errors there: syncfs(2).
_SYNCFS_TELLS: Final = (5, 8)
_STATFS_BYTES: Final = 256


# How a file system says that it can't sync a folder at all: SMB before Linux 5.x, DrvFs, some of FUSE. Everything else
# is a disk's failure.
_CANT_SYNC_FOLDERS: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
# Processes that are started later know by it what was accepted.
_ACCEPTED: Final = "NVR_UNSYNCED_FOLDERS"
# File systems of which that was logged.
_UNSYNCED: Final[set[str]] = set()


class UnsyncedFolderError(OSError):
    """The file system does not sync folders, and nobody has accepted that. ``strerror`` says which one, what it means,
    and what to do."""


def accept_unsynced_folders(accepted: bool) -> None:
    """Whether this process, and those that it starts, put up with file systems that can't sync a folder: ``[storage]
    unsynced_folders``."""
    if accepted:
        os.environ[_ACCEPTED] = "1"
    else:
        os.environ.pop(_ACCEPTED, None)


def _file_system(path: Path) -> str:
    """Which file system holds a path, for people: ``cifs at /mnt/nas``."""
    try:
        device = path.stat().st_dev
        number = f"{os.major(device)}:{os.minor(device)}"
        for line in Path("/proc/self/mountinfo").read_text(errors="replace").splitlines():
            mount, _, system = line.partition(" - ")
            fields = mount.split()
            if fields[2] == number:
                place = fields[4].replace("\\040", " ")
                return f"{system.split()[0]} at {place}"
    except (OSError, IndexError):
        pass
    return "its file system"


def _syncfs_tells() -> bool:
    numbers = os.uname().release.split(".")[:2]
    return sys.platform == "linux" and [int(n) for n in numbers if n.isdigit()] >= list(_SYNCFS_TELLS)


_LIBC: Final = ctypes.CDLL(None, use_errno=True) if _syncfs_tells() else None


class Files:
    """The real disk."""

    def create(self, path: Path) -> int:
        """Creates a file that must not exist yet and opens it for appending and reading."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o640)

    def open_existing(self, path: Path) -> int:
        """Opens a file for reading and appending."""
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)

    def open_to_read(self, path: Path) -> int:
        """Opens a file for reading alone."""
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self, fd: int, count: int, offset: int) -> bytes:
        """At most ``count`` bytes from ``offset`` on; fewer is no error, and none means that the file ends there."""
        return os.pread(fd, count, offset)

    def read_into(self, fd: int, buffers: Sequence[memoryview], offset: int) -> int:
        """Fills the buffers with the bytes from ``offset`` on; returns how many those were, as for ``read``."""
        return os.preadv(fd, buffers, offset)

    def send(self, fd: int, to: int, offset: int, count: int) -> int:
        """Hands at most ``count`` bytes from ``offset`` on to a socket; returns how many it took, none where the file
        ends."""
        return os.sendfile(to, fd, offset, count)

    def stat_open(self, fd: int) -> os.stat_result:
        """Size, identity and times of an open file."""
        return os.fstat(fd)

    def stat(self, path: Path) -> os.stat_result:
        """The same by name."""
        return path.stat()

    def scan(self, folder: Path) -> tuple[list[str], list[str]]:
        """The names in a folder: of folders, and of everything else but links to folders."""
        folders, others = [], []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif not (entry.is_symlink() and os.path.isdir(entry.path)):  # noqa: PTH112
                    others.append(entry.name)
        return folders, others

    def names(self, folder: Path) -> list[str]:
        """All names in a folder: a city's recent hours hold 100,000, which ``scan`` would ask for one by one where the
        file system does not say what they are."""
        return os.listdir(folder)  # noqa: PTH208

    def will_need(self, fd: int, offset: int, count: int) -> None:
        """Has the system begin to read these bytes. Only advice."""
        os.posix_fadvise(fd, offset, count, os.POSIX_FADV_WILLNEED)

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

    def disk_of(self, fd: int) -> int | None:
        """The number of the file system that an open file is on, if ``sync_disk`` can be relied on there."""
        if _LIBC is None:
            return None
        told = ctypes.create_string_buffer(_STATFS_BYTES)
        if _LIBC.fstatfs(fd, told):
            return None
        kind = ctypes.c_long.from_buffer(told).value & 0xFFFFFFFF
        return os.fstat(fd).st_dev if kind in (_EXT4, _XFS) else None

    def sync_disk(self, fd: int) -> None:
        """Returns when all that was written to the file system of an open file is on the disk. An error means that some
        write to some file was lost since ``fd`` was opened or last told of it; which, ``sync`` of each tells.

        Raises:
            OSError: as said.
        """
        assert _LIBC is not None
        if _LIBC.syncfs(fd):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))

    def hold(self, fd: int) -> int:
        """Another descriptor of the same opening of a file, to ``release``: for use while others may
        close the first."""
        return os.dup(fd)

    def release(self, fd: int) -> None:
        """Closes what ``hold`` gave."""
        os.close(fd)

    def forget(self, fd: int, start: int, end: int) -> None:
        """Tells the system that these bytes, which are synced, need not stay in memory: what people are watching
        should. Only advice."""
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
        """Returns when the folder's entries are on the disk, or were given to a file system that can't say so if that
        was accepted.

        Raises:
            UnsyncedFolderError: the file system can't sync folders, and that was not accepted.
        """
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno not in _CANT_SYNC_FOLDERS:
                raise
            system = _file_system(path)
            if _ACCEPTED not in os.environ:
                raise UnsyncedFolderError(
                    error.errno,
                    f"{system} can't sync folders: after a power loss files that were just begun,"
                    " closed or deleted may be missing, or have their old names."
                    " Use another file system or newer mount options,"
                    " or accept that with [storage] unsynced_folders = true",
                ) from None
            if system not in _UNSYNCED:
                _UNSYNCED.add(system)
                log.warning(
                    "%s can't sync folders, which is accepted:"
                    " a power loss may cost the names of files of the last seconds",
                    system,
                )
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
        """Appends all of the buffers, however many calls that takes; returns their bytes.

        Raises:
            OSError: the disk refused; some of it may have been written.
        """
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
