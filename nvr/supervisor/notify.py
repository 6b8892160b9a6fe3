"""What the service manager is told (``sd_notify(3)``): a datagram to the socket that it names.

READY once recording has begun, RELOADING while the configuration is read again, STOPPING, and WATCHDOG as long as
recorders beat. Invariant: without a service manager nothing is sent; one that does not take it never keeps anybody from
recording.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, MutableMapping
from typing import Final

__all__ = ["ServiceManager"]

_VARIABLES: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
# As the manual advises: twice within the time after which it acts; here more often, since a beat may be late.
_PER_WATCHDOG: Final = 4


class ServiceManager:
    """Takes what it needs out of ``environment``, so that children send nothing in this process's name."""

    def __init__(
        self, environment: MutableMapping[str, str] = os.environ, clock: Callable[[], float] = time.monotonic
    ) -> None:
        address, usec, pid = (environment.pop(name, "") for name in _VARIABLES)
        self._clock = clock
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket: socket.socket | None = None
        self._every_s: float | None = None
        self._due_s = 0.0
        if address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)
            if usec.isdecimal() and int(usec) and pid in ("", str(os.getpid())):
                self._every_s = int(usec) / 1e6 / _PER_WATCHDOG

    def send(self, *lines: str) -> None:
        """Tells it this state."""
        if self._socket is not None:
            # It is restarting, or has more to do: the next one comes soon.
            with contextlib.suppress(OSError):
                self._socket.sendto("\n".join(lines).encode(), self._address)

    def ready(self, status: str) -> None:
        """Recording has begun, or what was read again is in force."""
        self.send("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """The configuration is read again."""
        self.send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """It ends, in order."""
        self.send("STOPPING=1", "STATUS=closing segments")

    def beat(self) -> None:
        """A recorder said something: it lives, and so does who hears it."""
        if self._every_s is not None and (now_s := self._clock()) >= self._due_s:
            self._due_s = now_s + self._every_s
            self.send("WATCHDOG=1")
