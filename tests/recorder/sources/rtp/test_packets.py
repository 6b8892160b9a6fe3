"""RTP, RTCP and what is put together from payloads."""

from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.loop.arrival import Jitter, Received
from nvr.recorder.sources.rtp import rtcp, rtp
from nvr.recorder.sources.rtp.aac import AacDepacketiser, samples_per_frame
from nvr.recorder.sources.rtp.frame import CodedFrame
from nvr.recorder.sources.rtp.h264 import H264Depacketiser
from nvr.recorder.sources.rtp.h265 import H265Depacketiser
from nvr.recorder.sources.rtp.pictures import Depacketiser
from nvr.recorder.sources.rtp.sdp import Aac
from nvr.recorder.sources.rtp.timing import DecodingTimes
from tests.support.cameras.frames import prefixed, split

IDR, P, B, SPS, PPS = b"\x65\x88idr", b"\x41\x9apic", b"\x01\x9bbi", b"\x67sps", b"\x68pps"


def test_padding_csrc_and_extension() -> None:
    """Checklist 9."""
    head = struct.pack("!BBHII", 0x80 | 0x20 | 0x10 | 2, 0x80 | 96, 5, 6, 7)
    data = head + bytes(8) + struct.pack("!HH", 0xBEDE, 1) + bytes(4) + b"payload" + b"\0\0\3"
    packet = rtp.parse(memoryview(data))
    assert packet is not None and bytes(packet.payload) == b"payload"
    assert (packet.marker, packet.payload_type, packet.sequence, packet.timestamp, packet.ssrc) == (True, 96, 5, 6, 7)
    for broken in (data[:11], b"\x40" + data[1:], data[:22] + b"\xff\xff" + data[24:]):
        assert rtp.parse(memoryview(broken)) is None
    # Padding that can't be right is none; without room for what the header announces there is no payload.
    for text, payload in (
        (data[:-1] + b"\xff", b"payload\0\0\xff"),
        (data[:-1] + b"\0", b"payload\0\0\0"),
        (data[:20], b""),
        (head, b""),
    ):
        packet = rtp.parse(memoryview(text))
        assert packet is not None and bytes(packet.payload) == payload


@given(st.binary(max_size=80))
def test_rtp_fuzz(data: bytes) -> None:
    packet = rtp.parse(memoryview(data))
    assert packet is None or len(packet.payload) <= len(data) - 12
    for report in rtcp.parse(memoryview(data)):
        assert report.ssrc >= 0


def test_timestamp_wrap() -> None:
    """Checklist 9."""
    unwrapper = rtp.Unwrapper()
    assert [unwrapper.unwrap(t & 0xFFFFFFFF) for t in (2**32 - 3000, 2**32 + 600, 2**32 - 100, 2**32 + 5000)] == [
        2**32 - 3000,
        2**32 + 600,
        2**32 - 100,
        2**32 + 5000,
    ]
    assert unwrapper.near(0) == 2**32


class Stream:
    """Numbers payloads and feeds them."""

    def __init__(self, depacketiser: Depacketiser) -> None:
        self.depacketiser = depacketiser
        self._pictures: list[CodedFrame] = []

    def send(self, timestamp: int, *payloads: bytes, marker: bool = True, lost: int = 0) -> None:
        for number, payload in enumerate(payloads):
            ends = marker and number == len(payloads) - 1
            got = self.depacketiser.feed(memoryview(payload), timestamp, ends, lost if number == 0 else 0)
            self._pictures += got

    @property
    def pictures(self) -> list[CodedFrame]:
        """Those that came out, and the open one if it is whole."""
        self._pictures += self.depacketiser.end()
        return self._pictures

    @property
    def times(self) -> list[int]:
        return [picture.timestamp for picture in self.pictures]


