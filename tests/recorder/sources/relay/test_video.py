"""What FFmpeg gets of a track: whole frames that can be decoded, packed as they should be, with a mark in front; the
same as the native source makes of it. What makes no sense it gets as it comes."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.demo.rtsp.rtp import h264_payloads, h265_payloads
from nvr.recorder.sources.relay.marks import FrameMark
from nvr.recorder.sources.relay.video import RelayedVideo
from nvr.recorder.sources.rtp import sdp
from nvr.recorder.sources.rtp.frame import CodedFrame
from nvr.recorder.sources.rtsp.client import RtspTrack
from nvr.recorder.sources.rtsp.receiving import Clocks, VideoReceiver
from tests.nightly import examples
from tests.support.cameras.clips import Clip, ClipSpec, clip

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


class Relayed:
    """A track on its way to FFmpeg, by a clock that tests move."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self.now_us = 0
        self.reasons: list[str] = []
        clocks = Clocks(lambda: self.now_us, lambda: self.now_us)
        self.video = RelayedVideo(media(codec), FrameMark(), clocks, self.reasons.append)
        self.passed: list[bytes] = []

    def take(self, sent: Iterable[bytes], step_us: int = STEP_US) -> Relayed:
        for packet in sent:
            self.now_us += step_us
            self.passed += self.video.take(memoryview(packet))
        return self

    def tick(self, after_us: int) -> Relayed:
        self.now_us += after_us
        self.passed += self.video.tick(self.now_us)
        return self

    def end(self) -> Relayed:
        self.passed += self.video.end()
        return self

    def marks(self) -> list[tuple[int, str]]:
        """Those in the packets passed on."""
        found = [self.video.mark.find(self.codec, b"\0\0\1" + packet[12:]) for packet in self.passed]
        return [(mark.number, mark.loss) for marks in found for mark in marks]


def as_ffmpeg_reads(relayed: Relayed) -> list[tuple[bytes, str]]:
    """The frames in the packets passed on, each with the loss that the relay knows by the frame's mark."""
    found: list[tuple[bytes, str]] = []
    mark, codec = relayed.video.mark, relayed.codec
    for data, _ in natively(codec, relayed.passed):
        (seen,) = mark.find(codec, data)
        size = mark.size(codec) + 1
        assert seen.at == 1 and seen.number
        known = relayed.video.taken(seen.number)
        assert known is not None and known.frame.data == data[size:]
        found.append((data[size:], known.frame.loss))
    return found


def test_each_frame_is_passed_on_with_its_mark() -> None:
    for codec, name in (("h264", "h264"), ("hevc", "h265")):
        sent = packets(name)
        relayed = Relayed(codec).take(sent).end()
        assert as_ffmpeg_reads(relayed) == natively(codec, sent)
        assert [number for number, _ in relayed.marks()] == list(range(1, 101))


def test_a_large_unit_is_passed_on_in_parts() -> None:
    """A packet on a connection has two bytes for its size."""
    for codec, name, header in (("h264", "h264", 1), ("hevc", "h265", 2)):
        sets = film(name).video.parameter_sets
        idr = (b"\x65" if codec == "h264" else b"\x26\x01") + b"\x80" + random.Random(1).randbytes(150_000)
        pack = h264_payloads if codec == "h264" else h265_payloads
        payloads = pack([*sets, idr], 1_200)
        sent = [
            struct.pack("!BBHII", 0x80, 96 | (n == len(payloads) - 1) << 7, n, 0, 7) + payload
            for n, payload in enumerate(payloads)
        ]
        relayed = Relayed(codec).take(sent).end()
        assert max(map(len, relayed.passed)) <= 60_000 + 12 + header + 1
        assert as_ffmpeg_reads(relayed) == natively(codec, sent)


