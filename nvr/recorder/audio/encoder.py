"""``python -m nvr.recorder.audio.encoder``: a process that encodes G.711, which MP4 has no place for that players know,
to AAC.

It is apart from the workers that record, so that nothing that happens to FFmpeg here ends anybody's recording
(``encoding.py`` is its other end). Messages come on stdin and go to stdout until stdin ends. Sample rate and channels
stay as they are; no time of a camera is given to FFmpeg, only how many samples came.
"""

from __future__ import annotations

import os
import signal
import sys
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

import av
import av.logging
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags

from nvr.recorder.audio.encoder_messages import CODECS, FORGET, GIVEN, TAKEN

__all__ = ["SAMPLES", "G711Encoder"]

SAMPLES: Final = 1024
"""A frame of AAC lasts so many."""

_BITS_A_SAMPLE: Final = 3  # of AAC: 24 kbit/s for telephone sound
_READ_BYTES: Final = 1 << 18
_LARGEST_BYTES: Final = 1 << 20


@lru_cache
def _levels(codec: str) -> npt.NDArray[np.float32]:
    """What each of the 256 codes stands for, from -1 to 1."""
    decoder: Any = av.CodecContext.create(codec, "r")
    decoder.sample_rate, decoder.layout = 8000, "mono"
    (frame,) = decoder.decode(av.Packet(bytes(range(256))))
    levels: npt.NDArray[np.float32] = frame.to_ndarray()[0].astype(np.float32) / 32768
    return levels


class G711Encoder:
    """The encoder of one stream.

    Raises:
        av.FFmpegError, ValueError: AAC does not have this rate or number of channels.
    """

    def __init__(self, codec: str, rate: int, channels: int) -> None:
        self._levels = _levels(codec)
        self._rate, self._channels = rate, channels
        self._layout = "mono" if channels == 1 else "stereo"
        self._waiting = bytearray()
        self._next: int | None = None
        self._given_until: int | None = None
        self._encoder = self._open()
        self._taken = 0

    def _open(self) -> Any:
        encoder: Any = av.CodecContext.create("aac", "w")
        encoder.sample_rate, encoder.layout, encoder.format = self._rate, self._layout, "fltp"
        encoder.time_base = Fraction(1, self._rate)
        encoder.bit_rate = _BITS_A_SAMPLE * self._rate * self._channels
        # The configuration goes into the init, not into every frame.
        encoder.flags |= Flags.global_header
        encoder.open()
        return encoder

    def encode(self, time: int, samples: bytes) -> list[tuple[int, bytes]]:
        """Takes samples, the first of which is heard at ``time``; returns the frames that they completed, with their
        times."""
        if self._next is None or time != self._next + len(self._waiting) // self._channels:
            # Some are missing: what follows does not belong to what waits.
            if self._taken:
                self._encoder, self._taken = self._open(), 0
            self._waiting.clear()
            self._next = time
        self._waiting += samples
        found: list[tuple[int, bytes]] = []
        size = SAMPLES * self._channels
        while len(self._waiting) >= size:
            codes = np.frombuffer(bytes(self._waiting[:size]), np.uint8).reshape(-1, self._channels)
            del self._waiting[:size]
            frame: Any = av.AudioFrame.from_ndarray(np.ascontiguousarray(self._levels[codes].T), "fltp", self._layout)
            frame.sample_rate, frame.pts, frame.time_base = self._rate, self._taken, Fraction(1, self._rate)
            begun = self._next - self._taken
            self._taken += SAMPLES
            self._next += SAMPLES
            for packet in self._encoder.encode(frame):
                # The first frame of an encoder is a frame early: players need it to make sound of the second.
                at = begun + (packet.pts or 0)
                if self._given_until is None or at >= self._given_until:
                    self._given_until = at + SAMPLES
                    found.append((at, bytes(packet)))
        return found


def main() -> None:
    """Encodes what comes until nothing comes any more."""
    # Ctrl-C is for the server; this ends when nobody is left to encode for.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    av.logging.restore_default_callback()
    av.logging.set_libav_level(av.logging.FATAL)
    encoders: dict[int, tuple[tuple[int, int, int, int], G711Encoder]] = {}
    waiting = bytearray()
    taken = 0
    while data := os.read(0, _READ_BYTES):
        waiting += data
        out: list[bytes] = []
        at = 0
        while at + TAKEN.size <= len(waiting):
            stream, generation, codec, channels, rate, time, size = TAKEN.unpack_from(waiting, at)
            if size > _LARGEST_BYTES:
                sys.exit("a message that can't be one")
            if at + TAKEN.size + size > len(waiting):
                break
            samples = bytes(waiting[at + TAKEN.size : at + TAKEN.size + size])
            at += TAKEN.size + size
            if codec == FORGET:
                encoders.pop(stream, None)
                continue
            key = generation, codec, rate, channels
            known = encoders.get(stream)
            if known is None or known[0] != key:
                known = encoders[stream] = key, G711Encoder(CODECS[codec], rate, channels)
            for then, frame in known[1].encode(time, samples):
                out += (GIVEN.pack(stream, generation, then, len(frame)), frame)
        del waiting[:at]
        # Of no stream: whoever asked knows how much of it was taken.
        taken += len(data)
        out.append(GIVEN.pack(0, 0, taken, 0))
        answer = memoryview(b"".join(out))
        while answer:
            answer = answer[os.write(1, answer) :]


if __name__ == "__main__":
    main()
