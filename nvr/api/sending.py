"""Sending large files, real or virtual: whole, in part, or not at all because the client has them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse

from nvr.api.ranges import select
from nvr.api.respond import ApiRequest, matches_etag

__all__ = ["Sendable", "send"]


class Sendable(Protocol):
    """What ``nvr.playback`` opens: closed once it is sent."""

    @property
    def size(self) -> int:
        """In bytes."""

    def chunks(self, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        """Bytes ``first`` to ``last``, both included."""

    def close(self) -> None:
        """Closes its files."""


def send(
    request: ApiRequest, file: Sendable, *, etag: str | None, media_type: str, headers: Mapping[str, str]
) -> ASGIResponse:
    """The answer; the file is closed when it has been sent, or at once if nothing of it is.

    Raises:
        RangeNotSatisfiable: the client asks for bytes beyond the end.
    """
    all_headers = dict(headers)
    if etag is not None:
        all_headers["ETag"] = etag
        if matches_etag(request.headers.get("if-none-match"), etag):
            file.close()
            return ASGIResponse(status_code=304, headers=all_headers)
    try:
        selected = select(request.headers, size=file.size, etag=etag)
    except BaseException:
        file.close()
        raise
    return ASGIStreamingResponse(
        iterator=_closing(file, selected.first, selected.last),
        status_code=selected.status,
        headers=all_headers | selected.headers(),
        media_type=media_type,
    )


async def _closing(file: Sendable, first: int, last: int) -> AsyncIterator[bytes]:
    # If the client has left before the first chunk, this never runs; the files close themselves then.
    try:
        async for chunk in file.chunks(first, last):
            yield chunk
    finally:
        file.close()
