"""Routes of playlists: recorded ranges as HLS, from the recorded bytes."""

from __future__ import annotations

from typing import Final

from litestar import Response
from litestar.params import FromPath, FromQuery

from nvr.api.cameras import no_camera
from nvr.api.coverage import RANGE_ERRORS
from nvr.api.respond import ApiRequest, encoded
from nvr.api.routing import get
from nvr.api.services import Injected
from nvr.api.times import parse_range
from nvr.playback.hls import playlist

__all__ = ["PLAYLIST_TYPE", "ROUTES"]

PLAYLIST_TYPE: Final = "application/vnd.apple.mpegurl"

# A day, also the one of 25 hours when clocks are set back.
_LONGEST_PLAYLIST_US: Final = 25 * 3_600_000_000


@get(
    "/api/cameras/{camera:str}/playlist.m3u8",
    role="viewer",
    summary="A range as an HLS playlist",
    errors=["camera_not_found", "no_footage", *RANGE_ERRORS],
    media_type=PLAYLIST_TYPE,
)
def recorded_playlist(
    request: ApiRequest,
    services: Injected,
    camera: FromPath[str],
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
) -> Response[bytes]:
    """What was recorded of ``[start, end)``, in wall time; what was not is a gap in it."""
    asked = parse_range(start, end, longest_us=_LONGEST_PLAYLIST_US)
    try:
        made = playlist(services.db, services.indexes, camera, asked.start_us, asked.end_us, now_us=services.now_us())
    except KeyError:
        raise no_camera(camera) from None
    return encoded(request, made.text.encode(), PLAYLIST_TYPE, headers={"Cache-Control": "private, no-cache"})


ROUTES: list[object] = [recorded_playlist]
