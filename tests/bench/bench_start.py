"""How long a start, a rebuild and a check take when there is much.

``python -m tests.bench.bench_start`` (``make bench-start``): a generated catalogue of 1,000,000 segments of a city's
cameras, with the files that a start looks at, and one growing part file a camera in the killed case; then a tree of
small real segments. Targets: a start under 5 s, 20,000 segments a minute rebuilt.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from nvr.config import load
from nvr.supervisor.prepare import prepare
from storage.catalogue import cameras, node, segments, status
from storage.catalogue.database import Database
from storage.causes import Cause
from storage.coverage.one_camera import coverage
from storage.disk.roots import Root, register
from storage.format.index_builder import IndexBuilder
from storage.format.layout import segment_path
from storage.format.segment_file import Head, Tail, head_box, tail_box
from storage.intervals import DAY_US
from storage.recovery.check import CheckFinding, check
from storage.recovery.rebuild import rebuild
from tests.bench.machine import describe
from tests.storage import mp4

NODE = "n1"
SEGMENT_US = 300_000_000
RECENT = 26  # segments a camera in the hours that a start looks at, two and a bit
BYTES = 75_000_000


class Copies:
    """Segments that differ in camera and time alone: fragments and index are made once."""

    def __init__(self, fragments: int, payload: int = 40) -> None:
        """``payload``: bytes a picture, roughly. Large ones are holes in growing files: as costly to read, and not to
        make."""
        probe = mp4.init_bytes() + head_box(self._head("cam-0000", 10**15))
        index = IndexBuilder(mp4.tracks())
        raw = [mp4.fragment(number, weight=payload) for number in range(fragments)]
        at = len(probe)
        for data, fragment in raw:
            index.add(at, len(data), fragment)
            at += len(data)
        self.index = index
        self.body = b"".join(data for data, _ in raw)
        self.fragments = fragments
        self.bytes = len(self.body)
        self._heads: list[tuple[int, bytes]] = []
        if payload > 4096:
            at = 0
            for data, _ in raw:
                self._heads.append((at, data[: data.index(b"mdat") + 4]))
                at += len(data)
            self.body = b""

    @property
    def duration_us(self) -> int:
        return self.fragments * mp4.FRAGMENT_US

    def _head(self, camera: str, start_us: int) -> Head:
        # Camera and time always have as many digits, so that the index's offsets hold.
        return Head(camera, NODE, 1, start_us, start_us, 0, mp4.TIMESCALE)

    def write(self, root: Path, camera: str, start_us: int, *, growing: bool = False) -> Path:
        """Writes one; without a tail if it grows."""
        path = root / segment_path(camera, start_us, 1, NODE, growing=growing)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = mp4.init_bytes() + head_box(self._head(camera, start_us)) + self.body
        if not growing:
            end = self.fragments * mp4.FRAME_TICKS * mp4.FRAMES_A_FRAGMENT
            frames = self.fragments * mp4.FRAMES_A_FRAGMENT
            end_us = start_us + self.duration_us
            tail = Tail(end_us, end, frames, "rotation", hashlib.sha256(data).hexdigest())
            data += tail_box(tail, self.index.packed())
        if not self._heads:
            path.write_bytes(data)
            return path
        with path.open("wb", buffering=0) as file:
            file.write(data)
            for at, moof in self._heads:
                os.pwrite(file.fileno(), moof, len(data) + at)
            file.truncate(len(data) + self.bytes)
        return path


def generate(database: Database, root: Root, count: int, each: int, end_us: int) -> None:
    """``count`` cameras with ``each`` closed segments up to ``end_us``: rows only."""
    init = mp4.init()
    with database.write() as conn:
        node.this_node(conn, NODE)
        node.next_epoch(conn)
        segments.put_init(conn, init)
        begin_us = end_us - each * SEGMENT_US
        for number in range(count):
            id_ = f"cam-{number:04d}"
            cameras.add(
                conn,
                camera=id_,
                name=id_,
                source="catalogue",
                settings={},
                labels={},
                node=NODE,
                epoch=1,
                at_us=begin_us,
            )
            conn.execute("UPDATE fact SET end_us = ? WHERE camera = ?", (begin_us, number + 1))
            segments.begin_run(conn, segments.Key(id_, begin_us, NODE, 1))
            status.put(conn, [status.Status(id_, "recording", begin_us)])
            conn.executemany(
                "INSERT INTO segment VALUES (?,?,1,1,?,1,?,?,1000,?,?,7500,?,?)",
                (
                    (number + 1, at, at + SEGMENT_US, init.id, begin_us, (at - begin_us) // 1000,
                     (at - begin_us + SEGMENT_US) // 1000, BYTES, init.id)
                    for at in range(begin_us, end_us, SEGMENT_US)
                ),
            )  # fmt: skip
            conn.executemany(
                "INSERT INTO span VALUES (?,?,1,1,?,?,?,1)",
                (
                    (number + 1, a, b, (b - a) // SEGMENT_US, (b - a) // SEGMENT_US * BYTES)
                    for a, b in _days(begin_us, end_us)
                ),
            )
        node.heartbeat(conn, NODE, end_us)


def _days(start_us: int, end_us: int) -> Iterator[tuple[int, int]]:
    while start_us < end_us:
        until = min((start_us // DAY_US + 1) * DAY_US, end_us)
        yield start_us, until
        start_us = until


def start(folder: Path, rows: int, count: int) -> None:
    """A start after an orderly stop and after a kill."""
    config_path = folder / "config.toml"
    config_path.write_text(
        f'[server]\nnode = "{NODE}"\n[storage]\nroots = ["{folder / "root"}"]\ncatalogue = "{folder / "c.db"}"\n'
    )
    config_path.chmod(0o600)
    end_us = (time.time_ns() // 1000 - 60_000_000) // SEGMENT_US * SEGMENT_US
    database = Database(folder / "c.db")
    database.migrate()
    with database.write() as conn:
        root = register(conn, [folder / "root"])[0]
    began = time.monotonic()
    each = rows // count
    generate(database, root, count, each, end_us)
    small, recent = Copies(2), min(RECENT, each)
    for number in range(count):
        for back in range(1, recent + 1):
            small.write(root.path, f"cam-{number:04d}", end_us - back * SEGMENT_US)
    print(
        f"catalogue: {count * each} segments of {count} cameras, {(folder / 'c.db').stat().st_size >> 20} MiB; "
        f"{count * recent} recent files (made in {time.monotonic() - began:.0f} s)"
    )
    database.close()
    os.sync()
    _prepare(config_path, "start after an orderly stop")
    _prepare(config_path, "again")
    _kill(folder, root, count, end_us + SEGMENT_US, small)
    _prepare(
        config_path, f"start after a kill with {count} growing segments of {small.fragments / 2:.0f} s", adopt_s=60
    )
    half = Copies(60, payload=125_000)
    _kill(folder, root, count, end_us + 2 * SEGMENT_US, half)
    what = f"start after a kill with {count} growing segments of {half.fragments / 2:.0f} s, {half.bytes / 1e6:.0f} MB"
    _prepare(config_path, what, adopt_s=20)


def _kill(folder: Path, root: Root, count: int, key_us: int, copies: Copies) -> None:
    """Leaves a growing segment a camera."""
    database = Database(folder / "c.db", durable=False)
    with database.write() as conn:
        for number in range(count):
            camera = f"cam-{number:04d}"
            copies.write(root.path, camera, key_us, growing=True)
            key = segments.Key(camera, key_us, NODE, 1)
            segments.begin(
                conn, key, root=root.id, init=mp4.init().id, run_start_us=key_us, timescale=1000, media_start=0
            )
            segments.grown(conn, key, key_us + copies.duration_us)
        node.heartbeat(conn, NODE, key_us + copies.duration_us)
    database.close()
    # What was just made is not the start's to write.
    os.sync()


def _prepare(config_path: Path, what: str, *, adopt_s: float = 0.0) -> None:
    """A start; then, for as long as stated, what it left to be adopted while recording goes on."""
    config = load(config_path)
    began = time.monotonic()
    prepared = prepare(config)
    left = len(prepared.backlog.keys())
    print(f"{what}: {time.monotonic() - began:.2f} s; left to adopt while recording: {left}", flush=True)
    began = time.monotonic()
    prepared.backlog.start()
    while prepared.backlog.keys() and time.monotonic() - began < adopt_s:
        time.sleep(0.05)
    assert prepared.backlog.stop(30)
    done = left - len(prepared.backlog.keys())
    if done:
        print(f"  of these {done} were adopted in {time.monotonic() - began:.1f} s")
    prepared.database.close()
    prepared.lock.release()


def files(folder: Path, count: int, fragments: int) -> None:
    """Rebuild and check over real files."""
    cams, copies = 20, Copies(fragments)
    database = Database(folder / "f.db", durable=False)
    database.migrate()
    with database.write() as conn:
        roots = register(conn, [folder / "files"])
    begin_us = 1_790_000_000_000_000
    for number in range(count):
        at_us = begin_us + number // cams * copies.duration_us
        size = copies.write(roots[0].path, f"cam-{number % cams:04d}", at_us).stat().st_size
    print(f"tree: {count} segments of {fragments} fragments, {size} bytes each")
    began = time.monotonic()
    told = list(rebuild(database, roots))
    took = time.monotonic() - began
    assert told[-1].entered == count, told[-1]
    print(f"rebuild: {took:.1f} s, {count / took * 60:,.0f} segments a minute; progress told {len(told)} times")
    with database.read() as conn:
        spans = coverage(conn, "cam-0000", begin_us, begin_us + 1, now_us=begin_us + DAY_US)
        assert spans.recorded_us == 1 and Cause.UNKNOWN not in [gap.cause for gap in spans.gaps]
    for hashes in (False, True):
        began = time.monotonic()
        news = list(check(database, roots, hashes=hashes))
        took = time.monotonic() - began
        assert not [item for item in news if isinstance(item, CheckFinding)]
        what = "check --hash" if hashes else "check"
        print(f"{what}: {took:.1f} s, {count / took * 60:,.0f} segments a minute")
    database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=1_000_000)
    parser.add_argument("--cameras", type=int, default=4_470)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--fragments", type=int, default=100, help="half seconds in each file of the tree")
    parser.add_argument("--only", choices=("start", "files"))
    args = parser.parse_args()
    print(describe())
    folder = Path(tempfile.mkdtemp())
    try:
        if args.only != "files":
            start(folder, args.segments, args.cameras)
        if args.only != "start":
            files(folder, args.files, args.fragments)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
