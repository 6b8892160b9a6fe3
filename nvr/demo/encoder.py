"""Live H.264 of RGB pictures, with the parameter sets before every keyframe, as cameras send it."""

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt

from .rtsp import split_annexb
from .rtsp.nal import is_keyframe

CLOCK_RATE = 90_000


class Encoder:
    """libx264 without B-frames or look-ahead: one picture in, one access unit out. Not thread-safe."""

    def __init__(self, width: int, height: int, frame_rate: int, group_s: float, bit_rate_bps: int) -> None:
        context = av.VideoCodecContext.create("libx264", "w")
        context.width, context.height = width, height
        context.pix_fmt = "yuv420p"
        context.framerate = Fraction(frame_rate)
        context.time_base = Fraction(1, CLOCK_RATE)
        context.bit_rate = bit_rate_bps
        context.thread_count = 1
        group = str(round(frame_rate * group_s))
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "g": group,
            "keyint_min": group,
            "sc_threshold": "0",
            "maxrate": str(bit_rate_bps * 2),
            "bufsize": str(bit_rate_bps * 2),
        }
        self._context = context

    def encode(self, picture: npt.NDArray[np.uint8], pts: int) -> tuple[Sequence[bytes], bool]:
        """NAL units of a picture (height, width, 3) shown at `pts` (1/90000 s), and whether it is a keyframe."""
        frame = av.VideoFrame.from_ndarray(picture, "rgb24")
        frame.pts = pts
        nals = [nal for packet in self._context.encode(frame) for nal in split_annexb(bytes(packet))]
        return nals, is_keyframe("h264", nals)
