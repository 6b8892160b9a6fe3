"""Holes of a segment, watched: playlists never stumble over them, clips keep or fold their time, nothing is shown that
is not there, evidence names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nvr.evidence.package.plan import plan_camera
from nvr.playback.clip.clip import Clip, plan_clip
from nvr.playback.errors import NoFootage
from nvr.playback.hls.camera_watch import CameraWatch
from nvr.playback.hls.hls import recorded_playlist
from nvr.playback.snapshot import snapshot
from storage.causes import Cause
from tests.playback.lossy import CAMERA, START_US, Lossy
from tests.playback.playlists import parse
from tests.playback.worlds import decoded

FRAME_US = 100_000

Make = Callable[..., Lossy]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Lossy] = []

    def lossy(*, ends: bool = True, **options: object) -> Lossy:
        world = Lossy(tmp_path, **options)  # type: ignore[arg-type]
        world.record(ends=ends)
        made.append(world)
        return world

    yield lossy
    for world in made:
        world.close()


def shown(clip: Clip) -> list[tuple[int, int]]:
    """Numbers of a clip's frames, and when each is shown, in tenths of a second."""
    with clip:
        return [(number, round(at * 10)) for number, at in decoded(clip.read(0, clip.size - 1))]


def at_us(frame: float) -> int:
    """When a frame of an even world is shown."""
    return START_US + round(frame * FRAME_US)


def test_many_short_holes_are_one_playlist_without_a_break(make: Make) -> None:
    """A frame lost in each group: the last one before is shown until the next group, and no player notices."""
    world = make(count=300, lost=frozenset(range(7, 300, 10)))
    # The last one is the end.
    assert len(world.coverage().gaps) == 30
    text = recorded_playlist(world.database, world.cache, CAMERA, START_US, at_us(297)).text
    found = parse(text)
    assert "EXT-X-GAP" not in text and "DISCONTINUITY" not in text
    assert sum(item.duration_us for item in found.items) == pytest.approx(29_700_000, abs=10)
    # All of its bytes: an entry ends where the next one begins.
    assert all(a.duration_us >= 1_000_000 for a in found.items[:-1])


def test_a_long_hole_is_in_the_bytes_before_it(make: Make) -> None:
    # Frames 35 to 69 are gone: 3.5 s.
    world = make(count=150, lost=frozenset(range(35, 61)), segment_us=30_000_000)
    first = world.coverage().gaps[0]
    assert (first.end_us - first.start_us, first.cause) == (3_500_000, Cause.CORRUPT)
    text = recorded_playlist(world.database, world.cache, CAMERA, START_US, at_us(150)).text
    # A gap beside them would count that time twice.
    assert "EXT-X-GAP" not in text and "DISCONTINUITY" not in text
    assert sum(item.duration_us for item in parse(text).items) == pytest.approx(15_000_000, abs=10)


def test_a_pause_within_a_group_is_no_break(make: Make) -> None:
    """What follows a pause of 3 s needs what was before it: the last frame stays, as its bytes say."""
    world = make(count=100, pauses={25: 3_000_000}, segment_us=30_000_000)
    assert [gap.cause for gap in world.coverage().gaps] == [Cause.STALLED, Cause.SERVER_DOWN]
    text = recorded_playlist(world.database, world.cache, CAMERA, START_US, at_us(130)).text
    assert "EXT-X-GAP" not in text and "DISCONTINUITY" not in text
    assert sum(item.duration_us for item in parse(text).items) == pytest.approx(13_000_000, abs=10)


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_clip_keeps_time_or_folds_it(make: Make, codec: str) -> None:
    world = make(count=100, codec=codec, lost=frozenset({17}), pauses={45: 3_000_000}, segment_us=4_000_000)
    # 17 to 19 are lost; 3 s stand still in front of 45.
    frames = [*range(10, 17), *range(20, 60)]
    clip = plan_clip(world.database, world.cache, CAMERA, at_us(10), at_us(90), gaps="keep")
    spans = [(a, b) for a, b in clip.spans]
    times = [(n, n - 10 + (30 if n >= 45 else 0)) for n in frames]
    assert shown(clip) == times
    # Segments of one run are one stretch: only the holes cut it.
    assert spans == [(at_us(10), at_us(17)), (at_us(20), at_us(45)), (at_us(75), at_us(90))]
    folded = plan_clip(world.database, world.cache, CAMERA, at_us(10), at_us(90))
    assert [(a, b) for a, b in folded.spans] == spans
    assert shown(folded) == list(zip(frames, range(len(frames)), strict=True))


