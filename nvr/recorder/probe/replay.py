"""A capture played again: an RTSP server on loopback that answers as the camera did and sends what it sent, in its own
time.

For finding out what is odd about a camera that is far away. Invariant: what is sent are the captured packets, in their
order, and the captured answers, with nothing but ``CSeq`` and addresses changed; refusals for want of a login are left
out.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from nvr.recorder.probe.capture import Capture, CaptureError, Event

__all__ = ["replayed"]

_STATUS: Final = re.compile(r"RTSP/\d\.\d\s+(\d{3})")
_REQUEST: Final = re.compile(r"([A-Z_]+)\s+(\S+)\s+RTSP/")
_CSEQ: Final = re.compile(r"^CSeq\s*:.*$", re.IGNORECASE | re.MULTILINE)
_LONGEST: Final = 1 << 16


def _answers(capture: Capture) -> tuple[dict[str, list[str]], list[Event]]:
    """The answers by method, in their order; and what the camera sent from the answer to PLAY on."""
    asked: list[str] = []
    answers: dict[str, list[str]] = {}
    media: list[Event] = []
    plays = False
    for event in capture.events:
        if event.rtsp and not event.is_camera:
            match = _REQUEST.match(event.rtsp)
            if match is not None:
                asked.append(match[1])
        elif event.rtsp:
            status = _STATUS.match(event.rtsp)
            if status is None or not asked:
                continue
            method = asked.pop(0)
            if status[1] != "401":
                answers.setdefault(method, []).append(event.rtsp)
                plays = plays or (method == "PLAY" and status[1].startswith("2"))
        elif event.is_camera and (plays or event.channel >= 0):
            media.append(event)
    if "DESCRIBE" not in answers:
        raise CaptureError("it has no answer to DESCRIBE")
    return answers, media


class _Player:
    """One client's connection."""

    def __init__(self, capture: Capture) -> None:
        self._answers, self._media = _answers(capture)
        self._next: dict[str, int] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        playing: asyncio.Task[None] | None = None
        try:
            while head := await self._request(reader):
                match = _REQUEST.match(head)
                cseq = _CSEQ.search(head)
                if match is None or cseq is None:
                    return
                writer.write(self._answer(match[1], cseq[0]))
                await writer.drain()
                if match[1] == "PLAY" and playing is None:
                    playing = asyncio.create_task(self._play(writer))
                if match[1] == "TEARDOWN":
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            # The client went away, which is how a probe ends.
            return
        finally:
            if playing is not None:
                playing.cancel()
            writer.close()

    @staticmethod
    async def _request(reader: asyncio.StreamReader) -> str:
        while True:
            first = await reader.readexactly(1)
            if first != b"$":
                return (first + await reader.readuntil(b"\r\n\r\n")).decode("utf-8", "replace")
            # A receiver report.
            head = await reader.readexactly(3)
            await reader.readexactly(int.from_bytes(head[1:], "big"))

    def _answer(self, method: str, cseq: str) -> bytes:
        known = self._answers.get(method)
        if not known:
            return f"RTSP/1.0 200 OK\r\n{cseq.strip()}\r\n\r\n".encode()
        number = self._next.get(method, 0)
        self._next[method] = number + 1
        text = known[min(number, len(known) - 1)]
        head, gap, body = text.partition("\r\n\r\n" if "\r\n\r\n" in text else "\n\n")
        head = _CSEQ.sub(cseq.strip(), head, count=1)
        # What was redacted may have changed the length.
        head = re.sub(r"(?im)^(content-length\s*:).*$", lambda m: f"{m[1]} {len(body.encode())}", head)
        return (head + gap + body).encode()

    async def _play(self, writer: asyncio.StreamWriter) -> None:
        if not self._media:
            return
        first_us, began = self._media[0].t_us, time.monotonic()
        for event in self._media:
            wait_s = (event.t_us - first_us) / 1e6 - (time.monotonic() - began)
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            if event.channel >= 0:
                writer.write(b"$" + bytes((event.channel,)) + len(event.data).to_bytes(2, "big") + event.data)
            else:
                writer.write(event.data)
            await writer.drain()


@asynccontextmanager
async def replayed(capture: Capture) -> AsyncIterator[str]:
    """The URL on loopback at which the capture plays, for as long as this lasts.

    Raises:
        CaptureError: there is nothing in it that could be played.
    """
    _answers(capture)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _Player(capture).serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=_LONGEST)
    async with server:
        yield f"rtsp://127.0.0.1:{server.sockets[0].getsockname()[1]}/replay"
