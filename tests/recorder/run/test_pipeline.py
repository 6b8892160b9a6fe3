"""What ends a run, with simulated clocks and a camera's packets, on a real disk and catalogue: each end has its cause,
and footage and gaps fill the time exactly."""

from __future__ import annotations

import errno
import itertools
import json
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nvr.recorder.audio.encoding import Encoding
from nvr.recorder.audio.track import AudioRefusals, AudioTrack
from nvr.recorder.media.inits import Template
from nvr.recorder.media.packets import Ended
from nvr.recorder.run.cutting import Cutter
from nvr.recorder.run.disks import Disks
from nvr.recorder.run.pipeline import Pipeline
from nvr.recorder.run.run import Identity
from storage.catalogue import cameras, node
from storage.catalogue.segments import between
from storage.causes import Cause
from storage.coverage.one_camera import Coverage, coverage
from storage.disk.files import Files
from storage.disk.roots import register
from storage.writing.catalogue_writer import CatalogueWriter
from storage.writing.disk_writer import DiskWriter
from storage.writing.open_segment import SegmentHandle
from tests.recorder.frames_made import picture
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.catalogues import new_catalogue
from tests.support.waiting import until

START_US = 1_800_000_000_000_000
FRAME_US = 40_000


class SmallDisk(Files):
    """Refuses to take more than ``room`` bytes."""

    room = 1 << 40
    # A disk that hangs, until it is set.
    moves: threading.Event | None = None

    def write(self, fd: int, buffers: Sequence[bytes | memoryview]) -> int:
        if self.moves is not None:
            assert self.moves.wait(60)
        size = sum(len(buffer) for buffer in buffers)
        if size > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= size
        return super().write(fd, buffers)


