"""Keyframes decoded and made into blocks, in a process of its own that runs only when nobody else wants the processor:
recording never feels it, and a picture that ends a decoder ends that process alone.

Invariant: there is at most one; what it holds are the blocks of one stretch.
"""

from __future__ import annotations

import contextlib
import logging
import struct
import subprocess
import sys
import threading
from collections.abc import Iterable
from typing import IO, Final

import numpy as np

from nvr.playback.activity import BLOCK, WIDTH, Blocks, blocks_of
from nvr.playback.still_process import give_way

__all__ = ["ActivityProcess"]

log = logging.getLogger(__name__)

# Size of the init, and of each keyframe; zero: there are no more.
_SIZE: Final = struct.Struct(">I")
# Of each keyframe: rows and columns of its blocks; none: it can't be decoded.
_SHAPE: Final = struct.Struct(">HH")
_IDLE_S: Final = 60.0
_LONGEST_S: Final = 300.0


class ActivityProcess:
    """The process, begun when it is first needed. For one thread."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def blocks(self, init: bytes, keyframes: Iterable[bytes]) -> list[Blocks | None]:
        """The blocks of each keyframe of one init; None of one that can't be decoded, or
        is empty.

        Raises:
            LookupError: the decoder ended.
        """
        if self.pid is None:
            self.close()
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "nvr.playback.activity_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        watch = threading.Timer(_LONGEST_S, process.kill)
        watch.daemon = True
        watch.start()
        try:
            _put(process.stdin, init)
            found: list[Blocks | None] = []
            for keyframe in keyframes:
                if not keyframe:
                    found.append(None)
                    continue
                _put(process.stdin, keyframe)
                process.stdin.flush()
                high, wide = _SHAPE.unpack(_exactly(process.stdout, _SHAPE.size))
                data = _exactly(process.stdout, high * wide)
                found.append(np.frombuffer(data, np.uint8).reshape(high, wide) if data else None)
            _put(process.stdin, b"")
            process.stdin.flush()
        except (OSError, EOFError) as error:
            self.close()
            log.warning("the process that compares keyframes ended: %s", error)
            raise LookupError("the decoder ended") from error
        finally:
            watch.cancel()
        return found

    def close(self) -> None:
        """Ends the process; it begins again when it is needed."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()


def _put(pipe: IO[bytes], data: bytes) -> None:
    pipe.write(_SIZE.pack(len(data)) + data)


def _exactly(source: IO[bytes], count: int) -> bytes:
    data = source.read(count)
    if len(data) < count:
        raise EOFError("it answers no more")
    return data


def _serve(source: IO[bytes], answers: IO[bytes]) -> None:
    """Answers until nobody asks any more. In the process itself."""
    while head := source.read(_SIZE.size):
        decoder = _Decoder(_exactly(source, *_SIZE.unpack(head)))
        while size := _SIZE.unpack(_exactly(source, _SIZE.size))[0]:
            data = _exactly(source, size)
            try:
                blocks = decoder.blocks(data)
            except Exception:
                # Whatever a camera sent: of this one nothing is known.
                blocks = np.empty((0, 0), np.uint8)
            answers.write(_SHAPE.pack(*blocks.shape) + blocks.tobytes())
            answers.flush()


class _Decoder:
    def __init__(self, init: bytes) -> None:
        self._init = init

    def blocks(self, keyframe: bytes) -> Blocks:
        import io

        import av

        from nvr.playback.snapshot import MOST_PIXELS

        with av.open(io.BytesIO(self._init), "r", format="mp4") as container:
            template = container.streams.video[0].codec_context
            context = av.CodecContext.create(template.name, "r")
            context.extradata = template.extradata
            context.thread_count = 1
            context.options = {"max_pixels": str(MOST_PIXELS)}
            frames = [*context.decode(av.Packet(keyframe)), *context.decode(None)]  # type: ignore[attr-defined]
        frame = frames[0]
        wide = min(WIDTH, frame.width) // BLOCK * BLOCK
        high = max(frame.height * wide // frame.width // BLOCK * BLOCK, BLOCK)
        return blocks_of(frame.reformat(wide, high, "gray").to_ndarray())


if __name__ == "__main__":
    give_way()
    _serve(sys.stdin.buffer, sys.stdout.buffer)
