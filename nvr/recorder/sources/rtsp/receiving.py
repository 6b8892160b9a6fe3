"""The video track's packets: checked, put together, timed; and what sound has in common with them. Pure but for the
clocks that it is given; ``source`` does the rest.

Media time zero of a connection is where PLAY began by the camera's word, else the first video packet.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from nvr.recorder.sources.rtp import rtcp, rtp
from nvr.recorder.sources.rtp.admission import STARTS, Admission, Admitted
from nvr.recorder.sources.rtp.codecs import CODECS
from nvr.recorder.sources.rtp.frame import CodedFrame
from nvr.recorder.sources.rtp.pictures import Depacketiser
from nvr.recorder.sources.rtsp.client import RtspTrack

__all__ = ["Clocks", "Receiver", "VideoReceiver"]

_YEAR_US: Final = 365 * 86_400_000_000
# Reports where RTP and RTCP share a channel (RFC 5761 4); what has the number of the track's payload type is none.
_RTCP_TYPES: Final = range(200, 208)
# A frame that comes so many usual distances after another has none missing between them.
_FOLLOWS: Final = 1.5
# What an interleaved packet begins with: dollar and channel, size, flags with marker and payload type.
_BEGIN: Final = struct.Struct("!HHH")
_TIMES: Final = struct.Struct("!II")
# Dollar and channel, size, and the header of RTP.
_PACKET: Final = struct.Struct("!HHBBHII")
# So many packets of one size in a row are worth NumPy, which a worker with small cameras does without.
_MANY: Final = 16


@lru_cache(maxsize=1024)
def _head(then: int) -> struct.Struct:
    """What interleaved packets of a picture begin with: what is the same of all of one size, the number, ``then`` bytes
    that are the same of all."""
    return struct.Struct(f"!6sH{then}s")


@lru_cache(maxsize=4096)
def _block(size: int) -> Any:
    """So many bytes in one piece."""
    import numpy as np

    return np.dtype(f"V{size}")


def _gathered(data: bytearray, at: int, more: int, stride: int, count: int) -> bytes:
    """So many times ``more`` bytes, the first from ``at`` on, each ``stride`` after the one before."""
    if count < _MANY:
        return b"".join([data[begin : begin + more] for begin in range(at, at + count * stride, stride)])
    import numpy as np

    blocks: Any = np.ndarray((count,), _block(more), data, at, (stride,))
    gathered: bytes = blocks.tobytes()
    return gathered


@dataclass(frozen=True, slots=True)
class Clocks:
    """The server's clocks, in microseconds."""

    realtime_us: Callable[[], int]
    monotonic_us: Callable[[], int]


