"""What the footage disks say of themselves, asked a few times a day in a thread of its own: a disk that hangs hangs
whoever asks it, and must not keep alerts from being told."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Final

from storage.disk.roots import Root
from storage.disk.smart import ask_smart, device_of, judge_smart

__all__ = ["DiskHealth"]

_BETWEEN_S: Final = 6 * 3600.0
_FIRST_S: Final = 60.0


class DiskHealth(threading.Thread):
    """``worn``: by the path of a root, what is wrong with its disk."""

    def __init__(self, roots: Sequence[Root], ending: threading.Event) -> None:
        super().__init__(name="disk-health", daemon=True)
        self.roots = list(roots)
        self.worn: Mapping[str, Sequence[str]] = {}
        self._ending = ending

    def run(self) -> None:
        """The thread's work."""
        wait_s = _FIRST_S
        while not self._ending.wait(wait_s):
            self.look()
            wait_s = _BETWEEN_S

    def look(self) -> None:
        """Asks each disk once."""
        devices = {str(root.path): device_of(root.path) for root in self.roots}
        said = {device: ask_smart(device) for device in set(devices.values()) if device is not None}
        found = {}
        for path, device in devices.items():
            answer = None if device is None else said[device]
            if answer is not None and (faults := judge_smart(answer)):
                found[path] = [f"{device}: {fault}" for fault in faults]
        self.worn = found