@given(
    codec=st.sampled_from([("h264", 0), ("h264", 1), ("hevc", 0)]),
    markers=st.booleans(),
    lost=st.lists(st.tuples(st.integers(0, 999), st.integers(1, 12)), max_size=6),
    swapped=st.lists(st.integers(0, 999), max_size=4),
    seed=st.integers(0, 9),
)
@settings(max_examples=examples(60, 2_000), deadline=None)
def test_property_frames_are_those_of_native(
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
    assert as_ffmpeg_reads(Relayed(name).take(kept).end()) == natively(name, kept)


def test_another_sender_is_left_out() -> None:
    sent = packets("h264")
    foreign = [struct.pack("!BBHII", 0x80, 0xE0, n * 7, 777_777, 99) + b"\x61" * 50 for n in range(20)]
    mixed = [
        packet for n, packet in enumerate(sent) for packet in ([packet, foreign[n % 20]] if n % 9 == 5 else [packet])
    ]
    assert as_ffmpeg_reads(Relayed("h264").take(mixed).end()) == natively("h264", sent)


def test_the_last_frame_is_passed_on_before_a_goodbye() -> None:
    """It may have no marker, and FFmpeg takes nothing after the goodbye."""
    sent = packets("h264")
    sent[-1] = sent[-1][:1] + bytes((sent[-1][1] & 0x7F,)) + sent[-1][2:]
    relayed = Relayed("h264").take(sent)
    assert len(relayed.marks()) == 99
    assert relayed.video.report(memoryview(struct.pack("!BBHI", 0x81, 203, 1, 99))) == ([], True)
    last, is_report = relayed.video.report(memoryview(struct.pack("!BBHI", 0x81, 203, 1, 7)))
    assert is_report and last
    relayed.passed += last
    assert len(relayed.marks()) == 100


def test_a_frame_that_none_follows_soon_is_given_out() -> None:
    """FFmpeg holds a frame until the next one begins: a delimiter says that it is over. The next one has its own time
    all the same."""
    sent = packets("h264")
    ends = [n for n, packet in enumerate(sent, 1) if packet[1] & 0x80]
    # Markers are believed by now.
    relayed = Relayed("h264").take(sent[: ends[11]]).tick(100_000)
    before, pts = len(relayed.passed), film("h264").video.units[11].pts
    delimiter = struct.pack("!BBHII", 0x80, 96, before, pts & 0xFFFFFFFF, 0) + b"\x09\xf0"
    assert relayed.tick(150_000).passed[before:] == [delimiter]
    # Once is enough.
    assert len(relayed.tick(300_000).passed) == before + 1
    relayed.take(sent[ends[11] : ends[12]])
    one, two = relayed.video.taken(12), relayed.video.taken(13)
    assert one is not None and two is not None
    assert (one.begins, two.begins) == (one.ticks, one.ticks) and two.ticks > one.ticks
    assert relayed.video.open_us is None


def test_what_waits_in_ffmpeg_is_known() -> None:
    sent = packets("h264")
    relayed = Relayed("h264").take(sent)
    oldest = relayed.video.taken(60)
    assert oldest is not None and relayed.video.taken(59) is None
    assert oldest.arrived_us < relayed.video.open_us <= relayed.now_us  # type: ignore[operator]
    assert relayed.video.taken(100) is not None


def nonsense(count: int, without: int = -1) -> list[bytes]:
    return [
        struct.pack("!BBHII", 0x80, 0x60, n, n * 900, 7) + b"\x1e" + bytes(40) for n in range(count) if n != without
    ]


def test_what_makes_no_sense_is_passed_on() -> None:
    """Of a stream that makes no sense here FFmpeg may make some: after ten seconds it gets all that came, and from then
    on what comes, with a mark where something is missing."""
    sent = nonsense(2_000, without=1_500)
    relayed = Relayed("h264").take(sent[:10]).tick(0)
    relayed.take(sent[10:1_000], 10_000).tick(0)
    assert not relayed.passed and not relayed.reasons
    relayed.tick(1_000_000)
    (reason,) = relayed.reasons
    assert "no unit of a known type" in reason and relayed.video.is_raw
    relayed.take(sent[1_000:])
    mark = relayed.video.mark
    raw = [packet[12:] for packet in relayed.passed if not mark.find("h264", b"\0\0\1" + packet[12:])]
    assert raw == [packet[12:] for packet in sent]
    assert relayed.marks() == [(0, ""), (0, "network")]


def test_waiting_for_a_keyframe_is_no_nonsense() -> None:
    """What can't be decoded is not passed on, however long it lasts."""
    sent = packets("h264")
    ends = [n for n, packet in enumerate(sent, 1) if packet[1] & 0x80]
    group = sent[ends[0] : ends[8]]
    relayed = Relayed("h264")
    for count in range(20):
        for n, packet in enumerate(group, count * len(group)):
            at = int.from_bytes(packet[4:8]) + count * 8 * 3_600
            relayed.take([packet[:2] + struct.pack("!HI", n & 0xFFFF, at) + packet[8:]])
        relayed.tick(1_000_000)
    assert relayed.video.counts["received"] > 100
    assert not relayed.passed and not relayed.reasons


def test_memory_is_bounded() -> None:
    relayed = Relayed("h264")
    fragment = b"\x7c\x05" + bytes(60_000)
    for number in range(400):
        data = struct.pack("!BBHII", 0x80, 0x60, number, 0, 7) + (
            b"\x7c\x85" + b"\x88" * 10 if not number else fragment
        )
        relayed.take([data])
        assert relayed.video.kept_bytes <= 9 << 20


def test_a_mark_is_found_wherever_it_stands() -> None:
    mark, other = FrameMark(), FrameMark()
    for codec in ("h264", "hevc"):
        for number in (0, 1, 127, 128, 1 << 30):
            unit = mark.unit(codec, number, "network")
            assert len(unit) + 3 == mark.size(codec) and b"\0" not in unit
            data = b"\0\0\1\x09\xf0\0\0\1" + unit + b"\0\0\1\x65\x88"
            assert mark.find(codec, data) == [(number, "network", 5)]
            assert other.find(codec, data) == [] and mark.find(codec, data[:20]) == []
