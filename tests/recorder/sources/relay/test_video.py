"""What FFmpeg gets of a lossy track: whole frames that can be decoded, with a mark where others are missing; the same
as the native source makes of it."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.demo.rtsp.rtp import h264_payloads, h265_payloads
from nvr.recorder.sources.relay.video import LossMark, RelayedVideo, can_judge
from nvr.recorder.sources.rtp import sdp
from nvr.recorder.sources.rtp.frame import CodedFrame
from nvr.recorder.sources.rtsp.client import RtspTrack
from nvr.recorder.sources.rtsp.receiving import Clocks, VideoReceiver
from tests.cameras.clips import Clip, ClipSpec, clip
from tests.nightly import examples

STEP_US = 4_000


def film(codec: str, b_frames: int = 0) -> Clip:
    return clip(ClipSpec(codec=codec, frames=100, group=10, b_frames=b_frames, bit_rate_bps=600_000))  # type: ignore[arg-type]


def media(codec: str) -> sdp.Media:
    return sdp.Media("video", 96, "H264" if codec == "h264" else "H265", 90_000)


def packets(codec: str, b_frames: int = 0, *, markers: bool = True) -> list[bytes]:
    pack = h264_payloads if codec == "h264" else h265_payloads
    made: list[bytes] = []
    for unit in film(codec, b_frames).video.units:
        payloads = pack(unit.payload, 300)
        for n, payload in enumerate(payloads, 1):
            kind = 96 | (0x80 if markers and n == len(payloads) else 0)
            made.append(struct.pack("!BBHII", 0x80, kind, (60_000 + len(made)) & 0xFFFF, unit.pts, 7) + payload)
    return made


def natively(codec: str, sent: list[bytes]) -> list[tuple[bytes, str]]:
    """The frames that the native source takes out of packets, each with its loss."""
    found: list[tuple[bytes, str]] = []
    now_us = [0]

    def take(picture: CodedFrame, ticks: int, at_us: int, waited_us: int) -> None:
        found.append((picture.data, picture.loss))

    clocks = Clocks(lambda: now_us[0], lambda: now_us[0])
    receiver = VideoReceiver(RtspTrack(media(codec), "", 0, 1), 1, clocks, take, lambda *_: None, lambda: None)
    for packet in sent:
        now_us[0] += STEP_US
        receiver.on_rtp(memoryview(packet))
    receiver.end()
    return found


def relayed(codec: str, sent: list[bytes]) -> tuple[list[bytes], LossMark, RelayedVideo]:
    """The packets that FFmpeg gets."""
    mark = LossMark()
    video = RelayedVideo(media(codec), mark)
    passed: list[bytes] = []
    for number, packet in enumerate(sent, 1):
        passed += video.take(memoryview(packet), number * STEP_US)
    return [*passed, *video.end(len(sent) * STEP_US)], mark, video


def as_ffmpeg_reads(codec: str, passed: list[bytes], mark: LossMark) -> list[tuple[bytes, str]]:
    """The frames in these packets, with what the marks in them say."""
    found: list[tuple[bytes, str]] = []
    for data, _ in natively(codec, passed):
        loss, kept, at = "", b"", 0
        while at < len(data):
            size = int.from_bytes(data[at : at + 4])
            unit = data[at + 4 : at + 4 + size]
            at += 4 + size
            said = mark.read(codec, unit)
            loss, kept = (said, kept) if said is not None else (loss, kept + size.to_bytes(4) + unit)
        found.append((kept, loss))
    return found


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_without_loss_nothing_changes(codec: str) -> None:
    sent = packets("h264" if codec == "h264" else "h265")
    passed, _, _ = relayed(codec, sent)
    assert passed == sent


@given(
    codec=st.sampled_from([("h264", 0), ("h264", 1), ("hevc", 0)]),
    markers=st.booleans(),
    lost=st.lists(st.tuples(st.integers(0, 999), st.integers(1, 12)), max_size=6),
    swapped=st.lists(st.integers(0, 999), max_size=4),
    seed=st.integers(0, 9),
)
@settings(max_examples=examples(60, 2_000), deadline=None)
def test_property_loss_is_judged_as_natively(
    codec: tuple[str, int], markers: bool, lost: list[tuple[int, int]], swapped: list[int], seed: int
) -> None:
    """Whatever is lost or out of order: the same frames, with the same losses, in the same order."""
    name, b_frames = codec
    sent = packets("h264" if name == "h264" else "h265", b_frames, markers=markers)
    gone = {(at * len(sent) // 1000) + n for at, count in lost for n in range(count)}
    kept = [packet for number, packet in enumerate(sent) if number not in gone]
    for at in swapped:
        at = at * (len(kept) - 1) // 1000
        kept[at : at + 2] = reversed(kept[at : at + 2])
    if seed == 0:
        # Some come twice.
        kept = [packet for packet in kept for _ in range(1 + (random.Random(len(kept)).random() < 0.1))]
    expected = natively(name, kept)
    passed, mark, _ = relayed(name, kept)
    found = as_ffmpeg_reads(name, passed, mark)
    # What came before the first keyframe is FFmpeg's to leave out, and so are the last frame's remains.
    assert [frame for frame, _ in found] == [frame for frame, _ in expected]
    assert [loss for _, loss in found][1:] == [loss for _, loss in expected][1:]


def test_another_sender_is_left_out() -> None:
    sent = packets("h264")
    foreign = [struct.pack("!BBHII", 0x80, 0xE0, n * 7, 777_777, 99) + b"\x61" * 50 for n in range(20)]
    mixed = [
        packet for n, packet in enumerate(sent) for packet in ([packet, foreign[n % 20]] if n % 9 == 5 else [packet])
    ]
    assert relayed("h264", mixed)[0] == sent


def test_the_last_frame_is_passed_on_before_a_goodbye() -> None:
    """It may have no marker, and FFmpeg takes nothing after the goodbye."""
    sent = packets("h264")
    sent[-1] = sent[-1][:1] + bytes((sent[-1][1] & 0x7F,)) + sent[-1][2:]
    video = RelayedVideo(media("h264"), LossMark())
    passed: list[bytes] = []
    for number, packet in enumerate(sent, 1):
        passed += video.take(memoryview(packet), number * STEP_US)
    assert passed != sent
    assert video.report(memoryview(struct.pack("!BBHI", 0x81, 203, 1, 99)), 1) == ([], True)
    last, is_report = video.report(memoryview(struct.pack("!BBHI", 0x81, 203, 1, 7)), 1)
    assert is_report and passed + last == sent


def test_what_is_not_understood_is_passed_on() -> None:
    """Of a stream that makes no sense here FFmpeg may make some: after a loss five seconds later, with the mark."""
    sent = [struct.pack("!BBHII", 0x80, 0x60, n, n * 900, 7) + b"\x1e" + bytes(40) for n in range(2_000) if n != 300]
    passed, mark, video = relayed("h264", sent)
    assert video.sequence.lost == 1
    assert [packet[12:] for packet in passed if mark.read("h264", packet[12:]) is None] == [p[12:] for p in sent]
    assert sum(mark.read("h264", packet[12:]) == "network" for packet in passed) == 1


def test_memory_is_bounded() -> None:
    video = RelayedVideo(media("h264"), LossMark())
    fragment = b"\x7c\x05" + bytes(60_000)
    passed = 0
    for number in range(400):
        data = struct.pack("!BBHII", 0x80, 0x60, number, 0, 7) + (
            b"\x7c\x85" + b"\x88" * 10 if not number else fragment
        )
        passed += len(video.take(memoryview(data), number))
        assert video.held_bytes <= 9 << 20
    assert passed > 200


def test_interleaved_units_are_not_judged() -> None:
    parameters = {"packetization-mode": "2"}
    assert not can_judge(sdp.Media("video", 96, "H264", 90_000, parameters=parameters))
    assert can_judge(media("h264")) and can_judge(media("hevc"))
