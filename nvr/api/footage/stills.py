"""Routes of stills: one picture with what it is, as PNG and as a page of PDF, for who may play that footage."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from litestar import Response
from litestar.params import FromPath, FromQuery

from nvr.access.roles import AccessAction
from nvr.api.footage.segments import PRIVATE
from nvr.api.http.auth import principal_of, require
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import TIME_ERRORS, format_time, parse_time
from nvr.playback.hls.names import picture_name
from nvr.playback.snapshot import picture_of, shown_frame
from nvr.reports.document import Reader
from nvr.texts import LANGUAGES
from storage.catalogue import cameras
from storage.intervals import Interval
from storage.sentences import Sentence

if TYPE_CHECKING:
    from nvr.reports.still import Still

__all__ = ["ROUTES"]

_ERRORS: Final = (
    "no_footage",
    "footage_gone",
    "footage_damaged",
    "missing_parameter",
    "invalid_parameter",
    *TIME_ERRORS,
)
# Labels of place, the smallest first.
_PLACES: Final = ("location", "kelurahan", "district")


@get(
    "/api/cameras/{camera:str}/still.png",
    action="playback",
    scope="camera",
    summary="The picture shown at a time, with camera, time, zone and hash in a band below it",
    audit="still",
    errors=_ERRORS,
    media_type="image/png",
)
async def still_picture(
    request: ApiRequest,
    services: Injected,
    camera: FromPath[str],
    at: FromQuery[str | None] = None,
    lang: FromQuery[str] = "en",
) -> Response[bytes]:
    """A PNG; ``X-Frame-Time`` says when the picture began to be shown, ``X-Frame-SHA256`` is the hash of the recorded
    frame's own bytes, which a clip or an export has too."""
    reader = _reader(request, services, lang)
    return await _answer(
        request, services, camera, at, "png", "image/png", lambda made: made.png(reader.formats)
    )  # fmt: skip


@get(
    "/api/cameras/{camera:str}/still.pdf",
    action="playback",
    scope="camera",
    summary="The same as a page to print, with how it can be checked",
    audit="still",
    errors=_ERRORS,
    media_type="application/pdf",
)
async def still_page(
    request: ApiRequest,
    services: Injected,
    camera: FromPath[str],
    at: FromQuery[str | None] = None,
    lang: FromQuery[str] = "en",
) -> Response[bytes]:
    """A PDF of one page, with the same headers."""
    reader, now_us = _reader(request, services, lang), services.now_us()
    return await _answer(
        request, services, camera, at, "pdf", "application/pdf", lambda made: made.pdf(reader, now_us=now_us)
    )  # fmt: skip


def _reader(request: ApiRequest, services: Services, lang: str) -> Reader:
    if lang not in LANGUAGES:
        raise ApiError("invalid_parameter", Sentence("lang must be one of {known}", known=", ".join(LANGUAGES)))
    return Reader(lang, services.settings.zone, principal_of(request).name, services.settings.version)


async def _answer(
    request: ApiRequest,
    services: Services,
    camera: str,
    at: str | None,
    ending: str,
    media_type: str,
    write: Callable[[Still], bytes],
) -> Response[bytes]:
    at_us = parse_time("at", at)
    require(request, camera, AccessAction.PLAYBACK, Interval(at_us, at_us + 1))
    made, body = await services.pools.pictures.run(_made, services, camera, at_us, write)
    name = picture_name(camera, made.shown_us).removesuffix("jpg") + ending
    return Response(
        body,
        media_type=media_type,
        headers={
            "X-Frame-Time": format_time(made.shown_us),
            "X-Frame-SHA256": made.sha256,
            "Content-Disposition": f'attachment; filename="{name}"',
            **PRIVATE,
        },
    )


def _made(services: Services, camera: str, at_us: int, write: Callable[[Still], bytes]) -> tuple[Still, bytes]:
    # Documents are large, and most who start this make none.
    from nvr.reports.still import Still

    with services.db.read() as conn:
        known = cameras.find(conn, camera)
    if known is None:
        raise no_camera(camera)
    found = shown_frame(services.db, services.indexes, camera, at_us)
    made = Still(
        picture=picture_of(found),
        camera=camera,
        name=known.name,
        place=", ".join(known.labels[label] for label in _PLACES if known.labels.get(label)),
        shown_us=found.time_us,
        asked_us=at_us,
        sha256=found.sha256,
    )
    return made, write(made)


ROUTES: list[object] = [still_picture, still_page]
