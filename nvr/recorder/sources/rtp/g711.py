"""G.711 payloads: samples of one byte, as they are (RFC 3551 4.5.14). Pure."""

from __future__ import annotations

from nvr.recorder.sources.rtp.aac import AudioFrame

__all__ = ["G711Depacketiser"]


class G711Depacketiser:
    """The samples of one track, a packet's together."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self.malformed = 0
        self.damaged = 0

    def feed(self, payload: memoryview, timestamp: int, marker: bool, lost: int) -> tuple[AudioFrame, ...]:
        """Takes the next payload; returns it, unless it is empty or ends within a sample of several channels."""
        if not len(payload) or len(payload) % self._channels:
            self.malformed += 1
            return ()
        return (AudioFrame(bytes(payload), timestamp, len(payload) // self._channels),)
