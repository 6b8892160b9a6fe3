"""How much of HTTP is parsed at all: h11's connection with bounds, since it parses on the event loop, for strangers.

Belongs here: what is refused before a request or a piece of its body comes into being. Invariant: what a stranger sends
costs the loop time in proportion to its bytes, whatever they are: a header of four bytes, or a chunk of one, costs as
much as one of thousands.
"""

from __future__ import annotations

import re
from typing import Any, Final

import h11

__all__ = ["MOST_HEAD_BYTES", "MOST_HEAD_LINES", "HeadTooLarge", "Parser"]

MOST_HEAD_BYTES: Final = 32 << 10
"""Of a request's line and headers. Browsers and proxies send some 2 kB; a choice of 500 cameras in an address is
20 kB."""
MOST_HEAD_LINES: Final = 200
# A body may come in chunks as small as these in the mean, but for its first: what is sent as it is typed.
_FREE_CHUNKS: Final = 100
_LEAST_CHUNK_BYTES: Final = 100
_END: Final = re.compile(rb"\n\r?\n")


class HeadTooLarge(h11.RemoteProtocolError):
    """A request's line and headers are more than will be parsed."""

    def __init__(self) -> None:
        super().__init__(
            f"the request's line and headers have more than {MOST_HEAD_BYTES >> 10} KiB, or {MOST_HEAD_LINES} lines",
            error_status_hint=431,
        )


class Parser(h11.Connection):
    """The server's side of a connection. ``next_event`` raises ``h11.RemoteProtocolError`` for what is beyond the
    bounds too."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, max_incomplete_event_size=MOST_HEAD_BYTES)
        self._chunks = 0
        self._bytes = 0

    def next_event(self) -> Any:
        """As h11's.

        Raises:
            HeadTooLarge: of a request that begins.
            h11.RemoteProtocolError: it is no HTTP, or a body in chunks of next to nothing.
        """
        if self.their_state is h11.IDLE:
            self._check_head()
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._chunks = self._bytes = 0
        elif isinstance(event, h11.Data):
            self._chunks += 1
            self._bytes += len(event.data)
            if self._chunks > _FREE_CHUNKS and self._bytes < (self._chunks - _FREE_CHUNKS) * _LEAST_CHUNK_BYTES:
                raise h11.RemoteProtocolError("a body in chunks of next to nothing")
        return event

    def _check_head(self) -> None:
        data, _ = self.trailing_data
        # h11 bounds only what is not whole yet; what came at once may be all that the kernel had.
        found = _END.search(data, 0, MOST_HEAD_BYTES + 4)
        size = found.end() if found is not None else len(data)
        if size > MOST_HEAD_BYTES or data.count(b"\n", 0, size) > MOST_HEAD_LINES:
            raise HeadTooLarge
