"""Taking apart the bytes of an RTSP connection: interleaved packets, answers, requests of the camera, junk (RFC 2326
10.12). No I/O.

One ``ReadBuffer`` serves all connections of an event loop: what a read leaves unfinished, seldom more than a packet,
waits in the connection's own few bytes. Invariant: memory is bounded by the largest message, whatever comes; a
memoryview given to a handler is valid only until ``settle`` is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from nvr.recorder.media.packets import PacketLane
from nvr.recorder.sources.rtp.errors import ProtocolError
from nvr.recorder.sources.rtsp.message import Message, parse_head

__all__ = ["Framing", "ReadBuffer", "Skim", "nobody"]

_DOLLAR: Final = 0x24
_LONGEST_HEAD: Final = 1 << 15
_LONGEST_MESSAGE: Final = _LONGEST_HEAD + (1 << 16)
# Junk in a row that a camera is forgiven: before its first answer, and between packets.
_JUNK_AT_FIRST: Final = 1024
_JUNK_LATER: Final = 1 << 18
_MESSAGE: Final = re.compile(
    rb"RTSP/\d|(?:OPTIONS|SET_PARAMETER|GET_PARAMETER|REDIRECT|ANNOUNCE|TEARDOWN|PLAY|PAUSE|DESCRIBE) "
)
_STARTS: Final = frozenset(b"ROSGATPD")
# What may follow a packet: another one, a message, the empty line too many.
_BEGINS: Final = frozenset(b"$ROSGATPD\r\n")
_LONGEST_START: Final = 14
# Why a lane stopped that has taken the packet before (``nvr.recorder.lane.lane``).
_BEHIND_A_FRAME: Final = 3
_EMPTY_LINE: Final = re.compile(rb"\r?\n\r?\n")
_LINE_ENDS: Final = b"\r\n"
_LINE: Final = re.compile(rb"[a-z]=[^\r\n$]{0,8192}\r?\n")
_LINE_SO_FAR: Final = re.compile(rb"[a-z](?:=[^\r\n$]{0,8192}\r?)?\Z")


Skim = Callable[[bytearray, memoryview, int, int], int]
"""Takes what it can of the packets that begin in a buffer, of which it is given a view too, at one place and end before
another; returns where it stopped, which is where a packet begins that it left alone. To be called in step."""


class ReadBuffer:
    """The memory that all reads of one event loop go to. ``bytes_`` must hold the largest message and something to read
    besides (else it raises ValueError)."""

    def __init__(self, bytes_: int = 1 << 18) -> None:
        if bytes_ <= _LONGEST_MESSAGE:
            raise ValueError(f"a read buffer needs more than {_LONGEST_MESSAGE} bytes")
        self.data = bytearray(bytes_)
        self.view = memoryview(self.data)


class _Channel:
    """Who gets an interleaved channel's packets."""

    def __init__(self, handler: Callable[[memoryview], None], skim: Skim | None) -> None:
        self.handler = handler
        self.skim = skim


