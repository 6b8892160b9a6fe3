"""AAC payloads (RFC 3640, AAC-hbr and AAC-lbr): several frames a packet, or one frame over several packets. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from nvr.recorder.media.audio_config import adts_frames
from nvr.recorder.sources.rtp.sdp import Aac

__all__ = ["AacDepacketiser", "AudioFrame", "samples_per_frame"]

_LARGEST_BYTES: Final = 1 << 16


class AudioFrame(NamedTuple):
    """A raw AAC frame. ``timestamp`` is on the packets' line, in samples; it may pass 32 bits by the frames of one
    packet. It lasts ``samples``."""

    data: bytes
    timestamp: int
    samples: int


def samples_per_frame(config: bytes) -> int:
    """1024, or 960 if the AudioSpecificConfig's ``frameLengthFlag`` says so (ISO/IEC 14496-3 4.4.1). Object types above
    30 are taken to have 1024."""
    if len(config) < 2 or config[0] >> 3 == 31:
        return 1024
    rate = (config[0] & 7) << 1 | config[1] >> 7
    at = 5 + 4 + (24 if rate == 15 else 0) + 4
    bit = int.from_bytes(config.ljust(8, b"\0")[:8], "big") >> (63 - at) & 1
    return 960 if bit else 1024


def _bare(data: bytes) -> bytes:
    """A frame without the ADTS header that some cameras leave in front of it. No raw frame begins as one does: that
    would be its end (ISO/IEC 14496-3 4.4.2.1)."""
    if data[0] != 0xFF:
        return data
    found = adts_frames(data)
    return found[0][1] if len(found) == 1 else data


class AacDepacketiser:
    """The frames of one track."""

    def __init__(self, format_: Aac) -> None:
        self._format = format_
        self._samples = samples_per_frame(format_.config)
        self._part = bytearray()
        self._part_size = 0
        self._part_timestamp = 0
        self.malformed = 0
        self.damaged = 0

    def feed(self, payload: memoryview, timestamp: int, marker: bool, lost: int) -> tuple[AudioFrame, ...]:
        """Takes the next payload; returns what it completed."""
        if self._part and (lost or timestamp != self._part_timestamp):
            self._drop_part()
        frames = self._read(payload, timestamp)
        if frames is None:
            self.malformed += 1
            self._part.clear()
            return ()
        return frames

    def _drop_part(self) -> None:
        self.damaged += 1
        self._part.clear()

    def _read(self, payload: memoryview, timestamp: int) -> tuple[AudioFrame, ...] | None:
        form = self._format
        if len(payload) < 2:
            return None
        bits = payload[0] << 8 | payload[1]
        data_at = 2 + (bits + 7) // 8
        first_bits = form.size_bits + form.index_bits
        if bits < first_bits or data_at > len(payload):
            return None
        headers = int.from_bytes(payload[2:data_at], "big")
        total = 8 * (data_at - 2)
        frames: list[AudioFrame] = []
        at, number, bit = data_at, 0, 0
        while bit + form.size_bits + (form.index_bits if number == 0 else form.delta_bits) <= bits:
            size = headers >> (total - bit - form.size_bits) & ((1 << form.size_bits) - 1)
            bit += form.size_bits + (form.index_bits if number == 0 else form.delta_bits)
            if at + size > len(payload):
                # A frame larger than its packet is alone in it, and goes on in the next ones.
                return self._fragment(payload[at:], size, timestamp) if number == 0 else None
            if size:
                data = _bare(bytes(payload[at : at + size]))
                frames.append(AudioFrame(data, timestamp + number * self._samples, self._samples))
            at += size
            number += 1
        self._part.clear()
        return tuple(frames)

    def _fragment(self, part: memoryview, size: int, timestamp: int) -> tuple[AudioFrame, ...] | None:
        if not self._part:
            self._part_size, self._part_timestamp = size, timestamp
        if size != self._part_size or size > _LARGEST_BYTES:
            return None
        self._part += part
        if len(self._part) < size:
            return ()
        frame = AudioFrame(_bare(bytes(self._part[:size])), timestamp, self._samples)
        self._part.clear()
        return (frame,)
