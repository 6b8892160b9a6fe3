"""A run that loses frames and pauses, recorded by the recorder's own ``Run`` into real files and their catalogue; and
what is true of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av

from nvr.playback.index_cache import IndexCache
from nvr.recorder.clocks.clock import RunClock
from nvr.recorder.media.inits import Template
from nvr.recorder.media.packets import Ended, Frame
from nvr.recorder.run.cutting import Cutter
from nvr.recorder.run.disks import Disks
from nvr.recorder.run.run import Identity, Run
from storage.catalogue import facts, segments
from storage.catalogue.segments import Segment
from storage.causes import Cause, Layer
from storage.coverage.one_camera import Coverage, coverage
from storage.disk.roots import Root, register
from storage.intervals import Interval
from storage.writing.catalogue_writer import CatalogueWriter
from storage.writing.disk_writer import DiskWriter
from storage.writing.open_segment import SegmentHandle
from tests.playback.frames import TICKS, Encoded, encode
from tests.support.catalogues import new_catalogue
from tests.support.segments import read

CAMERA = "gate-1"
START_US = 1_790_000_000_000_000
FPS, GOP = 10, 10
FRAME = TICKS // FPS


@dataclass(frozen=True)
class Shown:
    """A frame that was recorded: its number, and when it is shown, in ticks of the run."""

    number: int
    pts: int


@dataclass
class Lossy:
    """``lost``: numbers of packets in decode order that never come; what can't be decoded without them is not recorded
    either. ``pauses``: microseconds of nothing before a packet. ``ppm``: how fast the camera's clock runs.
    ``not_before_us``: as of ``Run``."""

    folder: Path
    count: int = 100
    codec: str = "h264"
    lost: frozenset[int] = frozenset()
    pauses: Mapping[int, int] = field(default_factory=dict)
    ppm: int = 0
    segment_us: int = 4_000_000
    loss: str = "network"
    not_before_us: int = 0

    def __post_init__(self) -> None:
        self.database = new_catalogue(self.folder / "catalogue.db", durable=False)
        with self.database.write() as conn:
            conn.execute("INSERT INTO node (id) VALUES ('n1')")
            self.roots: Sequence[Root] = register(conn, [self.folder / "footage"])
            conn.execute(
                "INSERT INTO camera (id, name, source, settings, labels, added_us, rev)"
                " VALUES (?, 'Gate', 'file', '{}', '{}', 0, 0)",
                (CAMERA,),
            )
        self.cache = IndexCache(self.database)
        self.catalogue = CatalogueWriter(self.database)
        self.disk = DiskWriter(self.roots[0], self.catalogue, sync_interval_s=60)
        self.handles: deque[SegmentHandle] = deque()
        self.shown: list[Shown] = []
        self.holes: list[tuple[int, int, str]] = []
        self.video: Encoded = encode(self.codec, self.count, fps=FPS, gop=GOP)
        self._numbers = {pts: number for number, pts in enumerate(self.video.pts)}
        self.clock = RunClock()
        self.run: Run | None = None

    @property
    def now_us(self) -> int:
        """Later than all of it."""
        return START_US + self.count * 1_000_000 // FPS + sum(self.pauses.values()) + 60_000_000

    def pictures(self) -> list[tuple[Frame, int]]:
        """What the depacketiser gives, with when it arrives: nothing that can't be decoded; what comes first after a
        loss says so."""
        found, shift, broken, lost = [], 0, False, False
        for number, (data, pts, dts, is_keyframe) in enumerate(self.video.packets):
            shift += self.pauses.get(number, 0) * 9 // 100
            if number in self.lost:
                broken = lost = True
                continue
            if is_keyframe:
                broken = False
            if broken:
                continue
            media_us = (dts + shift) * 100 // 9
            loss = self.loss if lost else ""
            made = Frame([data], (), Fraction(1, TICKS), pts + shift, dts + shift, is_keyframe, loss, FRAME)
            found.append((made, START_US + media_us + media_us * self.ppm // 1_000_000))
            self.shown.append(Shown(self._numbers[pts], pts + shift))
            lost = False
        return found

    def record(self, *, ends: bool = True, facts_too: bool = True) -> None:
        """Records all of it. Unless it ``ends``, it is killed."""
        self.catalogue.start()
        self.disk.start()
        pictures = self.pictures()
        usual = Fraction(FRAME)
        last: Frame | None = None
        for number, (picture, arrival_us) in enumerate(pictures):
            self.clock.observe(picture.dts * 100 // 9, arrival_us)
            if self.run is None:
                self.clock.anchor()
                self.run = Run(
                    Identity(CAMERA, "n1", 1),
                    self.clock,
                    Cutter(CAMERA, self.segment_us, 10**9),
                    Disks([self.disk]),
                    Template(self.video.stream, self.video),
                    None,
                    picture,
                    self.handles,
                    self.not_before_us,
                )
                start_us = self.clock.wall_us(picture.pts * 100 // 9)
                self.catalogue.put(lambda conn, at_us=start_us: facts.resume(conn, CAMERA, at_us))  # type: ignore[misc]
            if last is not None and (picture.loss or picture.dts - last.dts > 4 * usual):
                self._hole(picture, facts_too)
            last = Frame([], (), Fraction(1, TICKS), picture.pts, picture.dts, False, "", 0)
            self.run.video(picture)
            _ = number
        assert self.run is not None
        if ends:
            self.run.end(Ended(Cause.SERVER_DOWN))
            until_us = self.run.until_us
            assert until_us is not None
            self.catalogue.put(
                lambda conn: facts.set_cause(conn, CAMERA, until_us, Cause.SERVER_DOWN, {}, node="n1", epoch=1)
            )
        assert self.disk.stop(20)
        if not ends:
            for handle in self.handles:
                if not handle.done:
                    key, until_us, found = handle.key, handle.written_until_us, tuple(handle.index.holes)
                    self.catalogue.put(lambda conn, k=key, u=until_us, f=found: segments.grown(conn, k, u, f))  # type: ignore[misc]
        assert self.catalogue.close(20)

    def _hole(self, picture: Frame, facts_too: bool) -> None:
        assert self.run is not None
        found = self.run.hole_before(picture)
        if found is None:
            return
        a, b = found
        cause = Cause.CORRUPT if picture.loss else Cause.STALLED
        detail = {"class": picture.loss} if picture.loss else {}
        if facts_too:
            self.catalogue.put(
                lambda conn: facts.insert(conn, CAMERA, cause, a, b, detail, node="n1", epoch=1, layer=Layer.RECORDER)
            )

    def coverage(self) -> Coverage:
        """All of it, and what followed."""
        with self.database.read() as conn:
            start_us = segments.between(conn, CAMERA, 0, self.now_us)[0].key.start_us
            return coverage(conn, CAMERA, start_us, self.now_us, now_us=self.now_us)

    def segments(self) -> list[Segment]:
        """By time."""
        with self.database.read() as conn:
            return segments.between(conn, CAMERA, 0, self.now_us)

    def expected(self) -> list[Interval]:
        """Footage in ticks of the run: every frame lasts as long as frames do, or until the next one that follows at
        once."""
        times = sorted(frame.pts for frame in self.shown)
        found: list[Interval] = []
        for number, pts in enumerate(times):
            later = times[number + 1] if number + 1 < len(times) else pts + FRAME
            # What is not worth the name of a hole is none.
            end = later if later - pts <= FRAME + FRAME // 2 else pts + FRAME
            if found and found[-1].end_us == pts:
                found[-1] = Interval(found[-1].start_us, end)
            else:
                found.append(Interval(pts, end))
        return found

    def close(self) -> None:
        """Closes the catalogue."""
        self.database.close()


def decoded(path: Path) -> list[tuple[int, int]]:
    """Number and presentation time, in ticks of the run, of each frame that can be decoded of a file."""
    from tests.playback.frames import number_of

    base = read(path).head.media_base

    with av.open(str(path), "r", format="mp4") as container:
        return [(number_of(frame), base + int(frame.pts or 0)) for frame in container.decode(video=0)]
