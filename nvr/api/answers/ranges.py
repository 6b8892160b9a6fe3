"""Which bytes of something a request asks for, and whether it has them already (RFC 9110 §13, §14). Pure.

Invariant: what ``select`` returns lies within ``[0, size)`` and is not empty, unless the size is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nvr.playback.media import parse_range

__all__ = ["Selected", "select"]


@dataclass(frozen=True, slots=True)
class Selected:
    """The bytes ``first`` to ``last`` of ``size``, both included; ``partial``: a range was asked for (status 206)."""

    first: int
    last: int
    size: int
    partial: bool

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.last - self.first + 1

    @property
    def status(self) -> int:
        """200 or 206."""
        return 206 if self.partial else 200

    def headers(self) -> dict[str, str]:
        """The headers that say what is sent."""
        headers = {"Accept-Ranges": "bytes", "Content-Length": str(self.length)}
        if self.partial:
            headers["Content-Range"] = f"bytes {self.first}-{self.last}/{self.size}"
        return headers


def select(request_headers: Mapping[str, str], *, size: int, etag: str | None) -> Selected:
    """Which bytes a request asks for. Several ranges, and anything malformed, are answered with the whole, as the RFC
    allows. ``If-Range`` counts only with this very ETag: a part of something else must not be appended to what the
    client has.

    Raises:
        RangeNotSatisfiable: the range begins beyond the end.
    """
    condition = request_headers.get("if-range")
    if condition is not None and (etag is None or condition.strip() != etag):
        return Selected(0, size - 1, size, partial=False)
    found = parse_range(request_headers.get("range"), size)
    if found is None:
        return Selected(0, size - 1, size, partial=False)
    return Selected(*found, size, partial=True)
