"""Sending large files, real or virtual: whole, in part, or not at all because the client has them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final, Protocol

from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse

from nvr.api.answers.ranges import Selected, select
from nvr.api.http.auth import still_may
from nvr.api.http.respond import ApiRequest, matches_etag
from nvr.api.http.services import Services

__all__ = ["Sendable", "send"]


# What is handed on is out of our hands, and over a slow line little takes a second.
_PIECE_BYTES: Final = 64 << 10


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
    request: ApiRequest,
    file: Sendable,
    *,
    etag: str | None,
    media_type: str,
    headers: Mapping[str, str],
    in_parts: bool = True,
    under_way: Callable[[], None] = lambda: None,
    still: Callable[[], bool] | None = None,
) -> ASGIResponse:
    """The answer. It breaks off when whoever asks may not have it any more; where nobody is logged in, ``still`` says
    so. The file is closed when it has been sent, or at once if nothing of it is. ``under_way`` is called
    when it begins to be sent, and then again and again while it is. Unless ``in_parts``, it is sent as a whole,
    whatever range is asked for.

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
        if in_parts:
            selected = select(request.headers, size=file.size, etag=etag)
        else:
            selected = Selected(0, file.size - 1, file.size, partial=False)
            all_headers["Accept-Ranges"] = "none"
    except BaseException:
        file.close()
        raise
    return ASGIStreamingResponse(
        iterator=_closing(request, file, selected, under_way, still or (lambda: still_may(request))),
        status_code=selected.status,
        headers=selected.headers() | all_headers,
        media_type=media_type,
    )


async def _closing(
    request: ApiRequest, file: Sendable, selected: Selected, under_way: Callable[[], None], still: Callable[[], bool]
) -> AsyncIterator[bytes]:
    # If the client has left before the first chunk, this never runs; the files close themselves then.
    services: Services = request.app.state.services
    try:
        with services.streams.sending(still) as stream:
            async for chunk in file.chunks(selected.first, selected.last):
                under_way()
                for at in range(0, len(chunk), _PIECE_BYTES):
                    stream.check()
                    yield chunk[at : at + _PIECE_BYTES]
    finally:
        file.close()
