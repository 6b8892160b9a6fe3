"""What a worker and the process that encodes G.711 say to each other. A worker reads this alone: what encodes needs
NumPy, which it can do without."""

from __future__ import annotations

import struct
from typing import Final

__all__ = ["CODECS", "FORGET", "GIVEN", "TAKEN"]

CODECS: Final = ("pcm_mulaw", "pcm_alaw")
"""FFmpeg's names, by their numbers in messages."""
FORGET: Final = 255
"""In place of a codec: nothing more comes of this stream."""
TAKEN: Final = struct.Struct("!IIBBIqI")
"""What stands in front of samples: number of the stream, its generation, codec, channels, samples a second, time of the
first sample, bytes."""
GIVEN: Final = struct.Struct("!IIqI")
"""What stands in front of a raw AAC frame: number of the stream (0: so many bytes were taken until now, in place of the
time), its generation, time, bytes."""