def test_a_clip_that_begins_behind_a_pause_decodes_from_before_it(make: Make) -> None:
    world = make(count=100, pauses={45: 3_000_000}, segment_us=30_000_000)
    clip = plan_clip(world.database, world.cache, CAMERA, at_us(77), at_us(90))
    assert clip.spans[0].start_us == at_us(77) and clip.preroll_us > 3_000_000
    assert [number for number, _ in shown(clip)] == list(range(47, 60))


def test_a_clip_within_a_hole_shows_nothing(make: Make) -> None:
    world = make(count=100, lost=frozenset({32}))
    with pytest.raises(NoFootage):
        plan_clip(world.database, world.cache, CAMERA, at_us(33), at_us(39))
    whole = plan_clip(world.database, world.cache, CAMERA, at_us(0), at_us(100))
    assert [number for number, _ in shown(whole)] == [*range(32), *range(40, 100)]


def test_a_snapshot_within_a_hole_says_so(make: Make) -> None:
    world = make(count=100, lost=frozenset({32}), pauses={65: 2_000_000}, segment_us=30_000_000)
    for inside in (32.1, 35, 39.9, 66, 84):
        with pytest.raises(NoFootage):
            snapshot(world.database, world.cache, CAMERA, at_us(inside))
    for frame, real in ((31, 31), (31.9, 31), (40, 40), (64.5, 64), (85, 85), (86.5, 86)):
        assert snapshot(world.database, world.cache, CAMERA, at_us(frame)).frame_time_us == at_us(real)


def test_a_growing_segment_is_watched_the_same(make: Make) -> None:
    world = make(ends=False, count=78, lost=frozenset({32, 33}), segment_us=30_000_000)
    clip = plan_clip(world.database, world.cache, CAMERA, at_us(25), at_us(60))
    assert [number for number, _ in shown(clip)] == [*range(25, 32), *range(40, 60)]
    with pytest.raises(NoFootage):
        snapshot(world.database, world.cache, CAMERA, at_us(36))


@pytest.mark.parametrize(
    ("lost", "pauses", "breaks"),
    [
        (frozenset({17}), {}, 0),
        # Two seconds and more, and a keyframe follows: nobody waits for them.
        (frozenset(range(25, 41)), {}, 1),
        # What follows needs what was before.
        (frozenset[int](), {25: 3_000_000}, 0),
    ],
)
def test_live_goes_on_behind_a_hole(make: Make, lost: frozenset[int], pauses: dict[int, int], breaks: int) -> None:
    world = make(ends=False, count=78, lost=lost, pauses=pauses, segment_us=60_000_000)
    last_us = world.segments()[-1].end_us
    watch = CameraWatch(world.database, world.cache, CAMERA, lambda: last_us)
    watch.take(*watch.poll())
    text = watch.window.text()
    assert text.count("#EXT-X-DISCONTINUITY\n") == breaks
    parts = [part for segment in watch.window.segments for part in segment.parts]
    longest_us = max(part.duration_us for part in parts)
    # A part lasts until what follows it; where that is another beginning, it ends with its last frame.
    assert (longest_us > 2_000_000) == bool(pauses)
    starts = [part.start_us for part in parts]
    assert starts == sorted(starts)
    if breaks:
        assert sum(part.duration_us for part in parts) < parts[-1].start_us + parts[-1].duration_us - parts[0].start_us
    watch.close()


def test_an_export_is_one_file_and_its_holes_are_gaps(make: Make) -> None:
    world = make(count=150, lost=frozenset({17, *range(45, 61), 108}), segment_us=4_000_000)
    plan = plan_camera(world.database, world.cache, CAMERA, at_us(5), at_us(140), now_us=world.now_us)
    (file,) = plan.files
    assert not plan.problems
    assert (file.start_us, file.end_us) == (at_us(0), pytest.approx(at_us(140), abs=1_000_000))
    gaps = [(g.start_us, g.end_us, g.cause, g.cause_class) for g in plan.covered.gaps]
    assert gaps == [
        (at_us(17), at_us(20), Cause.CORRUPT, "network"),
        (at_us(45), at_us(70), Cause.CORRUPT, "network"),
        (at_us(108), at_us(110), Cause.CORRUPT, "network"),
    ]
    cut = plan_camera(world.database, world.cache, CAMERA, at_us(5), at_us(50), now_us=world.now_us)
    # It ends with what there is, not with the hole behind it.
    assert cut.files[0].end_us == at_us(45)


def test_the_hour_of_a_camera_that_loses_in_each_second(make: Make) -> None:
    """Ten minutes of it: planned in a moment all the same."""
    import time

    world = make(count=1500, lost=frozenset(range(8, 1500, 10)), segment_us=30_000_000)
    began = time.process_time()
    clip = plan_clip(world.database, world.cache, CAMERA, at_us(0), at_us(1500))
    took_s = time.process_time() - began
    assert len(clip.spans) == 150 and clip.frames == 150 * 8
    assert took_s < 2.0
    clip.close()
