"""A worker's end of the process that encodes G.711 (``encoder.py``): begun when it is first needed, and again when it
ends, at growing intervals.

Samples are handed over from any thread and never waited for; frames come back later, or do not. Invariants: nothing
here blocks a caller; what waits is bounded; what the process does, or does not do, costs audio alone.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import selectors
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from nvr.backoff import Backoff
from nvr.recorder.audio.encoder_messages import CODECS, FORGET, GIVEN, TAKEN

__all__ = ["EncodedStream", "Encoding"]

log = logging.getLogger(__name__)

_MOST_WAITING_BYTES: Final = 4 << 20
_MOST_RESULTS: Final = 512
# What came within so long is handed over together: two processes that take turns for every frame cost more than the
# frames.
_GATHER_S: Final = 0.1
# Samples without any answer for so long, and the process hangs.
_SILENT_S: Final = 15.0
_RETRIES: Final = Backoff(1.0, 60.0)
_WELL_AFTER_S: Final = 60.0
_COMMAND: Final = (sys.executable, "-m", "nvr.recorder.audio.encoder")


def _environment(mine: Mapping[str, str]) -> dict[str, str]:
    """Without what makes workers take memory in large pages: this process has little to warm."""
    return {name: value for name, value in mine.items() if name != "GLIBC_TUNABLES"}


class EncodedStream:
    """One connection's audio on its way through the encoder. ``results`` are times and frames, of the generation that
    was begun last."""

    def __init__(self, encoding: Encoding, number: int, codec: str, rate: int, channels: int) -> None:
        self._encoding = encoding
        self._number = number
        self._kind = CODECS.index(codec), channels, rate
        self._generation = 0
        self._results: deque[tuple[int, int, bytes]] = deque(maxlen=_MOST_RESULTS)

    def restart(self) -> None:
        """What was handed over until now is not wanted any more."""
        self._generation += 1

    def put(self, time_: int, samples: bytes) -> bool:
        """Hands over samples; False if there is nobody to take them."""
        head = TAKEN.pack(self._number, self._generation, *self._kind, time_, len(samples))
        return self._encoding.put(head + samples)

    def take(self) -> list[tuple[int, bytes]]:
        """The frames that came back, in order."""
        found: list[tuple[int, bytes]] = []
        while self._results:
            generation, at, frame = self._results.popleft()
            if generation == self._generation:
                found.append((at, frame))
        return found

    def gave(self, generation: int, at: int, frame: bytes) -> None:
        """A frame came back. Of the encoder's thread."""
        self._results.append((generation, at, frame))

    def close(self) -> None:
        """Nothing more comes."""
        self._encoding.forget(self._number)


