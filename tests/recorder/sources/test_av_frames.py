"""What comes out behind FFmpeg: the relay's own frames by their marks; and of what FFmpeg read by itself only what can
be decoded as far as can be seen."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from fractions import Fraction
from types import SimpleNamespace

import av
import pytest

from nvr.demo.rtsp.rtp import h264_payloads, h265_payloads
from nvr.recorder.sources.av_frames import VideoEdge
from nvr.recorder.sources.relay.marks import FrameMark
from nvr.recorder.sources.relay.video import RelayedVideo
from nvr.recorder.sources.rtp import sdp
from tests.recorder.sources.harness import Sink
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.frames import nals_hash

CODE = b"\0\0\0\1"


@pytest.fixture(params=["h264", "h265"])
def film(request: pytest.FixtureRequest) -> Clip:
    return clip(ClipSpec(codec=request.param, frames=100, group=10, bit_rate_bps=600_000))


def stream(film: Clip) -> SimpleNamespace:
    """What FFmpeg says of the stream."""
    sets = b"".join(CODE + unit for unit in film.video.parameter_sets)
    name = "h264" if film.video.codec == "h264" else "hevc"
    return SimpleNamespace(codec_context=SimpleNamespace(name=name, extradata=sets))


def packet(units: Iterable[bytes], number: int) -> av.Packet:
    made = av.Packet(b"".join(CODE + unit for unit in units))
    made.pts = made.dts = 3_600 * number
    made.time_base = Fraction(1, 90_000)
    return made


def edge(film: Clip, relayed: RelayedVideo | None = None) -> tuple[VideoEdge, Sink]:
    sink = Sink()
    return VideoEdge(stream(film), sink, 10_000_000, relayed, has_audio=False), sink


def hashes(film: Clip, numbers: Iterable[int]) -> list[str]:
    return [nals_hash(film.video.codec, film.video.units[number].payload) for number in numbers]


def test_what_ffmpeg_read_comes_out(film: Clip) -> None:
    read, sink = edge(film)
    for number, unit in enumerate(film.video.units):
        read.take(packet(unit.payload, number))
    read.end()
    assert sink.hashes == hashes(film, range(100))
    assert [got.pts for got in sink.video] == [3_600 * number for number in range(100)]
    assert [got.keyframe for got in sink.video] == [number % 10 == 0 for number in range(100)]


def test_what_no_decoder_takes_does_not(film: Clip) -> None:
    """Frames before the first keyframe, one without its first slice, types that do not exist; and what refers to
    them."""
    read, sink = edge(film)
    h264 = film.video.codec == "h264"
    for number, unit in enumerate(film.video.units):
        units = list(unit.payload)
        if number == 25:
            # As a slice behind another one.
            at = 1 if h264 else 2
            units[-1] = units[-1][:at] + bytes((units[-1][at] & 0x7F | 0x40,)) + units[-1][at + 1 :]
        if number == 47:
            units = [(b"\x1e" if h264 else b"\x7a\x01") + bytes(40)]
        if number >= 5:
            read.take(packet(units, number))
    read.end()
    # That nothing is there of frame 47 is seen by what the next one says of its order.
    assert sink.hashes == hashes(film, [n for n in range(10, 100) if n not in (*range(25, 30), *range(47, 50))])
    assert [got.loss for got in sink.video if got.loss] == ["camera", "camera"]


def relayed_of(film: Clip) -> RelayedVideo:
    name = "H264" if film.video.codec == "h264" else "H265"
    return RelayedVideo(sdp.Media("video", 96, name, 90_000), FrameMark())


@pytest.mark.parametrize("in_front", [True, False], ids=["in front", "in the middle"])
def test_what_is_missing_in_it_is_known_by_a_mark(film: Clip, *, in_front: bool) -> None:
    """From the mark on nothing comes out up to the next keyframe, if it says of a frame that it is missing. In the
    middle of one it says that this one was hit."""
    relayed = relayed_of(film)
    read, sink = edge(film, relayed)
    codec = "h264" if film.video.codec == "h264" else "hevc"
    for number, unit in enumerate(film.video.units):
        units = list(unit.payload)
        if number == 0:
            units.insert(0, relayed.mark.unit(codec, 0))
        if number == 23:
            lost = relayed.mark.unit(codec, 0, "network")
            units = [lost, *units] if in_front else [*units, lost]
        if number != 22 or not in_front:
            read.take(packet(units, number))
    read.end()
    assert read.is_raw
    assert sink.hashes == hashes(film, [*range(22 if in_front else 23), *range(30, 100)])
    assert [got.loss for got in sink.video if got.loss] == ["network"]
    assert all(relayed.mark.find(codec, got.data) == [] for got in sink.video)


def test_pieces_without_a_mark_are_of_the_frame_before(film: Clip) -> None:
    """FFmpeg's parsers cut frames as they see fit, and join them: the relay's are whole."""
    relayed = relayed_of(film)
    read, sink = edge(film, relayed)
    codec = "h264" if film.video.codec == "h264" else "hevc"
    pack, numbers, count = h264_payloads if codec == "h264" else h265_payloads, [], 0
    for unit in film.video.units:
        payloads = pack(unit.payload, 1_200)
        for at, payload in enumerate(payloads, 1):
            head = struct.pack("!BBHII", 0x80, 96 | (at == len(payloads)) << 7, count, unit.pts & 0xFFFFFFFF, 7)
            passed = relayed.take(memoryview(head + payload))
            count += 1
            numbers += [mark.number for data in passed for mark in relayed.mark.find(codec, CODE + data[12:])]
    assert numbers == list(range(1, 101))
    for number in range(0, 100, 2):
        # Two of the relay's in one, of which the first lacks all but its mark, and a piece behind.
        one, two = (relayed.mark.unit(codec, number + n) for n in (1, 2))
        # What has not come out has not come, as far as is counted.
        assert relayed.counts["received"] == number
        read.take(packet([one, two, *film.video.units[number + 1].payload[:1]], number))
        read.take(packet([b"\x0c\xff\x80"], number))
    read.end()
    assert not read.is_raw
    assert sink.hashes == hashes(film, range(100))
    assert [got.pts - sink.video[0].pts for got in sink.video] == [3_600 * number for number in range(100)]
