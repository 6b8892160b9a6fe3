"""HTTP byte ranges (RFC 9110 §14), one at a time. Pure.

Invariant: what ``select`` returns lies within ``[0, size)`` and is not empty, unless the size is 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nvr.api.errors import ApiError

__all__ = ["Selected", "select"]

_RANGE: Final = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})", re.ASCII | re.IGNORECASE)


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
    """Which bytes a request asks for. Several ranges, and anything malformed, are answered with the whole, as the RFC allows.
    ``If-Range`` counts only with this very ETag: a part of something else must not be appended to what the client has.

    Raises:
        ApiError: ``range_not_satisfiable``.
    """
    whole = Selected(0, size - 1, size, partial=False)
    match = _RANGE.fullmatch(request_headers.get("range", "").strip())
    condition = request_headers.get("if-range")
    if match is None or (condition is not None and (etag is None or condition.strip() != etag)):
        return whole
    first_text, last_text = match[1], match[2]
    if not first_text and not last_text:
        return whole
    if first_text:
        first, last = int(first_text), min(int(last_text or size), size - 1)
        if last_text and int(last_text) < first:
            return whole  # malformed
    else:
        first, last = max(size - int(last_text), 0), size - 1
        if int(last_text) == 0:
            first = size
    if first >= size:
        raise ApiError(
            "range_not_satisfiable",
            f"there are {size} bytes",
            headers={"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"},
        )
    return Selected(first, last, size, partial=True)
