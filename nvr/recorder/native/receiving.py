"""A track's packets: checked, put together, timed. Pure but for the clocks that it is given; ``source`` does the rest.

Media time zero of a connection is where PLAY began by the camera's word, else the first video packet. Sound is put on the same line by, in this order:
sender reports of both tracks, the camera's word in ``RTP-Info``, the moment of arrival. It is done once: a later correction would tear the sound.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from nvr.recorder.native import rtcp, rtp
from nvr.recorder.native.aac import AacDepacketiser, AudioFrame
from nvr.recorder.native.client import Track
from nvr.recorder.native.errors import ClosedError
from nvr.recorder.native.g711 import G711Depacketiser
from nvr.recorder.native.h264 import H264Depacketiser
from nvr.recorder.native.h265 import H265Depacketiser
from nvr.recorder.native.pictures import Depacketiser, Picture
from nvr.recorder.native.sdp import G711

__all__ = ["AudioReceiver", "Clocks", "Receiver", "VideoReceiver"]

_YEAR_US: Final = 365 * 86_400_000_000
# Receiver and sender reports where RTP and RTCP share a channel: 200 to 204 without their highest bit (RFC 5761 4).
_RTCP_TYPES: Final = range(72, 77)
# What the camera says about sound and picture belonging together is not believed against arrival by more than this.
_BELIEVED_S: Final = 10.0
# What an interleaved packet begins with: dollar and channel, size, flags with marker and payload type.
_BEGIN: Final = struct.Struct("!HHH")
_TIMES: Final = struct.Struct("!II")


@lru_cache(maxsize=1024)
def _head(then: int) -> struct.Struct:
    """What interleaved packets of a picture begin with: what is the same of all of one size, the number, ``then`` bytes that are the same of all."""
    return struct.Struct(f"!6sH{then}s")


@lru_cache(maxsize=4096)
def _block(size: int) -> Any:
    """So many bytes in one piece."""
    return np.dtype(f"V{size}")


@dataclass(frozen=True, slots=True)
class Clocks:
    """The server's clocks, in microseconds."""

    realtime_us: Callable[[], int]
    monotonic_us: Callable[[], int]


class Receiver:
    """What video and audio have in common: numbers, reports, unwrapped time."""

    def __init__(self, track: Track, ssrc: int, clocks: Clocks) -> None:
        self.track = track
        self.sequence = rtp.Sequence()
        self.reports = rtcp.Receiver(ssrc, self.sequence)
        self.packets = 0
        self.malformed = 0
        self.unwrapper = rtp.Unwrapper()
        self.last_report: rtcp.SenderReport | None = None
        self._clocks = clocks
        self._payload_type: int | None = None

    @property
    def clock_rate(self) -> int:
        """Ticks a second."""
        return self.track.media.clock_rate

    def on_rtp(self, data: memoryview) -> None:
        """A packet on the RTP channel."""
        if len(data) > 12:
            flags, kind, number, timestamp, ssrc = rtp.HEADER.unpack_from(data)
            sequence = self.sequence
            if (
                flags == 0x80
                and kind & 0x7F == self._payload_type
                and number == sequence.highest + 1 & 0xFFFF
                and ssrc == sequence.ssrc
            ):
                # As nearly all are: nothing special, and the next one.
                sequence.went_on(1)
                self.packets += 1
                self._payload(data[12:], timestamp, kind > 127, 0)
                return
        self._judge(data)

    def _judge(self, data: memoryview) -> None:
        packet = rtp.parse(data)
        if packet is None:
            self.malformed += 1
            return
        if packet.payload_type != self._payload_type:
            if packet.payload_type in _RTCP_TYPES:
                self.on_rtcp(data)
                return
            if self._payload_type is not None:
                return
            # Some cameras number the payload otherwise than they described it: the first packet's word counts.
            self._payload_type = packet.payload_type
        take, lost, anew = self.sequence.take(packet.sequence, packet.ssrc)
        if not take:
            return
        self.packets += 1
        if anew:
            self._restart()
        self._payload(packet.payload, packet.timestamp, packet.marker, lost)

    def on_rtcp(self, data: memoryview) -> None:
        """A packet on the RTCP channel. Raises ``ClosedError`` if the camera says goodbye."""
        for report in rtcp.parse(data):
            if isinstance(report, rtcp.SenderReport):
                self.reports.heard(report, self._clocks.monotonic_us())
                self.last_report = report
                self._clock(report.ntp_us)
            elif report.ssrc == self.sequence.ssrc:
                raise ClosedError("the camera ended the stream (RTCP BYE)")

    def _clock(self, camera_us: int) -> None:
        """The camera's clock is said to show this now."""

    def _payload(self, payload: memoryview, timestamp: int, marker: bool, lost: int) -> None:
        raise NotImplementedError

    def _restart(self) -> None:
        raise NotImplementedError


