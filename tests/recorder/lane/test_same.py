"""With the lane and without it, the same bytes at the same times make the same fragments, counts and causes, and leave
the same state."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.recorder.sources.rtsp import source
from tests.recorder.lane.rig import WHY_NOT, SocketWay, Stream, Way, differences, framed, report
from tests.recorder.sources.odd import H264, H265, Camera, packet
from tests.recorder.sources.rtp.test_habits import BOTH, ONLY_H264, ONLY_H265

pytestmark = pytest.mark.skipif(WHY_NOT != "", reason=WHY_NOT)

FAULTS = (
    "lost", "twice", "swapped", "marker", "unmarked", "time", "back", "far", "ssrc", "type", "extension", "padding",
    "empty", "short", "header", "stranger", "junk", "message", "report", "bye", "cut", "behind", "first", "data",
)  # fmt: skip
ASKED = ("counters", "report", "risk", "keep", "poll")


def spoil(rng: random.Random, stream: Stream, made: list[bytes]) -> list[bytes]:
    """What comes of these packets on the wire, with a fault."""
    fault, at = rng.choice(FAULTS), rng.randrange(len(made))
    each = bytearray(made[at])
    before: list[bytes] = []
    after: list[bytes] = []
    if fault == "lost":
        return [framed(one) for number, one in enumerate(made) if number != at]
    if fault == "swapped" and len(made) > 1:
        other = (at + 1) % len(made)
        made[at], made[other] = made[other], made[at]
        return [framed(one) for one in made]
    if fault == "twice":
        after = [framed(bytes(each))]
    elif fault == "marker":
        each[1] ^= 0x80
    elif fault == "unmarked":
        return [framed(bytes((one[0], one[1] & 0x7F)) + one[2:]) for one in made]
    elif fault in ("time", "back", "far"):
        step = {"time": 1, "back": -40_000, "far": 90_000 * 40}[fault]
        each[4:8] = (int.from_bytes(each[4:8], "big") + step & 0xFFFFFFFF).to_bytes(4, "big")
        if fault != "time":
            stream.timestamp = stream.timestamp + step & 0xFFFFFFFF
    elif fault == "ssrc":
        if rng.random() < 0.5:
            stream.ssrc += 1
        each[11] ^= 1
    elif fault == "type":
        each[1] ^= 1
    elif fault == "extension":
        each = bytearray(bytes((0x90,)) + each[1:12] + b"\0\0\0\1abcd" + each[12:])
    elif fault == "padding":
        each = bytearray(bytes((0xA0,)) + each[1:] + b"\0\0\3")
    elif fault == "empty":
        before = [framed(packet(b"", stream.number, stream.timestamp, ssrc=stream.ssrc))]
        stream.number = stream.number + 1 & 0xFFFF
    elif fault == "short":
        del each[rng.randrange(1, len(each)) :]
    elif fault == "header":
        each[12] = rng.randrange(256)
    elif fault == "stranger":
        before = [framed(b"\1\2\3", 9)]
    elif fault == "junk":
        before = [rng.randbytes(rng.randrange(1, 9))]
    elif fault == "message":
        before = [b"RTSP/1.0 200 OK\r\nCSeq: 9\r\n\r\n"]
    elif fault == "report":
        made_of = report(1_700_000_000_000_000) + (rng.randbytes(4) if rng.random() < 0.2 else b"")
        before = [framed(made_of, 1)]
    elif fault == "bye":
        before = [framed(b"\x81\xcb\0\1\0\0\0" + bytes((rng.choice((7, 9)),)), 1)]
    elif fault == "cut":
        return [framed(bytes(one)) for one in made[:at]] + [framed(bytes(each))[: rng.randrange(1, len(each) + 4)]]
    elif fault == "behind":
        payload = stream.sets[-1] if rng.random() < 0.5 else stream.messages()
        after = [framed(packet(payload, stream.number, stream.timestamp, ssrc=stream.ssrc))]
        stream.number = stream.number + 1 & 0xFFFF
    elif fault == "first":
        unit = stream.slice(key=False, first=True, size=20)
        after = [framed(packet(unit, stream.number, stream.timestamp, True, ssrc=stream.ssrc))]
        stream.number = stream.number + 1 & 0xFFFF
    elif fault == "data" and len(each) > 13:
        each[rng.randrange(12, len(each))] = rng.randrange(256)
    return [*map(framed, made[:at]), *before, framed(bytes(each)), *after, *map(framed, made[at + 1 :])]


def compare(reference: Way, lane: Way) -> None:
    """The outcome so far is the same."""
    one, other = reference.outcome, lane.outcome
    assert len(one[0]) == len(other[0])
    for a, b in zip(one[0], other[0], strict=True):
        assert a == b
    assert one[1:] == other[1:]


def compare_state(reference: Way, lane: Way) -> None:
    """So is all that decides how it goes on."""
    assert lane.lane is not None
    lane.lane.leave()
    for name in ("source", "pipeline", "framing"):
        found = list(differences(getattr(reference, name), getattr(lane, name), name, set()))
        assert not found, "\n".join(found[:20])


def pair(codec: str, kind: type[Way] = Way) -> tuple[Way, Way]:
    return Way(codec, has_lane=False), kind(codec, has_lane=True)


def drive(
    codec: str,
    seed: int,
    frames: int,
    faults: float,
    *,
    step_us: int = 40_000,
    recovers: float = 0.0,
    kind: type[Way] = Way,
) -> tuple[Way, Way]:
    """Sends a stream both ways, cut at random, with faults so often, while others ask."""
    rng = random.Random(seed)
    is_real = rng.random() < 0.4
    stream, (reference, lane) = Stream(codec, rng, recovers, is_real=is_real), pair(codec, kind)
    regular = 100 if is_real else 45
    group, size, whole_reads = rng.choice((5, 25, 60)), rng.choice((60, 400, 4_000)), rng.random() < 0.5
    rest, behind_us, drifts = b"", 0, faults > 0 and rng.random() < 0.3
    full_at = rng.randrange(5, 40) if faults and rng.random() < 0.1 else 1 << 30
    reference.disk.full_at = lane.disk.full_at = full_at
    for number in range(frames):
        key = number % (10 if is_real else group) == 0
        payloads = stream.payloads(key=key, slices=rng.choice((1, 1, 1, 2)), size=rng.randrange(20, size))
        made = stream.packets(payloads, step_us * 9 // 100)
        # A while is regular in any case, so that there is something to be odd.
        is_spoilt = number > regular and rng.random() < faults
        data = rest + b"".join(spoil(rng, stream, made) if is_spoilt else map(framed, made))
        if number % 50 == 49:
            data += framed(report(1_700_000_000_000_000 + number * step_us), 1)
        late_us = rng.choice((0, 0, 0, rng.randrange(30_000), rng.randrange(2_000_000) if is_spoilt else 0))
        clock_us = rng.choice((0, 1_000, 700_000)) if is_spoilt and rng.random() < 0.1 else 0
        cuts = [len(data)] if whole_reads else sorted({rng.randrange(len(data) + 1) for _ in range(3)})
        begin = 0
        for cut in cuts:
            for way in (reference, lane):
                way.wait(max(0, step_us + late_us - behind_us) // len(cuts), step_us=clock_us if begin == 0 else 0)
                way.read(data[begin:cut])
            begin = cut
        # What is late now does not make all that follows late; some cameras' clocks drift all the same.
        rest, behind_us = data[begin:], 0 if drifts else late_us
        if rng.random() < 0.1:
            what = rng.choice(ASKED)
            assert reference.ask(what) == lane.ask(what)
        if is_spoilt and rng.random() < 0.3:
            compare_state(reference, lane)
    compare(reference, lane)
    return reference, lane


@given(
    st.sampled_from(["h264", "hevc"]), st.integers(0, 1 << 32), st.sampled_from([0.02, 0.2]), st.booleans(),
    st.sampled_from([0.0, 0.1]), st.sampled_from([Way, SocketWay]),
)  # fmt: skip
@settings(deadline=None)
def test_the_same_comes_of_any_stream(
    codec: str, seed: int, faults: float, learns: bool, recovers: float, kind: type[Way]
) -> None:
    """``learns``: the parameter sets do not say how far frames are reordered."""
    with patch.object(source, "reorder_depth", lambda *_: None) if learns else nullcontext():
        reference, lane = drive(codec, seed, 160, faults, recovers=recovers, kind=kind)
        compare_state(reference, lane)
        reference.end()
        lane.end()
        compare(reference, lane)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("step_us", [40_000, 200_000])
@pytest.mark.parametrize("kind", [Way, SocketWay])
def test_a_good_camera_is_the_extensions(codec: str, step_us: int, kind: type[Way]) -> None:
    """After its first seconds nearly each frame, and nothing but recovery points is handed over."""
    reference, lane = drive(codec, 3, 400, 0.0, step_us=step_us, kind=kind)
    assert lane.lane is not None and reference.ended is lane.ended is None
    counted = lane.pipeline.counted()
    assert counted["by_extension"] > 300 and counted["received"] >= 398
    assert counted.get("handed_over", 0) <= 8


HABITS = [
    *((name, kind, habit) for kind in (H264, H265) for name, habit in BOTH.items()),
    *((name, H264, habit) for name, habit in ONLY_H264.items()),
    *((name, H265, habit) for name, habit in ONLY_H265.items()),
]


class Recorded(Camera):
    """Keeps what it sends."""

    reads: list[bytes]

    def raw(self, data: bytes) -> None:
        self.reads.append(data)


# What it is given by Python is the same lane, behind its sockets.
@pytest.mark.parametrize("way_kind", [pytest.param(Way, marks=pytest.mark.nightly), SocketWay])
@pytest.mark.parametrize(("name", "kind", "habit"), HABITS)
def test_the_same_comes_of_habits(
    name: str, kind: Any, habit: Callable[[Camera, int], None], way_kind: type[Way]
) -> None:
    """Between frames as they should be, so that the lane has to find out each time."""
    codec = "h264" if kind is H264 else "hevc"
    reference, lane = pair(codec, way_kind)
    stream = Stream(codec, random.Random(1))
    odd = Recorded(kind, start=stream.number)
    for number in range(160):
        odd.reads = []
        if number < 60 or number // 8 % 2 or number % 10 == 0:
            payloads = stream.payloads(key=number % 10 == 0, slices=1, size=300)
            odd.read(*odd.packets(number * 3600, payloads))
        else:
            habit(odd, number)
        for data in odd.reads:
            for way in (reference, lane):
                way.read(data)
        for way in (reference, lane):
            way.wait(40_000)
    compare_state(reference, lane)
    reference.end()
    lane.end()
    compare(reference, lane)
    assert lane.lane is not None and lane.lane.frames > 20, name
