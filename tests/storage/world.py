"""A catalogue, roots and a camera in a folder, a recorder that writes through the real functions, and the invariants of
it all."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from storage.catalogue import cameras, facts, node, segments
from storage.catalogue.database import Database
from storage.catalogue.segments import Key
from storage.causes import Cause, Layer
from storage.coverage.one_camera import Coverage, coverage
from storage.disk.files import FILES, Files
from storage.disk.roots import Root, register
from storage.format.index_builder import IndexBuilder
from storage.format.layout import parse, segment_path
from storage.format.segment_file import Head, SegmentFile, Tail, head_box, tail_box
from storage.intervals import Interval
from storage.recovery.at_start import IntakeReport, reconcile
from storage.recovery.backlog import Backlog
from storage.writing.catalogue_writer import CatalogueWriter, Operation
from storage.writing.disk_writer import DiskWriter
from storage.writing.open_segment import SegmentHandle
from tests.storage import mp4
from tests.support.segments import read

NODE = "n1"
CAMERA = "cam"
DAY0_US = 1_790_000_000_000_000 // 86_400_000_000 * 86_400_000_000
T0_US = DAY0_US + 10 * 3_600_000_000


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="nvr-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    database = Database(folder / "catalogue.db")
    database.migrate()
    with database.write() as conn:
        node.this_node(conn, NODE)
        node.next_epoch(conn)
        add_camera(conn, CAMERA)
    with database.write() as conn:
        pass
    database.close()
    return folder


def add_camera(conn: sqlite3.Connection, camera: str, at_us: int = T0_US) -> None:
    cameras.add(
        conn,
        camera=camera,
        name=camera,
        source="file",
        settings={},
        labels={},
        node=NODE,
        epoch=1,
        at_us=at_us,
    )


class InlineCatalogue(CatalogueWriter):
    """Executes what it is given at once, or, from ``keep`` operations on, loses it: a process that dies before its
    catalogue thread comes round."""

    def __init__(self, database: Database, keep: int | None = None) -> None:
        super().__init__(database)
        self.keep = keep
        self.given = 0

    def put(self, operation: Operation) -> None:
        self.given += 1
        if self.keep is None or self.given <= self.keep:
            with Database.write(self.database) as conn:
                operation(conn)


def pump(writer: DiskWriter) -> None:
    """Does what is queued on this thread: every step has its number."""
    while writer._jobs:
        writer._turn()


@dataclass
class World:
    """A server's storage. ``database`` is the healthy one."""

    folder: Path
    roots: list[Root] = field(default_factory=list)
    database: Database = field(init=False)

    def __post_init__(self) -> None:
        for source in _template().iterdir():
            shutil.copy(source, self.folder / source.name)
        self.database = Database(self.folder / "catalogue.db")
        with self.database.write() as conn:
            conn.execute("PRAGMA synchronous")
            self.roots = register(conn, [self.folder / "root"])

    @property
    def root(self) -> Root:
        return self.roots[0]

    def close(self) -> None:
        self.database.close()

    def reopen(self) -> None:
        """A new process: nothing in memory is left."""
        self.database.close()
        self.database = Database(self.folder / "catalogue.db")

    # -- making files

    def part(
        self,
        start_us: int,
        numbers: Sequence[int],
        *,
        epoch: int = 1,
        row: bool = True,
        closed: bool = False,
        extra: bytes = b"",
        camera: str = CAMERA,
        final_name: bool = False,
        enter: bool = False,
        root: Root | None = None,
    ) -> Path:
        """A segment's file, as its writer leaves it: growing, with its tail (``closed``), or under its final name; with
        a growing row, or (``enter``) with a closed one."""
        root = root or self.root
        start = (numbers[0] if numbers else 0) * mp4.FRAME_TICKS * mp4.FRAMES_A_FRAGMENT
        head = Head(camera, NODE, epoch, start_us, start_us, start, mp4.TIMESCALE)
        data = bytearray(mp4.init_bytes() + head_box(head))
        index = IndexBuilder(mp4.tracks())
        for number in numbers:
            raw, fragment = mp4.fragment(number)
            index.add(len(data), len(raw), fragment)
            data += raw
        end_us = start_us + len(numbers) * mp4.FRAGMENT_US
        media_end = start + len(numbers) * mp4.FRAME_TICKS * mp4.FRAMES_A_FRAGMENT
        frames = len(numbers) * mp4.FRAMES_A_FRAGMENT
        if closed or final_name:
            tail = Tail(end_us, media_end, frames, "test", hashlib.sha256(data).hexdigest())
            data += tail_box(tail, index.packed())
        data += extra
        key = Key(camera, start_us, NODE, epoch)
        relative = segment_path(camera, start_us, epoch, NODE, growing=not final_name)
        path = root.path / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if row or enter:
            with self.database.write() as conn:
                segments.put_init(conn, mp4.init())
                segments.begin(
                    conn,
                    key,
                    root=root.id,
                    init=mp4.init().id,
                    run_start_us=start_us,
                    timescale=mp4.TIMESCALE,
                    media_start=start,
                )
                segments.grown(conn, key, end_us)
                if enter:
                    digest = hashlib.sha256(data).hexdigest()
                    segments.finish(
                        conn, key, end_us=end_us, media_end=media_end, frames=frames, bytes_=len(data), sha256=digest
                    )
        return path

    # -- asking

    def reconcile(
        self,
        now_us: int,
        *,
        alive_us: int | None = None,
        files: Files = FILES,
        database: Database | None = None,
        cause: Cause = Cause.SERVER_DOWN,
        only: Sequence[str] | None = None,
        backlog: Backlog | None = None,
        patience_s: float = 1.0,
    ) -> IntakeReport:
        database = database or self.database
        with self.database.write() as conn:
            epoch = node.next_epoch(conn)
        return reconcile(
            database,
            self.roots,
            node=NODE,
            epoch=epoch,
            cause=cause,
            detail={},
            alive_us=now_us if alive_us is None else alive_us,
            now_us=now_us,
            files=files,
            only=only,
            backlog=backlog,
            patience_s=patience_s,
        )

    def coverage(self, start_us: int, end_us: int, now_us: int, camera: str = CAMERA) -> Coverage:
        with self.database.read() as conn:
            return coverage(conn, camera, start_us, end_us, now_us=now_us)

    def facts(self, camera: str = CAMERA) -> list[facts.Fact]:
        with self.database.read() as conn:
            return facts.between(conn, camera, -(1 << 62), 1 << 62)

    def files_on_disk(self) -> list[Path]:
        return sorted(path for root in self.roots for path in root.path.rglob("*.mp4"))


