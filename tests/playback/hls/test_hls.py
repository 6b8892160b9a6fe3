"""Playlists of ranges: they parse, they add up to wall time, and what they name is every frame once."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from nvr.playback.errors import NoFootage
from nvr.playback.hls.hls import recorded_playlist
from nvr.playback.hls.names import GAP_URI, parse_segment_name, parse_zero
from nvr.playback.media import open_media
from storage.catalogue import facts, segments
from storage.causes import Cause
from storage.coverage import one_camera
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import encode
from tests.playback.playlists import Item, parse
from tests.playback.rfc8216 import check
from tests.playback.worlds import GAP_US, SHORT_US, World, decoded, ffmpeg_complaints

Worlds = Callable[..., World]
LATER_US = START_US + 10**12


@dataclass
class Found:
    """What a playlist covers."""

    start_us: int
    end_us: int


def ask(studio: Studio, start_us: int, end_us: int, now_us: int = LATER_US) -> tuple[Found, list[Item]]:
    """The playlist of what is known of the range, checked by what holds for every one."""
    with studio.database.read() as conn:
        as_of_us = one_camera.coverage(conn, CAMERA, start_us, end_us, now_us=now_us).as_of_us
    text = recorded_playlist(studio.database, studio.cache, CAMERA, start_us, as_of_us).text
    check(text)
    parsed = parse(text)
    assert parsed.ended
    assert parsed.head["EXT-X-PLAYLIST-TYPE"] == "VOD"
    # EXT-X-GAP came with version 8.
    assert int(parsed.head["EXT-X-VERSION"]) >= 8
    first_us = at_us = parsed.items[0].time_us
    for item in parsed.items:
        assert item.duration_us is not None
        # Each entry begins where the one before ends; dates have milliseconds.
        assert abs(at_us - item.time_us) <= 1000
        at_us += item.duration_us
    assert not parsed.items[0].gap and not parsed.items[-1].gap
    assert not parsed.items[0].discontinuity
    for before, after in itertools.pairwise(parsed.items):
        assert not (before.gap and after.gap)
        assert after.discontinuity == (after.init != before.init)
    return Found(first_us, at_us), parsed.items


def near(one_us: int, two_us: int) -> bool:
    """Whether two times are the same to the millisecond that dates have."""
    return abs(one_us - two_us) <= 1000


def stretches(studio: Studio, items: list[Item], *, by_run: bool = False) -> list[bytes]:
    """What a player appends between discontinuities: the init, and the bytes of the entries; or by run."""
    found: list[bytes] = []
    epoch = 0
    for item in items:
        if item.gap:
            assert item.uri == GAP_URI
            continue
        key = parse_segment_name(CAMERA, item.uri.removeprefix("segments/"))
        assert key is not None
        if not found or item.discontinuity or (by_run and key.epoch != epoch):
            epoch = key.epoch
            sha = re.fullmatch(r"inits/([0-9a-f]{64})\.mp4", item.init)
            assert sha
            with studio.database.read() as conn:
                init = segments.init(conn, sha[1])
            assert init is not None
            found.append(init.data)
        with open_media(
            studio.database, studio.cache, key, zero_us=parse_zero(item.uri.removeprefix("segments/"))
        ) as media:
            found[-1] += media.read(item.offset, item.offset + item.size - 1)
    return found


def numbers_of(
    studio: Studio, items: list[Item], folder: Path, *, by_ffmpeg: bool = False, by_run: bool = False
) -> list[int]:
    numbers: list[int] = []
    for data in stretches(studio, items, by_run=by_run):
        path = folder / "stretch.mp4"
        path.write_bytes(data)
        if by_ffmpeg:
            assert ffmpeg_complaints(path) == ""
        numbers += [number for number, _ in decoded(path)]
    return numbers


@pytest.mark.parametrize("codec", ["h264", "h264b", "h265", "h265b"])
def test_every_frame_once(world_of: Worlds, codec: str, tmp_path: Path) -> None:
    world = world_of(codec)
    found, items = ask(world.studio, START_US, world.end_us)
    assert near(found.start_us, START_US)
    assert numbers_of(world.studio, items, tmp_path, by_ffmpeg=True) == [frame.number for frame in world.frames]


def test_with_sound(world_of: Worlds, tmp_path: Path) -> None:
    world = world_of("h264", audio=True)
    _, items = ask(world.studio, START_US, world.end_us)
    assert numbers_of(world.studio, items, tmp_path, by_ffmpeg=True) == [frame.number for frame in world.frames]


@pytest.mark.parametrize("overlap", [False, True])
def test_random_ranges(world_of: Worlds, overlap: bool, tmp_path: Path) -> None:
    world = world_of("h264", overlap=overlap)
    chance = random.Random(6)
    for _ in range(40):
        start_us, end_us = sorted(chance.randint(START_US - 3_000_000, world.end_us + 3_000_000) for _ in range(2))
        expected = world.expected(start_us, end_us)
        try:
            found, items = ask(world.studio, start_us, end_us)
        except NoFootage:
            assert not expected
            continue
        # Fragments are not cut: where another recorder takes over, the last one reaches into what it shows, and FFmpeg
        # drops that much.
        numbers = numbers_of(world.studio, items, tmp_path, by_run=overlap)
        if not overlap:
            wanted = [frame.number for frame in expected]
            at = numbers.index(wanted[0]) if wanted else 0
            # From the keyframe on, and up to the end of a fragment.
            assert numbers[at : at + len(wanted)] == wanted
            assert at <= 10
            assert len(numbers) - at - len(wanted) <= 6
        else:
            assert {frame.number for frame in expected} <= set(numbers)
        # It never begins later than there is anything, and less than a group of pictures before what was asked for.
        assert found.start_us < start_us + 1000 or near(found.start_us, expected[0].wall_us)
        assert start_us - found.start_us < 1_100_000
        assert not expected or found.end_us > expected[-1].wall_us


def test_each_gap_is_one_entry(world_of: Worlds) -> None:
    world = world_of("h264")
    one, two, three, four = world.runs
    start_us = START_US - 2_500_000
    found, items = ask(world.studio, start_us, world.end_us + 60_000_000)
    gaps = [item for item in items if item.gap]
    # In front there is nothing to wait for.
    assert [gap.duration_us for gap in gaps] == [GAP_US, SHORT_US]
    assert near(found.start_us, START_US)
    # It is being recorded: what comes after is not known yet, and no gap.
    assert near(found.end_us, four.end_us)
    begins = [two.start_us, four.start_us]
    ends = [one.end_us, three.end_us]
    assert all(near(gap.time_us, at) for gap, at in zip(gaps, ends, strict=True))
    assert all(near(gap.time_us + (gap.duration_us or 0), at) for gap, at in zip(gaps, begins, strict=True))


@pytest.mark.parametrize("codec", ["h264", "h264b"])
@pytest.mark.parametrize("audio", [False, True])
def test_media_time_is_the_position_in_the_playlist(world_of: Worlds, codec: str, audio: bool, tmp_path: Path) -> None:
    """Also over gaps and from run to run: players that know neither gaps nor discontinuities show everything where it
    belongs."""
    world = world_of(codec, audio=audio)
    for start_us in (START_US, START_US + 5_400_000):
        found, items = ask(world.studio, start_us, world.end_us)
        (data,) = stretches(world.studio, items)
        path = tmp_path / "stretch.mp4"
        path.write_bytes(data)
        shown = decoded(path)
        walls = {frame.number: frame.wall_us for frame in world.frames}
        # Those that are reordered are decoded before they are shown, and audio may begin first.
        late = shown[0][1] - (walls[shown[0][0]] - found.start_us) / 1e6
        assert -0.002 < late < 0.7
        apart = [at - (walls[number] - found.start_us) / 1e6 - late for number, at in shown]
        assert max(map(abs, apart)) < (0.7 if audio else 0.25 if codec == "h264b" else 0.04), apart
        assert [at for _, at in shown] == sorted(at for _, at in shown)


def test_the_end_of_the_footage_is_the_end(studio: Studio) -> None:
    run = studio.record(encode("h264", 40), START_US)
    with studio.database.write() as conn:
        facts.set_cause(conn, CAMERA, run.end_us, Cause.UNREACHABLE, {}, node="n1", epoch=1)
    found, _ = ask(studio, START_US, run.end_us + 9_000_000, run.end_us + 5_000_000)
    assert near(found.end_us, run.end_us)


def test_a_break_too_short_to_see_is_bridged(studio: Studio, tmp_path: Path) -> None:
    one = studio.record(encode("h264", 40), START_US)
    two = studio.record(encode("h264", 40, first=100), one.end_us + 33_333, epoch=2, first=100)
    _, items = ask(studio, START_US, two.end_us)
    assert not any(item.gap for item in items)
    assert items[0].duration_us == 4_033_333
    assert numbers_of(studio, items, tmp_path) == [*range(40), *range(100, 140)]


def test_another_init_has_its_map(studio: Studio, tmp_path: Path) -> None:
    one = studio.record(encode("h264", 40), START_US)
    two = studio.record(encode("h265", 40, first=100), one.end_us, epoch=2, first=100)
    _, items = ask(studio, START_US, two.end_us)
    assert len({item.init for item in items}) == 2
    assert numbers_of(studio, items, tmp_path) == [*range(40), *range(100, 140)]


def test_entries_are_about_four_seconds(studio: Studio) -> None:
    run = studio.record(encode("h264", 300), START_US, segment_s=100)
    _, items = ask(studio, START_US, run.end_us)
    assert [item.duration_us for item in items] == [4_000_000] * 7 + [2_000_000]


def test_where_bytes_are_many_an_entry_is_one_group(studio: Studio) -> None:
    # Pictures of noise, so that a second is more than half a megabyte.
    run = studio.record(encode("noise", 240, fps=40, gop=40), START_US, segment_s=100)
    _, items = ask(studio, START_US, run.end_us)
    assert [item.duration_us for item in items[:-1]] == [1_000_000] * 5


def test_a_file_that_is_gone_is_a_gap(studio: Studio, tmp_path: Path) -> None:
    run = studio.record(encode("h264", 120), START_US)
    run.parts[1].path.unlink()
    _, items = ask(studio, START_US, run.end_us)
    assert [(item.gap, item.duration_us) for item in items] == [
        (False, 4_000_000),
        (True, 4_000_000),
        (False, 4_000_000),
    ]
    assert numbers_of(studio, items, tmp_path) == [*range(40), *range(80, 120)]


def test_a_growing_segment_is_there_up_to_what_is_known(studio: Studio, tmp_path: Path) -> None:
    growing = studio.growing(encode("h264", 100), START_US)
    seen = 0
    for _ in growing:
        found, items = ask(studio, START_US, START_US + 60_000_000)
        numbers = numbers_of(studio, items, tmp_path)
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= seen
        seen = len(numbers)
        assert near(found.end_us, growing.end_us)
    assert seen == 100


def test_nothing_to_play(studio: Studio) -> None:
    with pytest.raises(NoFootage):
        ask(studio, START_US, START_US + 5)