def test_h264_forms_of_payload() -> None:
    """Checklist 9: single units, STAP-A, FU-A."""
    stream = Stream(H264Depacketiser())
    stap = b"\x78" + b"".join(struct.pack("!H", len(unit)) + unit for unit in (SPS, PPS))
    stream.send(1, stap, b"\x7c\x85\x88i", b"\x7c\x05d", b"\x7c\x45r")
    stream.send(2, b"\x06\x05\x01sei", P)
    assert [picture.data for picture in stream.pictures] == [
        prefixed(SPS, PPS, IDR),
        prefixed(b"\x06\x05\x01sei", P),
    ]
    assert [picture.keyframe for picture in stream.pictures] == [True, False]


def test_markers_missing_and_superfluous() -> None:
    """Checklist 9."""
    stream = Stream(H264Depacketiser())
    for number in range(1, 5):
        stream.send(number, IDR if number == 1 else P, marker=False)
    assert stream.times == [1, 2, 3, 4] and stream.depacketiser.counts.unmarked == 3
    # Parameter sets with a marker and a timestamp of their own belong to the picture that follows.
    stream = Stream(H264Depacketiser())
    stream.send(1, SPS)
    stream.send(1, PPS)
    stream.send(2, IDR)
    assert [p.data for p in stream.pictures] == [prefixed(SPS, PPS, IDR)]
    # A camera that marks every slice is found out before it costs a frame.
    stream = Stream(H264Depacketiser())
    for number in range(1, 7):
        key = number in (1, 4)
        stream.send(number, b"\x65\x88a" if key else b"\x41\x9aa")
        stream.send(number, b"\x65\x08b" if key else b"\x41\x1ab")
    assert stream.times == [1, 2, 3, 4, 5, 6] and not any(picture.loss for picture in stream.pictures)
    assert stream.pictures[3].data == prefixed(b"\x65\x88a", b"\x65\x08b")


def test_after_a_pause_what_is_whole_comes_out() -> None:
    """A camera that sends a frame now and then: nobody waits for the next one to believe a marker, nor where there are
    none; what is in the middle of a unit waits."""
    stream = Stream(H264Depacketiser())
    for number in range(1, 4):
        stream.send(number, IDR if number == 1 else P)
        assert len(stream.depacketiser.pause()) == 1 and not stream.depacketiser.is_open
    stream.send(4, P)
    assert not stream.depacketiser.pause(), "by now markers are believed at once"
    unmarked = Stream(H264Depacketiser())
    unmarked.send(1, IDR, marker=False)
    assert not unmarked.depacketiser.pause(), "how many slices a frame has is not known"
    unmarked.send(2, P, marker=False)
    assert [picture.timestamp for picture in unmarked.depacketiser.pause()] == [2]
    unmarked.send(3, b"\x7c\x85\x88i", marker=False)
    assert not unmarked.depacketiser.pause()
    unmarked.send(3, b"\x7c\x45r", marker=False)
    assert [picture.timestamp for picture in unmarked.depacketiser.pause()] == [3]
    unmarked.send(4, P, marker=False)
    assert unmarked.times == [1, 4] and not any(picture.loss for picture in unmarked.pictures)


def test_loss() -> None:
    """Checklist 9: start or end of a fragmented unit lost; of a reference, and of a picture that nothing refers to."""
    for broken, lost in (
        ([b"\x5c\x81\x9ap", b"\x5c\x41c"], (0, 1)),  # between the two
        ([b"\x5c\x41c"], (1,)),  # the start is lost
        ([b"\x5c\x41c"], (0,)),  # the start is missing without a gap
    ):
        stream = Stream(H264Depacketiser())
        stream.send(1, IDR)
        for number, (payload, gap) in enumerate(zip(broken, lost, strict=True)):
            stream.send(2, payload, marker=number == len(broken) - 1, lost=gap)
        stream.send(3, P)
        stream.send(4, IDR)
        stream.send(5, P)
        assert stream.times == [1, 4, 5], broken
        assert [picture.loss for picture in stream.pictures] == ["", "network" if any(lost) else "camera", ""]
        counts = stream.depacketiser.counts
        assert counts.damaged == 1 and counts.undecodable == 1
    stream = Stream(H264Depacketiser())
    stream.send(1, IDR)
    stream.send(2, b"\x1c\x81\x9ab", b"\x1c\x01x", marker=False)
    stream.send(2, b"\x1c\x41x", lost=1)
    stream.send(3, P)
    assert stream.times == [1, 3] and stream.depacketiser.counts.damaged == 1
    # The end of a picture lost with its marker.
    stream = Stream(H264Depacketiser())
    stream.send(1, IDR)
    stream.send(2, b"\x5c\x81\x9ap", marker=False)
    stream.send(3, P, lost=2)
    stream.send(4, IDR)
    assert stream.times == [1, 4]


