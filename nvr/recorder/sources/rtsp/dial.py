"""Connecting to a host that may have several addresses, some of which may never answer (happy eyeballs, RFC 8305).

Addresses are tried one after the other, the next one when the last has failed or said nothing for a quarter of a
second; the first that accepts is taken and the others are let go. ``uvloop`` refuses asyncio's own option for that.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any, Final

__all__ = ["dial", "in_turn"]

_NEXT_S: Final = 0.25  # RFC 8305 section 5: Connection Attempt Delay
_MOST_ADDRESSES: Final = 8

Address = tuple[socket.AddressFamily, tuple[Any, ...]]


def in_turn(found: Sequence[Address]) -> list[Address]:
    """Each address once, families taking turns, beginning with that of the resolver's first (RFC 8305 section 4)."""
    unique = list(dict.fromkeys(found))
    first = [address for address in unique if address[0] == unique[0][0]]
    others = [address for address in unique if address[0] != unique[0][0]]
    mixed: list[Address] = []
    for number in range(max(len(first), len(others))):
        mixed += first[number : number + 1] + others[number : number + 1]
    return mixed[:_MOST_ADDRESSES]


async def _resolve(host: str, port: int) -> list[Any]:
    try:
        return list(await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None


async def dial(host: str, port: int) -> socket.socket:
    """A connected socket. Takes as long as it takes: the caller bounds it.

    Raises:
        socket.gaierror: the name has no address.
        OSError: nothing accepts, as the last address tried says.
    """
    waiting = in_turn([(socket.AddressFamily(found[0]), tuple(found[4])) for found in await _resolve(host, port)])
    attempts: set[asyncio.Task[socket.socket]] = set()
    error: OSError = OSError("the name has no address")
    try:
        while waiting or attempts:
            if waiting:
                attempts.add(asyncio.create_task(_connect(waiting.pop(0))))
            done, attempts = await asyncio.wait(
                attempts, timeout=_NEXT_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            connected: socket.socket | None = None
            for task in done:
                failure = task.exception()
                if failure is None and connected is None:
                    connected = task.result()
                elif failure is None:
                    task.result().close()
                elif isinstance(failure, OSError):
                    error = failure
                else:
                    raise failure
            if connected is not None:
                return connected
        raise error
    finally:
        for task in attempts:
            task.cancel()
        for left in await asyncio.gather(*attempts, return_exceptions=True):
            if isinstance(left, socket.socket):
                left.close()


async def _connect(address: Address) -> socket.socket:
    family, where = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock
