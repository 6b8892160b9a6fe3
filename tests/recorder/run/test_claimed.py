"""From packets on the wire to what is claimed: random loss, duplicates, reordering, pauses and jumps of time stamps,
through depacketiser, pipeline, files and catalogue.

Which frames can be decoded follows from which packets came; the files must hold exactly these, and coverage must claim
them and nothing else.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.playback.mapping import TimeMap
from nvr.recorder.media.inits import Template
from nvr.recorder.media.packets import Frame
from nvr.recorder.sources.rtp.h264 import H264Depacketiser
from nvr.recorder.sources.rtp.pictures import CodedFrame as Received
from storage.catalogue.segments import Segment
from storage.causes import Cause
from storage.intervals import Interval, merge, subtract
from tests.nightly import IS_NIGHT
from tests.playback.frames import TICKS, encode
from tests.playback.lossy import FPS, FRAME, GOP, decoded
from tests.recorder.run.test_pipeline import Rig

COUNT = 120
FRAME_US = 1_000_000 // FPS
_MTU = 40
# A still scene is no hole up to here (docs/design/recording.md).
STILL_US = 2_000_000


@dataclass
class Packets:
    """The packets of a stream, each with its frame; which of them come, and when."""

    of_frame: list[list[bytes]] = field(default_factory=list)

    @classmethod
    def of_film(cls) -> Packets:
        made = cls()
        for data, _, _, _ in encode("h264", COUNT, fps=FPS, gop=GOP).packets:
            made.of_frame.append([payload for unit in units(data) for payload in fragments(unit)])
        return made


def units(data: bytes) -> Iterator[bytes]:
    """The NAL units of a sample."""
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 4 + size]
        at += 4 + size


def fragments(unit: bytes) -> Iterator[bytes]:
    """A unit as RTP payloads (RFC 6184): as it is, or in fragments."""
    if len(unit) <= _MTU:
        yield unit
        return
    body = unit[1:]
    for at in range(0, len(body), _MTU):
        flags = (0x80 if at == 0 else 0) | (0x40 if at + _MTU >= len(body) else 0) | (unit[0] & 0x1F)
        yield bytes([unit[0] & 0xE0 | 28, flags]) + body[at : at + _MTU]


FILM = Packets.of_film()
TOTAL = sum(map(len, FILM.of_frame))
# Before it lie the first frame and what the encoder says of itself, of which a part may be lost without harm.
SECOND = len(FILM.of_frame[0])

histories = st.fixed_dictionaries(
    {
        "lost": st.lists(st.tuples(st.integers(SECOND, TOTAL - 1), st.integers(1, 12)), max_size=6),
        "again": st.lists(st.integers(0, TOTAL - 1), max_size=6).map(frozenset),
        "late": st.lists(st.integers(SECOND, TOTAL - 2), max_size=3).map(frozenset),
        "pauses": st.dictionaries(st.integers(15, COUNT - 1),
                                  st.sampled_from([500_000, 1_700_000, 3_000_000, 7_000_000]), max_size=2),
        "jumps": st.dictionaries(st.integers(15, COUNT - 15), st.sampled_from([-2_000_000, 5_000_000, 40_000_000]),
                                 max_size=1),
    }
)  # fmt: skip


def play(rig: Rig, history: dict[str, object]) -> set[int]:
    """Sends it all; returns which frames can be decoded of what came."""
    lost = {at + n for at, count in history["lost"] for n in range(count)}  # type: ignore[attr-defined]
    again, late, pauses, jumps = (history[name] for name in ("again", "late", "pauses", "jumps"))
    film = encode("h264", COUNT, fps=FPS, gop=GOP)
    rig.pipeline.open(Template(film.stream, film))
    receiver, highest = H264Depacketiser(()), -1
    shift, stamps, number = 0, 0, 0
    good: set[int] = set()
    broken = False

    def deliver(received: Sequence[Received], base: int) -> None:
        for each in received:
            ticks = each.timestamp - base
            rig.pipeline.packet(Frame(each.parts, (), Fraction(1, TICKS), ticks, ticks, each.keyframe, each.loss))

    held: list[tuple[int, bytes, int, bool]] = []
    for frame, ((_, pts, _, is_keyframe), payloads) in enumerate(zip(film.packets, FILM.of_frame, strict=True)):
        pause = pauses.get(frame, 0)  # type: ignore[attr-defined]
        rig.wait(pause)
        shift += pause * 9 // 100
        stamps += jumps.get(frame, 0) * 9 // 100  # type: ignore[attr-defined]
        stamp = pts + shift + stamps + 10_000_000
        whole = True
        for index, payload in enumerate(payloads):
            packet = (number, payload, stamp, index == len(payloads) - 1)
            arriving = [packet, *held]
            held = []
            if number in lost:
                arriving, whole = arriving[1:], False
            elif number in late and not {number + 1} & (lost | late):  # type: ignore[operator]
                # Behind the next one: it is not waited for.
                held, arriving, whole = [packet], arriving[1:], False
            elif number in again:  # type: ignore[operator]
                arriving += [packet]
            for sequence, data, timestamp, marker in arriving:
                # As over a connection that nobody puts in order: what is late does not come at all.
                if sequence > highest:
                    missing, highest = sequence - highest - 1, sequence
                    deliver(receiver.feed(memoryview(data), timestamp, marker, missing), 10_000_000)
            number += 1
        broken = (broken and not is_keyframe) or not whole
        if not broken:
            good.add(frame)
        rig.wait(FRAME_US)
    return good


def truth(segments: Sequence[Segment], good: set[int]) -> list[Interval]:
    """Footage by what can be decoded: a frame lasts until the next one if nothing was lost between them and it follows
    soon, else as long as frames do."""
    found: list[Interval] = []
    for segment in segments:
        clock = TimeMap.of(segment)
        frames = decoded(segment.path)
        for place, (number, pts) in enumerate(frames):
            end = pts + FRAME
            if place + 1 < len(frames):
                after, later = frames[place + 1]
                is_still = after == number + 1 and (later - pts) * 100 // 9 <= STILL_US
                if is_still or later - pts <= FRAME + FRAME // 2:
                    end = later
            elif clock.wall_us(end) < segment.end_us and number + 1 in good:
                end = pts + (segment.end_us - clock.wall_us(pts)) * 9 // 100
                if (end - pts) * 100 // 9 > STILL_US:
                    end = pts + FRAME
            found.append(Interval(clock.wall_us(pts), clock.wall_us(end)))
    return merge(found)


@settings(max_examples=1500 if IS_NIGHT else 20, deadline=None)
@given(histories)
def test_coverage_claims_the_frames_that_can_be_decoded(history: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder))
        try:
            good = play(rig, history)
            answer = rig.done()
            numbers = [number for segment in rig.segments for number, _ in decoded(segment.path)]
            # The last frame is held back until the next one begins, which never comes.
            assert set(numbers) | {COUNT - 1} == good | {COUNT - 1}
            assert len(numbers) == len(set(numbers))
            assert not [gap for gap in answer.gaps if gap.cause is Cause.UNKNOWN]
            real = truth(rig.segments, good)
            claimed = [Interval(*span) for span in answer.spans]
            runs = len({segment.run_start_us for segment in rig.segments})
            for one, other in ((claimed, real), (real, claimed)):
                differing = [part for span in one for part in subtract(*span, other)]
                # A frame's time where a run ends; rounding elsewhere.
                assert all(b - a <= FRAME_US + 1000 for a, b in differing), (differing, claimed, real)
                assert sum(b - a > 50 for a, b in differing) <= runs, (differing, claimed, real)
        finally:
            rig.database.close()
