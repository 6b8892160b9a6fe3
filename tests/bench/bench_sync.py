"""What does syncing many growing files cost: each by itself, or all by one call?

``python -m tests.bench.bench_sync`` (``make bench-sync``): files that each get some bytes every second, half of them
every half second, and are synced every five seconds, by turns in each way; CPU is that of this process, and of the
whole machine, on which the kernel's threads do what is left to them. Nothing else should run. Then as a recorder does
it: a disk's writer gets fragments a second and a half after their first frame arrived; how many syncs that takes, and
how old a frame was at most when it was safe.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nvr.recorder.loop.rounds import ROUND_S
from storage.catalogue.database import Database
from storage.disk.files import FILES, Files
from storage.disk.roots import open_root
from storage.format.index_builder import IndexBuilder
from storage.format.segment_file import Head
from storage.writing.at_risk import AtRisk
from storage.writing.catalogue_writer import CatalogueWriter, Operation
from storage.writing.disk_writer import DiskWriter
from tests.bench.machine import describe
from tests.storage import mp4
from tests.storage.world import T0_US

WAYS = ("not at all", "each by itself", "all by one call")
STEP_S, INTERVAL_S = 0.5, 5.0
WAITERS = 4


def machine_s() -> float:
    """CPU seconds that the machine has spent so far, on anything but waiting."""
    user, nice, system, _idle, _iowait, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def run(way: str, folder: Path, count: int, size: int, seconds: float) -> tuple[float, float]:
    """Per cent of a core: of the process, and of the machine."""
    data = os.urandom(size)
    fds = [FILES.create(folder / str(number)) for number in range(count)]
    assert FILES.disk_of(fds[0]) is not None, "syncing all by one call is not used on this file system"
    steps = round(INTERVAL_S / STEP_S)
    with ThreadPoolExecutor(WAITERS) as waiters:
        began, mine, all_s = time.monotonic(), time.process_time(), machine_s()
        step = 0
        while time.monotonic() - began < seconds:
            for fd in fds[step % 2 :: 2]:
                FILES.write_all(fd, [data])
            if way == "each by itself":
                for fd in fds[step % steps :: steps]:
                    waiters.submit(FILES.sync, fd)
            elif way == "all by one call" and step % steps == steps - 1:
                waiters.submit(FILES.sync_disk, fds[0])
            step += 1
            time.sleep(max(0.0, began + step * STEP_S - time.monotonic()))
        passed = time.monotonic() - began
        found = (time.process_time() - mine) / passed * 100, (machine_s() - all_s) / passed * 100
    for fd in fds:
        FILES.close(fd)
    return found


class _Counting(Files):
    def __init__(self) -> None:
        self.calls = self.singly = 0

    def sync(self, fd: int) -> None:
        self.singly += 1
        super().sync(fd)

    def sync_disk(self, fd: int) -> None:
        self.calls += 1
        super().sync_disk(fd)


class _Nobody(CatalogueWriter):
    def put(self, operation: Operation) -> None:
        """Nobody is told."""


def record(folder: Path, count: int, size: int, seconds: float) -> str:
    """A row of the second table."""
    files = _Counting()
    root = open_root(folder / "root", known=None)
    writer = DiskWriter(root, _Nobody(Database(folder / "none.db")), sync_interval_s=INTERVAL_S, files=files)
    writer.at_risk.unread_s = ROUND_S
    writer.gathers = True
    writer.start()
    raw, fragment = mp4.fragment(0)
    data = raw + os.urandom(max(0, size - len(raw) - 8))
    handles = [
        writer.open(Head(f"c{n}", "n", 1, T0_US, T0_US, 0, mp4.TIMESCALE), mp4.init(), IndexBuilder(mp4.tracks()), True)
        for n in range(count)
    ]
    # Making so many folders and files at once is another matter.
    while not all(handle.named for handle in handles):
        time.sleep(0.1)
    time.sleep(INTERVAL_S)
    writer.at_risk = writer._syncing._at_risk = AtRisk(INTERVAL_S)
    writer.at_risk.unread_s = ROUND_S
    files.calls = files.singly = 0
    began, mine, all_s = time.monotonic(), time.process_time(), machine_s()
    step = 0
    while time.monotonic() - began < seconds:
        for handle in handles[step % 2 :: 2]:
            writer.append(handle, [data], fragment, T0_US + step, time.monotonic() - 1.0)
        writer.hand_over()
        step += 1
        time.sleep(max(0.0, began + step * STEP_S - time.monotonic()))
    passed = time.monotonic() - began
    risk = writer.at_risk.measure(None)
    cpu, machine = (time.process_time() - mine) / passed * 100, (machine_s() - all_s) / passed * 100
    writer.stop(60)
    return (
        f"| {count} | {files.calls / passed * 60:.0f} | {files.singly / passed * 60:.0f} | {risk.worst_s:.2f} s |"
        f" {risk.sync_s * 1000:.0f} ms | {cpu:.1f} % | {machine:.1f} % |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--bytes", type=int, default=8000, help="that each file gets every second")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=2, help="of the first table")
    parser.add_argument("--dir", type=Path, default=None, help="a folder on the disk to write to")
    args = parser.parse_args()
    print(describe())
    print("| synced | process | machine |\n| --- | --- | --- |")
    for _ in range(args.rounds):
        for way in WAYS:
            with tempfile.TemporaryDirectory(prefix="nvr-bench-", dir=args.dir) as made:
                process, machine = run(way, Path(made), args.files, args.bytes, args.seconds)
            print(f"| {way} | {process:.2f} % | {machine:.2f} % |", flush=True)
    print("\n| segments | calls for all a minute | for one | oldest frame when safe | last call | process | machine |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for count in (4, args.files):
        with tempfile.TemporaryDirectory(prefix="nvr-bench-", dir=args.dir) as made:
            print(record(Path(made), count, args.bytes, args.seconds), flush=True)


if __name__ == "__main__":
    main()
