"""Routes of recorded bytes as they are: segments and inits, which playlists name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from litestar import Response
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from nvr.access.decide import Outcome
from nvr.access.model import ALWAYS
from nvr.access.roles import AccessAction
from nvr.access.snapshot import Rights
from nvr.api.answers.ranges import select
from nvr.api.answers.sending import RecordedBytes, send
from nvr.api.http.auth import rights_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, matches_etag
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.playback.errors import FootageDamaged, FootageGone
from nvr.playback.hls.names import GAP_BYTES, GAP_NAME, parse_segment_name, parse_zero
from nvr.playback.media import SegmentMedia, open_media
from nvr.playback.within import bytes_within
from storage.catalogue import segments
from storage.intervals import Interval, merge
from storage.sentences import Sentence

__all__ = ["AHEAD_US", "LIVE_US", "PRIVATE", "ROUTES", "check_bytes", "gap_answer", "init_answer", "segment_media"]

PRIVATE: Final = {"Cache-Control": "no-store"}
"""Of all footage: nothing of it stays in a browser that others use, or in a proxy. What scrubbing needs the page keeps
in memory."""

# Of live view: what its playlist holds, also where keyframes are far apart.
LIVE_US: Final = 120 * 1_000_000
AHEAD_US: Final = 60 * 1_000_000

_INIT: Final = re.compile(r"(?P<sha256>[0-9a-f]{64})\.mp4", re.ASCII)


@get(
    "/api/cameras/{camera:str}/segments/{name:str}",
    action="watch",
    scope="camera",
    summary="Recorded bytes: {start_us}-{epoch}-{node}.mp4, the file; …-{zero_us}.m4s: its times count from then",
    audit="footage",
    errors=["segment_not_found", "range_not_satisfiable", "footage_damaged", "outside_grant"],
    media_type="video/mp4",
)
def segment_bytes(request: ApiRequest, services: Injected, camera: FromPath[str], name: FromPath[str]) -> ASGIResponse:
    """One segment's file, or a ``Range`` of it. A growing one is as long as its whole fragments are now. As ``.m4s``
    its decode times count from ``zero_us`` (0: 1970), so that fragments of several go on after one init; that is what
    playlists name. ``gap.mp4`` is what stands for a gap."""
    if name == GAP_NAME:
        return gap_answer(request)
    shown = shown_of(rights_of(request), camera, services.now_us())
    media = segment_media(services, camera, name)
    if shown != (ALWAYS,):
        check_bytes(request, media, shown)
    recorded = RecordedBytes(0, media.send_some) if media.is_as_recorded else None
    return send(request, media, etag=media.etag, media_type="video/mp4", headers=PRIVATE, recorded=recorded)


def shown_of(rights: Rights, camera: str, now_us: int) -> tuple[Interval, ...]:
    """Which footage of a camera may be looked at: of playback what was granted, of live view what its playlist has."""
    recorded = rights.on(camera, AccessAction.PLAYBACK)
    if recorded.outcome is Outcome.ALLOWED:
        return (ALWAYS,)
    parts = list(recorded.ranges)
    if rights.on(camera, AccessAction.LIVE).allowed:
        parts.append(Interval(now_us - LIVE_US, now_us + AHEAD_US))
    return tuple(merge(parts))


def _not_granted() -> ApiError:
    return ApiError(
        "outside_grant",
        Sentence("these bytes were not granted to you: ask for those that the playlist names, by Range"),
    )


def check_bytes(
    request: ApiRequest,
    media: SegmentMedia,
    shown: Iterable[Interval],
    refusal: Callable[[], ApiError] = _not_granted,
) -> None:
    """Sees to it that what is asked for of a segment's bytes shows nothing beside these times but, before each, what
    the group of pictures at its beginning can't be decoded without. Closes the segment if not.

    Raises:
        ApiError: ``refusal``.
    """
    try:
        found = [bytes_within(media.segment, media.index, start_us, end_us) for start_us, end_us in shown]
        within = [part for part in found if part is not None]
        selected = select(request.headers, size=media.size, etag=media.etag) if within else None
        if selected is None or not any(a <= selected.first and selected.last <= b for a, b in within):
            raise refusal()
    except BaseException:
        media.close()
        raise


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
    action="watch",
    scope="camera",
    summary="What makes a camera's fragments decodable: {sha256}.mp4",
    errors=["init_not_found", "range_not_satisfiable"],
    media_type="video/mp4",
)
def camera_init(request: ApiRequest, services: Injected, camera: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """As ``/api/inits``, where playlists name it."""
    if not rights_of(request).everywhere(AccessAction.PLAYBACK):
        _check_needed(services, [camera], name)
    return init_answer(request, services, name)


@get(
    "/api/inits/{name:str}",
    action="watch",
    scope="cameras",
    summary="What makes fragments decodable: {sha256}.mp4",
    errors=["init_not_found", "range_not_satisfiable"],
    media_type="video/mp4",
)
def init_bytes(request: ApiRequest, services: Injected, name: FromPath[str]) -> Response[bytes]:
    """An init; its name is its content's SHA-256, so it never changes."""
    seen = rights_of(request).cameras(AccessAction.LIVE, AccessAction.PLAYBACK)
    if not seen.everything:
        _check_needed(services, seen.ids, name)
    return init_answer(request, services, name)


def _check_needed(services: Services, cameras: Iterable[str], name: str) -> None:
    """Raises ``ApiError`` ``init_not_found`` unless footage of one of these cameras needs it."""
    sha256 = name.removesuffix(".mp4")
    with services.db.read() as conn:
        if not any(segments.needs_init(conn, camera, *ALWAYS, sha256) for camera in cameras):
            raise _no_init()


def _no_init() -> ApiError:
    return ApiError("init_not_found", Sentence("there is no such init"))


def init_answer(request: ApiRequest, services: Services, name: str) -> Response[bytes]:
    """The init of this name, or a ``Range`` of it.

    Raises:
        ApiError: ``init_not_found``.
    """
    match = _INIT.fullmatch(name)
    with services.db.read() as conn:
        found = segments.init(conn, match["sha256"]) if match else None
    if found is None:
        raise _no_init()
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
