"""Sending large files, real or virtual: whole, in part, or not at all because the client has them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol, cast

from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse

from nvr.api.answers.direct import DIRECT, DirectSender, SendSome
from nvr.api.answers.ranges import Selected, select
from nvr.api.http.auth import still_may
from nvr.api.http.respond import ApiRequest, matches_etag
from nvr.api.http.services import Services

__all__ = ["RecordedBytes", "Sendable", "send"]


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


class RecordedBytes(NamedTuple):
    """From byte ``first`` on a file's bytes are as they were recorded, and can be sent without being made here."""

    first: int
    send_some: SendSome


def send(
    request: ApiRequest,
    file: Sendable,
    *,
    etag: str | None,
    media_type: str,
    headers: Mapping[str, str],
    in_parts: bool = True,
    recorded: RecordedBytes | None = None,
    under_way: Callable[[], None] = lambda: None,
    still: Callable[[], bool] | None = None,
) -> ASGIResponse:
    """The answer. It breaks off when whoever asks may not have it any more; where nobody is logged in, ``still`` says
    so. The file is closed when it has been sent, or at once if nothing of it is. ``under_way`` is called
    when it begins to be sent, and then again and again while it is. Unless ``in_parts``, it is sent as a whole,
    whatever range is asked for. What is ``recorded`` goes straight from the disk to the connection, if it can.

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
        iterator=_closing(request, file, recorded, selected, under_way, still or (lambda: still_may(request))),
        status_code=selected.status,
        headers=selected.headers() | all_headers,
        media_type=media_type,
    )


async def _closing(
    request: ApiRequest,
    file: Sendable,
    recorded: RecordedBytes | None,
    selected: Selected,
    under_way: Callable[[], None],
    still: Callable[[], bool],
) -> AsyncIterator[bytes]:
    # If the client has left before the first chunk, this never runs; the files close themselves then.
    services: Services = request.app.state.services
    direct: DirectSender | None = cast(Any, request.scope).get("extensions", {}).get(DIRECT)
    made_until = selected.last
    if direct is not None and recorded is not None:
        made_until = min(made_until, recorded.first - 1)
    try:
        with services.streams.sending(still) as stream:

            def before_each() -> None:
                under_way()
                stream.check()

            if selected.first <= made_until:
                async for chunk in file.chunks(selected.first, made_until):
                    under_way()
                    for at in range(0, len(chunk), _PIECE_BYTES):
                        stream.check()
                        yield chunk[at : at + _PIECE_BYTES]
            if direct is not None and recorded is not None and made_until < selected.last:
                await direct.send(
                    recorded.send_some, max(selected.first, made_until + 1), selected.last + 1, before_each
                )
    finally:
        file.close()