class Framing:
    """The parser of one connection."""

    def __init__(self, buffer: ReadBuffer, on_message: Callable[[Message], None]) -> None:
        self._buffer = buffer
        self.on_message = on_message
        # By number, which is small. Of thousands of connections nothing is in a cache: each look into a set or dict
        # would be several misses.
        self._channels: list[_Channel | None] = []
        self._settles: list[Callable[[], None]] = []
        self._rest = b""
        self._junk_in_row = 0
        self._in_step = True
        self._spoke = False
        self.junk_bytes = 0
        self.resyncs = 0
        self.strangers = 0
        self._last = -1
        self.tail = -1
        """While ``settle`` is called: the channel whose packet ended this read, with nothing behind it; -1: it ended
        otherwise."""
        self.lane: PacketLane | None = None
        """Who takes what is regular first."""
        self.loose: bytearray | None = None
        """Lines of a description whose length its answer did not say, from that answer on."""

    def handle(
        self,
        channel: int,
        handler: Callable[[memoryview], None],
        skim: Skim | None = None,
        settle: Callable[[], None] | None = None,
    ) -> None:
        """From now on this channel's packets go to ``skim``, and those that it leaves to ``handler``. With
        ``settle`` they may keep what they are given until it is called, at the end of each read, otherwise only as long
        as a call lasts."""
        self._channels += [None] * (channel + 1 - len(self._channels))
        self._channels[channel] = _Channel(handler, skim)
        if settle is not None:
            self._settles.append(settle)

    def let_go(self) -> None:
        """Nothing comes any more: forgets who was to get it."""
        self._channels = []
        self._settles = []
        self.on_message = nobody
        self.lane = None

    @property
    def memory(self) -> bytearray:
        """Where what is read lies."""
        return self._buffer.data

    @property
    def is_regular(self) -> bool:
        """Whether packets follow each other, with nothing between."""
        return self._in_step and not self._junk_in_row

    def take_rest(self) -> bytes:
        """What was read and is not whole, which somebody else goes on with."""
        rest, self._rest = self._rest, b""
        return rest

    def put_rest(self, rest: bytes) -> None:
        """This was read before what comes next."""
        self._rest = rest

    def get_buffer(self) -> memoryview:
        """Where the next bytes go. They must be read and handed to ``received`` before another connection's call."""
        rest = self._rest
        view = self._buffer.view
        if not rest:
            return view
        view[: len(rest)] = rest
        return view[len(rest) :]

    def received(self, count: int) -> None:
        """So many bytes were read.

        Raises:
            ProtocolError: this is not RTSP.
        """
        end = len(self._rest) + count
        self._rest = b""
        self._received(end, -1)

    def resumed(self, rest: bytes, why: int) -> None:
        """The lane has read this, and stopped before it for some reason.

        Raises:
            ProtocolError: as ``received``.
        """
        end = len(rest)
        self._buffer.view[:end] = rest
        self._received(end, why)

    def _received(self, end: int, why: int) -> None:
        self._last = self.tail = -1
        at, lane = 0, self.lane
        if lane is not None:
            at = lane.take(end, why)
            if at >= 0:
                if at < end:
                    self._rest = bytes(self._buffer.view[at:end])
                return
            at = -1 - at
            if at or why == _BEHIND_A_FRAME:
                self._last = lane.channel
        try:
            at = self._parse(at, end)
            self.tail = self._last if at == end else -1
        finally:
            for settle in self._settles:
                settle()
        if at < end:
            self._rest = bytes(self._buffer.view[at:end])

    def _parse(self, at: int, end: int) -> int:
        """Handles what is whole from here on; returns where the unfinished begins."""
        data, view = self._buffer.data, self._buffer.view
        channels = self._channels
        while at < end:
            first = data[at]
            if first == _DOLLAR:
                if end - at < 4:
                    break
                number = data[at + 1]
                channel = channels[number] if number < len(channels) else None
                size = data[at + 2] << 8 | data[at + 3]
                stop = at + 4 + size
                if channel is None and self._in_step and (stop >= end or data[stop] in _BEGINS):
                    # Of a channel that was never set up: whatever it holds, what follows is behind it.
                    if stop > end:
                        break
                    self.strangers += 1
                    self._last = -1
                    at = stop
                    continue
                if channel is not None:
                    if channel.skim is not None and self._in_step:
                        behind = channel.skim(data, view, at, end)
                        if behind > at:
                            self._last = number
                            self._junk_in_row = 0
                            at = behind
                            continue
                    # Out of step a dollar may be a part of a picture: then it counts only before an RTP version.
                    if not self._in_step and size and end - at < 5:
                        break
                    if self._in_step or (size >= 8 and data[at + 4] & 0xC0 == 0x80):
                        if stop > end:
                            break
                        self._good()
                        self._last = number
                        if size:
                            channel.handler(view[at + 4 : stop])
                        at = stop
                        continue
            elif first in _LINE_ENDS:
                # Some cameras end a message with an empty line too many.
                at += 1
                continue
            elif first in _STARTS:
                taken = self._message(at, end)
                if taken == 0:
                    break
                if taken > 0:
                    self._last = -1
                    at += taken
                    continue
            elif self.loose is not None and len(self.loose) < _LONGEST_MESSAGE:
                found = _LINE.match(data, at, end)
                if found is not None:
                    self.loose += found[0]
                    at = found.end()
                    continue
                if _LINE_SO_FAR.match(data, at, end) is not None:
                    break
            at = self._skip(at, end)
        return at

    def _message(self, at: int, end: int) -> int:
        """Bytes of the message at ``at``, which was handled; 0 if it is unfinished, -1 if this is none."""
        data = self._buffer.data
        head_end = min(end, at + _LONGEST_HEAD)
        if _MESSAGE.match(data, at, min(end, at + _LONGEST_START + 1)) is None:
            # Too little to tell, unless it is enough already.
            return 0 if end - at <= _LONGEST_START and _could_begin(bytes(data[at:end])) else -1
        found = _EMPTY_LINE.search(data, at, head_end)
        if found is None:
            if end - at >= _LONGEST_HEAD:
                raise ProtocolError("the camera sent a message without an end")
            return 0
        message = parse_head(bytes(data[at : found.end()]))
        if message is None:
            return -1
        stop = found.end() + message.length
        if stop > end:
            return 0
        body = bytes(data[found.end() : stop])
        self._good()
        self._spoke = True
        self.loose = bytearray() if message.lacks_length else None
        self.on_message(
            Message(message.status, message.reason, message.method, message.url, message.headers, body)
            if body
            else message
        )
        return stop - at

    def _good(self) -> None:
        if not self._in_step:
            self._in_step = True
            self.resyncs += 1
        self._junk_in_row = 0

    def _skip(self, at: int, end: int) -> int:
        """Steps over junk to the next byte that may begin something."""
        self._in_step = False
        data = self._buffer.data
        dollar = data.find(b"$", at + 1, end)
        word = data.find(b"RTSP/", at + 1, end)
        candidates = [found for found in (dollar, word) if found >= 0]
        # The last bytes may be the beginning of an answer.
        to = min(candidates) if candidates else max(at + 1, end - 4)
        self.junk_bytes += to - at
        self._junk_in_row += to - at
        if self._junk_in_row > (_JUNK_LATER if self._spoke else _JUNK_AT_FIRST):
            raise ProtocolError("the camera sent something that is not RTSP")
        return to


def nobody(_: Message) -> None:
    """Who gets messages before there is a connection, and after it."""
    raise AssertionError("a message came without a connection")


_METHODS: Final = (
    b"RTSP/1",
    b"OPTIONS ",
    b"SET_PARAMETER ",
    b"GET_PARAMETER ",
    b"REDIRECT ",
    b"ANNOUNCE ",
    b"TEARDOWN ",
    b"PLAY ",
    b"PAUSE ",
    b"DESCRIBE ",
)


def _could_begin(text: bytes) -> bool:
    return any(method.startswith(text) for method in _METHODS)
