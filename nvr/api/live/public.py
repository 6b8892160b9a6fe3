"""Live pictures for citizens, where a camera's label says so: a playlist and parts that any cache may keep.

Thousands who watch a camera are one who asks for each part: a cache answers the others, and without one the parts lie
in memory. Invariant: nothing is answered of a camera whose live picture is not public now, and a cut ends it at once.
"""

from __future__ import annotations

import logging
import sqlite3
from typing import Final

from litestar import Response
from litestar.params import FromPath

from nvr.api.cameras.public import public_camera_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, encoded
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.api.live.routes import watched_cameras
from nvr.playback.live.parts import LiveParts, TooManyLive
from nvr.playback.live.streams import WatchedCamera
from storage.errors import CatalogueError
from storage.sentences import Sentence

__all__ = ["ROUTES"]

log = logging.getLogger(__name__)

_PLAYLIST_TYPE: Final = "application/vnd.apple.mpegurl"
# A cut is on every screen within two seconds by the list of what is hidden; this is for who watches without the page.
_PLAYLIST_FRESH: Final = "public, max-age=1, must-revalidate"
_PART_FRESH: Final = "public, max-age=5, must-revalidate"


def _no_live() -> ApiError:
    return ApiError("not_live", Sentence("there is no live picture of this camera for citizens now"))


def _check(services: Services, camera: str) -> None:
    if public_camera_of(services, camera).live is None:
        raise _no_live()


async def _allowed(services: Services, camera: str) -> bool:
    try:
        await services.pools.strangers.run(_check, services, camera)
    except ApiError as error:
        # Busy is no answer: it is asked again in a second.
        return error.status == 503
    except (sqlite3.Error, CatalogueError) as error:
        log.warning("live picture of camera %s for citizens ends: %s", camera, error)
        return False
    return True


async def _checked(services: Services, camera: str) -> LiveParts:
    try:
        await services.pools.strangers.run(_check, services, camera)
    except ApiError as error:
        if error.status != 503:
            services.live_parts.drop(camera)
        raise
    return services.live_parts


@get(
    "/api/public/cameras/{camera:str}/live.m3u8",
    action="public",
    summary="The live picture of a public camera that shows it, as an HLS playlist of parts that caches may keep",
    errors=["public_off", "not_live", "camera_not_found"],
    media_type=_PLAYLIST_TYPE,
)
async def public_live(request: ApiRequest, services: Injected, camera: FromPath[str]) -> Response[bytes]:
    """Some ten seconds, without sound, of the stream for watching where the camera has one."""
    parts = await _checked(services, camera)

    async def watched() -> WatchedCamera:
        (one,) = await services.pools.quick.run(watched_cameras, services, [camera])
        return one

    try:
        text = await parts.playlist(camera, watched, lambda: _allowed(services, camera))
    except TooManyLive:
        raise ApiError(
            "busy",
            Sentence("too many cameras are shown live to citizens already: try again later"),
            headers={"Retry-After": "15"},
        ) from None
    if text is None:
        raise _no_live()
    return encoded(request, text.encode(), _PLAYLIST_TYPE, headers={"Cache-Control": _PLAYLIST_FRESH})


@get(
    "/api/public/cameras/{camera:str}/live/{name:str}",
    action="public",
    summary="A part of a live picture for citizens, or what decodes it",
    errors=["public_off", "not_live", "segment_not_found"],
    media_type="video/mp4",
)
async def public_part(services: Injected, camera: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """As its playlist names it, as long as that does."""
    data = (await _checked(services, camera)).bytes_of(camera, name)
    if data is None:
        raise ApiError("segment_not_found", Sentence("there is no such part, or not any more"))
    return Response(data, media_type="video/mp4", headers={"Cache-Control": _PART_FRESH})


ROUTES: list[object] = [public_live, public_part]
