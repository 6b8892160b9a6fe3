"""A track that was set up: what comes of it from the camera, over TCP or UDP, goes to FFmpeg as interleaved packets."""

from __future__ import annotations

from typing import Final

from nvr.recorder.sources.relay.client import Client
from nvr.recorder.sources.relay.udp import Datagrams
from nvr.recorder.sources.relay.video import RelayedVideo

__all__ = ["RelayedTrack"]

# A receiver report without a block (RFC 3550 6.4.2), which FFmpeg reads and makes nothing of.
_NOTHING_NEW: Final = b"\x80\xc9\x00\x01\x00\x00\x00\x00"


class RelayedTrack:
    """``channels``: FFmpeg's, for packets and reports. ``video``: who puts its frames together, if that can be done.
    ``datagrams``: over what it comes, if not over the connection."""

    def __init__(self, channels: tuple[int, int], client: Client, video: RelayedVideo | None) -> None:
        self._rtp, self._rtcp = (b"$" + bytes((channel,)) for channel in channels)
        self._client = client
        self.video = video
        self.datagrams: Datagrams | None = None
        self._has_passed = False
        self._packets = 0

    def rtp(self, data: memoryview) -> None:
        """A packet came."""
        if self.video is None:
            self._pass(self._rtp, bytes(data))
        elif len(data) > 7 and 200 <= data[1] <= 207 and data[1] & 0x7F != self.video.media.payload_type:
            # Some cameras put reports on the channel of packets (RFC 5761).
            self.rtcp(data)
        else:
            self._pass_all(self.video.take(data))

    def rtcp(self, data: memoryview) -> None:
        """A report came."""
        packets, is_report = ([], True) if self.video is None else self.video.report(data)
        self._pass_all(packets)
        if is_report:
            self._pass(self._rtcp, bytes(data))

    def settle(self) -> None:
        """What was read is about to be written over."""
        if self.video is not None:
            self.video.settle()
        self._client.flush()

    def tick(self, now_us: int) -> None:
        """To be called a few times a second."""
        if self.video is None:
            return
        self._pass_all(self.video.tick(now_us))
        packets = self.video.receiver.packets
        if packets != self._packets and not self._has_passed:
            # What comes can't be decoded, such as what is behind a lost keyframe. FFmpeg would take it for silence.
            self._pass(self._rtcp, _NOTHING_NEW)
        self._has_passed = False
        self._packets = packets
        self._client.flush()

    def pause(self) -> None:
        """Nothing has come for seconds."""
        if self.video is not None:
            self._pass_all(self.video.pause())
            self._client.flush()

    def end(self) -> None:
        """The camera ended."""
        if self.video is not None:
            self._pass_all(self.video.end())

    def close(self) -> None:
        """The relay ends."""
        if self.video is not None:
            self.video.let_go()
        if self.datagrams is not None:
            self.datagrams.close()

    def _pass_all(self, packets: list[bytes]) -> None:
        self._has_passed |= bool(packets)
        for packet in packets:
            self._pass(self._rtp, packet)

    def _pass(self, head: bytes, packet: bytes) -> None:
        self._client.packets += (head, len(packet).to_bytes(2, "big"), packet)
