"""Which camera each thread works on, kept where the supervisor can read it after the process has died.

FFmpeg is C: bytes of one camera can end the process of thousands, and nothing then says whose they were. So each thread
that calls it has a slot in memory shared with the supervisor, and ``faulthandler`` writes which thread crashed. Marking
is a copy of 64 bytes: cheap enough for each picture.
"""

from __future__ import annotations

import contextlib
import faulthandler
import mmap
import os
import re
import struct
import threading
from collections.abc import Iterator
from typing import Final

__all__ = ["SIZE", "WORKING", "Working", "culprit", "mark_of"]

# The thread's identity, then its camera's id, padded with zeros.
_SLOT: Final = struct.Struct("<Q64s")
_SLOTS: Final = 8192
SIZE: Final = _SLOT.size * _SLOTS
_CRASHED: Final = re.compile(r"Current thread 0x([0-9a-fA-F]+)(?:.|\n(?!\n))*")
_MOST_READ: Final = 1 << 20


def mark_of(camera: str) -> bytes:
    """A camera's id as it stands in a slot."""
    return camera.encode().ljust(64, b"\0")


class Working:
    """The process's slots. Before ``open`` marks go nowhere."""

    def __init__(self) -> None:
        self._slots: mmap.mmap | None = None
        self._lock = threading.Lock()
        self._free: list[int] = []

    def open(self, slots_fd: int, fault_fd: int) -> None:
        """Uses the shared memory of ``SIZE`` bytes, and writes a crash's thread to ``fault_fd``. To be called by the
        event loop's thread, whose slot is the first."""
        self._slots = mmap.mmap(slots_fd, SIZE)
        self._slots[0:8] = threading.get_ident().to_bytes(8, "little")
        self._free = list(range(_SLOTS - 1, 0, -1))
        # Of one thread alone it would not say which one that was. It lists a hundred at most: see docs/design/fleet.md.
        faulthandler.enable(file=fault_fd, all_threads=True)

    def on(self, mark: bytes) -> None:
        """The event loop works for this camera from now on."""
        if self._slots is not None:
            self._slots[8:72] = mark

    @contextlib.contextmanager
    def thread(self, camera: str) -> Iterator[None]:
        """This thread works for one camera."""
        slots = self._slots
        with self._lock:
            slot = self._free.pop() if self._free else None
        if slots is None or slot is None:
            yield
            return
        at = slot * _SLOT.size
        slots[at : at + _SLOT.size] = _SLOT.pack(threading.get_ident(), mark_of(camera))
        try:
            yield
        finally:
            slots[at : at + _SLOT.size] = bytes(_SLOT.size)
            with self._lock:
                self._free.append(slot)


WORKING: Final = Working()


def culprit(slots_fd: int, fault_fd: int) -> tuple[str | None, str, bool]:
    """Whose work a process that has died was doing when it crashed, and what it wrote of it. None: it was not a crash,
    or not in a camera's work. Last, whether that is certain: a thread of the camera's own crashed. The event loop's
    mark is only that of the camera whose picture it handled last."""
    text = os.pread(fault_fd, _MOST_READ, 0).decode(errors="replace")
    match = _CRASHED.search(text)
    what = text.partition("\n")[0]
    if match is None:
        return None, what, False
    text = f"{what}\n{match[0]}"
    crashed = int(match[1], 16)
    for number, (thread, mark) in enumerate(_SLOT.iter_unpack(os.pread(slots_fd, SIZE, 0))):
        if thread == crashed:
            return mark.rstrip(b"\0").decode() or None, text, number > 0
    return None, text, False
