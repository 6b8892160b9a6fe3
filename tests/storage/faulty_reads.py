"""A disk that can't be read at a chosen step: the seam of ``storage.disk.files`` with every step of reading counted."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from tests.storage.faulty_files import FaultyFiles

ReadFault = Literal[
    "none",
    "EIO",  # the step fails, the next ones do not
    "EIO for good",  # this step and every one after it fails
    "short read",  # a legal one: fewer bytes than asked for
    "truncated",  # the file has become shorter: half of what was asked for is not there any more
    "gone",  # somebody has removed the file, between its opening and this step perhaps
    "EMFILE",  # this process may open no more files
    "EACCES",
    "ESTALE",  # a network disk's server has another opinion on what is open
    "slow",
    "flipped",  # one bit is not what was recorded
]
READ_FAULTS: tuple[ReadFault, ...] = ReadFault.__args__[1:]  # type: ignore[attr-defined]
# Faults that change what lies on the disk.
DESTROYS: tuple[ReadFault, ...] = ("truncated", "gone")

_OPENS = ("open to read", "open")
_READS = ("read", "read into", "send")
_NUMBERS = {"EMFILE": errno.EMFILE, "EACCES": errno.EACCES, "ESTALE": errno.ESTALE}


class FaultyReads(FaultyFiles):
    """Does ``read_fault`` at reading step ``read_at`` (the first is 1), if it can happen there. Steps of writing go as
    they should. ``path`` is the file at which it happened."""

    def __init__(self, read_at: int = 0, read_fault: ReadFault = "none") -> None:
        super().__init__(0, "none")
        self.read_at = read_at
        self.read_fault = read_fault
        self.read_steps: list[str] = []
        self.has_struck = False
        self.path: Path | None = None
        self._paths: dict[int, Path] = {}
        self._kept: dict[Path, bytes] = {}
        self._lock = threading.Lock()

    def _step(self, name: str, path: Path) -> bool:
        """Counts a step; raises what is to be raised at it. True: the fault is of the step's own kind."""
        with self._lock:
            # Several threads may read.
            self.read_steps.append(name)
            is_due = len(self.read_steps) == self.read_at
        fault = self.read_fault
        if fault == "EIO for good" and (is_due or self.has_struck):
            self._strike(path)
            raise OSError(errno.EIO, "injected for good")
        if not is_due or fault == "none":
            return False
        if fault in ("short read", "flipped") and name not in _READS:
            return False
        if fault == "EMFILE" and name not in (*_OPENS, "scan", "names"):
            return False
        if fault == "EACCES" and name in _READS:
            return False
        if fault in DESTROYS and (not path.is_file() or (fault == "truncated" and name not in (*_OPENS, *_READS))):
            return False
        self._strike(path)
        if fault == "EIO":
            raise OSError(errno.EIO, "injected")
        if fault in _NUMBERS:
            raise OSError(_NUMBERS[fault], os.strerror(_NUMBERS[fault]))
        if fault == "slow":
            time.sleep(0.02)  # sleep: the disk is slow
        elif fault in DESTROYS:
            self._kept[path] = path.read_bytes()
            if fault == "gone":
                path.unlink()
            elif name in _OPENS:
                os.truncate(path, path.stat().st_size // 2)
        return True

    def _strike(self, path: Path) -> None:
        self.has_struck = True
        self.path = self.path or path

    def restore(self) -> None:
        """Puts back what a fault took away."""
        for path, data in self._kept.items():
            path.write_bytes(data)
        self._kept.clear()

    # -- the steps

    def open_to_read(self, path: Path) -> int:
        self._step("open to read", path)
        fd = super().open_to_read(path)
        self._paths[fd] = path
        return fd

    def open_existing(self, path: Path) -> int:
        self._step("open", path)
        fd = super().open_existing(path)
        self._paths[fd] = path
        return fd

    def read(self, fd: int, count: int, offset: int) -> bytes:
        path = self._paths[fd]
        if not self._step("read", path):
            return super().read(fd, count, offset)
        if self.read_fault == "short read":
            return super().read(fd, max(1, count // 2), offset)
        if self.read_fault == "truncated":
            os.truncate(path, min(offset + count // 2, path.stat().st_size))
        data = super().read(fd, count, offset)
        if self.read_fault == "flipped" and data:
            at = len(data) // 2
            data = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
        return data

    def read_into(self, fd: int, buffers: Sequence[memoryview], offset: int) -> int:
        path = self._paths[fd]
        is_due = self._step("read into", path)
        if is_due and self.read_fault == "truncated":
            os.truncate(path, offset + sum(map(len, buffers)) // 2)
        got = super().read_into(fd, buffers, offset)
        if is_due and self.read_fault == "short read":
            return max(1, got // 2)
        if is_due and self.read_fault == "flipped":
            buffers[0][0] ^= 0x10
        return got

    def send(self, fd: int, to: int, offset: int, count: int) -> int:
        path = self._paths[fd]
        is_due = self._step("send", path)
        if is_due and self.read_fault == "truncated":
            os.truncate(path, min(offset + count // 2, path.stat().st_size))
        return super().send(fd, to, offset, max(1, count // 2) if is_due and self.read_fault == "short read" else count)

    def stat_open(self, fd: int) -> os.stat_result:
        self._step("stat open", self._paths[fd])
        return super().stat_open(fd)

    def stat(self, path: Path) -> os.stat_result:
        self._step("stat", path)
        return super().stat(path)

    def scan(self, folder: Path) -> tuple[list[str], list[str]]:
        self._step("scan", folder)
        return super().scan(folder)

    def names(self, folder: Path) -> list[str]:
        self._step("names", folder)
        return super().names(folder)