class Encoding:
    """The process and the thread that talks to it."""

    def __init__(
        self,
        command: tuple[str, ...] = _COMMAND,
        *,
        clock: Callable[[], float] = time.monotonic,
        gather_s: float = _GATHER_S,
        silent_s: float = _SILENT_S,
    ) -> None:
        self._command = command
        self._clock = clock
        self._gather_s = gather_s
        self._silent_s = silent_s
        self._streams: dict[int, EncodedStream] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting = bytearray()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._process: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._retry_at = 0.0
        # Bytes of this process's life.
        self._sent = self._taken = 0
        self.ended = 0
        """How often the process ended, or was ended because it hung."""

    def open(self, codec: str, rate: int, channels: int) -> EncodedStream:
        """A stream of a codec of ``CODECS``."""
        number = next(self._numbers)
        stream = self._streams[number] = EncodedStream(self, number, codec, rate, channels)
        return stream

    @property
    def is_idle(self) -> bool:
        """Whether all that was handed over has been answered."""
        with self._lock:
            return not self._waiting and self._taken == self._sent

    def forget(self, number: int) -> None:
        """The stream has ended."""
        if self._streams.pop(number, None) is not None and self._thread is not None:
            self.put(TAKEN.pack(number, 0, FORGET, 0, 0, 0, 0))

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        process = self._process
        return process.pid if process is not None else None

    def put(self, message: bytes) -> bool:
        """Hands over a message; False if too much waits, or the process is away for now."""
        with self._lock:
            if self._stopping or len(self._waiting) + len(message) > _MOST_WAITING_BYTES:
                return False
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="audio-encoder", daemon=True)
                self._thread.start()
            if self._process is None and self._clock() < self._retry_at:
                return False
            self._waiting += message
        if not self._wake.is_set():
            self._wake.set()
        return True

    def end(self) -> None:
        """Ends thread and process; does not wait. What waits is left out."""
        self._stopping = True
        self._wake.set()

    # The thread ------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._stopping:
            self._wake.wait()
            self._wake.clear()
            if self._stopping:
                return
            if self._clock() < self._retry_at:
                # Handed over while the process was ending: that is left out with the rest.
                continue
            began = self._clock()
            try:
                why = self._serve()
            except OSError as error:
                why = str(error.strerror)
            if self._stopping:
                return
            self.ended += 1
            lived_s = self._clock() - began
            self._failures = 1 if lived_s >= _WELL_AFTER_S else self._failures + 1
            # The first time, and then no oftener than it makes a difference.
            level = logging.WARNING if self._failures == 1 else logging.DEBUG
            log.log(
                level, "the audio encoder ended (%s): G.711 is left out until it is back, video is not concerned", why
            )
            with self._lock:
                self._waiting.clear()
                self._retry_at = self._clock() + _RETRIES.after(self._failures)

    def _serve(self) -> str:
        """Begins the process and serves it until it ends; says why it did."""
        process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment(os.environ)
        )
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        to, back = process.stdin.fileno(), process.stdout.fileno()
        os.set_blocking(to, False)
        os.set_blocking(back, False)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(back, selectors.EVENT_READ)
                why = self._exchange(selector, to, back)
        finally:
            self._process = None
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                # It ends by itself once nothing more can come.
                process.wait(0.5)
            if process.poll() is None:
                process.kill()
            code = process.wait()
        return why or (f"signal {-code}" if code < 0 else f"exit code {code}")

    def _exchange(self, selector: selectors.BaseSelector, to: int, back: int) -> str:
        sending = memoryview(b"")
        coming = bytearray()
        heard_at = self._clock()
        self._sent = self._taken = 0
        while not self._stopping:
            if not sending:
                with self._lock:
                    data, self._waiting = self._waiting, bytearray()
                    if data:
                        if self._taken == self._sent:
                            heard_at = self._clock()
                        self._sent += len(data)
                        sending = memoryview(bytes(data))
            if sending:
                try:
                    sending = sending[os.write(to, sending) :]
                except BlockingIOError:
                    pass
                except BrokenPipeError:
                    return ""
            ready = selector.select(max(0.01, self._gather_s))
            if ready:
                data = bytearray(os.read(back, 1 << 18))
                if not data:
                    return ""
                heard_at = self._clock()
                coming += data
                self._give(coming)
                # What is ready right after will be more.
                time.sleep(self._gather_s)
            elif self._taken < self._sent and self._clock() - heard_at > self._silent_s:
                return f"no answer for {self._silent_s:.0f} s"
            elif not sending and self.is_idle:
                self._wake.wait(self._silent_s)
                self._wake.clear()
                time.sleep(self._gather_s)
        return "stopped"

    def _give(self, coming: bytearray) -> None:
        at = 0
        while at + GIVEN.size <= len(coming):
            number, generation, then, size = GIVEN.unpack_from(coming, at)
            if at + GIVEN.size + size > len(coming):
                break
            stream = self._streams.get(number)
            if number == 0:
                self._taken = then
            elif stream is not None:
                stream.gave(generation, then, bytes(coming[at + GIVEN.size : at + GIVEN.size + size]))
            at += GIVEN.size + size
        del coming[:at]
