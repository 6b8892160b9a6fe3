"""Several cameras in one answer: every frame of a range once, at its own time; keyframes and times of frames."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable

import av
import pytest

from nvr.playback.errors import FootageGone
from nvr.playback.tiles.keyframes import frame_times, keyframe_at, keyframe_times, read_keyframe
from nvr.playback.tiles.merged import InitMessages, TileAsked, TileStream, keyframe_messages
from storage.catalogue import segments
from storage.intervals import Interval
from tests.playback.footage import CAMERA, START_US, Studio
from tests.playback.frames import encode, number_of
from tests.playback.tile_messages import Message, messages, playable
from tests.playback.worlds import GOP, World, decoded

S = 1_000_000


def streamed(
    studio: Studio, start_us: int, end_us: int, *, origin_us: int = START_US - 50 * S, tiles: int = 1, have: str = ""
) -> list[Message]:
    asked = [TileAsked(number, CAMERA, (Interval(start_us, end_us),)) for number in range(tiles)]
    source = TileStream(studio.database, studio.cache, asked, origin_us=origin_us, have=[have] if have else [])
    return list(messages(b"".join(iter(source.produce, b""))))


@pytest.mark.parametrize("codec", ["h264", "h264b", "h265"])
def test_every_frame_of_a_range_comes_once_at_its_time(world_of: Callable[..., World], codec: str) -> None:
    world = world_of(codec)
    origin_us = START_US - 50 * S
    chance = random.Random(11)
    for _ in range(6):
        start_us = chance.randint(START_US - S, world.end_us - S)
        end_us = chance.randint(start_us + 1, world.end_us + S)
        found = streamed(world.studio, start_us, end_us, origin_us=origin_us)
        assert [one.kind for one in found][-1] == "end"
        expected = world.expected(start_us, end_us)
        if not expected:
            continue
        wall_of = {frame.number: frame.wall_us for frame in world.frames}
        shown = decoded(playable(found, 0))
        numbers = [number for number, _ in shown]
        assert len(numbers) == len(set(numbers)), "a frame came twice"
        assert {frame.number for frame in expected} <= set(numbers)
        # Beside them only what stands before, from the keyframe on, and the rest of the last fragment.
        assert numbers[0] % GOP == 0
        for number, time_s in shown:
            # A run's clock may drift by as much as it is let before it is anchored again.
            assert abs(time_s * S + origin_us - wall_of[number]) < 1_000


def test_with_sound_each_track_counts_from_the_same_zero(world_of: Callable[..., World]) -> None:
    world = world_of("h264", audio=True)
    found = streamed(world.studio, START_US, world.runs[0].end_us)
    (init,) = [one.init for one in found if one.init is not None]
    assert init["audio"] == "mp4a.40.2" and init["video"].startswith("avc1.")
    with av.open(io.BytesIO(playable(found, 0))) as container:
        first = {packet.stream.type: packet.pts * packet.time_base for packet in reversed(list(container.demux()))
                 if packet.pts is not None}  # fmt: skip
    assert abs(first["video"] - first["audio"]) < 0.2


def test_gaps_are_said_and_cameras_come_side_by_side(world_of: Callable[..., World]) -> None:
    world = world_of("h264")
    first, second = world.runs[:2]
    found = streamed(world.studio, START_US, second.end_us, tiles=3)
    for tile in range(3):
        mine = [one for one in found if one.tile == tile]
        (gap,) = [one for one in mine if one.kind == "gap"]
        assert abs(gap.start_us - first.end_us) < 2 and abs(gap.end_us - second.start_us) < 2
        assert [one.kind for one in mine].count("end") == 1
        assert playable(found, tile)[: len(mine[0].data)] == mine[0].data
    starts = [one.start_us for one in found if one.kind == "fragment"]
    assert starts == sorted(starts), "one camera runs ahead of another"
    # The init comes once for all three that need it, and not to who has it.
    assert [len(one.data) > 0 for one in found if one.kind == "init"] == [True, False, False]
    init = next(one.init for one in found if one.init is not None)
    assert all(not one.data for one in streamed(world.studio, START_US, second.end_us, have=init["id"])
               if one.kind == "init")  # fmt: skip


def test_a_lost_file_is_said_and_hides_nothing_else(studio: Studio) -> None:
    run = studio.record(encode("h264", 120, gop=GOP), START_US, segment_s=4.0)
    run.parts[1].path.unlink()
    found = streamed(studio, START_US, run.end_us)
    lost = [one for one in found if one.kind == "lost"]
    assert min(one.start_us for one in lost) == run.parts[1].key.start_us
    assert max(one.end_us for one in lost) == run.parts[1].end_us
    there = {number for number, _ in decoded(playable(found, 0))}
    gone = {frame.number for frame in run.frames if run.parts[1].key.start_us <= frame.wall_us < run.parts[1].end_us}
    assert there == {frame.number for frame in run.frames} - gone


def test_only_what_was_granted_comes(world_of: Callable[..., World]) -> None:
    world = world_of("h264")
    run = world.runs[0]
    parts = (Interval(run.start_us + 2 * S, run.start_us + 3 * S), Interval(run.start_us + 8 * S, run.start_us + 9 * S))
    source = TileStream(
        world.studio.database, world.studio.cache, [TileAsked(0, CAMERA, parts)], origin_us=START_US - S
    )
    found = list(messages(b"".join(iter(source.produce, b""))))
    for number, _ in decoded(playable(found, 0)):
        wall_us = next(frame.wall_us for frame in run.frames if frame.number == number)
        # From the keyframe before, which it can't be decoded without, to the end of the fragment.
        assert any(a - GOP * S // 10 <= wall_us < b + S for a, b in parts)


@pytest.mark.parametrize("codec", ["h264", "h264b", "h265"])
def test_the_keyframe_of_any_moment(world_of: Callable[..., World], codec: str) -> None:
    world, chance = world_of(codec), random.Random(3)
    studio = world.studio
    for at_us in [chance.randint(START_US - S, world.end_us) for _ in range(60)]:
        run = next((run for run in world.runs if run.start_us <= at_us < run.end_us), None)
        found = keyframe_at(studio.database, studio.cache, CAMERA, at_us)
        if run is None:
            assert found is None
            continue
        assert found is not None and found.start_us <= at_us < found.end_us
        keys = [frame.wall_us for frame in run.frames if frame.number % GOP == 0]
        assert found.start_us == max(at for at in keys if at <= at_us)
        with studio.database.read() as conn:
            init = segments.init(conn, found.segment.init)
        assert init is not None
        assert number_of_sample(init.data, read_keyframe(studio.cache, found)) % GOP == 0


def number_of_sample(init: bytes, sample: bytes) -> int:
    """The number in the picture of a keyframe, by a fragment of that one sample as a browser makes it."""

    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(body), kind) + body

    def moof(offset: int) -> bytes:
        trun = struct.pack(">IIIIII", 0x701, 1, offset, 9000, len(sample), 0x02000000)
        traf = box(b"tfhd", struct.pack(">II", 0x20000, 1)) + box(b"tfdt", struct.pack(">IQ", 0x1000000, 0))
        return box(b"moof", box(b"mfhd", struct.pack(">II", 0, 1)) + box(b"traf", traf + box(b"trun", trun)))

    data = init + moof(len(moof(0)) + 8) + box(b"mdat", sample)
    with av.open(io.BytesIO(data)) as container:
        return number_of(next(container.decode(video=0)))


def test_the_keyframes_of_several_moments_come_once_each(world_of: Callable[..., World]) -> None:
    world = world_of("h264")
    studio, run = world.studio, world.runs[0]
    tiles = [TileAsked(0, CAMERA, (Interval(0, 2**62),)), TileAsked(1, CAMERA, (Interval(0, run.start_us + S),))]
    moments = [run.start_us + 100, run.start_us + 200, run.start_us + 5 * S, run.end_us + S]
    inits = InitMessages(studio.database, [])
    found = list(messages(b"".join(keyframe_messages(studio.database, studio.cache, tiles, moments, inits))))
    kinds = [[one.kind for one in found if one.tile == tile] for tile in (0, 1)]
    assert kinds == [["init", "keyframe", "keyframe", "gap"], ["init", "keyframe", "gap", "gap"]]


@pytest.mark.parametrize("codec", ["h264", "h264b", "h265"])
def test_the_times_of_frames_are_their_own(world_of: Callable[..., World], codec: str) -> None:
    world, chance = world_of(codec), random.Random(7)
    studio = world.studio
    for _ in range(20):
        start_us = chance.randint(START_US - S, world.end_us)
        end_us = start_us + chance.randint(1, 20 * S)
        expected = [frame.wall_us for frame in world.frames if start_us <= frame.wall_us < end_us]
        assert frame_times(studio.database, studio.cache, CAMERA, start_us, end_us) == expected
        keys = [
            frame.wall_us for frame in world.frames if start_us <= frame.wall_us < end_us and not frame.number % GOP
        ]
        assert keyframe_times(studio.database, studio.cache, CAMERA, start_us, end_us) == keys


def test_footage_that_is_gone_is_an_error_where_one_moment_is_asked_for(studio: Studio) -> None:
    run = studio.record(encode("h264", 20, gop=GOP), START_US)
    run.parts[0].path.unlink()
    with pytest.raises(FootageGone):
        keyframe_at(studio.database, studio.cache, CAMERA, START_US + 1)
