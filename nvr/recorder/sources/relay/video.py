"""A video track on its way to FFmpeg: which packets are the track's, and which frames they make. Pure but for the
clocks that it is given.

FFmpeg hands out whatever it makes of packets: what is left of a frame of which some are missing, pieces of frames whose
packing it does not know, and then all that refers to them. So the frames are put together here, by the rules of the
``native`` source and by its own code. FFmpeg gets each of them packed as the standards have it, with a mark in front,
and hands it out when its turn has come, with its time; by the mark it is known again, and its bytes are those that the
relay put together. Of a stream that makes no sense to those rules FFmpeg gets the packets as they come, and what it
makes of them is judged behind it (``av_frames``). Invariants: what can't be decoded does not reach FFmpeg as long as
the stream makes sense; what is held is bounded.
"""

from __future__ import annotations

import struct
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from nvr.recorder.sources.relay.marks import FrameMark
from nvr.recorder.sources.rtp import rtp, sdp
from nvr.recorder.sources.rtp.frame import CodedFrame
from nvr.recorder.sources.rtp.sense import Seen, SenseCheck
from nvr.recorder.sources.rtsp.client import RtspTrack
from nvr.recorder.sources.rtsp.interleaving import video_receiver
from nvr.recorder.sources.rtsp.receiving import Clocks

__all__ = ["CLOCKS", "PassedOn", "RelayedVideo"]

