"""A disk with a volatile cache, for power cuts: what was not flushed is lost when its power is cut, or some of it, in
any order, as an honest disk may.

The disk is one file of a FUSE file system that this module serves by itself (``python -m
tests.support.volatile_disk``), under a loop device; on that is an ext4 or XFS. A write is visible at once and safe with
the next flush, which the loop device hands on as an fsync. Needs root, /dev/fuse and a loop device; elsewhere the test
is skipped, and says so. Invariant: what was flushed before the cut is there afterwards, bit by bit.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

__all__ = ["KINDS", "VolatileDisk", "volatile_disk"]

# Sparse. XFS takes no less than 300 MB.
_SIZE_BYTES: Final = 1 << 30
KINDS: Final = {
    "ext4": ("mkfs.ext4", "-q", "-F", "-E", "nodiscard"),
    "xfs": ("mkfs.xfs", "-q", "-f", "-K", "-s", "size=4096"),
}
# What a disk writes at once, or not at all. XFS needs that of its blocks, as disks of today have it: once in nine cuts
# of a disk that tore them at 512 bytes, its log could not be replayed (a block of a folder, half of it new). ext4 has
# blocks as a whole in its journal.
_SECTOR_BYTES: Final = {"ext4": 512, "xfs": 4096}

# The kernel's side: include/uapi/linux/fuse.h.
_IN: Final = struct.Struct("<IIQQIIIHH")
_OUT: Final = struct.Struct("<IiQ")
_ATTR: Final = struct.Struct("<QII6Q10I")


class _Op:
    """Requests that are answered."""

    FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, STATFS, RELEASE = 2, 3, 4, 14, 15, 16, 17, 18
    FSYNC, FLUSH, INIT, INTERRUPT, DESTROY, BATCH_FORGET = 20, 25, 26, 36, 38, 42


_MAX_WRITE: Final = 1 << 20
_BIG_WRITES, _MAX_PAGES = 1 << 5, 1 << 22
_REGULAR: Final = 0o100600


class _Cache:
    """``now`` is what is read; ``safe`` what was flushed; between them the writes since."""

    def __init__(self, now: Path, safe: Path, sector_bytes: int) -> None:
        self._sector_bytes = sector_bytes
        self._now = os.open(now, os.O_RDWR)
        self._safe = os.open(safe, os.O_RDWR)
        self.size = os.fstat(self._now).st_size
        self._pending: list[tuple[int, bytes]] = []
        self._lock = threading.Lock()
        self._is_cut = False
        self.flushes = 0

    def read(self, offset: int, size: int) -> bytes:
        self._refuse_if_cut()
        return os.pread(self._now, size, offset)

    def write(self, offset: int, data: bytes) -> None:
        with self._lock:
            self._refuse_if_cut()
            os.pwrite(self._now, data, offset)
            self._pending.append((offset, data))

    def flush(self) -> None:
        with self._lock:
            self._refuse_if_cut()
            self.flushes += 1
            for offset, data in self._pending:
                os.pwrite(self._safe, data, offset)
            self._pending.clear()

    def cut(self, seed: int) -> dict[str, Any]:
        """From now on nothing is read, written or flushed. Of the writes since the last flush all are lost (seed 0), or
        a random part of them is there, by sectors."""
        with self._lock:
            self._is_cut = True
            chance = random.Random(seed)
            kept = 0
            for offset, data in self._pending if seed else ():
                end = offset + len(data)
                # Between the sectors that it touches it may tear.
                sector = self._sector_bytes
                tears = [offset, *range((offset // sector + 1) * sector, end, sector), end]
                lot = chance.random()
                # All of it, nothing, or some stretch.
                first, last = (offset, end) if lot < 0.5 else (0, 0)
                if lot > 0.8:
                    first, last = sorted((chance.choice(tears), chance.choice(tears)))
                if last > first:
                    os.pwrite(self._safe, data[first - offset : last - offset], first)
                    kept += 1
            return {
                "pending": len(self._pending),
                "kept": kept,
                "flushes": self.flushes,
                "at_us": time.time_ns() // 1000,
            }

    def _refuse_if_cut(self) -> None:
        if self._is_cut:
            raise OSError(errno.EIO, "no power")


class _Fuse:
    """Answers the kernel's requests for the one file."""

    def __init__(self, fd: int, cache: _Cache, flush_s: float) -> None:
        self._fd = fd
        self._cache = cache
        self._flush_s = flush_s

    def serve(self) -> None:
        """Until it is unmounted."""
        while True:
            try:
                request = os.read(self._fd, _MAX_WRITE + 4096)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT):
                    continue
                return
            _, opcode, unique, *_ = _IN.unpack_from(request)
            if opcode in (_Op.FORGET, _Op.BATCH_FORGET, _Op.INTERRUPT):
                continue
            try:
                answer, error_number = self._answer(opcode, memoryview(request)[_IN.size :]), 0
            except OSError as error:
                answer, error_number = b"", -(error.errno or errno.EIO)
            with contextlib.suppress(OSError):
                os.write(self._fd, _OUT.pack(_OUT.size + len(answer), error_number, unique) + answer)

    def _answer(self, opcode: int, body: memoryview) -> bytes:
        match opcode:
            case _Op.INIT:
                return struct.pack(
                    "<IIIIHHIIHHI7I",
                    7,
                    31,
                    1 << 17,
                    _BIG_WRITES | _MAX_PAGES,
                    12,
                    9,
                    _MAX_WRITE,
                    1,
                    256,
                    0,
                    0,
                    *[0] * 7,
                )
            case _Op.GETATTR | _Op.SETATTR:
                attr = (1, self._cache.size, self._cache.size // 512, 0, 0, 0, 0, 0, 0, _REGULAR, 1, 0, 0, 0, 4096, 0)
                return _ATTR.pack(3600, 0, 0, *attr)
            case _Op.OPEN:
                return struct.pack("<QII", 0, 0, 0)
            case _Op.READ:
                _, offset, size = struct.unpack_from("<QQI", body)
                return self._cache.read(offset, size)
            case _Op.WRITE:
                _, offset, size = struct.unpack_from("<QQI", body)
                self._cache.write(offset, bytes(body[40 : 40 + size]))
                return struct.pack("<II", size, 0)
            case _Op.FSYNC:
                time.sleep(self._flush_s)  # sleep: a flush takes its time
                self._cache.flush()
                return b""
            case _Op.STATFS:
                return struct.pack("<5Q4I24x", 0, 0, 0, 0, 0, 4096, 255, 4096, 0)
            case _Op.RELEASE | _Op.FLUSH | _Op.DESTROY:
                return b""
            case _:
                raise OSError(errno.ENOSYS, "not needed")


def _mount_fuse(place: Path) -> int:
    fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={fd},rootmode=100000,user_id=0,group_id=0,allow_other"
    if libc.mount(b"nvr-disk", os.fsencode(place), b"fuse", 0, options.encode()):
        error = ctypes.get_errno()
        os.close(fd)
        raise OSError(error, os.strerror(error), str(place))
    return fd


def main() -> None:
    """``python -m tests.support.volatile_disk PLACE NOW SAFE FLUSH_S SECTOR_BYTES``: serves the disk at PLACE;
    each line on stdin is the seed of a cut."""
    place, now, safe, flush_s, sector_bytes = sys.argv[1:]
    try:
        fd = _mount_fuse(Path(place))
    except OSError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    cache = _Cache(Path(now), Path(safe), int(sector_bytes))
    threading.Thread(target=_Fuse(fd, cache, float(flush_s)).serve, daemon=True).start()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(cache.cut(int(line))), flush=True)


