"""The route of activity: when, in a stretch of a camera's footage, its keyframes differ from what stands still."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
from litestar import Response
from litestar.params import FromPath, FromQuery

from nvr.access.roles import AccessAction
from nvr.api.http.auth import require
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import RANGE_ERRORS, format_time, parse_range
from nvr.playback.activity import Region, shares
from nvr.playback.activity_slices import SLICE_US
from storage.coverage import one_camera
from storage.intervals import Interval
from storage.sentences import Sentence

__all__ = ["ROUTES"]

_LONGEST_US: Final = 2 * 3_600_000_000
# What is not over has keyframes yet to come.
_OVER_US: Final = 60 * 1_000_000


class ActivityBody(msgspec.Struct, kw_only=True):
    """Of each keyframe of the range when it began to be shown (the first, and of each following one how many
    milliseconds after the one before), and the share of the picture, or of the region, that differs from what stands
    still. ``pending``: so many slices are being made: ask again. ``apart_s``: how far keyframes are from each other
    (the median); what passed within less may be missed."""

    camera: str
    start: str
    end: str
    pending: int
    apart_s: float | None
    first: str | None
    steps_ms: list[int]
    shares: list[float]


@get(
    "/api/cameras/{camera:str}/activity",
    action="playback",
    scope="camera",
    summary="When something moved in a range of up to two hours: differences of keyframes",
    audit="playback",
    errors=["invalid_parameter", *RANGE_ERRORS],
    answer=ActivityBody,
    pool="heavy",
)
def activity(
    request: ApiRequest,
    services: Injected,
    camera: FromPath[str],
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
    region: FromQuery[str | None] = None,
) -> Response[bytes]:
    """Made when it is asked for, in a process that runs only when nobody else wants the processor, and kept for a
    while. ``region``: left, top, right, bottom of a rectangle, in shares of the picture: ``0.5,0,1,0.4``."""
    asked = parse_range(start, end, longest_us=_LONGEST_US)
    within = _region(region)
    given = require(request, camera, AccessAction.PLAYBACK, asked)
    until_us = services.now_us() - _OVER_US
    times, found, pending = [], [], 0
    for slice_us in range(asked.start_us // SLICE_US * SLICE_US, asked.end_us, SLICE_US):
        if slice_us + SLICE_US > until_us or not any(a < slice_us + SLICE_US and slice_us < b for a, b in given.ranges):
            continue
        made = services.activity.of(camera, slice_us)
        if made is None:
            pending += 1
            continue
        times.append(made.times_us)
        found += [shares(grid, within) for grid in made.grids()]
    times_us = np.concatenate(times) if times else np.empty(0, np.int64)
    share = np.concatenate(found) if found else np.empty(0)
    shown = _still_there(services, camera, given.ranges, times_us)
    times_us, share = times_us[shown], share[shown]
    steps = np.diff(times_us)
    body = ActivityBody(
        camera=camera,
        start=format_time(asked.start_us),
        end=format_time(asked.end_us),
        pending=pending,
        apart_s=round(float(np.median(steps)) / 1e6, 2) if len(steps) else None,
        first=format_time(int(times_us[0])) if len(times_us) else None,
        steps_ms=(steps // 1000).tolist(),
        shares=[round(one, 4) for one in share.tolist()],
    )
    return json_answer(request, body)


def _region(text: str | None) -> Region | None:
    if text is None:
        return None
    try:
        found = Region(*map(float, text.split(",")))
    except (TypeError, ValueError):
        found = Region(1, 1, 0, 0)
    if not (0 <= found.left < found.right <= 1 and 0 <= found.top < found.bottom <= 1):
        raise ApiError(
            "invalid_parameter",
            Sentence("region must be left, top, right and bottom in shares of the picture, such as 0.5,0,1,0.4"),
        )
    return found


def _still_there(
    services: Services, camera: str, granted: tuple[Interval, ...], times_us: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Of which of these moments there is footage now, and it was granted: what was kept knows neither."""
    found = np.zeros(len(times_us), bool)
    with services.db.read() as conn:
        for start_us, end_us in granted:
            for piece in one_camera.pieces(conn, camera, start_us, end_us):
                found |= (times_us >= piece.start_us) & (times_us < piece.end_us)
    return found


ROUTES: list[object] = [activity]