def later_s(turn: int = 0) -> float:
    """A monotonic time at which what waits for another attempt is due, even after ``turn`` attempts."""
    return time.monotonic() + 1000 * (turn + 1)


def assert_partition(answer: Coverage) -> None:
    """Spans and gaps are exactly the range, and every gap has a cause."""
    parts = sorted([(a, b) for a, b in answer.spans] + [(g.start_us, g.end_us) for g in answer.gaps])
    at = answer.start_us
    for a, b in parts:
        assert a == at and b > a, f"hole or overlap at {at}: {parts}"
        at = b
    assert at == max(answer.as_of_us, answer.start_us), (at, answer.as_of_us)
    unknown = [(g.start_us, g.end_us) for g in answer.gaps if g.cause is Cause.UNKNOWN]
    assert not unknown, f"unexplained: {unknown}"


def payload_is_right(path: Path, found: SegmentFile) -> bool:
    """Whether every fragment's bytes are those that its number gave it."""
    data = path.read_bytes()
    for offset, size in found.index.fragments.tolist():
        fragment = found.index.video.fragments.tolist()
        first = next(row for row in fragment if offset <= row[3] < offset + size)
        number = first[4] // (mp4.FRAME_TICKS * mp4.FRAMES_A_FRAGMENT)
        if data[first[3] : offset + size].strip((number % 251 + 1).to_bytes(1, "big")):
            return False
    return True


def assert_consistent(world: World, report: IntakeReport | None = None, cameras: Sequence[str] = (CAMERA,)) -> None:
    """Every closed row has its file, whole and with its hash; every file has its row or was reported; nothing grows."""
    with world.database.read() as conn:
        always = DAY0_US - 10 * 86_400_000_000, DAY0_US + 99 * 86_400_000_000
        rows = [row for camera in cameras for row in segments.between(conn, camera, *always)]
        assert conn.execute("SELECT count(*) FROM garbage").fetchone()[0] == 0
    assert not [row for row in rows if row.growing], "a row still grows"
    for row in rows:
        assert row.path.exists(), f"closed row without its file {row.path}"
        data = row.path.read_bytes()
        assert len(data) == row.bytes
        assert row.sha256 in (None, hashlib.sha256(data).hexdigest()), f"hash of {row.path}"
        found = read(row.path)
        assert found.tail is not None and found.tail.end_us == row.end_us
        assert hashlib.sha256(data[: found.whole_bytes]).hexdigest() == found.tail.content_sha256
        assert payload_is_right(row.path, found), f"bytes of {row.path}"
    known = {row.path for row in rows}
    foreign = set(report.foreign) if report is not None else set()
    for path in world.files_on_disk():
        assert path in known or str(path) in foreign, f"{path} has no row and was not reported"
        assert parse(path.relative_to(world.root.path).as_posix()) is not None or str(path) in foreign


