"""Packets put together again are the units they were made of."""

import random
import struct

import pytest

from nvr.demo.rtsp.rtp import NTP_UNIX_OFFSET_S, Packetiser, aac_payloads, h264_payloads, h265_payloads
from nvr.demo.rtsp.stream import AccessUnit
from tests.support.cameras.wire import h264_nals, h265_nals, parse_rtp

SIZES = ([1], [5, 4, 30], [1400], [1401], [27, 4, 9000], [2798, 2799, 2800, 2801], [700, 700, 700], [100_000])


def _nals(codec: str, sizes: list[int]) -> list[bytes]:
    dice = random.Random(sum(sizes))
    header = b"\x65" if codec == "h264" else b"\x26\x01"
    return [header + dice.randbytes(size) for size in sizes]


@pytest.mark.parametrize("aggregate", [False, True])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_round_trip(sizes: list[int], aggregate: bool) -> None:
    for codec, make, join in (("h264", h264_payloads, h264_nals), ("h265", h265_payloads, h265_nals)):
        nals = _nals(codec, sizes)
        payloads = make(nals, 1400, aggregate=aggregate)
        assert join(payloads) == nals
        assert max(map(len, payloads)) <= 1400


def test_only_aggregation_makes_fewer_packets_than_units() -> None:
    nals = _nals("h264", [20, 4, 30])
    assert len(h264_payloads(nals)) == 3
    assert len(h264_payloads(nals, aggregate=True)) == 1


def test_aac_frames_carry_their_size() -> None:
    (payload,) = aac_payloads(bytes(300))
    assert payload[:4] == struct.pack("!HH", 16, 300 << 3)
    assert [len(part) for part in aac_payloads(bytes(3000), 1400)] == [1400, 1400, 212]


def _packetiser(codec: str = "h264") -> Packetiser:
    return Packetiser(codec, 96, 90_000, ssrc=7, sequence=65_535, timestamp_base=2**32 - 10)  # type: ignore[arg-type]


def test_numbers_wrap_and_the_marker_ends_a_picture() -> None:
    unit = AccessUnit(20, (b"\x67\x01", b"\x65" + bytes(3000)), True, 0)
    packets = [parse_rtp(packet) for packet in _packetiser().packets(unit)]
    assert [packet.sequence for packet in packets] == [65_535, 0, 1, 2]
    assert {packet.timestamp for packet in packets} == {10}
    assert [packet.marker for packet in packets] == [False, False, False, True]


def test_sequence_numbers_have_sixteen_bits() -> None:
    packetiser = _packetiser()
    found = [
        parse_rtp(p).sequence for n in range(70_000) for p in packetiser.packets(AccessUnit(n, (b"\x65",), True, 0))
    ]
    assert found == [(65_535 + number) % 65_536 for number in range(70_000)]


def test_a_sender_report_ties_the_clocks() -> None:
    packetiser = _packetiser()
    unit = AccessUnit(90_010, (b"\x65" + bytes(99),), True, 1_795_478_400_250_000)
    packetiser.packets(unit)
    report = packetiser.sender_report(unit, unit.wall_us + 500_000)
    flags, kind, words, ssrc, seconds, fraction, rtp, packets, octets = struct.unpack("!BBHIIIIII", report[:28])
    assert (flags, kind, words, ssrc, packets, octets) == (0x80, 200, 6, 7, 1, 100)
    assert seconds - NTP_UNIX_OFFSET_S == 1_795_478_400
    assert abs(fraction / 2**32 - 0.75) < 1e-6
    assert rtp == 90_000 + 45_000
    # The rest is one source description that ends where the packet does.
    flags, kind, words = struct.unpack("!BBH", report[28:32])
    assert (flags, kind, len(report)) == (0x81, 202, 28 + 4 * (words + 1))
