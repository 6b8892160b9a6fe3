"""Routes of playlists and pictures: recorded ranges and live view as HLS, and the frame of a moment."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Final

from litestar import Response
from litestar.params import FromPath, FromQuery, QueryParameter

from nvr.access.decide import Decision
from nvr.access.roles import AccessAction
from nvr.api.footage.clip_asked import run_asked
from nvr.api.footage.clip_headers import not_shown_headers
from nvr.api.footage.segments import PRIVATE
from nvr.api.http.auth import require, rights_of, still_may
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.permissions import cut_headers
from nvr.api.http.respond import ApiRequest, encoded
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import RANGE_ERRORS, format_time, parse_range, parse_time, seconds
from nvr.playback.errors import NoFootage
from nvr.playback.hls.hls import recorded_playlist
from nvr.playback.hls.names import picture_name
from nvr.playback.snapshot import Snapshot, snapshot
from storage.catalogue import cameras, segments
from storage.coverage.one_camera import coverage
from storage.intervals import Interval
from storage.sentences import Sentence

__all__ = ["PLAYLIST_TYPE", "ROUTES", "live_answer", "picture_answer", "recorded_answer"]

PLAYLIST_TYPE: Final = "application/vnd.apple.mpegurl"

# A day, also the one of 25 hours when clocks are set back.
_LONGEST_PLAYLIST_US: Final = 25 * 3_600_000_000
_WIDTHS: Final = range(16, 7681)
# In the user agent of VLC and of what is built on its library, which stop at a discontinuity for good.
_VLC: Final = "LibVLC/"
_NUMBER: Final = re.compile(r"\d{1,15}", re.ASCII)


@get(
    "/api/cameras/{camera:str}/playlist.m3u8",
    action="playback",
    scope="camera",
    summary="A range as an HLS playlist",
    audit="playback",
    errors=["camera_not_found", "no_footage", "footage_gone", "footage_damaged", "invalid_parameter", *RANGE_ERRORS],
    media_type=PLAYLIST_TYPE,
    pool="heavy",
)
def recorded(
    request: ApiRequest,
    services: Injected,
    camera: FromPath[str],
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
    run: FromQuery[str | None] = None,
) -> Response[bytes]:
    """What was recorded of ``[start, end)``, in wall time, from the first footage to the last; what was not in between
    is a gap in it. What is not known yet is not in it. Of runs that recorded the same time the newest is shown;
    ``X-Not-Shown`` lists the others, and ``run`` shows one alone."""
    asked = parse_range(start, end, longest_us=_LONGEST_PLAYLIST_US)
    return recorded_answer(
        request, services, camera, asked, run, require(request, camera, AccessAction.PLAYBACK, asked)
    )


def recorded_answer(
    request: ApiRequest, services: Services, camera: str, asked: Interval, run: str | None, given: Decision
) -> Response[bytes]:
    """The playlist of what of a range is ``given``; the headers say what that is.

    Raises:
        ApiError: ``invalid_parameter`` (of ``run``) or ``camera_not_found``.
        PlaybackError: it can't be shown.
    """
    one = run_asked(camera, run)
    cut, asked = cut_headers(asked, given), Interval(given.ranges[0].start_us, given.ranges[-1].end_us)
    with services.db.read() as conn:
        try:
            known = coverage(conn, camera, *asked, now_us=services.now_us())
        except KeyError:
            raise no_camera(camera) from None
    if known.as_of_us <= asked.start_us:
        raise NoFootage(camera, asked.start_us, asked.end_us)
    only = None if one is None else {one}
    made = recorded_playlist(
        services.db,
        services.indexes,
        camera,
        asked.start_us,
        known.as_of_us,
        only=only,
        within=given.ranges if len(given.ranges) > 1 else None,
    )
    # What is not in it because there is nothing: before its first entry and after its last.
    figures = {
        "X-Coverage-Recorded-S": f"{seconds(known.recorded_us):.6f}",
        "X-Coverage-Missing-S": f"{seconds(known.missing_us):.6f}",
        "X-Coverage-As-Of": format_time(known.as_of_us),
    }
    headers = {**PRIVATE, **figures, **cut, **not_shown_headers(made.hidden)}
    return encoded(request, made.text.encode(), PLAYLIST_TYPE, headers=headers)


@get(
    "/api/cameras/{camera:str}/live.m3u8",
    action="live",
    scope="camera",
    summary="Live view as a low-latency HLS playlist",
    audit="live",
    errors=[
        "camera_not_found",
        "invalid_parameter",
        "not_live",
        "live_too_far_ahead",
        "footage_damaged",
        "no_longer_allowed",
    ],
    media_type=PLAYLIST_TYPE,
)
async def live(
    request: ApiRequest,
    services: Injected,
    camera: FromPath[str],
    msn: Annotated[str | None, QueryParameter(name="_HLS_msn")] = None,
    part: Annotated[str | None, QueryParameter(name="_HLS_part")] = None,
) -> Response[bytes]:
    """The last seconds. Of runs that recorded the same time the newest is shown as a whole; ``X-Not-Shown`` lists the
    others, which the playlist of a range has by ``run``. With ``_HLS_msn`` and ``_HLS_part`` the answer waits until the
    playlist has that part."""
    answer = await live_answer(request, services, camera, msn, part, quick=True)
    # It may have waited.
    if msn is not None and not await services.pools.known.run(still_may, request):
        raise ApiError("no_longer_allowed", Sentence("the right to what is being sent has ended"))
    return answer


async def live_answer(
    request: ApiRequest, services: Services, camera: str, msn: str | None, part: str | None, *, quick: bool = False
) -> Response[bytes]:
    """The live playlist, held back until it has what is waited for. ``quick``: the camera's recorder is to be quick.

    Raises:
        ApiError: ``invalid_parameter`` or ``camera_not_found``.
        PlaybackError: it is not live.
    """
    wanted_msn, wanted_part = _number("_HLS_msn", msn), _number("_HLS_part", part)
    if wanted_part is not None and wanted_msn is None:
        raise ApiError("invalid_parameter", Sentence("_HLS_part needs _HLS_msn"))
    if not await services.pools.quick.run(_is_recorded, services, camera):
        raise no_camera(camera)
    is_vlc = _VLC in request.headers.get("user-agent", "")
    text = await services.live.playlist(camera, msn=wanted_msn, part=wanted_part, breaks=not is_vlc, quick=quick)
    hidden = not_shown_headers(services.live.not_shown(camera))
    return encoded(request, text.encode(), PLAYLIST_TYPE, headers={**PRIVATE, **hidden})


def _number(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise ApiError("invalid_parameter", Sentence("{name} must be a whole number", name=name))
    return int(text)


def _is_recorded(services: Services, camera: str) -> bool:
    with services.db.read() as conn:
        found = cameras.find(conn, camera)
    return found is not None and found.removed_us is None


@get(
    "/api/cameras/{camera:str}/snapshot.jpg",
    action="watch",
    scope="camera",
    summary="The picture shown at a time, or the last one there is",
    audit="snapshot",
    errors=[
        "camera_not_found",
        "no_footage",
        "footage_gone",
        "footage_damaged",
        "invalid_parameter",
        "naive_time",
        "invalid_time",
        "time_out_of_range",
    ],
    media_type="image/jpeg",
)
async def picture(
    request: ApiRequest,
    services: Injected,
    camera: FromPath[str],
    at: FromQuery[str | None] = None,
    width: FromQuery[str | None] = None,
    near: FromQuery[str | None] = None,
) -> Response[bytes]:
    """A JPEG; ``X-Frame-Time`` says when it began to be shown. ``near=key``: of the keyframe that was shown last, which
    costs one picture to decode."""
    if near not in (None, "key"):
        raise ApiError("invalid_parameter", Sentence("near must be key"))
    rights = rights_of(request)

    def check(at_us: int) -> None:
        # The last picture there is is live view's too.
        if at is not None or not rights.on(camera, AccessAction.LIVE).allowed:
            require(request, camera, AccessAction.PLAYBACK, Interval(at_us, at_us + 1))

    at_us = None if at is None else parse_time("at", at)
    return await picture_answer(services, camera, at_us, width, check, keyframe=near is not None)


async def picture_answer(
    services: Services,
    camera: str,
    at_us: int | None,
    width: str | None,
    check: Callable[[int], None],
    *,
    keyframe: bool = False,
) -> Response[bytes]:
    """The picture shown at a time, or the last one; with ``keyframe`` the keyframe then. ``check`` raises unless this
    time may be seen.

    Raises:
        ApiError: ``invalid_parameter`` (of ``width``) or ``camera_not_found``.
        PlaybackError: there is none.
    """
    wanted = _number("width", width)
    if wanted is not None and wanted not in _WIDTHS:
        raise ApiError(
            "invalid_parameter",
            Sentence("width must be from {least} to {most} pixels", least=_WIDTHS[0], most=_WIDTHS[-1]),
        )
    pool = services.pools.stills if keyframe else services.pools.pictures
    found = await pool.run(_picture, services, camera, at_us, wanted, check, keyframe=keyframe)
    return Response(
        found.jpeg,
        media_type="image/jpeg",
        headers={
            "X-Frame-Time": format_time(found.frame_time_us),
            "Content-Disposition": f'inline; filename="{picture_name(camera, found.frame_time_us)}"',
            **PRIVATE,
        },
    )


def _picture(
    services: Services,
    camera: str,
    at_us: int | None,
    width: int | None,
    check: Callable[[int], None],
    *,
    keyframe: bool,
) -> Snapshot:
    with services.db.read() as conn:
        if cameras.find(conn, camera) is None:
            raise no_camera(camera)
        bounds = segments.footage_bounds(conn, camera) if at_us is None else None
    if at_us is None:
        if bounds is None:
            raise NoFootage(camera, 0, services.now_us())
        at_us = bounds[1] - 1
    check(at_us)
    # Many of those are asked for, of cameras that a browser can't decode: they give way to all else.
    decode = services.stills.decode if keyframe else None
    return snapshot(services.db, services.indexes, camera, at_us, width=width, keyframe=keyframe, decode=decode)


ROUTES: list[object] = [recorded, live, picture]
