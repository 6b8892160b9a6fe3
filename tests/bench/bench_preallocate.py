"""Does it help to reserve a segment's space before it is written?

``python -m tests.bench.bench_preallocate`` (``make bench-preallocate``): many files grow by turns, a fragment each, and
are synced now and then, as a disk's recorders do it; with and without ``fallocate(FALLOC_FL_KEEP_SIZE)``, which is
Linux's way to reserve without changing the size. Then each is read as a whole from the disk. Counted: time to write and
sync, to read, and pieces that a file lies in (``filefrag``, if there is one).
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from tests.bench.machine import describe

_KEEP_SIZE = 1


def _reserve(fd: int, size: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.fallocate(fd, _KEEP_SIZE, ctypes.c_int64(0), ctypes.c_int64(size)):
        raise OSError(ctypes.get_errno(), "fallocate")


def grow(folder: Path, files: int, fragments: int, size: int, *, reserve: bool) -> tuple[float, float, float]:
    """Seconds to write and sync, seconds to read, pieces a file."""
    data = os.urandom(size)
    paths = [folder / f"{number}.mp4" for number in range(files)]
    began = time.monotonic()
    fds = [os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND) for path in paths]
    if reserve:
        for fd in fds:
            _reserve(fd, fragments * size)
    for number in range(fragments):
        for fd in fds:
            os.writev(fd, [data])
        if number % 10 == 9:
            for fd in fds:
                os.fdatasync(fd)
    for fd in fds:
        os.fdatasync(fd)
    wrote_s = time.monotonic() - began
    for fd in fds:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)
    began = time.monotonic()
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
    read_s = time.monotonic() - began
    pieces = [float("nan")]
    if shutil.which("filefrag"):
        told = subprocess.run(["filefrag", *paths], capture_output=True, text=True, check=True).stdout
        pieces = [float(count) for count in re.findall(r": (\d+) extent", told)]
    for path in paths:
        path.unlink()
    os.sync()
    return wrote_s, read_s, statistics.mean(pieces)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--fragments", type=int, default=60)
    parser.add_argument("--bytes", type=int, default=130_000, help="of a fragment")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dir", type=Path, default=None, help="a folder on the disk to be measured")
    args = parser.parse_args()
    print(describe())
    print(f"{args.files} files by turns, {args.fragments} fragments of {args.bytes} bytes each, synced every ten")
    folder = Path(tempfile.mkdtemp(dir=args.dir))
    try:
        found: dict[bool, list[tuple[float, float, float]]] = {False: [], True: []}
        for _ in range(args.rounds):
            for reserve in found:
                found[reserve].append(grow(folder, args.files, args.fragments, args.bytes, reserve=reserve))
        for reserve, times in found.items():
            wrote_s, read_s, pieces = (statistics.median(each) for each in zip(*times, strict=True))
            what = "space reserved" if reserve else "as it grows"
            print(
                f"{what:15} written and synced in {wrote_s:.2f} s, read in {read_s:.2f} s, {pieces:.1f} pieces a file"
            )
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