class Receiver:
    """What video and audio have in common: which packets are the track's, reports, unwrapped time. ``on_bye``: the
    camera says that the track ends."""

    def __init__(self, track: RtspTrack, ssrc: int, clocks: Clocks, on_bye: Callable[[], None]) -> None:
        self.track = track
        self.sequence = rtp.Sequence()
        self.reports = rtcp.RtcpReceiver(ssrc, self.sequence)
        self.packets = 0
        self.bytes = 0
        """Of payloads, each once: what came of the stream."""
        self.malformed = 0
        self.unwrapper = rtp.Unwrapper()
        self.last_report: rtcp.SenderReport | None = None
        self.admission = Admission(self.sequence, track.media.payload_type, self)
        self._clocks = clocks
        self._on_bye = on_bye
        self._plain_type = track.media.payload_type

    @property
    def taken(self) -> int:
        """Packets that came and were not another's."""
        return self.packets - self.admission.ignored

    @property
    def clock_rate(self) -> int:
        """Ticks a second."""
        return self.track.media.clock_rate

    def on_rtp(self, data: memoryview) -> None:
        """A packet on the RTP channel."""
        size = len(data)
        if size > 12:
            flags, kind, number, timestamp, ssrc = rtp.HEADER.unpack_from(data)
            sequence = self.sequence
            if (
                flags == 0x80
                and kind & 0x7F == self._plain_type
                and number == sequence.highest + 1 & 0xFFFF
                and ssrc == sequence.ssrc
            ):
                # As nearly all are: nothing special, and the next one.
                sequence.went_on(1)
                self.packets += 1
                self.bytes += size - 12
                self._payload(data[12:], timestamp, kind > 127, 0, -1)
                return
        self._judge(data)

    def _judge(self, data: memoryview) -> None:
        if len(data) > 7 and data[1] in _RTCP_TYPES and data[1] & 0x7F != self.track.media.payload_type:
            self.on_rtcp(data)
            return
        packet = rtp.parse(data)
        self.packets += 1
        if packet is None:
            self.malformed += 1
            return
        for admitted in self.admission.take(packet, self._clocks.monotonic_us()):
            self._admit(admitted)
        self._plain_type = self.admission.plain_type

    def _admit(self, admitted: Admitted) -> None:
        if admitted.anew:
            self._restart()
        packet = admitted.packet
        self.bytes += len(packet.payload)
        self._payload(packet.payload, packet.timestamp, packet.marker, admitted.lost, admitted.arrived_us)

    def release(self) -> None:
        """Takes what waited for packets that are missing."""
        found: list[Admitted] = []
        self.admission.release(found)
        for admitted in found:
            self._admit(admitted)
        self._plain_type = self.admission.plain_type

    def on_rtcp(self, data: memoryview) -> None:
        """A packet on the RTCP channel."""
        if len(data) > 12 and data[0] & 0xC0 == 0x80 and data[1] & 0x7F == self.admission.payload_type:
            # Some cameras mix the two channels up.
            self.on_rtp(data)
            return
        for report in rtcp.parse(data):
            if isinstance(report, rtcp.SenderReport):
                self.reports.heard(report, self._clocks.monotonic_us())
                self.last_report = report
                self._clock(report.ntp_us)
            elif report.ssrc == self.sequence.ssrc:
                self.release()
                self.admission.said_goodbye = True
                self._at_bye()
                self._on_bye()

    def is_newer(self, timestamp: int) -> bool:
        """Whether nothing of this time has come before."""
        return self.unwrapper.near(timestamp) > self.unwrapper.latest

    def follows(self, timestamp: int) -> bool:
        """Whether, by its time, nothing can be missing before this one."""
        return False

    def may_follow(self, timestamp: int) -> bool:
        """The same, or, while it is not known how far frames are apart, whether it is of about now."""
        return False

    def worth(self, payload: memoryview) -> int:
        """What a payload says of whether it is the track's; see ``admission``."""
        return STARTS

    def _clock(self, camera_us: int) -> None:
        """The camera's clock is said to show this now."""

    def _payload(self, payload: memoryview, timestamp: int, marker: bool, lost: int, arrived_us: int) -> None:
        """A payload of the track, ``lost`` packets missing before it. It came at ``arrived_us``, monotonic, or just now
        if that is negative."""
        raise NotImplementedError

    def _at_bye(self) -> None:
        """The camera says that it has sent all."""

    def _restart(self) -> None:
        raise NotImplementedError