def test_joining_in_the_middle_is_no_loss() -> None:
    stream = Stream(H264Depacketiser())
    stream.send(1, b"\x5c\x41c")
    stream.send(2, P)
    stream.send(3, IDR)
    assert stream.times == [3] and not stream.pictures[0].loss
    assert stream.depacketiser.counts.damaged == stream.depacketiser.counts.undecodable == 0


def test_restart_forgets_what_was_open() -> None:
    stream = Stream(H264Depacketiser())
    stream.send(1, IDR)
    stream.send(2, b"\x5c\x81\x9ap", marker=False)
    stream.depacketiser.restart()
    stream.send(9, P)
    stream.send(10, IDR)
    assert stream.times == [1, 10] and stream.pictures[-1].loss == "camera"


def test_recovery_point_is_a_keyframe() -> None:
    stream = Stream(H264Depacketiser())
    stream.send(1, SPS, PPS, b"\x06\x06\x01\xc4\x80", b"\x41\x9aintra")
    assert [picture.keyframe for picture in stream.pictures] == [True]


@pytest.mark.parametrize("donl", [False, True])
def test_h265_forms_of_payload(donl: bool) -> None:
    """Checklist 9: AP, FU, single units, DONL absent and present."""
    number, difference = (b"\0\1", b"\0") if donl else (b"", b"")
    vps, sps, idr, tail = b"\x40\x01v", b"\x42\x01s", b"\x26\x01\xafpicture", b"\x02\x01\xd0p"
    stream = Stream(H265Depacketiser(donl=donl))
    pack = b"\x60\x01" + number + struct.pack("!H", 3) + vps + difference + struct.pack("!H", 3) + sps
    stream.send(1, pack, b"\x62\x01\x93" + number + b"\xafpic", b"\x62\x01\x13tu", b"\x62\x01\x53re")
    stream.send(2, tail[:2] + number + tail[2:])
    assert [picture.data for picture in stream.pictures] == [prefixed(vps, sps, idr), prefixed(tail)]
    assert [picture.keyframe for picture in stream.pictures] == [True, False]


payloads = st.tuples(
    st.one_of(
        st.binary(max_size=12),
        st.sampled_from(
            [IDR, P, B, SPS, b"\x5c\x81\x9ap", b"\x5c\x41c", b"\x78\0\2\x41\x9a", b"\x26\x01\xafi", b"\x62\x01\x93\xaf"]
        ),
    ),
    st.integers(0, 3),
    st.booleans(),
    st.integers(0, 2),
)


@given(st.sampled_from([0, 1, 2]), st.lists(payloads, max_size=40))
def test_depacketiser_fuzz(which: int, packets: list[tuple[bytes, int, bool, int]]) -> None:
    depacketiser = [H264Depacketiser, H265Depacketiser, lambda: H265Depacketiser(donl=True)][which]()
    seen_keyframe = False
    for payload, timestamp, marker, lost in packets:
        for picture in depacketiser.feed(memoryview(payload), timestamp, marker, lost):
            assert split(picture.data, length_prefixed=True)
            seen_keyframe |= picture.keyframe
            assert seen_keyframe, "nothing can be decoded before a keyframe"
            assert picture.keyframe or not picture.loss or which == 0