CLOCKS: Final = Clocks(lambda: time.time_ns() // 1000, lambda: time.monotonic_ns() // 1000)
_HEADER: Final = struct.Struct("!BBHII")
# A unit that is larger is sent in parts: a packet on a connection has two bytes for its size.
_LARGEST_BYTES: Final = 60_000
# As many packets are kept of a stream of which no frame could be put together yet, for FFmpeg.
_MOST_KEPT_BYTES: Final = 8 << 20
# Packets behind a missing one wait for it so long.
_AHEAD_US: Final = 250_000
# A packet with a number that is so many before the last one, or fewer, is late, and not of a count that begins anew.
_LATE: Final = 1_000
# FFmpeg holds a frame until the next one begins. If that does not come soon, a delimiter tells it that the frame is
# over.
_SOON_US: Final = 200_000
_DELIMITER: Final = {"h264": b"\x09\xf0", "hevc": b"\x46\x01\x50"}
_LOOK_US: Final = 1_000_000


class PassedOn:
    """A frame that FFmpeg was given. ``ticks``: its presentation time; ``begins``: the time of the packet that FFmpeg
    takes it to begin with, both on the media line of the connection. ``arrived_us``: when its last packet was read, by
    the monotonic clock. ``sets``: of a keyframe, the parameter sets that came so far."""

    __slots__ = ("arrived_us", "begins", "frame", "number", "sets", "ticks")

    def __init__(
        self, number: int, frame: CodedFrame, ticks: int, begins: int, arrived_us: int, sets: tuple[bytes, ...]
    ) -> None:
        self.number = number
        self.frame = frame
        self.ticks = ticks
        self.begins = begins
        self.arrived_us = arrived_us
        self.sets = sets


class RelayedVideo:
    """The track of one connection. ``take`` and the others return the packets that FFmpeg is to have now. ``on_raw``
    is told why, if from now on FFmpeg gets packets as they come."""

    def __init__(
        self,
        media: sdp.Media,
        mark: FrameMark,
        clocks: Clocks = CLOCKS,
        on_raw: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.media = media
        self.mark = mark
        self._codec = media.codec
        self._clocks = clocks
        self._on_raw = on_raw
        self.receiver = video_receiver(
            RtspTrack(media, "", 0, 1), 0, clocks, self._frame, lambda at_us, camera_us: None, lambda: None
        )
        self._passed: list[bytes] = []
        self._on_the_way: deque[PassedOn] = deque()
        self._number = 0
        self.given = 0
        """The number of the last frame that the recorder has got; from FFmpeg's thread."""
        self._packet = -1
        self._ssrc = 0
        # Of the frame that was passed on last.
        self._given: CodedFrame | None = None
        self._given_ticks = self._given_us = 0
        self._is_flushed = False
        self.is_raw = False
        """Whether FFmpeg gets packets as they come."""
        self._understands = False
        self._kept: deque[bytes] = deque()
        self.kept_bytes = 0
        self._kept_number = -1
        self._sense: SenseCheck | None = None
        self._look_due_us = 0

    @property
    def counts(self) -> dict[str, int]:
        """What was counted; names are those of storage/catalogue/counters.py."""
        receiver = self.receiver
        counts = receiver.depacketiser.counts
        return {
            "packets": receiver.packets,
            # What is on its way through FFmpeg has not come yet: or it would seem to lack a keyframe.
            "received": receiver.depacketiser.sense.frames - max(0, self._number - self.given),
            "received_bytes": receiver.bytes,
            "lost_packets": receiver.sequence.lost,
            "duplicate_packets": receiver.sequence.duplicates,
            "restarts": receiver.sequence.restarts,
            "damaged": counts.damaged,
            "undecodable": counts.undecodable,
            "malformed": counts.malformed + receiver.malformed,
            "ignored": counts.ignored + receiver.admission.ignored,
            "split": counts.split,
            "unmarked": counts.unmarked,
            "doubtful": counts.doubtful,
        }

    @property
    def open_us(self) -> int | None:
        """When the frame came that FFmpeg has not given out yet, by the monotonic clock; None if there is none. Any
        thread may ask."""
        try:
            return self._on_the_way[0].arrived_us
        except IndexError:
            return self.receiver.open_us

    def taken(self, number: int) -> PassedOn | None:
        """The frame of a mark that FFmpeg gave out; those before it will not be asked for any more. From FFmpeg's
        thread."""
        try:
            while self._on_the_way[0].number <= number:
                found = self._on_the_way.popleft()
                if found.number == number:
                    return found
        except IndexError:
            # All have been given out, or the relay has let go of them meanwhile.
            return None
        return None

    # Packets ---------------------------------------------------------------------------------------------------------

    def take(self, data: memoryview) -> list[bytes]:
        """A packet came on the track's channel."""
        lost = self.receiver.sequence.lost
        self.receiver.on_rtp(data)
        if self.is_raw or not self._understands:
            self._take_raw(data, self.receiver.sequence.lost > lost)
        return self._all_passed()

    def report(self, data: memoryview) -> tuple[list[bytes], bool]:
        """A packet came on the channel of reports: packets that FFmpeg is to have before it, and whether it is a
        report, which FFmpeg is to have too."""
        if len(data) > 12 and data[0] & 0xC0 == 0x80 and data[1] & 0x7F == self.receiver.admission.payload_type:
            # Some cameras mix the two channels up.
            return self.take(data), False
        # With a goodbye the last frame comes out; FFmpeg takes nothing more after it.
        self.receiver.on_rtcp(data)
        return self._all_passed(), True

    def tick(self, now_us: int) -> list[bytes]:
        """To be called a few times a second: nothing waits for long."""
        if self.receiver.admission.waits_since(now_us) >= _AHEAD_US:
            self.receiver.release()
        if self._given is not None and now_us - self._given_us >= _SOON_US:
            self._flush()
        if not self.is_raw and self.receiver.packets and now_us >= self._look_due_us:
            self._look_due_us = now_us + _LOOK_US
            if self._sense is None:
                self._sense = SenseCheck(now_us / 1e6)
            elif (reason := self._sense.judge(self._seen(), now_us / 1e6)) is not None:
                self._make_raw(reason)
        return self._all_passed()

    def pause(self) -> list[bytes]:
        """Nothing has come for seconds: FFmpeg gets what seems to be whole, and gives out what it has."""
        self.receiver.pause()
        self._flush()
        return self._all_passed()

    def end(self) -> list[bytes]:
        """No more come: what is whole is passed on."""
        self.receiver.end()
        return self._all_passed()

    def settle(self) -> None:
        """What was read is about to be written over."""
        self.receiver.settle()

    def let_go(self) -> None:
        """Nothing comes any more."""
        self.receiver.let_go()

    def _all_passed(self) -> list[bytes]:
        passed, self._passed = self._passed, []
        return passed

    def _seen(self) -> Seen:
        sense, receiver = self.receiver.depacketiser.sense, self.receiver
        return Seen(
            receiver.packets, receiver.sequence.lost, sense.units, sense.ends, sense.frames, sense.keyframes_begun,
            sense.keyframes,
        )  # fmt: skip

    # Frames ----------------------------------------------------------------------------------------------------------

    def _frame(self, frame: CodedFrame, ticks: int, at_us: int, waited_us: int) -> None:
        """A frame that can be decoded."""
        if self.is_raw:
            return
        self._understands = True
        self._kept.clear()
        self.kept_bytes = 0
        self._number += 1
        begins = self._given_ticks if self._is_flushed else ticks
        sets = tuple(self.receiver.depacketiser.sets.values()) if frame.keyframe else ()
        self._on_the_way.append(PassedOn(self._number, frame, ticks, begins, at_us, sets))
        payloads = [self.mark.unit(self._codec, self._number)]
        for unit in _units(frame.data):
            payloads += _payloads(self._codec, unit)
        for n, payload in enumerate(payloads, 1):
            self._pass(n == len(payloads), frame.timestamp, payload)
        self._given, self._given_ticks, self._given_us = frame, ticks, self._clocks.monotonic_us()
        self._is_flushed = False

    def _flush(self) -> None:
        """FFmpeg gives out the frame that it has: what follows a delimiter is another one."""
        frame, self._given = self._given, None
        if frame is not None and not self.is_raw:
            self._pass(False, frame.timestamp, _DELIMITER[self._codec])
            self._is_flushed = True

    def _pass(self, marker: bool, timestamp: int, payload: bytes) -> None:
        """Packets have numbers of the relay's own: FFmpeg leaves out what it thinks comes twice, or late."""
        self._packet = self._packet + 1 & 0xFFFF
        kind = (0x80 if marker else 0) | self.media.payload_type
        self._passed.append(_HEADER.pack(0x80, kind, self._packet, timestamp, self._ssrc) + payload)

    # Packets as they come --------------------------------------------------------------------------------------------

    def _make_raw(self, reason: str) -> None:
        self._on_raw(reason)
        self.is_raw, self.given = True, self._number
        self._on_the_way.clear()
        self._pass(False, self._timestamp_kept(), self.mark.unit(self._codec, 0, "camera" if self._understands else ""))
        while self._kept:
            self._pass_raw(self._kept.popleft())
        self.kept_bytes = 0

    def _timestamp_kept(self) -> int:
        if self._kept:
            return int.from_bytes(self._kept[0][4:8], "big")
        return self.receiver.depacketiser.newest

    def _take_raw(self, data: memoryview, is_lost: bool) -> None:
        """A packet of a stream that nothing is known of yet, or of which FFmpeg gets all."""
        packet = rtp.parse(data)
        receiver = self.receiver
        if packet is None or packet.ssrc != receiver.sequence.ssrc or not len(packet.payload):
            return
        if packet.payload_type != receiver.admission.payload_type:
            return
        if self._kept_number >= 0 and self._kept_number - packet.sequence & 0xFFFF < _LATE:
            # It comes twice, or too late.
            return
        self._kept_number = packet.sequence
        if self.is_raw:
            if is_lost:
                self._pass(False, packet.timestamp, self.mark.unit(self._codec, 0, "network"))
            self._pass_raw(bytes(data))
            return
        self._kept.append(bytes(data))
        self.kept_bytes += len(data)
        while self.kept_bytes > _MOST_KEPT_BYTES:
            self.kept_bytes -= len(self._kept.popleft())

    def _pass_raw(self, data: bytes) -> None:
        packet = rtp.parse(memoryview(data))
        if packet is not None:
            self._pass(packet.marker, packet.timestamp, bytes(packet.payload))


def _units(data: bytes) -> Iterator[bytes]:
    """The NAL units of a frame, each of which stands after its length in four bytes."""
    at = 0
    while at + 4 < len(data):
        begin = at + 4
        at = begin + int.from_bytes(data[at:begin], "big")
        yield data[begin:at]


def _payloads(codec: str, unit: bytes) -> list[bytes]:
    """The payloads of a unit: one, or fragments (RFC 6184 5.8, RFC 7798 4.4.3)."""
    if len(unit) <= _LARGEST_BYTES:
        return [unit]
    if codec == "h264":
        begin, kind, body = bytes((unit[0] & 0xE0 | 28,)), unit[0] & 0x1F, unit[1:]
    else:
        begin, kind, body = bytes((unit[0] & 0x81 | 49 << 1, unit[1])), unit[0] >> 1 & 0x3F, unit[2:]
    made: list[bytes] = []
    for at in range(0, len(body), _LARGEST_BYTES):
        flags = (0 if at else 0x80) | (0x40 if at + _LARGEST_BYTES >= len(body) else 0)
        made.append(begin + bytes((flags | kind,)) + body[at : at + _LARGEST_BYTES])
    return made
