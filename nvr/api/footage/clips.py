"""Routes of clips: any range as one MP4, or as a ZIP of several, with what it lacks in the headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final
from urllib.parse import quote

from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response.base import ASGIResponse

from nvr.access.roles import AccessAction
from nvr.api.answers.sending import RecordedBytes, send
from nvr.api.footage.clip_asked import LONGEST_CLIP_US, Asked, asked_of, given_of
from nvr.api.footage.clip_headers import coverage_headers, not_shown_headers
from nvr.api.footage.clip_requests import check_clip
from nvr.api.footage.held import hold
from nvr.api.footage.segments import PRIVATE
from nvr.api.http.auth import principal_of, require
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import RANGE_ERRORS, format_time, parse_range
from nvr.playback.clip.archive import ClipArchive, ClipMember
from nvr.playback.clip.clip import Clip, not_in, plan_clip, plan_clips
from nvr.playback.errors import SeveralInits
from nvr.playback.hls.names import apart, clip_name
from storage.coverage.one_camera import Coverage, coverage
from storage.coverage.runs import NotShown, run_name
from storage.intervals import Interval
from storage.sentences import Sentence, sentence_of

__all__ = ["ROUTES", "clip_answer"]

# A fragment, and the moment that it takes to be durable.
_FRAGMENT_US: Final = 2_000_000


_ERRORS: Final = (
    "camera_not_found",
    "no_footage",
    "footage_gone",
    "footage_damaged",
    "clip_too_long",
    "gap_too_long",
    "range_not_over",
    "invalid_parameter",
    "approval_needed",
    "request_not_found",
    *RANGE_ERRORS,
)


@get(
    "/api/cameras/{camera:str}/clip.mp4",
    action="clip",
    scope="camera",
    summary="A range as one MP4",
    audit="clip",
    errors=["several_inits", "range_not_satisfiable", *_ERRORS],
    media_type="video/mp4",
    proof="step_up",
)
async def clip(
    request: ApiRequest,
    services: Injected,
    camera: FromPath[str],
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
    gaps: FromQuery[str] = "collapse",
    so_far: FromQuery[bool] = False,
    run: FromQuery[str | None] = None,
    made_of: Annotated[str | None, QueryParameter(name="request")] = None,
) -> ASGIResponse:
    """The frames of ``[start, end)``. Of what was not recorded, ``gaps=collapse`` shows nothing and ``gaps=keep`` keeps
    the time. While not all of it is known, it is refused; ``so_far=true`` answers what there is, under a name that says
    so. Of runs that recorded the same time the newest is shown; ``X-Not-Shown`` lists the others, and ``run`` shows one
    alone."""
    asked = _parameters(camera, start, end, gaps, so_far, run, made_of)
    asked, cut = given_of(
        camera, asked, require(request, camera, AccessAction.CLIP, Interval(asked.start_us, asked.end_us))
    )
    await _check(request, services, camera, asked)
    return await clip_answer(request, services, camera, asked, more=cut)


async def clip_answer(
    request: ApiRequest,
    services: Services,
    camera: str,
    asked: Asked,
    *,
    still: Callable[[], bool] | None = None,
    more: Mapping[str, str] = MappingProxyType({}),
) -> ASGIResponse:
    """The clip, or a ``Range`` of it, with ``more`` headers. ``still`` as of ``send``. Whether it may be had is for
    who calls (``check_clip``).

    Raises:
        ApiError: ``range_not_over``, ``several_inits``, ``camera_not_found``, or ``busy``: too much is being loaded.
        PlaybackError: it can't be made.
    """
    planned, found = await services.pools.heavy.run(_plan, services, camera, asked)
    name = clip_name(camera, planned.start_us, planned.end_us, *_more(asked, found))
    read = Interval(planned.start_us - planned.preroll_us, planned.end_us)
    return send(
        request,
        hold(services, planned),
        etag=planned.etag,
        media_type="video/mp4",
        headers=_headers(name, planned.start_us, planned.end_us, found)
        | not_shown_headers(planned.hidden)
        | dict(more),
        recorded=RecordedBytes(planned.recorded_from, planned.send_some),
        under_way=lambda: services.leases.take(camera, read),
        still=still,
    )


@get(
    "/api/cameras/{camera:str}/clip.zip",
    action="clip",
    scope="camera",
    summary="A range as one ZIP of MP4s",
    audit="clip",
    errors=_ERRORS,
    media_type="application/zip",
    proof="step_up",
)
async def clip_archive(
    request: ApiRequest,
    services: Injected,
    camera: FromPath[str],
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
    gaps: FromQuery[str] = "collapse",
    so_far: FromQuery[bool] = False,
    made_of: Annotated[str | None, QueryParameter(name="request")] = None,
) -> ASGIResponse:
    """A clip for each stretch of ``[start, end)`` with the same picture format, in one archive; what was recorded twice
    at the same time is in clips of their own, ``X-Not-Shown`` lists what another recorder had too and is in none. Sent
    as a whole: ``Range`` is not honoured."""
    asked = _parameters(camera, start, end, gaps, so_far, None, made_of)
    asked, cut = given_of(
        camera, asked, require(request, camera, AccessAction.CLIP, Interval(asked.start_us, asked.end_us))
    )
    await _check(request, services, camera, asked)
    planned, found = await services.pools.heavy.run(_plan_archive, services, camera, asked)
    name = clip_name(camera, planned.read.start_us, planned.read.end_us, *_more(asked, found), ending="zip")
    return send(
        request,
        hold(services, planned.archive),
        etag=planned.archive.etag,
        media_type="application/zip",
        headers=_headers(name, planned.read.start_us, planned.read.end_us, found)
        | not_shown_headers(planned.hidden)
        | cut,
        in_parts=False,
        under_way=lambda: services.leases.take(camera, planned.read),
    )


async def _check(request: ApiRequest, services: Services, camera: str, asked: Asked) -> None:
    who = principal_of(request)
    await services.pools.quick.run(check_clip, services, who, camera, asked.start_us, asked.end_us, asked.made_of)


def _parameters(
    camera: str, start: str | None, end: str | None, gaps: str, so_far: bool, run: str | None, made_of: str | None
) -> Asked:
    return asked_of(camera, parse_range(start, end, longest_us=LONGEST_CLIP_US), gaps, so_far, run, made_of)


def _more(asked: Asked, found: Coverage) -> list[str]:
    """What tells a clip's name from others of the same time."""
    more = [f"run-{run_name(asked.run)}"] if asked.run is not None else []
    more += ["gaps-kept"] if asked.gaps == "keep" and found.gaps else []
    return [*more, "so-far"] if found.not_known_us else more