class VideoReceiver(Receiver):
    """The video track: hands out whole pictures, with their presentation time in ticks since media time zero and the moment, by the monotonic clock."""

    def __init__(
        self,
        track: Track,
        ssrc: int,
        clocks: Clocks,
        on_picture: Callable[[Picture, int, int], None],
        on_clock: Callable[[int, int], None],
    ) -> None:
        super().__init__(track, ssrc, clocks)
        self.depacketiser: Depacketiser = (
            H264Depacketiser(track.media.parameter_sets)
            if track.media.codec == "h264"
            else H265Depacketiser(donl=track.media.donl)
        )
        self._on_picture = on_picture
        self._dollar = 0x2400 | track.channel
        self._on_clock = on_clock
        self._zero: int | None = None
        self._began_anew = False
        self._latest_at_us = 0
        self.latest: int | None = None

    def _clock(self, camera_us: int) -> None:
        now_us = self._clocks.realtime_us()
        # A camera without a clock may count from its start, which reads as 2036 (RFC 3550 6.4.1).
        if camera_us < now_us + _YEAR_US:
            self._on_clock(now_us, camera_us)

    def media_s(self, timestamp: int) -> float:
        """The media time of a timestamp near the latest, once there was one."""
        return (self.unwrapper.near(timestamp) - (self._zero or 0)) / self.clock_rate

    def _payload(self, payload: memoryview, timestamp: int, marker: bool, lost: int) -> None:
        self._take(self.depacketiser.feed(payload, timestamp, marker, lost))

    def end(self) -> None:
        """The connection ended: hands out what is whole."""
        self._take(self.depacketiser.end())

    def let_go(self) -> None:
        """Nothing comes any more: forgets who was to get it. What was counted stays."""
        self._on_picture = _no_picture
        self._on_clock = _no_clock

    def _take(self, pictures: tuple[Picture, ...]) -> None:
        for picture in pictures:
            ticks = self.unwrapper.unwrap(picture.timestamp)
            now_us = self._clocks.monotonic_us()
            if self._zero is None:
                start = self.track.rtp_time
                self._zero = ticks if start is None else self.unwrapper.near(start)
            elif self._began_anew and self.latest is not None:
                # Another timeline, which says nothing of how long it was since the last picture; arrival does.
                passed = max(1, (now_us - self._latest_at_us) * self.clock_rate // 1_000_000)
                self._zero = ticks - self.latest - passed
            self._began_anew, self._latest_at_us = False, now_us
            self.latest = ticks - self._zero
            self._on_picture(picture, self.latest, now_us)

    def skim(self, data: bytearray, at: int, end: int) -> int:
        """Takes from a read buffer, in which a packet of this track's RTP channel may begin at ``at``, the packets that do nothing but go on with a
        NAL unit: next in number, without marker or anything else of note. Returns where it stopped; ``on_rtp`` is for the packet there."""
        middle = self.depacketiser.going_on()
        if middle is None or self._payload_type is None or end - at < _BEGIN.size:
            return at
        sequence = self.sequence
        number = sequence.highest
        size = data[at + 2] << 8 | data[at + 3]
        if size <= 12 + len(middle):
            return at
        # Those of one size in a row: only what they begin with is looked at, and what follows is copied from all of them in one go.
        begin = _BEGIN.pack(self._dollar, size, 0x8000 | self._payload_type)
        then = _TIMES.pack(self.depacketiser.timestamp, sequence.ssrc) + middle
        head = _head(len(then))
        stride, more = 4 + size, size - 12 - len(middle)
        first = at
        while at + stride <= end and data.startswith(head.pack(begin, number + 1 & 0xFFFF, then), at):
            number += 1
            at += stride
        count = number - sequence.highest
        if count:
            blocks: Any = np.ndarray((count,), _block(more), data, first + head.size, (stride,))
            self.depacketiser.gone_on(blocks.tobytes())
            sequence.went_on(count)
            self.packets += count
        return at

    def _restart(self) -> None:
        self.depacketiser.restart()
        self.last_report = None
        self._began_anew = True


def _no_picture(_: Picture, ticks: int, now_us: int) -> None:
    raise AssertionError("a picture came after the end")


def _no_clock(at_us: int, camera_us: int) -> None:
    raise AssertionError("a report came after the end")


def _no_frame(_: AudioFrame, ticks: int) -> None:
    raise AssertionError("sound came after the end")


class AudioReceiver(Receiver):
    """The audio track: hands out frames with their time in samples on the line of the video."""

    def __init__(
        self,
        track: Track,
        ssrc: int,
        clocks: Clocks,
        video: Callable[[], VideoReceiver | None],
        on_frame: Callable[[AudioFrame, int], None],
    ) -> None:
        super().__init__(track, ssrc, clocks)
        media = track.media
        self.depacketiser: AacDepacketiser | G711Depacketiser = (
            G711Depacketiser(media.channels) if media.encoding in G711 else AacDepacketiser(media.aac())
        )
        self._video = video
        self._on_frame = on_frame
        self._shift: int | None = None

    def _payload(self, payload: memoryview, timestamp: int, marker: bool, lost: int) -> None:
        for frame in self.depacketiser.feed(payload, timestamp, marker, lost):
            ticks = self.unwrapper.unwrap(frame.timestamp & 0xFFFFFFFF)
            if self._shift is None:
                at_s = self._media_s(frame.timestamp & 0xFFFFFFFF)
                if at_s is None:
                    # There is no picture yet that this could belong to.
                    continue
                self._shift = round(at_s * self.clock_rate) - ticks
            self._on_frame(frame, ticks + self._shift)

    def _media_s(self, timestamp: int) -> float | None:
        """When on the video's line this sample is."""
        video = self._video()
        if video is None or video.latest is None:
            return None
        arrived_s = video.latest / video.clock_rate
        ours, theirs = self.last_report, video.last_report
        if ours is not None and theirs is not None:
            since_report_s = (self.unwrapper.near(timestamp) - self.unwrapper.near(ours.timestamp)) / self.clock_rate
            apart_s = (ours.ntp_us - theirs.ntp_us) / 1e6
            told_s = video.media_s(theirs.timestamp) + apart_s + since_report_s
        elif self.track.rtp_time is not None and video.track.rtp_time is not None:
            start = self.unwrapper.near(self.track.rtp_time)
            told_s = (self.unwrapper.near(timestamp) - start) / self.clock_rate
        else:
            return arrived_s
        return told_s if abs(told_s - arrived_s) < _BELIEVED_S else arrived_s

    def let_go(self) -> None:
        """As ``VideoReceiver``'s."""
        self._video = lambda: None
        self._on_frame = _no_frame

    def _restart(self) -> None:
        # Another timeline: it is aligned anew.
        self._shift = None
        self.last_report = None
        self.unwrapper = rtp.Unwrapper()