@dataclass
class Rig:
    """A pipeline whose clocks and packets the test makes."""

    folder: Path
    files: SmallDisk = field(default_factory=SmallDisk)
    realtime_us: int = START_US
    monotonic_us: int = 0
    number: int = 0
    queue_bytes: int = 1 << 28
    audio: bool = False
    encoding: Encoding = field(default_factory=Encoding)

    def __post_init__(self) -> None:
        self.database = new_catalogue(self.folder / "catalogue.sqlite")
        with self.database.write() as conn:
            self.node = node.this_node(conn, "n1")
            root = register(conn, [self.folder / "footage"])[0]
            cameras.add(
                conn,
                camera="a",
                name="A",
                source="file",
                settings={},
                labels={},
                node=self.node,
                epoch=1,
                at_us=START_US,
            )
        self.catalogue = CatalogueWriter(self.database)
        self.disk = DiskWriter(root, self.catalogue, sync_interval_s=5, files=self.files, queue_bytes=self.queue_bytes)
        self.catalogue.start()
        self.disk.start()
        self.pipeline = Pipeline(
            Identity("a", self.node, 1),
            Cutter("a", 2_000_000, 10**9),
            Disks([self.disk]),
            self.catalogue,
            audio=AudioTrack("a", self.encoding, AudioRefusals()) if self.audio else None,
            handles=deque[SegmentHandle](),
            realtime_us=lambda: self.realtime_us,
            monotonic_us=lambda: self.monotonic_us,
        )

    def open(self, film: Clip) -> None:
        first = film.video.units[0]
        self.template = Template.of_keyframe("h264", annexb([*film.video.parameter_sets, *first.payload]))
        self.pipeline.open(self.template)

    def send(self, film: Clip, first: int, count: int, *, media_shift_us: int = 0, step_us: int = FRAME_US) -> None:
        """Sends frames of the clip, one every ``step_us`` of both clocks; their media time goes on from
        frame to frame."""
        for number in range(first, first + count):
            unit = film.video.units[number % len(film.video.units)]
            self.pipeline.packet(picture(unit.payload, (number * FRAME_US + media_shift_us) * 9 // 100, unit.keyframe))
            self.realtime_us += step_us
            self.monotonic_us += step_us

    def wait(self, us: int) -> None:
        """Nothing comes for so long."""
        self.realtime_us += us
        self.monotonic_us += us

    def written(self) -> None:
        """Waits until all that was accepted is on the disk."""
        until(lambda: not self.disk.queued_bytes, "the disk")

    def done(self, cause: Cause = Cause.SERVER_DOWN) -> Coverage:
        """Ends the run and everything; what the catalogue says from the first frame on."""
        self.pipeline.end(Ended(cause))
        self.encoding.end()
        assert self.disk.stop(10)
        assert self.catalogue.close(10)
        end_us = self.realtime_us + 10_000_000
        with self.database.read() as conn:
            found = coverage(conn, "a", START_US - 1_000_000, end_us, now_us=end_us)
            self.segments = between(conn, "a", 0, end_us)
        parts = sorted([*found.spans, *((gap.start_us, gap.end_us) for gap in found.gaps)])
        assert parts[0][0] == found.start_us and parts[-1][1] == found.as_of_us
        assert all(a[1] == b[0] for a, b in itertools.pairwise(parts))
        assert Cause.UNKNOWN not in [gap.cause for gap in found.gaps]
        return found


def annexb(units: Sequence[bytes]) -> bytes:
    return b"".join(b"\0\0\0\1" + unit for unit in units)


@pytest.fixture
def film() -> Clip:
    return clip(ClipSpec(frames=100, group=25))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.database.close()


def causes(found: Coverage) -> list[str]:
    return [gap.cause.value for gap in found.gaps]


def test_an_unbroken_run(rig: Rig, film: Clip) -> None:
    rig.open(film)
    rig.send(film, 0, 250)
    found = rig.done()
    assert found.recorded_us == 250 * FRAME_US
    assert causes(found) == ["not_configured", "server_down"]
    assert sum(segment.frames for segment in rig.segments) == 250
    assert len(rig.segments) >= 4


@pytest.mark.parametrize("cause", [Cause.OVERLOAD, Cause.DISK_FULL, Cause.DISK_ERROR])
def test_who_stops_a_camera_leaves_what_came(rig: Rig, film: Clip, cause: Cause) -> None:
    """This machine was behind, the camera moves to another worker, or space is kept for others: the disk has refused
    nothing."""
    rig.open(film)
    rig.send(film, 0, 60)
    found = rig.done(cause)
    assert sum(segment.frames for segment in rig.segments) == 60
    assert found.recorded_us == 60 * FRAME_US
    assert causes(found) == ["not_configured", cause.value]


def test_an_early_burst_does_not_shift_the_run(rig: Rig, film: Clip) -> None:
    """A camera that sends its last two seconds at once began two seconds before it was asked."""
    rig.open(film)
    rig.send(film, 0, 50, step_us=0)
    rig.send(film, 50, 100)
    found = rig.done()
    assert rig.segments[0].key.start_us == START_US - 2_000_000
    assert found.recorded_us == 5_000_000  # from a second before the first packet: the question begins there
    assert causes(found) == ["server_down"]


@pytest.mark.parametrize("step_us", [3_600_000_000, 5_000_000, -3_012_345])
def test_the_servers_clock_is_set(rig: Rig, film: Clip, step_us: int) -> None:
    rig.open(film)
    rig.send(film, 0, 100)
    rig.realtime_us += step_us
    rig.send(film, 100, 100)
    found = rig.done()
    assert len({segment.run_start_us for segment in rig.segments}) == 2
    assert sum(segment.frames for segment in rig.segments) == 200
    if step_us > 0:
        assert causes(found) == ["not_configured", "clock_step", "server_down"]
        assert found.gaps[1].end_us - found.gaps[1].start_us == step_us
    else:
        # Some seconds were recorded twice by the wall clock: no gap, and the newer run is shown.
        assert causes(found) == ["not_configured", "server_down"]
        assert len({segment.run_seq for segment in rig.segments}) == 2
    (step,) = found.clock_steps
    assert abs(step.by_us - step_us) < 100_000


@pytest.mark.parametrize("jump_us", [3_600_000_000, -5_000_000])
def test_the_cameras_timestamps_jump(rig: Rig, film: Clip, jump_us: int) -> None:
    """Checklist 12."""
    rig.open(film)
    rig.send(film, 0, 200)
    rig.send(film, 200, 100, media_shift_us=jump_us)
    found = rig.done()
    assert found.recorded_us == pytest.approx(300 * FRAME_US, abs=FRAME_US)
    assert sum(segment.frames for segment in rig.segments) == 300
    assert max(segment.end_us - segment.key.start_us for segment in rig.segments) < 4_000_000


def test_a_hole_in_media_time_is_a_gap(rig: Rig, film: Clip) -> None:
    rig.open(film)
    rig.send(film, 0, 100)
    rig.realtime_us += 8_000_000
    rig.monotonic_us += 8_000_000
    rig.send(film, 100, 100, media_shift_us=8_000_000)
    found = rig.done()
    assert causes(found) == ["not_configured", "stalled", "server_down"]
    assert found.gaps[1].end_us - found.gaps[1].start_us == 8_000_000
    assert sum(segment.frames for segment in rig.segments) == 200


def test_what_came_in_the_first_second_is_kept_when_a_hole_follows(rig: Rig, film: Clip) -> None:
    rig.open(film)
    rig.send(film, 0, 10)
    keyframe = next(n for n in range(10, len(film.video.units)) if film.video.units[n].keyframe)
    rig.realtime_us += 8_000_000
    rig.monotonic_us += 8_000_000
    rig.send(film, keyframe, 100, media_shift_us=8_000_000)
    found = rig.done()
    assert sum(segment.frames for segment in rig.segments) == 110
    assert causes(found) == ["not_configured", "stalled", "server_down"]


def test_new_parameters_are_a_new_run_without_a_gap(rig: Rig) -> None:
    """Checklist 10."""
    film = clip(ClipSpec(frames=200, group=25, change_to=(480, 288)))
    rig.open(film)
    rig.send(film, 0, 200)
    found = rig.done()
    assert causes(found) == ["not_configured", "server_down"]
    assert len({segment.init for segment in rig.segments}) == 2
    assert sum(segment.frames for segment in rig.segments) == 200


def test_a_slow_camera_is_placed_by_when_its_frames_arrived(rig: Rig, film: Clip) -> None:
    """A frame a second, each read 0.36 s after it arrived: the kernel knows, and so does the clock."""
    rig.open(film)
    for number in range(8):
        rig.wait(360_000)
        unit = film.video.units[number]
        rig.pipeline.packet(picture(unit.payload, number * 90_000, unit.keyframe))
        rig.pipeline.arrived(360_000)
        rig.wait(640_000)
    rig.done()
    assert rig.segments[0].key.start_us == pytest.approx(START_US, abs=1000)


def test_the_first_second_is_kept_when_it_ends_early(rig: Rig, film: Clip) -> None:
    rig.open(film)
    rig.send(film, 0, 10)
    found = rig.done(Cause.ENDED)
    assert found.recorded_us == 10 * FRAME_US
    assert causes(found) == ["not_configured", "ended"]


def test_a_full_disk_ends_the_run_with_its_cause(rig: Rig, film: Clip) -> None:
    rig.open(film)
    rig.send(film, 0, 100)
    # The disk's thread works while the frames come: what was accepted so far is written first.
    rig.written()
    rig.files.room = 0
    with pytest.raises(Ended) as ended:
        for first in range(100, 3000, 25):
            rig.send(film, first, 25)
            rig.written()
    assert ended.value.cause is Cause.DISK_FULL
    # Room again, so that what was written can be closed.
    rig.files.room = 1 << 30
    found = rig.done(ended.value.cause)
    assert causes(found)[-1] == "disk_full"
    assert found.recorded_us > 1_000_000


def test_a_disk_that_does_not_keep_up_is_overload(tmp_path: Path, film: Clip) -> None:
    rig = Rig(tmp_path, queue_bytes=200_000)
    rig.open(film)
    rig.send(film, 0, 100)
    rig.written()
    rig.files.moves = threading.Event()
    with pytest.raises(Ended) as ended:
        for first in range(100, 30_000, 25):
            rig.send(film, first, 25)
    assert ended.value.cause is Cause.OVERLOAD
    dropped_us = rig.realtime_us
    rig.files.moves.set()
    found = rig.done(ended.value.cause)
    assert causes(found)[-1] == "overload"
    # What the queue had taken before is footage: no more is lost than was not accepted.
    assert found.recorded_us > 4_000_000
    assert found.gaps[-1].start_us <= dropped_us
    with rig.database.read() as conn:
        (detail,) = conn.execute("SELECT detail FROM run").fetchone()
    counters = json.loads(detail)["counters"]
    assert counters["overloads"] == 1
    assert counters["recorded_us"] == found.recorded_us
    assert counters["frames"] == sum(segment.frames for segment in rig.segments), (
        "what was accepted is what the files hold"
    )
    rig.database.close()


def test_a_frame_that_is_out_of_order_is_moved_and_counted(rig: Rig, film: Clip) -> None:
    """Checklist 12: others may refer to it, so it is never left out."""
    rig.open(film)
    rig.send(film, 0, 100)
    rig.send(film, 99, 1)
    rig.send(film, 100, 50)
    found = rig.done()
    assert rig.pipeline.counted()["out_of_order"] == 1
    assert sum(segment.frames for segment in rig.segments) == 151
    assert causes(found) == ["not_configured", "server_down"]


def test_parameters_that_cannot_be_read_end_the_run_as_corrupt(rig: Rig, film: Clip) -> None:
    rig.open(film)
    rig.send(film, 0, 75)
    broken = picture([b"\x67\x42", b"\x65" + bytes(range(1, 60))], 75 * 3600, True)
    with pytest.raises(Ended) as ended:
        rig.pipeline.packet(broken)
    assert ended.value.cause in (Cause.CORRUPT, Cause.REJECTED)
    found = rig.done(ended.value.cause)
    assert found.recorded_us == 75 * FRAME_US


@pytest.mark.parametrize("step_us", [0, 90_000_000, -1_500_000])
def test_between_two_runs_of_one_connection_nothing_is_a_gap_before_it_is_known(rig: Rig, step_us: int) -> None:
    """Whoever looks at the live edge, after each frame, sees no outage while frames come: where the camera changes its
    parameters, or the server's clock is set."""
    film = clip(ClipSpec(frames=100, group=25, change_to=None if step_us else (480, 288)))
    rig.open(film)
    rig.send(film, 0, 49)
    rig.realtime_us += step_us
    for number in range(49, 110):
        rig.send(film, number, 1)
        rig.written()
        entered = threading.Event()
        rig.catalogue.put(lambda conn, entered=entered: entered.set())  # type: ignore[misc]
        assert entered.wait(60)
        with rig.database.read() as conn:
            now = coverage(conn, "a", START_US, START_US + 10**9, now_us=rig.realtime_us)
        assert not [gap for gap in now.gaps if gap.open], number
        assert {gap.cause for gap in now.gaps} <= {Cause.CLOCK_STEP}, number
    # What there is between the two is told once it is known, and a silence that follows as what it is.
    assert causes(rig.done())[1:] == (["clock_step", "server_down"] if step_us > 0 else ["server_down"])


def test_a_connection_that_ends_between_two_runs_tells_both_causes(rig: Rig) -> None:
    film = clip(ClipSpec(frames=100, group=25))
    rig.open(film)
    rig.send(film, 0, 50)
    rig.realtime_us += 90_000_000
    # The clock is set, and no keyframe comes any more.
    rig.send(film, 51, 5)
    rig.wait(3_000_000)
    assert causes(rig.done(Cause.ENDED)) == ["not_configured", "clock_step", "ended"]
