"""What does our way of writing segments cost, beside the cheapest ways there are, on the same bytes?

``python -m tests.bench.bench_write`` (``make bench-write``): fragments of a real encoder and our muxer go through the
``DiskWriter`` into segments that grow beside each other (hash, index, sync every 5 s, tail, rename, catalogue row);
``cat`` copies the same bytes into as many files, one after the other; ffmpeg's segmenter remuxes them. Each ends with
its bytes on the disk. Rounds alternate, medians count. Gigabytes, since what fits into memory says nothing of what goes
on for years. Then: how much of what was written stays in memory?
"""

# ruff: noqa: E402  which code it is that runs is decided before it is imported

from __future__ import annotations

import argparse
import ctypes
import hashlib
import mmap
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy

from nvr import compiled

IS_COMPILED = compiled.use()

from nvr.recorder.media.fragments import Fragmenter, MuxedFragment
from nvr.recorder.media.inits import Template
from storage.catalogue import cameras, node
from storage.catalogue.database import Database
from storage.catalogue.segments import Init
from storage.disk.files import FILES, Files
from storage.disk.roots import Root, register
from storage.format.index_builder import IndexBuilder
from storage.format.segment_file import Head
from storage.writing.catalogue_writer import CatalogueWriter
from storage.writing.disk_writer import DiskWriter
from tests.bench.machine import describe
from tests.recorder.frames_made import encoded

SECONDS, RATE, GOP = 300, 25, 50
_APART = 37
TICKS = 90_000


@dataclass(frozen=True)
class Material:
    """One segment's worth: the init and the fragments, and all of it as one file."""

    init: Init
    muxer: Fragmenter
    fragments: list[MuxedFragment]
    file: Path

    @property
    def bytes(self) -> int:
        return len(self.muxer.init) + sum(each.size for each in self.fragments)


@dataclass
class Times:
    """Wall and CPU seconds of each round."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)


def make(folder: Path) -> Material:
    """Five minutes of noisy video at about 2 Mbit/s; ten seconds are encoded and repeated."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 640, 360, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, RATE), Fraction(RATE)
    encoder.bit_rate = 2_000_000
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(GOP)}
    chance = numpy.random.default_rng(1)
    packets = []
    for number in range(10 * RATE):
        noise = chance.integers(0, 256, (360, 640), numpy.uint8)
        frame = av.VideoFrame.from_ndarray(noise, "gray").reformat(format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    muxer = Fragmenter.of(Template.of_keyframe("h264", bytes(packets[0])), None, Fraction(1, TICKS))
    muxed: list[MuxedFragment] = []
    for number in range(SECONDS * RATE):
        old = packets[number % len(packets)]
        muxed += muxer.video(encoded(old, number * TICKS // RATE))
    muxed += muxer.close()
    file = folder / "all.mp4"
    file.write_bytes(muxer.init + b"".join(chain.from_iterable(each.buffers for each in muxed)))
    return Material(Init.of(muxer.init, muxer.tracks), muxer, muxed, file)


def ours(material: Material, folder: Path, copies: int, files: Files = FILES) -> None:
    """Everything a recorder's disk thread does, as fast as it takes it."""
    database = Database(folder / "c.db", durable=False)
    database.migrate()
    with database.write() as conn:
        root: Root = register(conn, [folder / "root"])[0]
        node.this_node(conn, "n")
        for copy in range(copies):
            cameras.add(
                conn,
                camera=f"cam{copy}",
                name="cam",
                source="file",
                settings={},
                labels={},
                node="n",
                epoch=1,
                at_us=0,
            )
    catalogue = CatalogueWriter(database)
    writer = DiskWriter(root, catalogue, sync_interval_s=5.0, files=files)
    catalogue.start()
    writer.start()
    start_us = 1_790_000_000_000_000
    handles = []
    for copy in range(copies):
        head = Head(f"cam{copy}", "n", 1, start_us, start_us, 0, TICKS)
        handles.append(writer.open(head, material.init, IndexBuilder(material.muxer.tracks), True))
    count = len(material.fragments)
    for number in range(count):
        for copy, handle in enumerate(handles):
            # As of cameras that have nothing in common: no bytes are in a cache because another segment has just got
            # the same.
            each = material.fragments[(number + copy * _APART) % count]
            while not writer.append(handle, each.buffers, each.fragment, start_us + (number + 1) * 500_000):
                time.sleep(0.001)
    for handle in handles:
        writer.close_segment(
            handle,
            end_us=start_us + SECONDS * 1_000_000,
            media_end=SECONDS * TICKS,
            frames=SECONDS * RATE,
            reason="rotation",
        )
    assert writer.stop(600) and catalogue.close(60)
    assert all(handle.error is None and handle.done for handle in handles)
    database.close()


def cat(material: Material, folder: Path, copies: int) -> None:
    """The plain sequential write: ``cat`` into a file, which is then synced."""
    for copy in range(copies):
        target = folder / f"{copy}.mp4"
        with target.open("wb") as out:
            subprocess.run(["cat", material.file], stdout=out, check=True)
            os.fdatasync(out.fileno())


def ffmpeg(material: Material, folder: Path, copies: int) -> None:
    """ffmpeg's segmenter, without decoding; each file is then synced."""
    for copy in range(copies):
        options = ["-c", "copy", "-f", "segment", "-segment_time", "3600", "-segment_format", "mp4"]
        fragmented = [
            "-segment_format_options",
            "movflags=frag_keyframe+empty_moov+default_base_moof:frag_duration=500000",
        ]
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-i", material.file, *options, *fragmented, folder / f"{copy}-%d.mp4"],
            check=True,
        )
    for path in folder.glob("*.mp4"):
        with path.open("rb") as file:
            os.fdatasync(file.fileno())


def hashing(material: Material, folder: Path, copies: int) -> None:
    """Only the SHA-256 of the same bytes: what of ours it is."""
    for _ in range(copies):
        digest = hashlib.sha256()
        for each in material.fragments:
            for buffer in each.buffers:
                digest.update(buffer)


class Keeping(Files):
    """Without the advice to forget what was synced."""

    def forget(self, fd: int, start: int, end: int) -> None:
        """Leaves it to the system."""


def measure(
    work: Callable[[Material, Path, int], None], material: Material, copies: int, base: Path
) -> tuple[float, float]:
    """Wall and CPU seconds, all threads and children included."""
    folder = Path(tempfile.mkdtemp(dir=base))
    os.sync()
    try:
        before, began = _cpu_s(), time.monotonic()
        work(material, folder, copies)
        return time.monotonic() - began, _cpu_s() - before
    finally:
        shutil.rmtree(folder)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def resident(path: Path) -> float:
    """Which part of a file's pages is in memory."""
    libc = ctypes.CDLL(None, use_errno=True)
    size = path.stat().st_size
    with path.open("r+b") as file, mmap.mmap(file.fileno(), size) as view:
        pages = (size + mmap.PAGESIZE - 1) // mmap.PAGESIZE
        found = (ctypes.c_ubyte * pages)()
        address = ctypes.addressof(ctypes.c_char.from_buffer(view))
        assert libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), found) == 0
        return sum(each & 1 for each in found) / pages