class VolatileDisk:
    """The disk, and its file system mounted at ``folder``."""

    def __init__(self, below: Path, folder: Path, kind: str, flush_s: float) -> None:
        self.folder = folder
        self.kind = kind
        self._below = below
        self._flush_s = flush_s
        self._number = 0
        self._served: subprocess.Popen[str] | None = None

    def make(self) -> None:
        """An empty file system."""
        safe = self._below / "safe-0"
        with safe.open("wb") as file:
            file.truncate(_SIZE_BYTES)
        _do_or_skip([*KINDS[self.kind], str(safe)], f"on {self.kind}: that needs {KINDS[self.kind][0]}")
        self.folder.mkdir()
        self.power_on()

    def power_on(self) -> None:
        """Mounts it, with what survived."""
        n = self._number
        place, now, safe = (self._below / f"{name}-{n}" for name in ("disk", "now", "safe"))
        place.touch()
        subprocess.run(["cp", "--sparse=always", safe, now], check=True)
        command = [
            sys.executable,
            "-m",
            "tests.support.volatile_disk",
            str(place),
            str(now),
            str(safe),
            str(self._flush_s),
        ]
        command.append(str(_SECTOR_BYTES[self.kind]))
        self._served = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )
        assert self._served.stdout is not None
        told = json.loads(self._served.stdout.readline())
        if "error" in told:
            pytest.skip(
                f"NOT TESTED by power cuts: a disk of the test's own needs root and /dev/fuse ({told['error']})"
            )
        # The one before may not be gone yet.
        options = "loop,nouuid" if self.kind == "xfs" else "loop"
        mount = ["mount", "-t", self.kind, "-o", options, str(place), str(self.folder)]
        if not n:
            _do_or_skip(mount, "by power cuts: that needs a loop device")
            return
        for _ in range(50):
            done = subprocess.run(mount, capture_output=True, text=True)
            # Others take loop devices too, and the one before may not be free yet. What else keeps it from being
            # mounted was done by the cut.
            if "loop" not in done.stderr:
                break
            time.sleep(0.1)  # sleep: between two tries
        if done.returncode:
            told = subprocess.run(["dmesg"], capture_output=True, text=True).stdout[-3000:]
            raise AssertionError(f"after cut {n} its {self.kind} can't be mounted: {done.stderr.strip()}\n{told}")

    def cut(self, seed: int) -> int:
        """Cuts its power; returns when, microseconds since the Unix epoch. Who uses it is to be killed, and then
        ``unplug`` called."""
        assert self._served is not None and self._served.stdin is not None and self._served.stdout is not None
        self._served.stdin.write(f"{seed}\n")
        self._served.stdin.flush()
        told = json.loads(self._served.stdout.readline())
        return int(told["at_us"])

    def unplug(self) -> None:
        """Unmounts what is left of it; what survived is the next disk."""
        self._unmount()
        n = self._number
        self._number = n + 1
        (self._below / f"safe-{n}").rename(self._below / f"safe-{n + 1}")
        (self._below / f"now-{n}").unlink()

    def _unmount(self) -> None:
        for place in (self.folder, self._below / f"disk-{self._number}"):
            for _ in range(50):
                done = subprocess.run(["umount", place], capture_output=True, text=True)
                if done.returncode == 0 or "busy" not in done.stderr:
                    break
                time.sleep(0.1)  # sleep: between two tries
            else:
                subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)
        if self._served is not None:
            self._served.kill()
            self._served.wait()
            self._served = None

    def close(self) -> None:
        """Removes it."""
        self._unmount()
        shutil.rmtree(self._below, ignore_errors=True)


def _do_or_skip(command: list[str], otherwise: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError as error:
        pytest.skip(f"NOT TESTED {otherwise} ({error})")
    if done.returncode:
        pytest.skip(f"NOT TESTED {otherwise} ({done.stderr.strip()})")


@contextlib.contextmanager
def volatile_disk(folder: Path, kind: str, *, flush_s: float = 0.01) -> Iterator[VolatileDisk]:
    """A new disk with a file system of this kind, one of ``KINDS``, mounted at ``folder``. ``flush_s``: how long a
    flush takes."""
    below = folder.with_name(f"{folder.name}-below")
    below.mkdir()
    disk = VolatileDisk(below, folder, kind, flush_s)
    try:
        disk.make()
        yield disk
    finally:
        disk.close()


if __name__ == "__main__":
    main()