@dataclass
class Recorder:
    """What the recorder does of one run, driven step by step."""

    world: World
    writer: DiskWriter
    catalogue: InlineCatalogue
    start_us: int
    epoch: int = 1
    handles: list[SegmentHandle] = field(default_factory=list)
    number: int = 0
    ended: bool = False
    camera: str = CAMERA
    lost: list[Interval] = field(default_factory=list)
    keeping: Interval | None = None
    """What the last spare is of."""
    kept: list[Interval] = field(default_factory=list)
    """What there was a whole spare of, and (``synced``) one that a sync confirmed."""
    synced: list[Interval] = field(default_factory=list)

    @property
    def until_us(self) -> int:
        return self.start_us + self.number * mp4.FRAGMENT_US

    def begin(self) -> None:
        """The next segment."""
        start = self.number * mp4.FRAME_TICKS * mp4.FRAMES_A_FRAGMENT
        if not self.handles:
            self.catalogue.put(lambda conn: facts.resume(conn, self.camera, self.start_us))
        head = Head(self.camera, NODE, self.epoch, self.start_us, self.until_us, start, mp4.TIMESCALE)
        self.handles.append(self.writer.open(head, mp4.init(), IndexBuilder(mp4.tracks()), not self.handles))
        pump(self.writer)

    def append(self, loss: str | None = None) -> None:
        """The next fragment; with ``loss`` the one after it can't be decoded, which is known when the one after that
        begins."""
        handle = self.handles[-1]
        if self._refused(handle):
            return
        raw, fragment = mp4.fragment(self.number, loss=loss)
        self.number += 1
        a = self.until_us
        assert self.writer.append(handle, [raw], fragment, a)
        if loss is not None:
            self.number += 1
            b = self.until_us
            self.lost.append(Interval(a, b))
            cause, detail = (Cause.CORRUPT, {"class": loss}) if loss else (Cause.STALLED, {})
            self.catalogue.put(
                lambda conn: facts.insert(
                    conn, self.camera, cause, a, b, detail, node=NODE, epoch=self.epoch, layer=Layer.RECORDER
                )
            )
        pump(self.writer)
        if not handle.done:
            found = tuple(handle.index.holes)
            self.catalogue.put(lambda conn: segments.grown(conn, handle.key, handle.written_until_us, found))

    def keep(self) -> None:
        """A spare of the next fragment, as of a camera that sends a frame now and then."""
        handle = self.handles[-1]
        if self._refused(handle):
            return
        self.keeping = Interval(self.until_us, self.until_us + mp4.FRAGMENT_US)
        assert self.writer.keep(handle, [mp4.fragment(self.number)[0]], time.monotonic())
        pump(self.writer)
        if handle.error is None:
            self.kept.append(self.keeping)
            writer = handle.writer
            if writer is not None and writer.synced_bytes == handle.offset:
                self.synced.append(self.keeping)

    def rotate(self) -> None:
        self.close()
        if not self.ended:
            self.begin()

    def close(self) -> None:
        handle = self.handles[-1]
        if self._refused(handle):
            return
        media_end = self.number * mp4.FRAME_TICKS * mp4.FRAMES_A_FRAGMENT
        frames = len(handle.index.build().fragments) * mp4.FRAMES_A_FRAGMENT
        self.writer.close_segment(handle, end_us=self.until_us, media_end=media_end, frames=frames, reason="test")
        pump(self.writer)

    def _refused(self, handle: SegmentHandle) -> bool:
        if self.ended:
            return True
        if handle.error is not None:
            self.end(Cause.DISK_ERROR, handle.written_until_us)
        return self.ended

    def end(self, cause: Cause, at_us: int | None = None) -> None:
        """The run's story ends."""
        if not self.ended:
            self.ended = True
            end_us = self.until_us if at_us is None else at_us
            key = Key(self.camera, self.start_us, NODE, self.epoch)

            def operation(conn: sqlite3.Connection) -> None:
                segments.end_run(conn, key, end_us=end_us, cause=cause, detail={})
                facts.set_cause(conn, self.camera, end_us, cause, {}, node=NODE, epoch=self.epoch)

            self.catalogue.put(operation)


__all__ = ["CAMERA", "NODE", "T0_US", "InlineCatalogue", "Recorder", "World", "assert_consistent", "assert_partition"]
