"""500 random ranges: a clip holds exactly the frames of its range, in order, once, at their times, and nothing else but
what decoding them needs.

Every recorded packet carries the number of its picture, so that clips need only be demuxed; a few are decoded too, and
the numbers in the pictures read.
"""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest

from nvr.playback.clip.clip import Gaps, plan_clip
from nvr.playback.errors import NoFootage
from tests.playback.clip.test_clip import ranges
from tests.playback.footage import CAMERA, Frame
from tests.playback.frames import TICKS, Encoded, encode, id_of, with_ids
from tests.playback.worlds import GOP, World, decoded, make_world

# Pictures and first numbers of the runs of a world, as ``make_world`` records them.
RUNS = ((120, 0), (80, 1000), (80, 2000), (75, 4000))


@dataclass(frozen=True)
class Known:
    """A recorded packet: its bytes, when its picture is shown, its place in decode order."""

    data: bytes
    pts: int
    place: int
    keyframe: bool


def packets_of(codec: str) -> dict[int, Known]:
    """Every recorded packet, by the number it carries."""
    found: dict[int, Known] = {}
    for count, first in RUNS:
        run: Encoded = with_ids(encode(codec, count, first=first, gop=GOP, jitter=500), first)
        for place, (data, pts, _, keyframe) in enumerate(run.packets):
            found[id_of(data)] = Known(data, pts, first + place, keyframe)
    assert len(found) == sum(count for count, _ in RUNS)
    return found


def demuxed(data: bytes) -> list[Any]:
    with av.open(io.BytesIO(data), "r") as container:
        return [packet for packet in container.demux(video=0) if packet.size]


def times(world: World, expected: list[Frame], pts: dict[int, int], gaps: Gaps) -> list[float]:
    """When each frame is to be shown, in seconds: within a run by the camera's clock, from run to run by the wall clock
    or without a pause."""
    ends = {run.frames[-1].number: run.parts[-1].media_end for run in world.runs}
    found: list[float] = []
    last = -1
    for _, group in itertools.groupby(expected, key=lambda frame: frame.epoch):
        run = list(group)
        begin = 0.0
        if found:
            # A run's last frame lasts as long as it was recorded.
            begin = found[-1] + (ends[last] - pts[last]) / TICKS
            if gaps == "keep":
                begin = (run[0].wall_us - expected[0].wall_us) / 1e6
        last = run[-1].number
        found += [begin + (pts[frame.number] - pts[run[0].number]) / TICKS for frame in run]
    return found


@pytest.mark.parametrize("codec", ["h264b", "h265"])
def test_500_random_ranges(tmp_path: Path, codec: str) -> None:
    world = make_world(tmp_path, codec, ids=True)
    known = packets_of(codec)
    pts = {number: packet.pts for number, packet in known.items()}
    clips = shown_frames = 0
    for number, (start_us, end_us) in enumerate(ranges(world, 250, seed=len(codec))):
        gaps: Gaps = "keep" if number % 2 else "collapse"
        expected = world.expected(start_us, end_us)
        if not expected:
            with pytest.raises(NoFootage):
                plan_clip(world.studio.database, world.studio.cache, CAMERA, start_us, end_us, gaps=gaps)
            continue
        with plan_clip(world.studio.database, world.studio.cache, CAMERA, start_us, end_us, gaps=gaps) as clip:
            data = clip.read(0, clip.size - 1)
        packets = demuxed(data)
        numbers = [id_of(bytes(packet)) for packet in packets]
        held = [known[number] for number in numbers]
        assert all(bytes(packet) == recorded.data for packet, recorded in zip(packets, held, strict=True))
        wanted = {frame.number for frame in expected}
        # In decode order and once; what is not of the range is there to be decoded: from a keyframe on, or referred to
        # by later ones.
        places = [packet.place for packet in held]
        assert places == sorted(set(places))
        assert held[0].keyframe
        extra = [number for number in numbers if number not in wanted]
        preroll = [number for number in extra if number < expected[0].number]
        assert len(preroll) < 2 * GOP
        assert len(extra) - len(preroll) <= 2, "no more past the end than the encoder reorders"
        # In order of presentation: exactly the frames of the range, at their times.
        shown = sorted((float(p.pts * p.time_base), n) for p, n in zip(packets, numbers, strict=True) if n in wanted)
        assert [number for _, number in shown] == [frame.number for frame in expected]
        should = times(world, expected, pts, gaps)
        assert max(abs(time - right) for (time, _), right in zip(shown, should, strict=True)) < 0.001
        if number % 12 == 0:
            pictures = decoded(data)
            assert [number for number, _ in pictures] == [frame.number for frame in expected]
            assert max(abs(time - right) for (_, time), right in zip(pictures, should, strict=True)) < 0.001
        clips += 1
        shown_frames += len(shown)
    world.studio.database.close()
    assert clips > 200
    assert shown_frames > 20_000
