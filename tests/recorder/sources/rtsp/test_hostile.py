"""Servers that our own test camera is too well-behaved to be."""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.recorder.media.packets import Ended
from nvr.recorder.sources.rtsp.source import NativeSource
from storage.causes import Cause
from tests.recorder.sources.harness import Sink, camera
from tests.support.cameras.clips import Clip

SDP = b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:t0\r\n"
Answer = Callable[[str, str, int], bytes]


def ok(cseq: int, *headers: str, body: bytes = b"") -> bytes:
    lines = ["RTSP/1.0 200 OK", f"CSeq: {cseq}", *headers, *([f"Content-Length: {len(body)}"] if body else [])]
    return "\r\n".join([*lines, "", ""]).encode() + body


def usual(method: str, url: str, cseq: int) -> bytes:
    if method == "DESCRIBE":
        return ok(cseq, "Content-Type: application/sdp", body=SDP)
    if method == "SETUP":
        return ok(cseq, "Session: 12;timeout=60", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
    return ok(cseq)


async def against(
    answer: Answer, sink: Sink, close_after: str = "", **keys: Any
) -> tuple[Ended, NativeSource, list[str]]:
    """Runs a source against a server of these answers; what the client said that was no request is in the list too."""
    heard: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            # A receiver report may stand before the request.
            found = re.search(r"RTSP/1\.0 \d+ \w+|[A-Z_]+ \S+ RTSP/1\.0", head)
            assert found is not None, head
            first = found[0]
            heard.append(first)
            if first.startswith("RTSP/"):
                continue
            method, url, _ = first.split()
            cseq = int(head.partition("CSeq:")[2].split()[0])
            writer.write(answer(method, url, cseq))
            if method == close_after:
                await writer.drain()
                break
        writer.close()

    async with asyncio.timeout(60):
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        source = NativeSource(camera(f"rtsp://127.0.0.1:{port}/live", **keys), sink)
        ended = await source.run()
        server.close()
        await asyncio.sleep(0.02)  # sleep: the server's task ends
    return ended, source, heard


def media(clip: Clip, channel: int, count: int) -> bytes:
    """Pictures of a clip, each NAL unit in one packet however large."""
    out, sequence = b"", 65_530
    for unit in clip.video.units[:count]:
        for number, nal in enumerate(unit.payload):
            marker = 0x80 if number == len(unit.payload) - 1 else 0
            head = struct.pack(
                "!BBHII", 0x80, marker | 96, sequence & 0xFFFF, (2**32 - 9000 + unit.pts) & 0xFFFFFFFF, 77
            )
            packet = head + nal
            out += b"$" + bytes((channel,)) + struct.pack("!H", len(packet)) + packet
            sequence += 1
    return out


async def test_other_channels_requests_and_junk(h264_clip: Clip) -> None:
    """Checklist 8, 9: channels other than asked, media before the answer to PLAY, requests of the camera, junk, both
    wraps."""

    def answer(method: str, url: str, cseq: int) -> bytes:
        if method == "SETUP":
            assert url.endswith("/live/t0")
            return ok(cseq, "Session: 12;timeout=60", "Transport: RTP/AVP/TCP;unicast;interleaved=4-5")
        if method == "PLAY":
            asks = b"OPTIONS rtsp://client RTSP/1.0\r\nCSeq: 1\r\n\r\nSET_PARAMETER * RTSP/1.0\r\nCSeq: 2\r\n\r\n"
            one, more = media(h264_clip, 4, 1), media(h264_clip, 4, 10)
            return one + ok(cseq) + asks + b"\xffjunk\xff" + more[len(one) :]
        return usual(method, url, cseq)

    sink = Sink()
    ended, source, heard = await against(answer, sink)
    assert ended.cause is Cause.STALLED
    assert sink.hashes == [unit.hash for unit in h264_clip.video.units[:10]]
    assert [got.pts for got in sink.video] == [3600 * number for number in range(10)]
    assert [line for line in heard if line.startswith("RTSP/")] == ["RTSP/1.0 200 OK", "RTSP/1.0 200 OK"]
    assert source.counters["junk_bytes"] == 6
    assert heard[-1].startswith("TEARDOWN")


@pytest.mark.parametrize(
    ("method", "made", "cause"),
    [
        ("SETUP", lambda n: ok(n, "Transport: RTP/AVP;unicast;client_port=1-2", "Session: 1"), Cause.REJECTED),
        ("SETUP", lambda n: ok(n, "Transport: RTP/AVP/TCP;interleaved=7-7", "Session: 1"), Cause.REJECTED),
        ("SETUP", lambda n: ok(n, "Session: a\x00b"), Cause.REJECTED),
        (
            "DESCRIBE",
            lambda n: b"RTSP/1.0 302 Found\r\nCSeq: %d\r\nLocation: rtsp://192.0.2.1/x\r\n\r\n" % n,
            Cause.REJECTED,
        ),
        ("DESCRIBE", lambda n: b"RTSP/1.0 302 Found\r\nCSeq: %d\r\n\r\n" % n, Cause.REJECTED),
        ("DESCRIBE", lambda n: b"RTSP/1.0 403 No\r\nCSeq: %d\r\n\r\n" % n, Cause.UNAUTHORIZED),
        ("DESCRIBE", lambda n: b"", Cause.UNREACHABLE),
        (
            "PLAY",
            lambda n: ok(n) + b"REDIRECT * RTSP/1.0\r\nCSeq: 9\r\nLocation: rtsp://elsewhere/\r\n\r\n",
            Cause.ENDED,
        ),
        ("PLAY", lambda n: ok(n) + b"$\x01\x00\x08\x81\xcb\x00\x01\x00\x00\x00\x4d" + bytes(400_000), Cause.CORRUPT),
    ],
)
async def test_refused_clearly(method: str, made: Callable[[int], bytes], cause: Cause) -> None:
    """Checklist 8: REDIRECT; and answers that make no sense."""
    sink = Sink()
    ended, _, _ = await against(lambda m, url, n: made(n) if m == method else usual(m, url, n), sink)
    assert ended.cause is cause, ended
    assert not sink.opened and ended.detail["error"]


@pytest.mark.parametrize("refused", [404, 405, 459])
async def test_no_aggregate_control(h264_clip: Clip, refused: int) -> None:
    """Checklist 7."""

    def answer(method: str, url: str, cseq: int) -> bytes:
        if method == "PLAY":
            if not url.endswith("/t0"):
                return b"RTSP/1.0 %d No\r\nCSeq: %d\r\n\r\n" % (refused, cseq)
            return ok(cseq) + media(h264_clip, 0, 3)
        return usual(method, url, cseq)

    sink = Sink()
    await against(answer, sink)
    assert len(sink.video) == 3


async def test_goodbye(h264_clip: Clip) -> None:
    bye = b"$\x01\x00\x08" + struct.pack("!BBHI", 0x81, 203, 1, 77)

    def answer(method: str, url: str, cseq: int) -> bytes:
        return ok(cseq) + media(h264_clip, 0, 3) + bye if method == "PLAY" else usual(method, url, cseq)

    sink = Sink()
    ended, _, _ = await against(answer, sink)
    assert ended.cause is Cause.ENDED and "BYE" in ended.detail["error"] and len(sink.video) == 3


pieces = st.lists(
    st.one_of(
        st.binary(max_size=100),
        st.sampled_from(
            [b"RTSP/1.0 200 OK\r\n\r\n", b"$\x00\x00\x10", b"\r\n\r\n", b"Content-Length: 7\r\n", b"Session: 1\r\n"]
        ),
        st.binary(max_size=60).map(
            lambda data: b"$\x00" + struct.pack("!H", len(data) + 12) + b"\x80\xe0" + bytes(10) + data
        ),
    ),
    max_size=12,
).map(b"".join)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]), pieces)
def test_answers_fuzz(method: str, data: bytes) -> None:
    """Whatever a camera answers, the attempt ends in a stated cause that is not a fault of ours."""

    def answer(asked: str, url: str, cseq: int) -> bytes:
        if asked == method:
            return data + (b"" if method != "PLAY" else ok(cseq))
        return usual(asked, url, cseq)

    ended, _, _ = asyncio.run(against(answer, Sink(), close_after=method))
    assert ended.cause not in (Cause.RECORDER_CRASHED, Cause.UNKNOWN), ended
