"""The sound track's packets: put together, and put beside the picture. Pure but for the clocks that it is given.

Sound is put on the line of the video by, in this order: sender reports of both tracks, the camera's word in
``RTP-Info``, the moment of arrival. It is done once: a later correction would tear the sound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from nvr.recorder.sources.rtp import rtp
from nvr.recorder.sources.rtp.aac import AacDepacketiser, AudioFrame
from nvr.recorder.sources.rtp.g711 import G711Depacketiser
from nvr.recorder.sources.rtp.sdp import G711
from nvr.recorder.sources.rtsp.client import RtspTrack
from nvr.recorder.sources.rtsp.receiving import Clocks, Receiver, VideoReceiver

__all__ = ["AudioReceiver"]

# What the camera says about sound and picture belonging together is not believed against arrival by more than this.
_BELIEVED_S: Final = 10.0
# Packets in a row whose times are as far apart, for their samples, before that is believed.
_EVEN_STEPS: Final = 4


class SampleRatio:
    """How many ticks of a G.711 track are how many samples: as many, but for cameras that count another clock than they
    describe, most often 90 kHz."""

    def __init__(self, learns: bool) -> None:
        self.ticks = self.samples = 1
        self._learns = learns
        self._last: tuple[int, int] | None = None
        self._found = (1, 1)
        self._times = 0

    def learn(self, ticks: int, samples: int) -> bool:
        """A packet with this time and so many samples came; says whether another ratio counts from here on."""
        if not self._learns:
            return False
        last, self._last = self._last, (ticks, samples)
        if last is None or ticks <= last[0]:
            return False
        step = ticks - last[0], last[1]
        if step[0] * self._found[1] == self._found[0] * step[1]:
            self._times += 1
        else:
            self._found, self._times = step, 1
        if self._times < _EVEN_STEPS or self._found[0] * self.samples == self.ticks * self._found[1]:
            return False
        self.ticks, self.samples = self._found
        return True


def _no_frame(_: AudioFrame, ticks: int) -> None:
    raise AssertionError("sound came after the end")


def _no_bye() -> None:
    raise AssertionError("a goodbye came after the end")


class AudioReceiver(Receiver):
    """The audio track: hands out frames with their time in samples on the line of the video."""

    def __init__(
        self,
        track: RtspTrack,
        ssrc: int,
        clocks: Clocks,
        video: Callable[[], VideoReceiver | None],
        on_frame: Callable[[AudioFrame, int], None],
        on_bye: Callable[[], None],
    ) -> None:
        super().__init__(track, ssrc, clocks, on_bye)
        media = track.media
        self.depacketiser: AacDepacketiser | G711Depacketiser = (
            G711Depacketiser(media.channels) if media.encoding in G711 else AacDepacketiser(media.aac())
        )
        self._video = video
        self._on_frame = on_frame
        self._shift: int | None = None
        self._ratio = SampleRatio(media.encoding in G711)

    def _payload(self, payload: memoryview, timestamp: int, marker: bool, lost: int, arrived_us: int) -> None:
        for frame in self.depacketiser.feed(payload, timestamp, marker, lost):
            ticks = self.unwrapper.unwrap(frame.timestamp & 0xFFFFFFFF)
            if self._ratio.learn(ticks, frame.samples):
                self._shift = None
            ticks = ticks * self._ratio.samples // self._ratio.ticks
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
        self.admission.let_go()
        self._video = lambda: None
        self._on_frame = _no_frame
        self._on_bye = _no_bye

    def _restart(self) -> None:
        # Another timeline: it is aligned anew.
        self._shift = None
        self.last_report = None
        self.unwrapper = rtp.Unwrapper()
