"""G.711 sound, which MP4 has no place for that players know, encoded to AAC.

Sample rate and channels stay as they are. Invariant: times of the packets given out rise, and each is when its samples were sent.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags

from nvr.recorder.source import AudioFormat, AudioPacket, AudioUnit

__all__ = ["G711Encoder"]

_BITS_A_SAMPLE: Final = 3  # of AAC: 24 kbit/s for telephone sound
# Times of packets wander by this much without a sample missing.
_TOLERANCE_S: Final = 0.05


@lru_cache
def _levels(codec: str) -> npt.NDArray[np.float32]:
    """What each of the 256 codes stands for, from -1 to 1."""
    decoder: Any = av.CodecContext.create(codec, "r")
    decoder.sample_rate, decoder.layout = 8000, "mono"
    (frame,) = decoder.decode(av.Packet(bytes(range(256))))
    levels: npt.NDArray[np.float32] = frame.to_ndarray()[0].astype(np.float32) / 32768
    return levels


class G711Encoder:
    """The encoder of one connection's sound, which is ``came``; what it gives is ``format``.

    Raises:
        av.FFmpegError, ValueError: AAC does not have this rate or number of channels.
    """

    def __init__(self, came: AudioFormat) -> None:
        self._levels = _levels(came.codec)
        self._rate, self._channels = came.rate, came.channels
        self._layout = "mono" if came.channels == 1 else "stereo"
        self._encoder = self._open()
        self._samples: int = self._encoder.frame_size
        self._waiting = bytearray()
        self._next: int | None = None
        self._given: int | None = None
        self.format = AudioFormat("aac", came.rate, came.channels, bytes(self._encoder.extradata), self._samples)

    def _open(self) -> Any:
        encoder: Any = av.CodecContext.create("aac", "w")
        encoder.sample_rate, encoder.layout, encoder.format = self._rate, self._layout, "fltp"
        encoder.time_base = Fraction(1, self._rate)
        encoder.bit_rate = _BITS_A_SAMPLE * self._rate * self._channels
        # The configuration goes into the init, not into every frame.
        encoder.flags |= Flags.global_header
        encoder.open()
        return encoder

    def encode(self, packet: AudioPacket) -> list[AudioUnit]:
        """Takes a packet; returns the access units that it completed."""
        assert packet.pts is not None
        at = packet.pts
        waiting = len(self._waiting) // self._channels
        if self._next is None or abs(at - self._next - waiting) > _TOLERANCE_S * self._rate:
            # Sound is missing, or this is another timeline: what follows does not belong to what waits.
            if self._next is not None:
                self._encoder = self._open()
            self._waiting.clear()
            self._next = at
        self._waiting += packet.data
        found: list[AudioUnit] = []
        size = self._samples * self._channels
        while len(self._waiting) >= size:
            codes = np.frombuffer(bytes(self._waiting[:size]), np.uint8).reshape(-1, self._channels)
            del self._waiting[:size]
            levels = np.ascontiguousarray(self._levels[codes].T)
            frame: Any = av.AudioFrame.from_ndarray(levels, "fltp", self._layout)
            frame.sample_rate, frame.pts, frame.time_base = self._rate, self._next, Fraction(1, self._rate)
            self._next += self._samples
            for encoded in self._encoder.encode(frame):
                # An encoder that was begun anew gives its first frame early.
                if encoded.pts is not None and (self._given is None or encoded.pts > self._given):
                    self._given = encoded.pts
                    found.append(AudioUnit(bytes(encoded), encoded.pts, self._samples))
        return found
