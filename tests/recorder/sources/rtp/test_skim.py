"""Packets that are taken past their handler leave everything as if they had not been."""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.sources.rtp import sdp
from nvr.recorder.sources.rtp.frame import CodedFrame
from nvr.recorder.sources.rtsp.client import RtspTrack
from nvr.recorder.sources.rtsp.framing import Framing, ReadBuffer
from nvr.recorder.sources.rtsp.receiving import Clocks, VideoReceiver

BUFFER = ReadBuffer()
ELSE = b"\xee" * len(BUFFER.data)
CLOCKS = Clocks(lambda: 0, lambda: 0)


def no_clock(at_us: int, camera_us: int) -> None:
    """The camera's clock is not what is tested."""


def no_bye() -> None:
    """Nothing ends in these tests."""


def media(codec: str) -> sdp.Media:
    text = f"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 {codec}/90000\r\n"
    return sdp.pick_video(sdp.parse(text.encode()))


# What is done to a packet of a fragmented picture: sent as it is, left out, sent twice, of another channel, source or
# time, with an extension, a marker, junk behind.
FAULTS = ["none"] * 20 + ["lost", "twice", "channel", "ssrc", "time", "extension", "marker", "junk", "empty"]
PICTURES = st.lists(
    st.lists(st.tuples(st.integers(1, 60), st.sampled_from(FAULTS)), min_size=1, max_size=12), max_size=8
)


def wire(codec: str, pictures: list[list[tuple[int, str]]]) -> bytes:
    data, number = b"", 65_530
    for turn, parts in enumerate(pictures):
        for place, (size, fault) in enumerate(parts):
            first, last = place == 0, place == len(parts) - 1
            flags = first << 7 | last << 6
            kind = 5 if turn % 3 == 0 else 1
            head = (
                bytes((0x7C, flags | kind)) if codec == "H264" else bytes((0x62, 1, flags | (19 if kind == 5 else 1)))
            )
            body = head + bytes(0x80 | (number + n) & 0x7F for n in range(size))
            number += 1
            if fault == "lost":
                continue
            time, ssrc, marker = 3000 * turn, 7, last
            if fault == "time":
                time += 1
            elif fault == "ssrc":
                ssrc = 8
            elif fault == "marker":
                marker = not marker
            elif fault == "empty":
                body = head
            begin, middle = (0x90, b"\0\0\0\1abcd") if fault == "extension" else (0x80, b"")
            packet = struct.pack("!BBHII", begin, marker << 7 | 96, number & 0xFFFF, time, ssrc) + middle + body
            channel = 4 if fault == "channel" else 0
            framed = b"$" + bytes((channel,)) + len(packet).to_bytes(2, "big") + packet
            data += framed * (2 if fault == "twice" else 1) + (b"\1\2\3" if fault == "junk" else b"")
    return data


def read(
    codec: str, data: bytes, size: int, skim: bool
) -> tuple[list[tuple[bytes, int, bool, str]], Any, Any, int, int]:
    found: list[CodedFrame] = []
    receiver = VideoReceiver(
        RtspTrack(media(codec), "u", 0, 1), 1, CLOCKS, lambda picture, *_: found.append(picture), no_clock, no_bye
    )
    framing = Framing(BUFFER, lambda _: None)
    framing.handle(0, receiver.on_rtp, receiver.skim if skim else None, receiver.settle)
    for other in (1, 4):
        framing.handle(other, lambda _: None)
    for at in range(0, len(data), size):
        part = data[at : at + size]
        framing.get_buffer()[: len(part)] = part
        framing.received(len(part))
        # As another connection's read would: nothing of ours may be left there.
        BUFFER.view[:] = ELSE
    receiver.end()
    pictures = [(each.data, each.timestamp, each.keyframe, each.loss) for each in found]
    return pictures, receiver.sequence, receiver.depacketiser.counts, receiver.packets, framing.junk_bytes


@given(st.sampled_from(["H264", "H265"]), PICTURES, st.integers(20, 4000))
def test_skimming_changes_nothing(codec: str, pictures: list[list[tuple[int, str]]], size: int) -> None:
    data = wire(codec, pictures)
    assert read(codec, data, size, True) == read(codec, data, size, False)


def test_most_of_a_large_picture_is_skimmed() -> None:
    found: list[CodedFrame] = []
    receiver = VideoReceiver(
        RtspTrack(media("H264"), "u", 0, 1), 1, CLOCKS, lambda picture, *_: found.append(picture), no_clock, no_bye
    )
    seen = 0

    def on_packet(packet: memoryview) -> None:
        nonlocal seen
        seen += 1
        receiver.on_rtp(packet)

    framing = Framing(BUFFER, lambda _: None)
    framing.handle(0, on_packet, receiver.skim, receiver.settle)
    data = wire("H264", [[(50, "none")] * 16])
    framing.get_buffer()[: len(data)] = data
    framing.received(len(data))
    receiver.end()
    assert seen == 1 and receiver.packets == 16 and len(found) == 1 and len(found[0].data) == 4 + 1 + 16 * 50


@given(st.integers(4, 60), st.integers(300, 1500), st.integers(3000, 200_000))
def test_large_pictures_are_the_same_in_pieces(packets: int, payload: int, size: int) -> None:
    data = wire("H264", [[(payload, "none")] * packets] * 3)
    assert read("H264", data, size, True) == read("H264", data, size, False)


def test_a_large_picture_is_copied_once() -> None:
    found: list[CodedFrame] = []
    receiver = VideoReceiver(
        RtspTrack(media("H264"), "u", 0, 1), 1, CLOCKS, lambda picture, *_: found.append(picture), no_clock, no_bye
    )
    framing = Framing(BUFFER, lambda _: None)
    framing.handle(0, receiver.on_rtp, receiver.skim, receiver.settle)
    data = wire("H264", [[(1000, "none")] * 16] * 5)
    framing.get_buffer()[: len(data)] = data
    framing.received(len(data))
    assert [len(part) for part in found[4].parts] == [4 + 1 + 1000, 14_000, 1000]
