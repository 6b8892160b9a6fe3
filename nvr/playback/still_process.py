"""JPEGs of keyframes, made in a process of their own: for cameras whose pictures a browser can't decode.

It runs only when nobody else wants the processor, decodes one picture at a time, and ends when it was not needed for a
while: recording never feels it, and a picture that ends a decoder ends that process alone. Invariant: there is at most
one; what it holds is one picture.
"""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import struct
import subprocess
import sys
import threading
from typing import IO, Final

from nvr.niceness import lower
from nvr.playback.snapshot import decoded_picture

__all__ = ["StillProcess", "give_way"]

log = logging.getLogger(__name__)

_REQUEST: Final = struct.Struct(">qIII")
_ANSWER: Final = struct.Struct(">III")
_IDLE_S: Final = 60.0
# Long: it has no processor while others want it.
_LONGEST_S: Final = 60.0
_MOST_MEMORY_BYTES: Final = 2 << 30
_NICENESS: Final = 19


class StillProcess:
    """The process, begun when it is first needed. Safe to use from several threads: they wait for one another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._timer: threading.Timer | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def decode(self, data: bytes, pts: int, width: int | None, exif: bytes) -> tuple[bytes, tuple[int, int]]:
        """As ``nvr.playback.snapshot.decoded_picture``, there.

        Raises:
            LookupError: the picture does not come out.
        """
        with self._lock:
            self._end_after(None)
            try:
                process = self._running()
                # A picture that never comes out must not keep all others waiting.
                watch = threading.Timer(_LONGEST_S, process.kill)
                watch.daemon = True
                watch.start()
                try:
                    return _asked(process, data, pts, width, exif)
                finally:
                    watch.cancel()
            except (OSError, EOFError) as error:
                self._end()
                log.warning("the process that makes pictures ended: %s", error)
                raise LookupError("the decoder ended") from error
            finally:
                self._end_after(_IDLE_S)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            # In a session of its own, or the whole of ours would give way with it.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "nvr.playback.still_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        return self._process

    def _end_after(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None:
            self._timer = threading.Timer(seconds, self.close)
            self._timer.daemon = True
            self._timer.start()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()

    def close(self) -> None:
        """Ends the process; it begins again when it is needed."""
        with self._lock:
            self._end_after(None)
            self._end()


def _asked(
    process: subprocess.Popen[bytes], data: bytes, pts: int, width: int | None, exif: bytes
) -> tuple[bytes, tuple[int, int]]:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(_REQUEST.pack(pts, width or 0, len(exif), len(data)) + exif + data)
    process.stdin.flush()
    wide, high, size = _ANSWER.unpack(_exactly(process.stdout, _ANSWER.size))
    if not size:
        raise LookupError("frame not found")
    return _exactly(process.stdout, size), (wide, high)


def _exactly(source: IO[bytes], count: int) -> bytes:
    data = source.read(count)
    if len(data) < count:
        raise EOFError("it answers no more")
    return data


def _serve(source: IO[bytes], answers: IO[bytes]) -> None:
    """Answers until nobody asks any more. In the process itself."""
    while head := source.read(_REQUEST.size):
        pts, width, exif_bytes, size = _REQUEST.unpack(head)
        exif, data = _exactly(source, exif_bytes), _exactly(source, size)
        try:
            jpeg, (wide, high) = decoded_picture(data, pts, width or None, exif)
        except Exception:
            # Whatever a camera sent: who asked is told that there is none.
            jpeg, wide, high = b"", 0, 0
        answers.write(_ANSWER.pack(wide, high, len(jpeg)) + jpeg)
        answers.flush()


def give_way() -> None:
    """This process is one that others never feel: lowest priority, and bounded memory."""
    lower(_NICENESS)
    # No priority at all: only while nobody else wants the processor.
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY_BYTES, _MOST_MEMORY_BYTES))


if __name__ == "__main__":
    give_way()
    _serve(sys.stdin.buffer, sys.stdout.buffer)
