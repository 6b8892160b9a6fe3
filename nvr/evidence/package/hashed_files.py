"""Files, and what is computed of them on the way: the exported one as it is written, a recorded one as it is read."""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path

from nvr.playback.index_cache import OpenSegment

__all__ = ["HashedOutput", "SegmentDigest"]


class SegmentDigest:
    """The hash of a segment, compared with the catalogue's and with its own tail's."""

    def __init__(self, opened: OpenSegment) -> None:
        self._opened = opened
        self._sha = hashlib.sha256()
        self._content: str | None = None
        self._at = 0

    def update(self, data: bytes) -> None:
        """The file's next bytes."""
        tail_at = self._opened.file.whole_bytes if self._opened.file.tail is not None else None
        if tail_at is not None and self._at <= tail_at < self._at + len(data) and self._content is None:
            before = tail_at - self._at
            view = memoryview(data)
            self._sha.update(view[:before])
            self._content = self._sha.hexdigest()
            self._sha.update(view[before:])
        else:
            self._sha.update(data)
        self._at += len(data)

    def finish(self) -> tuple[str | None, str, bool | None]:
        """What was recorded, what was read, and whether they are the same."""
        recorded, tail = self._opened.segment.sha256, self._opened.file.tail
        read = self._sha.hexdigest()
        if tail is None:
            return None, read, None
        is_own = self._content == tail.content_sha256
        if recorded is None:
            # A catalogue that was rebuilt knows no hash of the whole; the tail has one of all before itself.
            return tail.content_sha256, self._content or read, is_own
        return recorded, read, is_own and recorded == read


class HashedOutput:
    """The file being written, with everything that is computed on the way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        self.sha = hashlib.sha256()
        self.crc = 0
        self.size = 0
        self._flushed = 0

    def write(self, data: bytes | bytearray) -> None:
        """Appends bytes that nobody changes meanwhile."""
        self.sha.update(data)
        self.crc = zlib.crc32(data, self.crc)
        view = memoryview(data)
        while view:
            view = view[os.write(self.fd, view) :]
        self.size += len(data)
        if self.size - self._flushed >= 64 << 20:
            # Written out as we go: neither a burst at the end that recording would feel, nor memory taken from what
            # people watch.
            os.fdatasync(self.fd)
            os.posix_fadvise(self.fd, self._flushed, self.size - self._flushed, os.POSIX_FADV_DONTNEED)
            self._flushed = self.size

    def close(self) -> None:
        """Closes the file; twice is once."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)
