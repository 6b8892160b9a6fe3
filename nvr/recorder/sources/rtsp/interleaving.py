"""A video track whose NAL units come in another order than they are decoded in: they are put in order before they are
put together. Pure but for the clocks that it is given."""

from __future__ import annotations

from collections.abc import Callable

from nvr.recorder.media.decoding_order import DecodingOrder, H264Order, H265Order, Numbered
from nvr.recorder.sources.rtp.frame import CodedFrame
from nvr.recorder.sources.rtp.h265 import H265Depacketiser
from nvr.recorder.sources.rtsp.client import RtspTrack
from nvr.recorder.sources.rtsp.receiving import Clocks, VideoReceiver

__all__ = ["InterleavedVideo", "video_receiver"]


class InterleavedVideo(VideoReceiver):
    """As ``VideoReceiver``."""

    def __init__(
        self,
        track: RtspTrack,
        ssrc: int,
        clocks: Clocks,
        on_picture: Callable[[CodedFrame, int, int, int], None],
        on_clock: Callable[[int, int], None],
        on_bye: Callable[[], None],
    ) -> None:
        super().__init__(track, ssrc, clocks, on_picture, on_clock, on_bye)
        media = track.media
        depth = media.interleaving or 0
        self._order: DecodingOrder = H264Order(depth) if media.codec == "h264" else H265Order(depth)
        # A marker ends a frame where units come in their order.
        self._marks = depth == 0
        self._before_us = self._given_us = 0
        if media.codec == "hevc":
            self.depacketiser = H265Depacketiser(media.parameter_sets)

    def worth(self, payload: memoryview) -> int:
        return self.depacketiser.worth(self._order.judged(payload))

    def settle(self) -> None:
        self.depacketiser.settle()

    @property
    def open_us(self) -> int | None:
        """When the oldest unit arrived that waits for its turn, or for the rest of its frame."""
        waits_us = self._order.oldest_us
        if not self.depacketiser.is_open:
            return waits_us
        return self._before_us if waits_us is None else min(self._before_us, waits_us)

    def _payload(self, payload: memoryview, timestamp: int, marker: bool, lost: int, arrived_us: int) -> None:
        order = self._order
        order.now_us = arrived_us if arrived_us >= 0 else self._clocks.monotonic_us()
        is_alone = not order.waits
        if lost:
            order.lose()
        if len(payload) and not order.read(payload, timestamp):
            self.depacketiser.counts.malformed += 1
            self._take_at(self.depacketiser.restart(), self._before_us)
        units = order.ready()
        # If what waited before is among them, the marker is not that of the last.
        self._give(units, marker and self._marks and is_alone and not order.waits)

    def _give(self, units: list[Numbered], marker: bool) -> None:
        for number, unit in enumerate(units, 1):
            ends = marker and number == len(units)
            found = self.depacketiser.feed(memoryview(unit.data), unit.timestamp, ends, unit.lost)
            self._take_at(found, self._before_us if self.depacketiser.finished_late else unit.arrived_us)
            self._before_us = unit.arrived_us

    def _take_at(self, pictures: tuple[CodedFrame, ...], at_us: int) -> None:
        """These arrived then, although they had to wait for their turn; or with those before them."""
        if pictures:
            self._read_us = self._given_us = max(at_us, self._given_us)
            self._take(pictures, self._read_us)

    def end(self) -> None:
        self.release()
        self._give(self._order.rest(), False)
        super().end()

    def _at_bye(self) -> None:
        self._give(self._order.rest(), False)
        super()._at_bye()

    def _restart(self) -> None:
        self._give(self._order.rest(), False)
        self._order.restart()
        super()._restart()


def video_receiver(
    track: RtspTrack,
    ssrc: int,
    clocks: Clocks,
    on_picture: Callable[[CodedFrame, int, int, int], None],
    on_clock: Callable[[int, int], None],
    on_bye: Callable[[], None],
) -> VideoReceiver:
    """Who takes the packets of a track."""
    kind = VideoReceiver if track.media.interleaving is None else InterleavedVideo
    return kind(track, ssrc, clocks, on_picture, on_clock, on_bye)
