"""A camera that sends a frame now and then: its newest frame is on the disk long before the next one tells how long it
lasts, and a power cut at any moment costs no frame that was."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from nvr.recorder.media.packets import Ended
from storage.causes import Cause
from storage.disk.files import FILES
from storage.disk.roots import Root
from storage.recovery.adopt import Brought, bring
from tests.recorder.frames_made import picture
from tests.recorder.run.test_pipeline import START_US, Rig
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.segments import read
from tests.support.server import frames

EACH_US = 12_000_000
KEPT_US = 1_700_000


@pytest.fixture(scope="module")
def film() -> Clip:
    return clip(ClipSpec(frames=12, group=3))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.database.close()


def send(rig: Rig, film: Clip, number: int) -> None:
    """The frame of this number, at its time."""
    rig.wait(START_US + number * EACH_US - rig.realtime_us)
    unit = film.video.units[number]
    rig.pipeline.packet(picture(unit.payload, number * EACH_US * 9 // 100, unit.keyframe))


def keep(rig: Rig) -> None:
    """Two seconds later."""
    rig.wait(2_000_000)
    assert rig.pipeline.keep(rig.monotonic_us - KEPT_US) is None
    assert rig.pipeline.unwritten_us is None


def after_a_cut(rig: Rig, number: int) -> Brought:
    """What a start makes of the newest part file as it is now, elsewhere."""
    rig.written()
    there = rig.folder / f"there-{number}"
    shutil.copytree(rig.folder / "footage", there)
    return bring(FILES, Root("r", there), max(there.rglob("*.part.mp4")))


@pytest.mark.parametrize("expected_us", [0, 15_000_000])
def test_no_frame_waits_for_the_next_one(rig: Rig, film: Clip, expected_us: int) -> None:
    """Frames 12 s apart, over rotations: 2 s after each of them a cut costs none, claims a second of it at most, and
    leaves a file that can be played. What is recorded in the end is what it always was."""
    rig.pipeline.expected_us = expected_us
    rig.open(film)
    for number in range(12):
        send(rig, film, number)
        keep(rig)
        rig.pipeline.keep(rig.monotonic_us - KEPT_US)
        brought = after_a_cut(rig, number)
        at_us = START_US + number * EACH_US
        assert brought.found is not None and brought.found.tail is None
        assert at_us < brought.end_us <= at_us + 1_000_000
        final = _final(brought, rig.folder / f"there-{number}")
        with av.open(str(final)) as container:
            shown = [frame.pts for frame in container.decode(video=0)]
        assert len(shown) == brought.frames
        assert frames([final], "h264")[-1] == film.video.units[number].hash
        assert read(final).tail is not None
    found = rig.done()
    hashes = frames([s.path for s in rig.segments], "h264")
    assert hashes == [unit.hash for unit in film.video.units]
    assert all(a.end_us == b.key.start_us for a, b in zip(rig.segments, rig.segments[1:], strict=False))
    assert len(rig.segments) == 4, "each keyframe begins one"
    for segment in rig.segments:
        # Whoever reads the file without its tail passes over the spares.
        assert segment.path.read_bytes().count(b"nvr-spar") == 3
        told, scanned = (read(segment.path, trust_tail=trusted).index for trusted in (True, False))
        assert told.fragments.tolist() == scanned.fragments.tolist() and told.media_end == scanned.media_end
    assert found.spans[0][0] == START_US
    # Until it is known how it sends them, what lies between two is a gap.
    missing_us = 0 if expected_us else EACH_US - 40_000
    assert found.recorded_us == rig.segments[-1].end_us - START_US - missing_us


def _final(brought: Brought, folder: Path) -> Path:
    return next(folder.rglob(brought.part.name.replace(".part", "")))


def test_a_spare_costs_nobody_else_anything(rig: Rig, film: Clip) -> None:
    """Of a camera with a frame a second, and more, nothing is kept twice."""
    rig.open(film)
    for number in range(10):
        rig.send(film, number, 1, step_us=1_000_000, media_shift_us=number * 960_000)
        assert rig.pipeline.keep(rig.monotonic_us - KEPT_US) is None
    rig.written()
    size = sum(path.stat().st_size for path in (rig.folder / "footage").rglob("*.mp4"))
    assert size < 2 * sum(sum(map(len, unit.payload)) for unit in film.video.units) + 30_000
    for part in (rig.folder / "footage").rglob("*.mp4"):
        assert b"nvr-spar" not in part.read_bytes()
    rig.done()


def test_what_follows_late_goes_on_behind_the_spare(rig: Rig, film: Clip) -> None:
    """A network that stood still for seconds: what then comes at once is recorded as it would have been."""
    rig.open(film)
    rig.send(film, 0, 40)
    rig.wait(3_000_000)
    assert rig.pipeline.keep(rig.monotonic_us - KEPT_US) is None
    brought = after_a_cut(rig, 0)
    assert frames(
        [*(rig.folder / "footage").rglob("*Z.1-n1.mp4"), _final(brought, rig.folder / "there-0")], "h264"
    ) == [film.video.units[number % 12].hash for number in range(40)]
    rig.send(film, 40, 75, step_us=0)
    rig.send(film, 115, 60)
    found = rig.done()
    assert sum(segment.frames for segment in rig.segments) == 175
    assert found.recorded_us == 175 * 40_000


def test_the_first_frame_of_a_connection_is_kept_too(rig: Rig, film: Clip) -> None:
    """Before it is known how the camera's clock runs."""
    rig.open(film)
    send(rig, film, 0)
    assert rig.pipeline.unwritten_us is not None or rig.pipeline.run is None
    keep(rig)
    brought = after_a_cut(rig, 0)
    assert brought.frames == 1
    rig.pipeline.end(Ended(Cause.ENDED))
    rig.done()
    assert [s.frames for s in rig.segments] == [1]