class VideoReceiver(Receiver):
    """The video track: hands out whole frames, with their presentation time in ticks since media time zero, the moment
    at which their last packet was read, by the monotonic clock, and how long ago that is."""

    def __init__(
        self,
        track: RtspTrack,
        ssrc: int,
        clocks: Clocks,
        on_picture: Callable[[CodedFrame, int, int, int], None],
        on_clock: Callable[[int, int], None],
        on_bye: Callable[[], None],
    ) -> None:
        super().__init__(track, ssrc, clocks, on_bye)
        media = track.media
        self.depacketiser: Depacketiser = CODECS[media.codec].depacketiser(media.parameter_sets, media.donl)
        self._on_picture = on_picture
        self._dollar = 0x2400 | track.channel
        self._on_clock = on_clock
        self._zero: int | None = None
        self._began_anew = False
        self._latest_at_us = 0
        # When the last read ended that left a frame open.
        self._read_us = 0
        self.took_us = 0
        """When the last frame was handed out, by the monotonic clock."""
        self._usual_step = 0
        self.latest: int | None = None

    def _clock(self, camera_us: int) -> None:
        now_us = self._clocks.realtime_us()
        # A camera without a clock may count from its start, which reads as 2036 (RFC 3550 6.4.1).
        if camera_us < now_us + _YEAR_US:
            self._on_clock(now_us, camera_us)

    def media_s(self, timestamp: int) -> float:
        """The media time of a timestamp near the latest, once there was one."""
        return (self.unwrapper.near(timestamp) - (self._zero or 0)) / self.clock_rate

    def is_newer(self, timestamp: int) -> bool:
        return self._ahead(timestamp) > 0

    def follows(self, timestamp: int) -> bool:
        return 0 <= self._ahead(timestamp) <= _FOLLOWS * self._usual_step

    def may_follow(self, timestamp: int) -> bool:
        return self.follows(timestamp) or (not self._usual_step and 0 <= self._ahead(timestamp) <= 2 * self.clock_rate)

    def _ahead(self, timestamp: int) -> int:
        """How many ticks a time is after the newest that came."""
        step = timestamp - self.depacketiser.newest & 0xFFFFFFFF
        return step if step < 0x80000000 else step - 0x100000000

    def worth(self, payload: memoryview) -> int:
        return self.depacketiser.worth(payload)

    def _payload(self, payload: memoryview, timestamp: int, marker: bool, lost: int, arrived_us: int) -> None:
        pictures = self.depacketiser.feed(payload, timestamp, marker, lost)
        if pictures:
            self._take(pictures, arrived_us)

    def settle(self) -> None:
        """What was read is about to be written over."""
        self.depacketiser.settle()
        if self.depacketiser.is_open:
            self._read_us = self._clocks.monotonic_us()

    @property
    def open_us(self) -> int | None:
        """When the last read ended that left a frame open which is open still, by the monotonic clock."""
        return self._read_us if self.depacketiser.is_open else None

    def pause(self) -> None:
        """Nothing has come for seconds: hands out what seems to be whole."""
        self._take(self.depacketiser.pause(), -1)

    def end(self) -> None:
        """The connection ended: hands out what is whole."""
        self.release()
        self._take(self.depacketiser.end(), -1)

    def _at_bye(self) -> None:
        self._take(self.depacketiser.end(goodbye=True), -1)

    def let_go(self) -> None:
        """Nothing comes any more: forgets who was to get it. What was counted stays."""
        self.admission.let_go()
        self._on_picture = _no_picture
        self._on_clock = _no_clock
        self._on_bye = _no_bye

    def _take(self, pictures: tuple[CodedFrame, ...], arrived_us: int) -> None:
        for picture in pictures:
            ticks = self.unwrapper.unwrap(picture.timestamp)
            now_us = self.took_us = self._clocks.monotonic_us()
            at_us = self._read_us if picture.late else arrived_us if arrived_us >= 0 else now_us
            if self._zero is None:
                start = self.track.rtp_time
                self._zero = ticks if start is None else self.unwrapper.near(start)
            elif self._began_anew and self.latest is not None:
                # Another timeline, which says nothing of how long it was since the last frame; arrival does.
                passed = max(1, (at_us - self._latest_at_us) * self.clock_rate // 1_000_000)
                self._zero = ticks - self.latest - passed
            elif self.latest is not None:
                step = ticks - self._zero - self.latest
                if step > 0:
                    self._usual_step = step
            self._began_anew, self._latest_at_us = False, at_us
            self.latest = ticks - self._zero
            self._on_picture(picture, self.latest, at_us, now_us - at_us)

    def skim(self, data: bytearray, view: memoryview, at: int, end: int) -> int:
        """Takes from a read buffer, in which packets of this track's RTP channel may begin at ``at``, those that nearly
        all are: next in number, and nothing special. Returns where it stopped; ``on_rtp`` is for the packet there."""
        sequence, plain_type, dollar = self.sequence, self._plain_type, self._dollar
        if plain_type < 0:
            return at
        head: int
        size: int
        flags: int
        kind: int
        number: int
        timestamp: int
        ssrc: int
        while end - at > _PACKET.size:
            head, size, flags, kind, number, timestamp, ssrc = _PACKET.unpack_from(data, at)
            stop = at + 4 + size
            if (
                head != dollar
                or flags != 0x80
                or kind & 0x7F != plain_type
                or number != sequence.highest + 1 & 0xFFFF
                or ssrc != sequence.ssrc
                or size <= 12
                or stop > end
            ):
                return at
            sequence.went_on(1)
            self.packets += 1
            self.bytes += size - 12
            self._payload(view[at + 16 : stop], timestamp, kind > 127, 0, -1)
            at = stop if kind > 127 else self._go_on(data, stop, end)
        return at

    def _go_on(self, data: bytearray, at: int, end: int) -> int:
        """The same of packets that do nothing but go on with a NAL unit."""
        middle = self.depacketiser.going_on()
        if middle is None or end - at < _BEGIN.size:
            return at
        sequence = self.sequence
        number = sequence.highest
        size = data[at + 2] << 8 | data[at + 3]
        if size <= 12 + len(middle):
            return at
        # Those of one size in a row: only what they begin with is looked at, and what follows is copied from all of
        # them in one go.
        begin = _BEGIN.pack(self._dollar, size, 0x8000 | self._plain_type)
        then = _TIMES.pack(self.depacketiser.timestamp, sequence.ssrc) + middle
        head = _head(len(then))
        stride, more = 4 + size, size - 12 - len(middle)
        first = at
        while at + stride <= end and data.startswith(head.pack(begin, number + 1 & 0xFFFF, then), at):
            number += 1
            at += stride
        count = number - sequence.highest
        if count:
            self.depacketiser.gone_on(_gathered(data, first + head.size, more, stride, count))
            sequence.went_on(count)
            self.packets += count
            self.bytes += count * (size - 12)
        return at

    def _restart(self) -> None:
        self._take(self.depacketiser.restart(), -1)
        self.last_report = None
        self._began_anew = True


def _no_picture(_: CodedFrame, ticks: int, arrived_us: int, waited_us: int) -> None:
    raise AssertionError("a picture came after the end")


def _no_clock(at_us: int, camera_us: int) -> None:
    raise AssertionError("a report came after the end")


def _no_bye() -> None:
    raise AssertionError("a goodbye came after the end")