def test_a_picture_without_end_is_bounded() -> None:
    depacketiser = H264Depacketiser()
    depacketiser.feed(memoryview(b"\x7c\x85\x88i"), 1, False, 0)
    piece = memoryview(b"\x7c\x05" + bytes(60_000))
    for _ in range(1000):
        assert depacketiser.feed(piece, 1, False, 0) == ()
        assert sum(map(len, depacketiser._parts)) <= 16 << 20
    assert depacketiser.feed(memoryview(IDR), 2, True, 0) == ()
    assert depacketiser.end()[0].timestamp == 2


HBR = Aac(b"\x14\x08", 13, 3, 3)


def test_aac_with_an_adts_header() -> None:
    """RFC 3640 has no place for one; a file neither."""
    reader = AacDepacketiser(HBR)
    raw = b"\x21\x00\x49\x90\x02\x19\x00\x23\x80"
    size = len(raw) + 7
    adts = bytes((0xFF, 0xF1, 0x60, 0x40, size >> 3, size << 5 & 0xE0 | 0x1F, 0xFC)) + raw
    for frame in (adts, raw):
        payload = struct.pack("!HH", 16, len(frame) << 3) + frame
        assert [found.data for found in reader.feed(memoryview(payload), 0, True, 0)] == [raw]
    cut = struct.pack("!HH", 16, 9 << 3) + adts[:9]
    assert reader.feed(memoryview(cut), 0, True, 0)[0].data == adts[:9], "what is none stays"


def test_aac() -> None:
    reader = AacDepacketiser(HBR)
    two = struct.pack("!HHH", 32, 3 << 3, 2 << 3) + b"abcde"
    assert [tuple(frame) for frame in reader.feed(memoryview(two), 100, True, 0)] == [
        (b"abc", 100, 1024),
        (b"de", 1124, 1024),
    ]
    head = struct.pack("!HH", 16, 6 << 3)
    assert reader.feed(memoryview(head + b"abc"), 5, False, 0) == ()
    assert reader.feed(memoryview(head + b"def"), 5, True, 0)[0].data == b"abcdef"
    reader.feed(memoryview(head + b"abc"), 6, False, 0)
    assert reader.feed(memoryview(two), 7, True, 1) and reader.damaged == 1
    assert samples_per_frame(b"\x14\x08") == 1024 and samples_per_frame(b"\x14\x0c") == 960


@given(st.lists(st.tuples(st.binary(max_size=20), st.integers(0, 2), st.integers(0, 1)), max_size=20))
def test_aac_fuzz(packets: list[tuple[bytes, int, int]]) -> None:
    reader = AacDepacketiser(HBR)
    for payload, timestamp, lost in packets:
        assert all(frame.data for frame in reader.feed(memoryview(payload), timestamp, True, lost))
        assert len(reader._part) <= 1 << 16


def test_reports() -> None:
    """Checklist 6; a sender report as RFC 3550 has it, and what the camera wants back."""
    ntp_s = 3_968_000_000
    data = struct.pack("!BBHIIIIII", 0x80, 200, 6, 9, ntp_s, 1 << 31, 1234, 1, 2) + struct.pack(
        "!BBHI", 0x81, 203, 1, 9
    )
    sender, bye = rtcp.parse(memoryview(data))
    assert sender == rtcp.SenderReport(
        9, (ntp_s - 2_208_988_800) * 1_000_000 + 500_000, 1234, (ntp_s & 0xFFFF) << 16 | 0x8000
    )
    assert bye == rtcp.Bye(9)
    (after_2036,) = rtcp.parse(memoryview(struct.pack("!BBHIIIIII", 0x80, 200, 6, 9, 5, 0, 0, 0, 0)))
    assert isinstance(after_2036, rtcp.SenderReport) and after_2036.ntp_us == (2**32 + 5 - 2_208_988_800) * 1_000_000
    receiver = rtcp.RtcpReceiver(1, rtp.Sequence())
    receiver.sequence.begin(1, 9)
    receiver.sequence.step(1, 0)
    receiver.sequence.step(2, 1)
    receiver.heard(sender, 1_000_000)
    report = receiver.report(3_000_000)
    fields = struct.unpack_from("!BBHIIIIIII", report)
    assert fields[:5] == (0x81, 201, 7, 1, 9)
    assert fields[5:] == (64 << 24 | 1, 4, 0, sender.middle, 2 * 65536)
    assert len(report) % 4 == 0 and report[32:36] == struct.pack("!BBH", 0x81, 202, 3)


