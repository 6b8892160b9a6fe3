"""Routes of recorded bytes as they are: segments and inits, which playlists name."""

from __future__ import annotations

import re
from typing import Final

from litestar import Response
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from nvr.api.answers.ranges import select
from nvr.api.answers.sending import send
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, matches_etag
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.playback.errors import FootageDamaged, FootageGone
from nvr.playback.hls.names import GAP_BYTES, GAP_NAME, parse_segment_name, parse_zero
from nvr.playback.media import SegmentMedia, open_media
from storage.catalogue import segments
from storage.sentences import Sentence

__all__ = ["PRIVATE", "ROUTES", "gap_answer", "init_answer", "segment_media"]

PRIVATE: Final = {"Cache-Control": "no-store"}
"""Of all footage: nothing of it stays in a browser that others use, or in a proxy. What scrubbing needs the page keeps
in memory."""

_INIT: Final = re.compile(r"(?P<sha256>[0-9a-f]{64})\.mp4", re.ASCII)


@get(
    "/api/cameras/{camera:str}/segments/{name:str}",
    role="viewer",
    summary="Recorded bytes: {start_us}-{epoch}-{node}.mp4, the file; …-{zero_us}.m4s: its times count from then",
    audit="footage",
    errors=["segment_not_found", "range_not_satisfiable", "footage_damaged"],
    media_type="video/mp4",
)
def segment_bytes(request: ApiRequest, services: Injected, camera: FromPath[str], name: FromPath[str]) -> ASGIResponse:
    """One segment's file, or a ``Range`` of it. A growing one is as long as its whole fragments are now. As ``.m4s``
    its decode times count from ``zero_us`` (0: 1970), so that fragments of several go on after one init; that is what
    playlists name. ``gap.mp4`` is what stands for a gap."""
    if name == GAP_NAME:
        return gap_answer(request)
    media = segment_media(services, camera, name)
    return send(request, media, etag=media.etag, media_type="video/mp4", headers=PRIVATE)


def gap_answer(request: ApiRequest) -> ASGIResponse:
    """What stands for a gap."""
    selected = select(request.headers, size=len(GAP_BYTES), etag=None)
    return ASGIResponse(
        body=GAP_BYTES[selected.first : selected.last + 1],
        status_code=selected.status,
        headers={**PRIVATE, **selected.headers()},
        media_type="video/mp4",
    )


def segment_media(services: Services, camera: str, name: str) -> SegmentMedia:
    """The segment of this camera that the last part of its URL names, open.

    Raises:
        ApiError: ``segment_not_found``.
        FootageDamaged: it is not what the catalogue says.
    """
    key = parse_segment_name(camera, name)
    if key is None:
        raise _gone()
    try:
        return open_media(services.db, services.indexes, key, zero_us=parse_zero(name))
    except FootageDamaged:
        raise
    except FootageGone:
        raise _gone() from None


def _gone() -> ApiError:
    return ApiError("segment_not_found", Sentence("there is no such segment, or it was deleted"))


@get(
    "/api/cameras/{camera:str}/inits/{name:str}",
    role="viewer",
    summary="What makes a camera's fragments decodable: {sha256}.mp4",
    errors=["init_not_found", "range_not_satisfiable"],
    media_type="video/mp4",
)
def camera_init(request: ApiRequest, services: Injected, camera: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """As ``/api/inits``, where playlists name it."""
    return init_answer(request, services, name)


@get(
    "/api/inits/{name:str}",
    role="viewer",
    summary="What makes fragments decodable: {sha256}.mp4",
    errors=["init_not_found", "range_not_satisfiable"],
    media_type="video/mp4",
)
def init_bytes(request: ApiRequest, services: Injected, name: FromPath[str]) -> Response[bytes]:
    """An init; its name is its content's SHA-256, so it never changes."""
    return init_answer(request, services, name)


def init_answer(request: ApiRequest, services: Services, name: str) -> Response[bytes]:
    """The init of this name, or a ``Range`` of it.

    Raises:
        ApiError: ``init_not_found``.
    """
    match = _INIT.fullmatch(name)
    with services.db.read() as conn:
        found = segments.init(conn, match["sha256"]) if match else None
    if found is None:
        raise ApiError("init_not_found", Sentence("there is no such init"))
    etag = f'"{found.id}"'
    headers = {**PRIVATE, "ETag": etag}
    if matches_etag(request.headers.get("if-none-match"), etag):
        return Response(b"", status_code=304, headers=headers, media_type="video/mp4")
    selected = select(request.headers, size=len(found.data), etag=etag)
    return Response(
        found.data[selected.first : selected.last + 1],
        status_code=selected.status,
        headers={**headers, **selected.headers()},
        media_type="video/mp4",
    )


ROUTES: list[object] = [segment_bytes, camera_init, init_bytes]
