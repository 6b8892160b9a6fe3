"""What a server's owner may observe or change. The defaults change nothing: a well-behaved camera.

Faults are injected here, so that a misbehaving test camera is the same server with one thing wrong.
"""

from typing import TYPE_CHECKING

from .message import DemoRequest, Response
from .stream import AccessUnit

if TYPE_CHECKING:
    from .connection import DemoConnection


class HangUp(Exception):
    """Raised by a hook: close this connection without another word (what was sent before still arrives)."""


class Hooks:
    """Called by every connection, on the server's event loop. Any hook may wait, or raise HangUp."""

    async def connected(self, connection: "DemoConnection") -> None:
        """Before anything is read from a new connection."""

    async def asked(self, connection: "DemoConnection", request: DemoRequest) -> DemoRequest:
        """Before a request is answered: the request to answer instead."""
        return request

    async def answering(
        self, connection: "DemoConnection", request: DemoRequest, response: Response
    ) -> Response | bytes:
        """Before an answer is sent: the answer to send instead, or raw bytes."""
        return response

    async def sending(
        self, connection: "DemoConnection", track: int, unit: AccessUnit, packets: list[bytes]
    ) -> list[bytes]:
        """Before a unit is sent: the RTP packets to send instead."""
        return packets

    async def writing(
        self, connection: "DemoConnection", track: int, unit: AccessUnit, data: list[bytes]
    ) -> list[bytes]:
        """Before a unit's packets, framed for the connection, and the report that precedes them are written: what to
        write instead."""
        return data

    def sent(self, connection: "DemoConnection", track: int, unit: AccessUnit) -> None:
        """After a unit was handed to the socket."""
