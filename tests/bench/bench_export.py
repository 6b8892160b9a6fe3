"""How fast is a sealed export, beside the cheapest ways to move and to hash the same bytes?

``python -m tests.bench.bench_export`` (``make bench-export``): segments of five minutes at 4 Mbit/s of a real encoder
and our muxer are exported (each read once, compared with its SHA-256, rebased, hashed, checksummed, sealed, synced),
beside ``cat`` of the same files into one with a sync, and ``sha256sum`` of them; then the package is verified. Rounds
alternate, medians count. CPU is that of the process and its threads; memory the most that it ever had.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy

from nvr.recorder.media.fragments import Fragmenter, MuxedFragment
from nvr.recorder.media.inits import Template
from storage.catalogue import cameras, node, segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Init, Key
from storage.disk.roots import register
from storage.format.boxes import children, header, parse_moof
from storage.format.index_builder import IndexBuilder
from storage.format.layout import segment_path
from storage.format.segment_file import Head, Tail, head_box, tail_box
from tests.bench.machine import describe
from tests.recorder.frames_made import encoded

SECONDS, RATE, GOP, TICKS = 300, 25, 50, 90_000
START_US = 1_795_442_400_000_000


def film(bits_per_s: int) -> tuple[bytes, Fragmenter, list[MuxedFragment]]:
    """Five minutes: the init, its muxer, and the fragments. Ten seconds are encoded and repeated."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 1280, 720, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, RATE), Fraction(RATE)
    encoder.bit_rate = bits_per_s
    encoder.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "g": str(GOP),
        "nal-hrd": "cbr",
        "maxrate": str(bits_per_s),
        "bufsize": str(bits_per_s),
    }
    chance = numpy.random.default_rng(1)
    packets = []
    for number in range(10 * RATE):
        noise = chance.integers(0, 256, (720, 1280), numpy.uint8)
        frame = av.VideoFrame.from_ndarray(noise, "gray").reformat(format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    muxer = Fragmenter.of(Template.of_keyframe("h264", bytes(packets[0])), None, Fraction(1, TICKS))
    muxed: list[MuxedFragment] = []
    for number in range(SECONDS * RATE):
        old = packets[number % len(packets)]
        muxed += muxer.video(encoded(old, number * TICKS // RATE))
    muxed += muxer.close()
    return muxer.init, muxer, muxed


def later(data: bytes, ticks: int) -> bytes:
    """A fragment whose decode times are moved on."""
    moved = bytearray(data)
    moof = header(moved, 0, len(moved))  # type: ignore[arg-type]
    assert moof is not None
    for traf in children(data, moof.payload, moof.end):
        if traf.kind == b"traf":
            for box in children(data, traf.payload, traf.end):
                if box.kind == b"tfdt":
                    struct.pack_into(
                        ">Q", moved, box.payload + 4, struct.unpack_from(">Q", data, box.payload + 4)[0] + ticks
                    )
    return bytes(moved)


def record(folder: Path, count: int, bits_per_s: int) -> int:
    """A catalogue with ``count`` segments of one run, as a recorder leaves them; returns their bytes."""
    init, muxer, fragments = film(bits_per_s)
    database = Database(folder / "catalogue.sqlite")
    database.migrate()
    with database.write() as conn:
        name = node.this_node(conn, "n1")
        root = register(conn, [folder / "footage"])[0]
        cameras.add(
            conn,
            camera="cam",
            name="Camera",
            source="catalogue",
            settings={},
            labels={},
            node=name,
            epoch=1,
            at_us=START_US,
        )
        segments.put_init(conn, Init.of(init, muxer.tracks))
        segments.begin_run(conn, Key("cam", START_US, name, 1))
    total = 0
    for number in range(count):
        key = Key("cam", START_US + number * SECONDS * 1_000_000, name, 1)
        media_start = number * SECONDS * TICKS
        data = bytearray(init + head_box(Head("cam", name, 1, START_US, key.start_us, media_start, TICKS)))
        builder = IndexBuilder(muxer.tracks)
        for fragment in fragments:
            moved = later(b"".join(fragment.buffers), media_start)
            size = int.from_bytes(moved[:4], "big")
            builder.add(len(data), len(moved), parse_moof(moved[:size]))
            data += moved
        end_us, media_end = key.start_us + SECONDS * 1_000_000, media_start + SECONDS * TICKS
        tail = Tail(end_us, media_end, SECONDS * RATE, "bench", hashlib.sha256(data).hexdigest())
        data += tail_box(tail, builder.packed())
        path = root.path / segment_path("cam", key.start_us, 1, name, growing=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        total += len(data)
        with database.write() as conn:
            segments.begin(
                conn,
                key,
                root=root.id,
                init=Init.of(init, muxer.tracks).id,
                run_start_us=START_US,
                timescale=TICKS,
                media_start=media_start,
            )
            segments.finish(
                conn,
                key,
                end_us=end_us,
                media_end=media_end,
                frames=SECONDS * RATE,
                bytes_=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
            )
    database.close()
    return total


def most_memory_mb() -> float:
    """The most memory that this program had. Not ``ru_maxrss``, which also counts what started it."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def prepare(paths: list[Path], cold: bool) -> None:
    """Files out of the system's memory, or in it."""
    for path in paths:
        if cold:
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        else:
            subprocess.run(["cat", path], check=True, stdout=subprocess.DEVNULL)


def export(folder: Path, count: int) -> None:
    """Exports all of it, in this process, and prints what that took."""
    from nvr.evidence.making.package import make_package
    from nvr.evidence.making.planning import plan_export
    from nvr.evidence.package.request import ExportRequest, Unit
    from nvr.evidence.seal.keys import KeyFolder
    from nvr.playback.index_cache import IndexCache

    database = Database(folder / "catalogue.sqlite")
    signer = KeyFolder(folder / "keys", "Bench").ensure()
    end_us = START_US + count * SECONDS * 1_000_000
    request = ExportRequest("bench", ("cam",), START_US, end_us, "bench")
    cache = IndexCache(database, most_samples=500_000)
    began, cpu = time.perf_counter(), time.process_time()
    plan = plan_export(database, cache, request, now_us=end_us + 1)
    package = make_package(plan, cache, signer, Unit("Bench", "n1", "UTC", "0"), folder / "package")
    assert not package.warnings
    told = {
        "wall_s": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu,
        "memory_mb": most_memory_mb(),
    }
    print(json.dumps(told))


def check(folder: Path) -> None:
    """Verifies the package, in this process."""
    from nvr.evidence.verify import verify

    began, cpu = time.perf_counter(), time.process_time()
    assert verify(folder / "package").outcome == "valid"
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps({"wall_s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu, "memory_mb": memory_mb})
    )


def own(what: str, folder: Path, count: int) -> dict[str, float]:
    """One of the above in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "tests.bench.bench_export",
        "--do",
        what,
        "--dir",
        str(folder),
        "--segments",
        str(count),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def program(command: str) -> dict[str, float]:
    """A program's wall and CPU time."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(["sh", "-c", command], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": time.perf_counter() - began, "cpu_s": cpu_s, "memory_mb": 0.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=12, help="of 150 MB each [12]")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--do", choices=["record", "export", "verify"])
    parser.add_argument("--dir", type=Path)
    args = parser.parse_args()
    if args.do is not None:
        works = {
            "record": lambda: print(json.dumps({"bytes": record(args.dir, args.segments, 4_000_000)})),
            "export": lambda: export(args.dir, args.segments),
            "verify": lambda: check(args.dir),
        }
        works[args.do]()
        return
    print(describe())
    with tempfile.TemporaryDirectory(prefix="bench-export-", dir=args.dir) as name:
        folder = Path(name)
        size = own("record", folder, args.segments)["bytes"]
        paths = sorted((folder / "footage").rglob("*.mp4"))
        print(
            f"{len(paths)} segments, {size / 1e6:,.0f} MB, {len(paths) * SECONDS / 3600:.1f} h of 4 Mbit/s;"
            f" median of {args.rounds} rounds"
        )
        files = " ".join(map(str, paths))
        out = folder / "cat"
        for cold in (False, True):
            took: dict[str, list[dict[str, float]]] = {}
            ways: dict[str, Callable[[], dict[str, float]]] = {
                "cat and sync": lambda: program(f"cat {files} > {out} && sync {out}"),
                "sha256sum": lambda: program(f"sha256sum {files}"),
                "sealed export": lambda: own("export", folder, args.segments),
            }
            for _ in range(args.rounds):
                for what, work in ways.items():
                    prepare(paths, cold)
                    took.setdefault(what, []).append(work())
                out.unlink()
                prepare(list((folder / "package").glob("*.mp4")), cold)
                took.setdefault("verify", []).append(own("verify", folder, args.segments))
                shutil.rmtree(folder / "package")
                os.sync()
            print(f"{'from the disk' if cold else 'from memory':16} {'MB/s':>8} {'CPU s/GB':>9} {'memory MB':>10}")
            for what, rounds in took.items():
                wall, cpu, memory = (
                    statistics.median(each[key] for each in rounds) for key in ("wall_s", "cpu_s", "memory_mb")
                )
                print(
                    f"{what:16} {size / 1e6 / wall:8,.0f} {cpu / size * 1e9:9.2f}"
                    f" {f'{memory:10,.0f}' if memory else ''}"
                )


if __name__ == "__main__":
    main()
