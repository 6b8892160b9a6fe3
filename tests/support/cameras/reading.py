"""Reading frames back with PyAV: from a camera or from a file, as (hash, pts, keyframe)."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import numpy as np

from nvr.demo import timecode

from .frames import frame_hash

# FFmpeg's own timeout; PyAV's would take the GIL at every poll. Microseconds.
# Without `fpsprobesize` it reads some twenty frames before it returns, to guess a frame rate nobody asks for.
OPTIONS = {"rtsp_transport": "tcp", "timeout": "5000000", "fpsprobesize": "0"}


@dataclass(frozen=True, slots=True)
class Read:
    """A frame as a client got it; `stream` is its index, `pts` in the stream's time base (None: not known yet)."""

    stream: int
    hash: str
    pts: int | None
    keyframe: bool


def packets(source: str | Path, *, limit: int | None = None, options: dict[str, str] | None = None) -> list[Read]:
    """The packets of a URL or file, at most `limit`; to the end of the stream without one."""
    live = str(source).startswith("rtsp:")
    chosen = {**(OPTIONS if live else {}), **(options or {})}
    with av.open(str(source), options=chosen) as container:
        return list(islice(_packets(container), limit))


def _packets(container: av.container.InputContainer) -> Iterator[Read]:
    for packet in container.demux():
        if packet.size == 0:
            continue
        context = packet.stream.codec_context
        # The decoder configuration of MP4 begins with its version, 1; a byte stream's begins with a start code.
        prefixed = context.name in ("h264", "hevc") and (context.extradata or b"")[:1] == b"\x01"
        digest = frame_hash(context.name, bytes(packet), prefixed)
        yield Read(packet.stream.index, digest, packet.pts, packet.is_keyframe)


def numbers(source: str | Path, *, limit: int | None = None) -> list[int | None]:
    """The numbers burned into the decoded pictures of the first video stream."""
    with av.open(str(source), options=OPTIONS if str(source).startswith("rtsp:") else {}) as container:
        frames = islice(container.decode(video=0), limit)
        return [timecode.read(np.asarray(frame.to_ndarray(format="gray"))) for frame in frames]
