"""Route of clips: any range as one MP4, with what it lacks in the headers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from litestar.concurrency import sync_to_thread
from litestar.params import FromPath, FromQuery
from litestar.response.base import ASGIResponse

from nvr.api.cameras import no_camera
from nvr.api.coverage import RANGE_ERRORS
from nvr.api.errors import ApiError
from nvr.api.respond import ApiRequest
from nvr.api.routing import get
from nvr.api.sending import send
from nvr.api.services import Injected, Services
from nvr.api.times import compact_time, format_time, parse_range, seconds
from nvr.playback.clip import Clip, Gaps, plan_clip
from nvr.playback.errors import SeveralInits
from storage.coverage import Coverage, Gap, coverage
from storage.intervals import Interval

__all__ = ["ROUTES", "coverage_headers"]

# A day, also the one of 25 hours when clocks are set back.
_LONGEST_CLIP_US: Final = 25 * 3_600_000_000
# Proxies take headers of 4 to 8 kB in all.
_MOST_GAPS: Final = 24


@get(
    "/api/cameras/{camera:str}/clip.mp4",
    role="investigator",
    summary="A range as one MP4",
    audit="clip",
    errors=[
        "camera_not_found",
        "no_footage",
        "several_inits",
        "footage_gone",
        "footage_damaged",
        "clip_too_long",
        "gap_too_long",
        "invalid_parameter",
        "range_not_satisfiable",
        *RANGE_ERRORS,
    ],
    media_type="video/mp4",
)
async def clip(
    request: ApiRequest,
    services: Injected,
    camera: FromPath[str],
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
    gaps: FromQuery[str] = "collapse",
) -> ASGIResponse:
    """The frames of ``[start, end)``. Of what was not recorded, ``gaps=collapse`` shows nothing and ``gaps=keep`` keeps the time."""
    asked = parse_range(start, end, longest_us=_LONGEST_CLIP_US)
    if gaps not in ("collapse", "keep"):
        raise ApiError("invalid_parameter", "gaps must be collapse or keep")
    wanted: Gaps = "keep" if gaps == "keep" else "collapse"
    async with services.clip_slots:
        planned, found = await sync_to_thread(_plan, services, camera, asked, wanted)
    name = f"{camera}_{compact_time(asked.start_us)}_{compact_time(asked.end_us)}.mp4"
    headers = {
        # Kept by the browser, but asked about: retention may have taken it meanwhile, or a growing range have grown.
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Clip-Start": format_time(planned.start_us),
        "X-Clip-End": format_time(planned.end_us),
        **coverage_headers(found),
    }
    return send(request, planned, etag=planned.etag, media_type="video/mp4", headers=headers)


def _plan(services: Services, camera: str, asked: Interval, gaps: Gaps) -> tuple[Clip, Coverage]:
    with services.db.read() as conn:
        try:
            found = coverage(conn, camera, asked.start_us, asked.end_us, now_us=services.now_us())
        except KeyError:
            raise no_camera(camera) from None
    try:
        return plan_clip(services.db, services.indexes, camera, asked.start_us, asked.end_us, gaps=gaps), found
    except SeveralInits as error:
        parts = [
            {
                "start": format_time(part.start_us),
                "end": format_time(part.end_us),
                "url": f"/api/cameras/{quote(camera)}/clip.mp4?start={format_time(part.start_us)}"
                f"&end={format_time(part.end_us)}&gaps={gaps}",
            }
            for part in error.parts
        ]
        raise ApiError("several_inits", str(error), extra={"parts": parts}) from None


def coverage_headers(found: Coverage) -> dict[str, str]:
    """What of the range was recorded, and the gaps with their causes, as JSON; past a bound only how many more there are."""
    headers = {
        "X-Coverage-Recorded-S": f"{seconds(found.recorded_us):.6f}",
        "X-Coverage-Missing-S": f"{seconds(found.missing_us):.6f}",
        "X-Coverage-As-Of": format_time(found.as_of_us),
        "X-Coverage-Gaps": _brief(found.gaps[:_MOST_GAPS]),
    }
    if len(found.gaps) > _MOST_GAPS:
        headers["X-Coverage-Gaps-Omitted"] = str(len(found.gaps) - _MOST_GAPS)
    return headers


def _brief(gaps: Iterable[Gap]) -> str:
    brief = [{"start": format_time(g.start_us), "end": format_time(g.end_us), "cause": g.cause} for g in gaps]
    return json.dumps(brief, separators=(",", ":"))


ROUTES: list[object] = [clip]
