"""Reading a file of footage: exactly the bytes that were asked for, or an error that names the file.

All recorded bytes that anybody reads come through here: playback, exports, scrub, check, rebuild, adoption. Invariants:
a read never returns fewer bytes than were asked for, so that nobody takes a disk that stutters for a file that ends; an
error says that a file could not be read, never that it is not there.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from storage.disk.files import FILES, Files

__all__ = ["EndsEarlyError", "FileState", "RecordedFile", "exists", "refuse_existing"]

# Linux takes no more in one call.
_MOST_BUFFERS: Final = 1024


# What a connection that is gone says, beside what Python has classes for.
_OF_CONNECTIONS: Final = (errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.ENOTCONN)
# What a file system says that can't send.
_NO_SENDFILE: Final = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
_BY_HAND_BYTES: Final = 64 << 10


class EndsEarlyError(OSError):
    """The file ends before the bytes that were asked for, at ``at``: it became shorter since its size was asked for, or
    never was as long as somebody says."""

    def __init__(self, path: Path, at: int) -> None:
        super().__init__(errno.EIO, f"it ends at byte {at}", str(path))
        self.at = at


class FileState(NamedTuple):
    """What a file is at the moment. ``identity``: the same of one file under all its names, and of no other as long as
    it is open."""

    size: int
    identity: tuple[int, int]
    modified_us: int

    @classmethod
    def of(cls, found: os.stat_result) -> FileState:
        """What the system says of it."""
        return cls(found.st_size, (found.st_dev, found.st_ino), found.st_mtime_ns // 1000)


class RecordedFile:
    """A file of footage on a local disk that is open. ``close`` it, or use it as a context manager. Threads may read at
    once. What was there when it was opened stays readable, even if the file is deleted meanwhile."""

    __slots__ = ("_fd", "_files", "path")

    def __init__(self, path: Path, fd: int, files: Files = FILES) -> None:
        """``fd`` is of ``files``, and the file's own from now on."""
        self.path = path
        self._fd = fd
        self._files = files

    @classmethod
    def open(cls, path: Path, files: Files = FILES) -> RecordedFile:
        """Opens a file for reading.

        Raises:
            FileNotFoundError: there is none of this name.
            OSError: it can't be opened.
        """
        return cls(path, files.open_to_read(path), files)

    def state(self) -> FileState:
        """Its size, identity, and when it was last written.

        Raises:
            OSError: the disk does not say.
        """
        try:
            found = self._files.stat_open(self._fd)
        except OSError as error:
            raise self._named(error) from error
        return FileState.of(found)

    def size(self) -> int:
        """Its bytes. Raises as ``state``."""
        return self.state().size

    def read_at(self, offset: int, count: int) -> bytes:
        """Exactly these bytes.

        Raises:
            EndsEarlyError: there are not so many.
            OSError: the disk does not give them.
        """
        data = self._read(count, offset)
        if len(data) == count:
            return data
        parts = [data]
        while data:
            offset, count = offset + len(data), count - len(data)
            if not count:
                return b"".join(parts)
            data = self._read(count, offset)
            parts.append(data)
        raise EndsEarlyError(self.path, offset)

    def read_into(self, buffers: Sequence[memoryview], offset: int, size: int) -> None:
        """Fills the buffers, which have ``size`` bytes together and are 1,024 at most, from ``offset`` on. Raises as
        ``read_at``."""
        assert len(buffers) <= _MOST_BUFFERS
        try:
            got = self._files.read_into(self._fd, buffers, offset)
        except OSError as error:
            raise self._named(error) from error
        if got == size:
            return
        for buffer in buffers:
            if got >= len(buffer):
                got -= len(buffer)
            else:
                # Rare, so that it may cost a copy.
                buffer[got:] = self.read_at(offset + got, len(buffer) - got)
                got = 0
            offset += len(buffer)

    def send_to(self, to: int, offset: int, count: int) -> int:
        """As in ``OpenFile``, and raises what is said there."""
        try:
            sent = self._files.send(self._fd, to, offset, count)
        except (BlockingIOError, ConnectionError):
            raise
        except OSError as error:
            if error.errno not in (*_OF_CONNECTIONS, *_NO_SENDFILE):
                raise self._named(error) from error
            # Whose error it is, and what a file system that can't send gives: the bytes by way of this program.
            data = self.read_at(offset, min(count, _BY_HAND_BYTES))
            if error.errno in _OF_CONNECTIONS:
                raise ConnectionAbortedError(error.errno, error.strerror) from error
            sent = os.write(to, data)
        if not sent:
            raise EndsEarlyError(self.path, offset)
        return sent

    def _read(self, count: int, offset: int) -> bytes:
        try:
            return self._files.read(self._fd, count, offset)
        except OSError as error:
            raise self._named(error) from error

    def _named(self, error: OSError) -> OSError:
        return type(error)(error.errno, error.strerror or type(error).__name__, str(self.path))

    def will_need(self, offset: int, count: int) -> None:
        """Has the system begin to read these bytes. Only advice."""
        try:
            self._files.will_need(self._fd, offset, count)
        except OSError:
            # Whoever reads them will hear of it.
            return

    def forget(self, offset: int, count: int) -> None:
        """These bytes were read once and need not stay in memory, where they displace what people watch. Only
        advice."""
        try:
            self._files.forget(self._fd, offset, offset + count)
        except OSError:
            return

    def close(self) -> None:
        """Closes the file; a second time does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            self._files.close(fd)

    def __enter__(self) -> RecordedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def exists(path: Path, files: Files = FILES) -> bool | None:
    """Whether there is such a file; None if the disk does not say. (``Path.exists`` says no where the disk fails, or
    raises, as the version of Python has it.)"""
    try:
        files.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return None
    return True


def refuse_existing(path: Path, files: Files = FILES) -> None:
    """To be called before a segment gets its name: a rename would replace footage without a word.

    Raises:
        FileExistsError: there is such a file.
        OSError: the disk does not say.
    """
    is_there = exists(path, files)
    if is_there is None:
        raise OSError(errno.EIO, "the disk does not say whether a segment of this name exists", str(path))
    if is_there:
        raise FileExistsError(errno.EEXIST, "a segment of this name exists", str(path))
