"""Clips: exactly the frames of the range, once, in order, at their times; and bytes that can be asked for in any
pieces."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvr.playback.clip import clip as clip_module
from nvr.playback.clip.clip import Clip, Gaps, plan_clip
from nvr.playback.errors import ClipTooLong, FootageDamaged, FootageGone, GapTooLong, NoFootage, SeveralInits
from storage.catalogue import segments
from tests.nightly import examples
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import encode
from tests.playback.worlds import GAP_US, World, decoded, ffmpeg_complaints, make_world

Worlds = Callable[..., World]
FRAME_US = 100_000


def clip_of(world: World | Studio, start_us: int, end_us: int, gaps: Gaps = "collapse") -> Clip:
    studio = world.studio if isinstance(world, World) else world
    return plan_clip(studio.database, studio.cache, CAMERA, start_us, end_us, gaps=gaps)


def whole(clip: Clip) -> bytes:
    with clip:
        return clip.read(0, clip.size - 1)


def ranges(world: World, count: int, seed: int) -> list[tuple[int, int]]:
    """Random ranges; half of their ends are exactly on, or a microsecond before or after, a frame or the border of a
    file."""
    chance = random.Random(seed)
    points = [frame.wall_us for frame in world.frames]
    points += [part.key.start_us for run in world.runs for part in run.parts] * 5

    def point() -> int:
        if chance.random() < 0.5:
            return chance.choice(points) + chance.choice((-1, 0, 0, 1))
        return chance.randint(START_US - 1_000_000, world.end_us + 1_000_000)

    found: list[tuple[int, int]] = []
    while len(found) < count:
        start_us, end_us = sorted((point(), point()))
        if end_us - start_us > FRAME_US * 2:
            found.append((start_us, end_us))
    return found


def check(world: World, start_us: int, end_us: int, gaps: Gaps) -> bytes | None:
    """A clip of the range holds what it should, or there is none to hold."""
    expected = world.expected(start_us, end_us)
    if not expected:
        with pytest.raises(NoFootage):
            clip_of(world, start_us, end_us, gaps)
        return None
    clip = clip_of(world, start_us, end_us, gaps)
    data = whole(clip)
    shown = decoded(data)
    assert [number for number, _ in shown] == [frame.number for frame in expected]
    assert clip.frames == len(expected)
    assert clip.start_us == expected[0].wall_us
    assert clip.end_us <= end_us + FRAME_US * 1.2
    assert 0 <= clip.preroll_us <= 10 * FRAME_US * 1.2
    times = [time for _, time in shown]
    assert times[0] == 0.0
    pairs = list(zip(expected, times, strict=True))
    for (before, t), (after, u) in itertools.pairwise(pairs):
        wall_s = (after.wall_us - before.wall_us) / 1e6
        if before.epoch == after.epoch and wall_s < 0.15:
            # Within a run media time counts; clocks are at most 500 ppm apart, times are rounded to ticks.
            assert u - t == pytest.approx(wall_s, abs=2e-4)
        elif gaps == "collapse":
            assert 0.05 < u - t < 0.15
    if gaps == "keep":
        for frame, time in pairs:
            assert time == pytest.approx((frame.wall_us - expected[0].wall_us) / 1e6, abs=0.02)
    return data


@pytest.mark.parametrize("codec", ["h264", "h264b", "h264open", "h265", "h265b"])
@pytest.mark.parametrize("gaps", ["collapse", "keep"])
def test_exactly_the_frames_of_the_range(world_of: Worlds, codec: str, gaps: Gaps, tmp_path: Path) -> None:
    world = world_of(codec)
    for number, (start_us, end_us) in enumerate(ranges(world, examples(16, 200), seed=1)):
        data = check(world, start_us, end_us, gaps)
        # FFmpeg's decoder complains of any random access into an open group of H.264.
        if data is not None and number % 8 == 0 and codec != "h264open":
            path = tmp_path / "clip.mp4"
            path.write_bytes(data)
            assert ffmpeg_complaints(path) == ""


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_where_recorders_overlap_every_moment_is_shown_once(world_of: Worlds, codec: str, tmp_path: Path) -> None:
    world = world_of(codec, overlap=True)
    assert len({epoch for *_, epoch in world.shown}) == 5
    for number, (start_us, end_us) in enumerate(ranges(world, examples(16, 200), seed=2)):
        # Ranges that begin within the change-over are shown from the recorder in charge; the others are by the rule.
        if any(a - 10 * FRAME_US < start_us < a + 10 * FRAME_US for a, _, epoch in world.shown if epoch in (1, 9)):
            continue
        data = check(world, start_us, end_us, "collapse")
        if data is not None and number % 8 == 0:
            (tmp_path / "clip.mp4").write_bytes(data)
            assert ffmpeg_complaints(tmp_path / "clip.mp4") == ""


@pytest.mark.parametrize("codec", ["h264b", "h265b"])
def test_where_recorders_overlap_reordered_frames_play(world_of: Worlds, codec: str, tmp_path: Path) -> None:
    world = world_of(codec, overlap=True)
    data = whole(clip_of(world, START_US, world.end_us))
    numbers = [number for number, _ in decoded(data)]
    expected = [frame.number for frame in world.expected(START_US, world.end_us)]
    # At a change-over, frames that refer to one past it are left out; nothing is shown twice or out of order.
    assert [number for number in expected if number in set(numbers)] == numbers
    # Three at most each time.
    assert len(expected) - len(numbers) <= 6
    (tmp_path / "clip.mp4").write_bytes(data)
    assert ffmpeg_complaints(tmp_path / "clip.mp4") == ""


@pytest.mark.parametrize("codec", ["h264", "h265", "h264b"])
@pytest.mark.parametrize("apart_us", [-50_000, -1, 0, 1, 5_000, 120_000, 400_000])
def test_a_camera_that_moves_is_shown_once(tmp_path: Path, codec: str, apart_us: int) -> None:
    """A worker records a camera before the other lets it go, by a clock that begins anew: it says that a frame was so
    much later than the other worker does. Each frame is in the clip once."""
    film = encode(codec, 100, jitter=500)
    studio = Studio(tmp_path)
    one = studio.record(dataclasses.replace(film, packets=film.packets[:63], pts=film.pts[:63]), START_US)
    same_us = next(frame.wall_us for frame in one.frames if frame.number == 40)
    own = dataclasses.replace(film, packets=film.packets[40:], pts=film.pts[40:])
    two = studio.record(own, same_us + apart_us, epoch=2, first=40)
    gaps: tuple[Gaps, ...] = ("collapse", "keep")
    for kind in gaps:
        assert [number for number, _ in decoded(whole(clip_of(studio, START_US, two.end_us, kind)))] == [*range(100)]
    # Ranges that abut anywhere around the change-over, too.
    for cut_us in range(same_us - 3 * FRAME_US, same_us + 6 * FRAME_US, FRAME_US // 3):
        both = (clip_of(studio, START_US, cut_us), clip_of(studio, cut_us, two.end_us))
        numbers = [number for clip in both for number, _ in decoded(whole(clip))]
        assert sorted(set(numbers)) == sorted(numbers), cut_us
        if codec != "h264b":
            assert numbers == [*range(100)], cut_us


def test_another_keyframe_is_not_the_same(tmp_path: Path) -> None:
    """What another recorder had then was something else: nothing is cut off for it."""
    studio = Studio(tmp_path)
    one = studio.record(encode("h264", 60), START_US)
    at_us = next(frame.wall_us for frame in one.frames if frame.number == 40) + 5_000
    two = studio.record(encode("h264", 30, first=2000), at_us, epoch=2, first=2000)
    numbers = [number for number, _ in decoded(whole(clip_of(studio, START_US, two.end_us)))]
    assert numbers == [*range(41), *range(2000, 2030)]


def test_ranges_that_abut_hold_each_frame_once(world_of: Worlds) -> None:
    world = world_of("h264b")
    chance = random.Random(3)
    cuts = sorted(chance.randint(START_US, world.end_us) for _ in range(40))
    numbers: list[int] = []
    for start_us, end_us in zip([START_US, *cuts], [*cuts, world.end_us], strict=True):
        try:
            numbers += [number for number, _ in decoded(whole(clip_of(world, start_us, end_us)))]
        except NoFootage:
            assert not world.expected(start_us, end_us)
    assert numbers == [frame.number for frame in world.frames]


def test_hours_lost_in_a_gap_can_be_kept(studio: Studio, tmp_path: Path) -> None:
    one = studio.record(encode("h264", 20), START_US)
    hours_us = 11 * 3600 * 1_000_000
    two = studio.record(encode("h264", 20, first=100), one.end_us + hours_us, epoch=2, first=100)
    clip = clip_of(studio, START_US, two.end_us, "keep")
    data = whole(clip)
    shown = decoded(data)
    assert [number for number, _ in shown] == [*range(20), *range(100, 120)]
    assert shown[20][1] == pytest.approx(2 + 11 * 3600, abs=0.001)
    assert len(clip.spans) == 2
    (tmp_path / "clip.mp4").write_bytes(data)
    assert ffmpeg_complaints(tmp_path / "clip.mp4") == ""
    studio.record(encode("h264", 20, first=200), two.end_us + 20 * 3600 * 1_000_000, epoch=3, first=200)
    with pytest.raises(GapTooLong) as caught:
        clip_of(studio, START_US, two.end_us + 21 * 3600 * 1_000_000, "keep")
    assert caught.value.fields == {"gap_s": 72000, "most_s": 47710}


@pytest.mark.parametrize("gaps", ["collapse", "keep"])
def test_sound_is_that_of_the_pictures(world_of: Worlds, gaps: Gaps, tmp_path: Path) -> None:
    world = world_of("h264", audio=True)
    for start_us, end_us in ranges(world, 16, seed=4):
        data = check(world, start_us, end_us, gaps)
        if data is None:
            continue
        path = tmp_path / "clip.mp4"
        path.write_bytes(data)
        assert ffmpeg_complaints(path) == ""
        if gaps == "collapse" and end_us - start_us > 3_000_000:
            pcm = subprocess.run(
                ["ffmpeg", "-v", "error", "-i", str(path), "-vn", "-f", "s16le", "-ac", "1", "-"],
                capture_output=True,
                check=True,
            ).stdout
            video_s = decoded(data)[-1][1] + 0.1
            # Sound of the last moments of a run may never have been written; frames of sound are 64 ms.
            assert video_s - 0.5 < len(pcm) / 2 / 16000 < video_s + 0.2


def test_any_bytes_equal_those_of_the_whole(world_of: Worlds) -> None:
    world = world_of("h264", audio=True)
    clip = clip_of(world, START_US + 1_234_567, world.end_us)
    data = clip.read(0, clip.size - 1)
    assert len(data) == clip.size

    @settings(max_examples=examples(100, 1000), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def property_(draw: st.DataObject) -> None:
        first = draw.draw(st.integers(0, clip.size - 1))
        last = draw.draw(st.integers(first, clip.size - 1))
        assert clip.read(first, last) == data[first : last + 1]

    property_()

    async def streamed(first: int, last: int) -> bytes:
        return b"".join([chunk async for chunk in clip.chunks(first, last)])

    assert asyncio.run(streamed(0, clip.size - 1)) == data
    assert asyncio.run(streamed(17, 5000)) == data[17:5001]
    for first, last in ((-1, 5), (5, 4), (0, clip.size)):
        with pytest.raises(ValueError, match="bytes"):
            clip.read(first, last)
    clip.close()
    with pytest.raises(ValueError, match="closed"):
        clip.read(0, clip.size - 1)


def test_chunks_are_read_in_pieces(world_of: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of("h264")
    monkeypatch.setattr(clip_module, "CHUNK_BYTES", 1000)
    with clip_of(world, START_US, world.end_us) as clip:

        async def lengths() -> list[int]:
            return [len(chunk) async for chunk in clip.chunks()]

        found = asyncio.run(lengths())
        assert max(found) == 1000
        assert sum(found) == clip.size


def test_same_request_same_bytes_same_etag(world_of: Worlds) -> None:
    world = world_of("h264b")
    ask = (START_US + 2_345_678, START_US + 25_000_000)
    one, two = clip_of(world, *ask), clip_of(world, *ask)
    assert one.etag == two.etag
    assert whole(one) == whole(two)
    assert clip_of(world, ask[0], ask[1] + 2 * FRAME_US).etag != one.etag
    assert clip_of(world, *ask, "keep").etag != one.etag
    # Times between two frames ask for the same frames.
    assert clip_of(world, ask[0] + 1, ask[1]).etag == one.etag


def test_a_clip_of_the_past_does_not_change_when_its_file_closes(studio: Studio) -> None:
    growing = studio.growing(encode("h264", 60), START_US, segment_s=100)
    steps = iter(growing)
    for _ in range(7):
        next(steps)
    before = clip_of(studio, START_US, START_US + 2_000_000)
    for _ in steps:
        pass
    growing.close()
    after = clip_of(studio, START_US, START_US + 2_000_000)
    assert before.etag == after.etag
    # The first was planned from a file that has another name now.
    assert whole(before) == whole(after)


def test_a_growing_segment_is_given_as_far_as_it_is_whole(studio: Studio) -> None:
    growing = studio.growing(encode("h264", 60), START_US, segment_s=100)
    for number, _ in enumerate(growing):
        with growing.path.open("ab") as file:
            file.write(b"\x00\x00\x01\x00moof half a fragment")
        shown = decoded(whole(clip_of(studio, START_US, START_US + 60_000_000)))
        assert [n for n, _ in shown] == list(range(len(shown)))
        assert len(shown) == growing.builder.build().video.count
        os.truncate(growing.path, len(growing.data))
        assert number < 12


def test_another_init_is_another_clip(studio: Studio) -> None:
    one = studio.record(encode("h264", 30), START_US)
    two = studio.record(encode("h265", 30, first=100), one.end_us + 1_000_000, epoch=2, first=100)
    three = studio.record(encode("h264", 30, first=200), two.end_us, epoch=3, first=200)
    with pytest.raises(SeveralInits) as caught:
        clip_of(studio, START_US - 5, three.end_us + 5)
    parts = caught.value.parts
    assert [(p.start_us, p.end_us) for p in parts] == [(r.start_us, r.end_us) for r in (one, two, three)]
    assert parts[0].init == parts[2].init != parts[1].init
    numbers = [[n for n, _ in decoded(whole(clip_of(studio, p.start_us, p.end_us)))] for p in parts]
    assert numbers == [list(range(30)), list(range(100, 130)), list(range(200, 230))]


def test_no_footage(world_of: Worlds) -> None:
    world = world_of("h264")
    gap_us = world.runs[0].end_us
    for start_us, end_us in (
        (gap_us, gap_us + GAP_US),
        (START_US - 10, START_US),
        (world.end_us + 1, world.end_us + 2),
    ):
        with pytest.raises(NoFootage) as caught:
            clip_of(world, start_us, end_us)
        assert caught.value.code == "no_footage"
    # A range that begins in the gap is one of the footage after it.
    assert check(world, gap_us + 1_000_000, gap_us + GAP_US + 2_000_000, "collapse") is not None


def test_a_file_that_is_gone_is_told_before_the_first_byte(studio: Studio) -> None:
    run = studio.record(encode("h264", 120), START_US)
    clip = clip_of(studio, START_US, run.end_us)
    run.parts[1].path.unlink()
    with pytest.raises(FootageGone) as caught:
        clip_of(studio, START_US, run.end_us)
    assert caught.value.key == run.parts[1].key
    # What was planned before is given whole all the same; a range that does not need the file too.
    assert len(decoded(whole(clip))) == 120
    assert len(decoded(whole(clip_of(studio, START_US, START_US + 3_900_000)))) == 39


def test_a_file_that_shrinks_breaks_the_clip_off(studio: Studio) -> None:
    run = studio.record(encode("h264", 120), START_US)
    clip = clip_of(studio, START_US, run.end_us)
    os.truncate(run.parts[1].path, 2000)

    async def consume() -> int:
        return sum([len(chunk) async for chunk in clip.chunks()])

    with pytest.raises(FootageDamaged, match="ends at byte"):
        asyncio.run(consume())
    clip.close()


def test_no_descriptor_is_left_open(studio: Studio) -> None:
    run = studio.record(encode("h264", 120), START_US)

    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    whole(clip_of(studio, START_US, run.end_us))
    before = descriptors()
    clip_of(studio, START_US, run.end_us).close()
    clip_of(studio, START_US, run.end_us)
    run.parts[2].path.write_bytes(b"\x00" * 500)
    with pytest.raises(FootageDamaged):
        clip_of(studio, START_US, run.end_us)
    assert descriptors() == before


def test_a_clip_too_long_is_refused(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    run = studio.record(encode("h264", 120), START_US)
    monkeypatch.setattr(clip_module, "_MOST_SAMPLES", 100)
    with pytest.raises(ClipTooLong) as caught:
        clip_of(studio, START_US, run.end_us)
    assert caught.value.fields == {"samples": 120, "most": 100}


def test_a_pruned_beginning_leaves_a_clip_that_begins_later(tmp_path: Path) -> None:
    world = make_world(tmp_path, "h265b", growing=False)
    first = world.runs[0].parts[0]
    with world.studio.database.write() as conn:
        segments.discard(conn, first.key)
    first.path.unlink()
    shown = decoded(whole(clip_of(world, START_US, world.end_us)))
    assert [n for n, _ in shown] == [f.number for f in world.frames if f.wall_us >= world.runs[0].parts[1].key.start_us]
    world.studio.database.close()


def test_ffprobe_reads_it(world_of: Worlds, tmp_path: Path) -> None:
    world = world_of("h265", overlap=False)
    path = tmp_path / "clip.mp4"
    path.write_bytes(whole(clip_of(world, START_US + 10_050_000, START_US + 21_000_000)))
    command = ["ffprobe", "-v", "warning", "-of", "default=nw=1", "-show_entries"]
    entries = "stream=codec_tag_string,nb_frames,duration:stream_tags=creation_time:format=duration"
    done = subprocess.run([*command, entries, str(path)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "codec_tag_string=hvc1" in done.stdout
    assert "TAG:creation_time=2026-09-21T14:13:30.000000Z" in done.stdout
