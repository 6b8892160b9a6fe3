"""Which packets are taken, and what is said of those that are missing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.sources.rtp.admission import NOTHING, PLAUSIBLE, SLICE, STARTS, WRONG, Admission
from nvr.recorder.sources.rtp.rtp import RtpPacket, Sequence


class Track:
    """Times rise by one a packet; what a payload is worth is its first byte."""

    newest = -1

    def is_newer(self, timestamp: int) -> bool:
        return timestamp > self.newest

    def follows(self, timestamp: int) -> bool:
        return 0 <= timestamp - self.newest <= 1

    def may_follow(self, timestamp: int) -> bool:
        return self.follows(timestamp)

    def worth(self, payload: memoryview) -> int:
        return (WRONG, NOTHING, PLAUSIBLE, SLICE, STARTS)[payload[0] % 5]


class Channel:
    """Packets for one track, and what came of them: (number, lost, anew)."""

    def __init__(self) -> None:
        self.sequence, self.track = Sequence(), Track()
        self.admission = Admission(self.sequence, 96, self.track)
        self.now_us = 0

    def take(
        self, number: int, ssrc: int = 1, *, kind: int = 96, time: int | None = None, payload: bytes = b"\3"
    ) -> list[tuple[int, int, bool]]:
        self.now_us += 10_000
        packet = RtpPacket(False, kind, number & 0xFFFF, number if time is None else time, ssrc, memoryview(payload))
        found = self.admission.take(packet, self.now_us)
        for each in found:
            self.track.newest = max(self.track.newest, each.packet.timestamp)
        return [(each.packet.sequence, each.lost, each.anew) for each in found]

    def rest(self) -> list[tuple[int, int, bool]]:
        found: list[object] = []
        self.admission.release(found)  # type: ignore[arg-type]
        return [(each.packet.sequence, each.lost, each.anew) for each in found]  # type: ignore[attr-defined]


def test_numbers_that_wrap_repeat_lack_or_begin_anew() -> None:
    """Checklist 9: wrap, loss, duplicates, another SSRC, a count that begins anew."""
    channel = Channel()
    for number in (65534, 65535, 65536):
        assert channel.take(number) == [(number & 0xFFFF, 0, False)]
    # What is missing is waited for with a few packets, then it is lost.
    assert channel.take(65540) == []
    assert channel.take(65540, time=0) == [] and channel.take(65535, time=0) == []
    assert channel.rest() == [(4, 3, False)]
    assert (channel.sequence.lost, channel.sequence.duplicates, channel.sequence.highest) == (3, 2, 65536 + 4)
    assert channel.sequence.expected == 7
    # Far behind and of an old time: two in a row that follow each other show that the count began anew.
    assert channel.take(60_000, time=5) == []
    assert channel.take(60_001, time=5) == [(60_000, 0, True), (60_001, 0, False)]
    for number in range(60_002, 60_100):
        assert channel.take(number, time=5) == [(number, 0, False)]
    again = [bool(channel.take(number, time=5)) for number in range(60_010, 60_075)]
    assert again.index(True) == 63


def test_order_is_put_right() -> None:
    channel = Channel()
    channel.take(1)
    assert channel.take(3) == [] and channel.take(5) == [] and channel.take(4) == []
    assert channel.take(2) == [(2, 0, False), (3, 0, False), (4, 0, False), (5, 0, False)]
    assert channel.sequence.lost == channel.sequence.duplicates == 0
    # Not without end: of eight, and for a fifth of a second.
    ahead = [channel.take(number) for number in range(7, 15)]
    assert [len(found) for found in ahead] == [0] * 7 + [8] and ahead[-1][0] == (7, 1, False)
    assert channel.take(16) == []
    channel.now_us += 200_000
    assert channel.take(17) == [(16, 1, False), (17, 0, False)]


def test_another_sender_is_not_believed_while_the_first_one_sends() -> None:
    channel = Channel()
    for number in range(10):
        channel.take(number)
    for number in range(10, 40):
        assert channel.take(500 + number, 2, payload=b"\4") == []
        assert channel.take(number) == [(number, 0, False)]
    # Alone, it is after three frames; nothing of it is lost, and what was before is no reference if times do not
    # follow.
    assert channel.take(700, 2, payload=b"\4") == [] and channel.take(701, 2) == []
    assert channel.take(702, 2) == [(700, 0, True), (701, 0, False), (702, 0, False)]


def test_a_sender_for_each_frame_is_the_same_stream() -> None:
    channel = Channel()
    for number in range(40):
        assert channel.take(number, ssrc=number // 4, time=number // 4) == [(number, 0, False)]
    assert channel.admission.ignored == 0 and channel.sequence.lost == 0
    # By number alone it is not: an older session's may meet the next one.
    assert channel.take(40, ssrc=99, time=5_000) == []
    assert channel.take(40, ssrc=9, time=10) == [(40, 0, False)]


def test_another_sender_without_a_keyframe_waits() -> None:
    channel = Channel()
    for number in range(10):
        channel.take(number)
    found: list[tuple[int, int, bool]] = []
    took = 0
    while not found:
        found = channel.take(700 + took, 2)
        took += 1
    assert 500 <= took <= 502 and found[0] == (700, 0, True) and len(found) == took


def test_another_type_must_look_like_the_codec() -> None:
    channel = Channel()
    for number in range(100):
        assert channel.take(number, kind=112, payload=b"\0") == []
        assert channel.take(number, kind=113, payload=b"\1") == []
    assert channel.take(5) == [(5, 0, False)]
    assert channel.admission.payload_type == 96


@given(
    st.lists(
        st.tuples(
            st.integers(0, 65_535),
            st.integers(1, 3),
            st.sampled_from([96, 96, 97, 112]),
            st.integers(0, 50),
            st.binary(max_size=3),
        ),
        max_size=200,
    )
)
def test_admission_fuzz(packets: list[tuple[int, int, int, int, bytes]]) -> None:
    """Whatever comes: each packet at most once, its number after the one before it unless the sender began anew, and
    little is held."""
    channel = Channel()
    last: int | None = None
    taken = 0
    for number, ssrc, kind, time, payload in packets:
        begun = channel.sequence.restarts
        for sequence, lost, anew in channel.take(number, ssrc, kind=kind, time=time, payload=payload):
            assert 0 <= lost < 0x8000
            if last is not None and not anew and channel.sequence.restarts == begun:
                assert 0 < sequence - last & 0xFFFF < 0x8000
            last = sequence
            taken += 1
        assert len(channel.admission._ahead) <= 8 and len(channel.admission._aside) <= 64
        assert len(channel.admission._others) <= 4
    taken += len(channel.rest())
    assert taken <= len(packets) and channel.sequence.expected >= 0


@given(st.permutations(range(8)), st.sets(st.integers(0, 40), max_size=6))
def test_what_is_lost_and_mixed_up_comes_in_order(mixed: list[int], lost: set[int]) -> None:
    """Packets lost, and those within a few places mixed up: what came is taken in order, once, and what is missing is
    counted."""
    channel = Channel()
    order = [0] + [1 + 8 * block + place for block in range(5) for place in mixed]
    found = [each for number in order if number not in lost or number == 0 for each in channel.take(number)]
    found += channel.rest()
    numbers = [number for number, _, _ in found]
    assert numbers == sorted(set(numbers)) and not any(anew for _, _, anew in found)
    assert sum(gone for _, gone, _ in found) == (numbers[-1] + 1 - len(numbers))