def test_decoding_times() -> None:
    """Checklist 13."""
    plain = DecodingTimes(90_000, 0)
    assert [plain.next(pts) for pts in (0, 3600, 7200)] == [(0, 0), (3600, 3600), (7200, 7200)]
    # I P B B P B B, in decoding order.
    order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
    for depth in (2, None):
        times = DecodingTimes(90_000, depth)
        found = [times.next(3600 * number) for number in order]
        assert all(a[1] < b[1] for a, b in itertools.pairwise(found))
        assert all(dts <= pts for pts, dts in found)
        if depth is None:
            assert 0 < times.retimed <= 3
        else:
            assert [pts for pts, _ in found] == [3600 * number for number in order]
            assert times.retimed == 0
    jump = DecodingTimes(90_000, 2)
    jump.next(0)
    assert jump.next(90_000 * 3600)[0] == 90_000 * 3600


@given(st.one_of(st.none(), st.integers(0, 20)), st.lists(st.integers(-(2**40), 2**40)))
def test_decoding_times_fuzz(depth: int | None, order: list[int]) -> None:
    times = DecodingTimes(90_000, depth)
    for pts in order:
        given_pts, dts = times.next(pts)
        assert dts <= given_pts
    assert len(times._sorted) <= 17


def test_jitter_is_that_of_the_rfc() -> None:
    """Pictures 40 ms apart that come alternately in time and 8 ms late: the estimate goes to 8 ms, as A.8's code does
    in floating point. What came in the first five seconds may be a burst of what the camera had kept."""
    jitter, reference = Jitter(90_000), 0.0
    for number in range(400):
        late_us = 8_000 * (number % 2)
        jitter.arrived(3600 * number, 5_000_000 + 40_000 * number + late_us)
        if number >= 125:
            reference += (8_000 - reference) / 16
        assert abs(jitter.us - reference) < 2
    assert abs(jitter.us - 8_000) < 2
    assert jitter.counts() == {
        "interarrival_jitter_us": jitter.us,
        "jitter_sum_us": 275 * 8_000,
        "jitter_readings": 275,
    }
    # A clock that jumps is no jitter.
    jitter.arrived(3600 * 400 + 90_000 * 60, 5_000_000 + 40_000 * 400)
    assert abs(jitter.us - 8_000) < 2


def test_no_jitter_where_all_comes_evenly() -> None:
    jitter = Jitter(90_000)
    for number in range(300):
        jitter.arrived(3600 * number, 77 + 40_000 * number)
    assert jitter.us == jitter.sum_us == 0 and jitter.readings == 175


def test_nothing_is_said_of_what_was_not_seen() -> None:
    assert Jitter(90_000).counts() == {}


def test_a_silence_is_time_in_which_nothing_came_only_up_to_what_ends_a_connection() -> None:
    received = Received(10_000_000)
    for at_us in (0, 500_000, 3_000_000, 63_000_000):
        received.came(at_us)
    assert received.us == 13_000_000


def test_what_makes_no_sense_shows_in_counts() -> None:
    """Units of unknown types, a keyframe that is never whole, and a stream that is as it should be."""
    stream = Stream(H264Depacketiser())
    for number in range(10):
        stream.send(number, b"\x1f\x55\x55")
    sense = stream.depacketiser.sense
    assert sense.units == sense.frames == 0 and sense.ends >= 10
    stream = Stream(H264Depacketiser())
    for number in range(10):
        stream.send(number, b"\x7c\x85\x88i", b"\x7c\x45r", lost=0)
        stream.send(number + 100, b"\x7c\x85\x88i", marker=False)
        stream.send(number + 100, b"\x7c\x45r", lost=1)
    sense = stream.depacketiser.sense
    assert (sense.keyframes_begun, sense.keyframes, sense.frames) == (20, 10, 10)
