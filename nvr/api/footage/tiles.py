"""Routes of playing several cameras on one clock: their fragments in one answer, and keyframes of moments.

Invariant: each camera is asked for as by itself: one outside of somebody's grants is answered as one that never was,
and of what was granted in part only the part comes, and is said.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

from litestar.params import FromQuery
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse

from nvr.access.roles import AccessAction
from nvr.api.footage.segments import PRIVATE
from nvr.api.http.auth import require, still_may
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.looks import looked_at
from nvr.api.http.permissions import cuts_headers
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import (
    RANGE_ERRORS,
    TIME_ERRORS,
    format_time,
    parse_range,
    parse_time,
)
from nvr.playback.media import ahead
from nvr.playback.tiles.merged import InitMessages, TileAsked, TileStream, keyframe_messages
from storage.coverage.one_camera import known_until
from storage.intervals import Interval
from storage.sentences import Sentence

__all__ = ["ROUTES", "chosen_cameras"]

MESSAGES_TYPE: Final = "application/vnd.nvr.messages"

_MOST_CAMERAS: Final = 16
_MOST_MOMENTS: Final = 64
_MOST_PICTURES: Final = 256
_MOST_INITS: Final = 256
_PIECE_BYTES: Final = 64 << 10
_HOUR_US: Final = 3_600_000_000
# A day, also the one of 25 hours when clocks are set back.
_LONGEST_STREAM_US: Final = 25 * _HOUR_US


def chosen_cameras(camera: list[str] | None) -> list[str]:
    """The cameras that a query names, each once.

    Raises:
        ApiError: ``missing_parameter`` or ``invalid_parameter``: none, or too many.
    """
    found = list(dict.fromkeys(camera or ()))
    if not found:
        raise ApiError("missing_parameter", Sentence("camera is missing: name one at least"))
    if len(found) > _MOST_CAMERAS:
        raise ApiError("invalid_parameter", Sentence("at most {most} cameras at once", most=_MOST_CAMERAS))
    return found


async def _tiles(
    request: ApiRequest, services: Services, camera: list[str] | None, asked: Interval
) -> tuple[list[TileAsked], dict[str, str]]:
    """The cameras with what of the range was granted, and the headers that say where that is not all. Each is entered
    in the audit log, by the hour that is looked at."""
    chosen = chosen_cameras(camera)
    given = {one: require(request, one, AccessAction.PLAYBACK, asked) for one in chosen}
    tiles = [TileAsked(number, one, tuple(given[one].ranges)) for number, one in enumerate(chosen)]
    looked = {
        "start": format_time(asked.start_us // _HOUR_US * _HOUR_US),
        "end": format_time(-(-asked.end_us // _HOUR_US) * _HOUR_US),
    }
    for one in chosen:
        await looked_at(request, one, "playback", looked)
    return tiles, cuts_headers(asked, given)


@get(
    "/api/playback/stream",
    action="playback",
    scope="cameras",
    summary="What shows a range of up to 16 cameras, merged by time: messages of fragments, as they were recorded",
    errors=["camera_not_found", "closed_for_privacy", "outside_grant", "invalid_parameter", *RANGE_ERRORS],
    media_type=MESSAGES_TYPE,
)
async def stream(
    request: ApiRequest,
    services: Injected,
    camera: FromQuery[list[str] | None] = None,
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
    origin: FromQuery[str | None] = None,
    have: FromQuery[list[str] | None] = None,
) -> ASGIResponse:
    """Messages (docs/reference/http.md), each camera's from the keyframe at or before ``start`` on. Presentation times
    are wall times less ``origin``. ``have``: ids of inits that need not be sent again. Ends where nothing is known yet.
    ``X-Cut`` says, as JSON, what of which camera was not granted."""
    asked = parse_range(start, end, longest_us=_LONGEST_STREAM_US)
    origin_us = 0 if origin is None else parse_time("origin", origin)
    if origin_us > asked.start_us:
        raise ApiError("invalid_parameter", Sentence("origin must not be after start"))
    tiles, cut = await _tiles(request, services, camera, asked)
    known = await services.pools.heavy.run(_until_known, services, tiles)
    source = TileStream(services.db, services.indexes, known, origin_us=origin_us, have=(have or ())[:_MOST_INITS])
    return ASGIStreamingResponse(
        iterator=_sent(request, services, source.produce),
        media_type=MESSAGES_TYPE,
        # A proxy that waits for all of it would wait for hours.
        headers={**PRIVATE, **cut, "X-Accel-Buffering": "no"},
    )


def _until_known(services: Services, tiles: list[TileAsked]) -> list[TileAsked]:
    """The same, up to what is known now: what comes after is not on disk yet."""
    found = []
    with services.db.read() as conn:
        for tile in tiles:
            try:
                until_us = known_until(conn, tile.camera, services.now_us())
            except KeyError:
                raise no_camera(tile.camera) from None
            parts = [Interval(a, min(b, until_us)) for a, b in tile.ranges if a < until_us]
            found.append(TileAsked(tile.number, tile.camera, tuple(parts) or (Interval(until_us, until_us),)))
    return found


async def _sent(request: ApiRequest, services: Services, produce: Callable[[], bytes]) -> AsyncIterator[bytes]:
    with services.streams.sending(lambda: still_may(request)) as sending:
        async for piece in ahead(produce):
            sending.check()
            yield piece


@get(
    "/api/playback/keyframes",
    action="playback",
    scope="cameras",
    summary="The keyframes of up to 16 cameras at up to 64 moments, as they were recorded",
    errors=["camera_not_found", "closed_for_privacy", "outside_grant", "missing_parameter", "invalid_parameter",
            *TIME_ERRORS],
    media_type=MESSAGES_TYPE,
)  # fmt: skip
async def keyframes(
    request: ApiRequest,
    services: Injected,
    camera: FromQuery[list[str] | None] = None,
    at: FromQuery[list[str] | None] = None,
    have: FromQuery[list[str] | None] = None,
) -> ASGIResponse:
    """Messages, moment by moment: the last keyframe that was shown by each ``at``, of each camera. One that is shown at
    several moments comes once. Nothing is decoded by the server."""
    # None at all is refused as one that is missing.
    moments = [parse_time("at", text) for text in at or (None,)]
    chosen = chosen_cameras(camera)
    if len(moments) > _MOST_MOMENTS or len(moments) * len(chosen) > _MOST_PICTURES:
        raise ApiError(
            "invalid_parameter",
            Sentence(
                "at most {moments} moments and {pictures} pictures at once",
                moments=_MOST_MOMENTS,
                pictures=_MOST_PICTURES,
            ),
        )
    asked = Interval(min(moments), max(moments) + 1)
    tiles, cut = await _tiles(request, services, chosen, asked)
    inits = InitMessages(services.db, (have or ())[:_MOST_INITS])
    found = keyframe_messages(services.db, services.indexes, tiles, moments, inits)
    headers = {**PRIVATE, **cut}
    if len(moments) == 1:
        body = await services.pools.quick.run(b"".join, found)
        return ASGIResponse(body=body, media_type=MESSAGES_TYPE, headers=headers)
    return ASGIStreamingResponse(
        iterator=_sent(request, services, _next_of(found)), media_type=MESSAGES_TYPE, headers=headers
    )


def _next_of(found: Iterator[bytes]) -> Callable[[], bytes]:
    """Several at once: a hop to a thread costs as much as a keyframe."""

    def produce() -> bytes:
        made = bytearray()
        while len(made) < _PIECE_BYTES and (one := next(found, None)) is not None:
            made += one
        return bytes(made)

    return produce


ROUTES: list[object] = [stream, keyframes]