def memory(material: Material, base: Path, files: Files, seconds: float) -> float:
    """Writes one segment at the pace of a busy disk, with syncs in between; which part of it is in memory
    afterwards."""
    folder = Path(tempfile.mkdtemp(dir=base))
    database = Database(folder / "c.db", durable=False)
    database.migrate()
    with database.write() as conn:
        root = register(conn, [folder / "root"])[0]
    writer = DiskWriter(root, CatalogueWriter(database), sync_interval_s=seconds / 30, files=files)
    writer.start()
    head = Head("cam", "n", 1, 1_790_000_000_000_000, 1_790_000_000_000_000, 0, TICKS)
    handle = writer.open(head, material.init, IndexBuilder(material.muxer.tracks), True)
    for number, each in enumerate(material.fragments):
        assert writer.append(handle, each.buffers, each.fragment, head.start_us + (number + 1) * 500_000)
        time.sleep(seconds / len(material.fragments))
    assert writer.stop(60)
    found = resident(next((folder / "root").rglob("*.part.mp4")))
    database.close()
    shutil.rmtree(folder)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=64, help="segments a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dir", type=Path, default=None, help="a folder on the disk to be measured")
    args = parser.parse_args()
    print(describe() + (", recording compiled" if IS_COMPILED else ", recording interpreted"))
    base = Path(tempfile.mkdtemp(dir=args.dir))
    try:
        material = make(base)
        total = material.bytes * args.copies
        print(
            f"{args.copies} segments of {material.bytes} bytes in {len(material.fragments)} fragments;"
            f" {args.rounds} rounds"
        )
        ways: dict[str, Callable[[Material, Path, int], None]] = {
            "cat > file": cat,
            "ours": ours,
            "ours, not forgetting": lambda m, f, c: ours(m, f, c, Keeping()),
            "ffmpeg segmenter": ffmpeg,
            "SHA-256 alone": hashing,
        }
        times = {way: Times() for way in ways}
        for _ in range(args.rounds):
            for way, work in ways.items():
                wall_s, cpu_s = measure(work, material, args.copies, base)
                times[way].wall_s.append(wall_s)
                times[way].cpu_s.append(cpu_s)
        plain_s = statistics.median(times["cat > file"].wall_s)
        for way, each in times.items():
            wall_s, cpu_s = statistics.median(each.wall_s), statistics.median(each.cpu_s)
            speed = f"{total / wall_s / 1e6:7.0f} MB/s ({plain_s / wall_s:4.2f} of cat's)"
            print(
                f"{way:22} {speed}, {cpu_s / total * 1e9:5.2f} s of CPU a GB;"
                f" rounds {[round(s, 2) for s in each.wall_s]} s"
            )
        for what, files in (("forgetting", FILES), ("not forgetting", Keeping())):
            print(f"in memory after a segment, {what}: {memory(material, base, files, 6.0):.0%}")
    finally:
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
