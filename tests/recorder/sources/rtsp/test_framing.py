"""The parser of a connection's bytes: however they are cut, whatever lies between them."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.sources.rtp.errors import ProtocolError
from nvr.recorder.sources.rtsp.framing import Framing, ReadBuffer
from nvr.recorder.sources.rtsp.message import Message

BUFFER = ReadBuffer()
OK = b"RTSP/1.0 200 OK\r\nCSeq: 7\r\nContent-Length: 4\r\n\r\nbody"
RTP = b"\x80\x60" + bytes(range(14))


class Reader:
    """Feeds a parser and notes what it finds."""

    def __init__(self, *channels: int) -> None:
        self.packets: list[tuple[int, bytes]] = []
        self.messages: list[Message] = []
        self.framing = Framing(BUFFER, self.messages.append)
        for channel in channels:
            self.framing.handle(channel, partial(self._note, channel))

    def _note(self, channel: int, data: memoryview) -> None:
        self.packets.append((channel, bytes(data)))

    def feed(self, data: bytes, size: int = 1 << 16) -> Reader:
        for at in range(0, len(data), size):
            part = data[at : at + size]
            self.framing.get_buffer()[: len(part)] = part
            self.framing.received(len(part))
        return self


def frame(channel: int, data: bytes) -> bytes:
    return b"$" + bytes((channel,)) + len(data).to_bytes(2, "big") + data


@given(st.integers(1, 40))
def test_any_cut(size: int) -> None:
    """Checklist 8: data between answers, requests of the camera."""
    data = (
        frame(0, RTP)
        + OK
        + frame(1, RTP)
        + b"OPTIONS rtsp://x RTSP/1.0\r\nCSeq: 1\r\n\r\n"
        + frame(0, b"")
        + frame(0, RTP)
    )
    reader = Reader(0, 1).feed(data, size)
    assert reader.packets == [(0, RTP), (1, RTP), (0, RTP)]
    assert [(m.status, m.method, m.body) for m in reader.messages] == [(200, "", b"body"), (0, "OPTIONS", b"")]
    assert reader.framing.junk_bytes == 0


@given(st.binary(max_size=300).filter(lambda junk: b"$" not in junk and b"RTSP/" not in junk), st.integers(1, 50))
def test_junk_between_packets(junk: bytes, size: int) -> None:
    """Checklist 8."""
    junk = b"\x00" + junk + b"\x00"
    reader = Reader(0).feed(frame(0, RTP) + junk + frame(0, RTP) + OK, size)
    assert reader.packets == [(0, RTP), (0, RTP)]
    assert len(reader.messages) == 1
    # Line ends are skipped without a word.
    assert 0 < reader.framing.junk_bytes <= len(junk)
    assert reader.framing.resyncs == 1


def test_a_dollar_in_junk_is_no_packet() -> None:
    """Checklist 8: a dollar counts with a known channel and an RTP version."""
    reader = Reader(0).feed(frame(0, RTP) + b"xx$\x05\xff\xffyy$\x00\xff\xff\x11zz" + frame(0, RTP))
    assert reader.packets == [(0, RTP), (0, RTP)]


def test_nothing_but_junk_is_refused() -> None:
    with pytest.raises(ProtocolError):
        Reader().feed(bytes(range(256)) * 8)
    with pytest.raises(ProtocolError):
        Reader(0).feed(OK + b"\xff" * (1 << 19))
    with pytest.raises(ProtocolError):
        Reader().feed(b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 10_000)
    with pytest.raises(ProtocolError):
        Reader().feed(b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n")


parts = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=200).map(lambda data: frame(0, data)),
    st.sampled_from([OK, b"$", b"RTSP/1.0 ", b"\r\n", b"$\x00\xff\xff", b"OPTIONS "]),
)


@given(st.lists(parts, max_size=30), st.integers(1, 500))
def test_framing_fuzz(chunks: list[bytes], size: int) -> None:
    reader = Reader(0, 1)
    data = b"".join(chunks)
    try:
        reader.feed(data, size)
    except ProtocolError:
        return
    assert len(reader.framing._rest) <= (1 << 17)
    assert reader.framing.junk_bytes <= len(data)
    assert sum(len(packet) for _, packet in reader.packets) <= len(data)


def test_memory_is_bounded_by_the_largest_packet() -> None:
    reader = Reader(0)
    big = frame(0, b"\x80" + bytes(65_534))
    reader.feed(big * 5, 10_000)
    assert len(reader.packets) == 5
    reader.feed(big[:-1], 10_000)
    assert len(reader.framing._rest) == len(big) - 1
