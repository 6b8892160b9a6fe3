"""Ports for servers that are told theirs before they listen.

Invariant: no two test processes of a machine have the same one, whatever runs at once: each is reserved until the
process that asked for it ends.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from typing import IO, Final

__all__ = ["PORTS", "free_port"]

# Below what connections get by themselves.
PORTS: Final = range(20_000, 32_000)
_held: list[IO[bytes]] = []


def free_port(among: range = PORTS) -> int:
    """One of these on which nobody listens, and which nobody else is given.

    Raises:
        AssertionError: there is none.
    """
    folder = Path(tempfile.gettempdir()) / f"nvr-test-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for port in random.sample(among, len(among)):
        lock = (folder / str(port)).open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                # As the server does: a port whose last connections still linger is free.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        _held.append(lock)
        return port
    raise AssertionError("no port is free")