def _headers(name: str, start_us: int, end_us: int, found: Coverage) -> dict[str, str]:
    return {
        **PRIVATE,
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Clip-Start": format_time(start_us),
        "X-Clip-End": format_time(end_us),
        **coverage_headers(found),
    }


def _coverage(services: Services, camera: str, asked: Asked, kind: str) -> Coverage:
    now_us = services.now_us()
    with services.db.read() as conn:
        try:
            found = coverage(conn, camera, asked.start_us, asked.end_us, now_us=now_us)
        except KeyError:
            raise no_camera(camera) from None
    if found.not_known_us and not asked.so_far:
        # The last frames may wait for their fragment for a moment.
        retry_us = max(asked.end_us, now_us) + _FRAGMENT_US
        so_far = None
        if found.recorded_us:
            query = asked.query(asked.start_us, asked.end_us, so_far=True)
            so_far = {
                "start": format_time(asked.start_us),
                "end": format_time(found.as_of_us),
                "url": services.url(f"/api/cameras/{quote(camera)}/clip.{kind}?{query}"),
            }
        raise ApiError(
            "range_not_over",
            Sentence(
                "it is known until {until}: come back at {retry_at}, or ask for so_far=true",
                until=format_time(found.as_of_us),
                retry_at=format_time(retry_us),
            ),
            headers={"Retry-After": str(max(1, -(-(retry_us - now_us) // 1_000_000)))},
            extra={"known_until": format_time(found.as_of_us), "retry_at": format_time(retry_us), "so_far": so_far},
        )
    return found


def _plan(services: Services, camera: str, asked: Asked) -> tuple[Clip, Coverage]:
    found = _coverage(services, camera, asked, "mp4")
    only = None if asked.run is None else {asked.run}
    try:
        planned = plan_clip(
            services.db, services.indexes, camera, asked.start_us, found.as_of_us, gaps=asked.gaps, only=only
        )
        return planned, found
    except SeveralInits as error:
        base = services.url(f"/api/cameras/{quote(camera)}/clip")
        parts = [
            {
                "start": format_time(part.start_us),
                "end": format_time(part.end_us),
                "url": f"{base}.mp4?{asked.query(part.start_us, part.end_us, so_far=False)}",
            }
            for part in error.parts
        ]
        whole = f"{base}.zip?{asked.query(asked.start_us, asked.end_us, so_far=asked.so_far)}"
        raise ApiError("several_inits", sentence_of(error), extra={"parts": parts, "archive": whole}) from None


@dataclass(frozen=True, slots=True)
class _PlannedArchive:
    """An archive, and the footage it is made from."""

    archive: ClipArchive
    read: Interval
    hidden: list[NotShown]


def _plan_archive(services: Services, camera: str, asked: Asked) -> tuple[_PlannedArchive, Coverage]:
    found = _coverage(services, camera, asked, "zip")
    clips = plan_clips(services.db, services.indexes, camera, asked.start_us, found.as_of_us, gaps=asked.gaps)
    names = apart(clip_name(camera, clip.start_us, clip.end_us) for clip in clips)
    members = [ClipMember(name, clip) for name, clip in zip(names, clips, strict=True)]
    read = Interval(min(clip.start_us - clip.preroll_us for clip in clips), max(clip.end_us for clip in clips))
    hidden = not_in(services.db, clips, camera, asked.start_us, found.as_of_us)
    return _PlannedArchive(ClipArchive(members), read, hidden), found


ROUTES: list[object] = [clip, clip_archive]
