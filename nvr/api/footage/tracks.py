"""Routes of what a timeline of several cameras draws: coverage folded to columns; and of when frames were shown, for
steps from frame to frame."""

from __future__ import annotations

import itertools
from typing import Final

import msgspec
from litestar import Response
from litestar.params import FromPath, FromQuery

from nvr.access.decide import Outcome
from nvr.access.roles import AccessAction
from nvr.api.footage.tiles import chosen_cameras
from nvr.api.http.auth import is_admin, require
from nvr.api.http.bodies import GapBody, SpanBody, gap_fields
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.permissions import cut_headers
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import LONGEST_RANGE_US, RANGE_ERRORS, format_time, parse_range, seconds
from nvr.playback.tiles.keyframes import frame_times, keyframe_times
from storage.catalogue import cameras
from storage.causes import CauseClass
from storage.coverage.columns import ColumnRun, folded
from storage.coverage.one_camera import Coverage, coverage
from storage.intervals import Interval
from storage.sentences import Sentence

__all__ = ["ROUTES"]

_COLUMNS: Final = range(1, 4097)
# Below this a page shows each gap to the second; above it a pixel is more.
_EXACT_US: Final = 7 * 3_600_000_000
_MOST_GAPS: Final = 2_000
_LONGEST_FRAMES_US: Final = 120 * 1_000_000


class CameraTrackBody(msgspec.Struct, kw_only=True):
    """One camera's coverage, folded to columns: runs of ``lengths`` columns, each ``footage``, ``unknown`` (not known
    yet) or a cause, and of a cause its class. ``gaps``: each by itself, where the range is short; null: it is not.
    ``granted``: what of the range was granted, where that is not all."""

    camera: str
    name: str
    as_of: str
    recorded_s: float
    missing_s: float
    lengths: list[int]
    states: list[str]
    classes: list[CauseClass | None]
    gaps: list[GapBody] | None
    granted: list[SpanBody] | msgspec.UnsetType = msgspec.UNSET


class Tracks(msgspec.Struct, kw_only=True):
    """Coverage of several cameras for a drawing of so many columns, all as of one moment."""

    start: str
    end: str
    as_of: str
    columns: int
    tracks: list[CameraTrackBody]


@get(
    "/api/playback/coverage",
    action="status",
    scope="cameras",
    summary="Coverage of up to 16 cameras, folded to the columns of a drawing",
    errors=["camera_not_found", "closed_for_privacy", "outside_grant", "invalid_parameter", *RANGE_ERRORS],
    answer=Tracks,
    pool="heavy",
)
def tracks(
    request: ApiRequest,
    services: Injected,
    camera: FromQuery[list[str] | None] = None,
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
    columns: FromQuery[int] = 1280,
) -> Response[bytes]:
    """A gap is never less than a column; of several things in one column the worst is shown. Of a range of up to 7
    hours each gap comes too, by itself, unless there are thousands."""
    asked = parse_range(start, end, longest_us=LONGEST_RANGE_US)
    if columns not in _COLUMNS:
        raise ApiError("invalid_parameter", Sentence("columns must be from 1 to {most}", most=_COLUMNS[-1]))
    now_us, whole = services.now_us(), is_admin(request)
    found = [_track(request, services, one, asked, columns, now_us, whole=whole) for one in chosen_cameras(camera)]
    return json_answer(
        request,
        Tracks(
            start=format_time(asked.start_us),
            end=format_time(asked.end_us),
            as_of=format_time(now_us),
            columns=columns,
            tracks=found,
        ),
    )


def _track(
    request: ApiRequest, services: Services, camera: str, asked: Interval, columns: int, now_us: int, *, whole: bool
) -> CameraTrackBody:
    given = require(request, camera, AccessAction.STATUS, asked)
    with services.db.read() as conn:
        known = cameras.find(conn, camera)
        try:
            parts = [coverage(conn, camera, *part, now_us=now_us) for part in given.ranges]
        except KeyError:
            raise no_camera(camera) from None
    runs = _drawn(parts, asked, columns)
    count = sum(len(part.gaps) for part in parts)
    is_short = asked.end_us - asked.start_us <= _EXACT_US and count <= _MOST_GAPS
    body = CameraTrackBody(
        camera=camera,
        name=camera if known is None else known.name,
        as_of=format_time(max(part.as_of_us for part in parts)),
        recorded_s=seconds(sum(part.recorded_us for part in parts)),
        missing_s=seconds(sum(part.missing_us for part in parts)),
        lengths=[run.columns for run in runs],
        states=["footage" if run.footage else str(run.cause or "unknown") for run in runs],
        classes=[run.cause_class for run in runs],
        gaps=[GapBody(**gap_fields(gap, whole=whole)) for part in parts for gap in part.gaps] if is_short else None,
    )
    if given.outcome is Outcome.CUT:
        body.granted = [SpanBody(format_time(a), format_time(b)) for a, b in given.ranges]
    return body


def _drawn(parts: list[Coverage], asked: Interval, columns: int) -> list[ColumnRun]:
    """The runs of the whole range: of what was not granted nothing is known to who asks."""
    length_us = asked.end_us - asked.start_us
    found: list[ColumnRun] = []
    drawn = 0
    for part in parts:
        low = max((part.start_us - asked.start_us) * columns // length_us, drawn)
        high = -(-(part.end_us - asked.start_us) * columns // length_us)
        if high <= low:
            continue
        if low > drawn:
            found.append(ColumnRun(low - drawn, False, None, None))
        found += folded(part, high - low)
        drawn = high
    if drawn < columns:
        found.append(ColumnRun(columns - drawn, False, None, None))
    return found


class FrameTimes(msgspec.Struct, kw_only=True):
    """When frames began to be shown, in order: the first, and of each following one how many microseconds after the one
    before. ``first`` is null where there is none."""

    camera: str
    start: str
    end: str
    first: str | None
    steps_us: list[int]


@get(
    "/api/cameras/{camera:str}/frames",
    action="playback",
    scope="camera",
    summary="When each frame of a range of up to two minutes began to be shown, or each keyframe of up to a day",
    errors=["footage_gone", "footage_damaged", *RANGE_ERRORS],
    answer=FrameTimes,
    pool="heavy",
)
def frames(
    request: ApiRequest,
    services: Injected,
    camera: FromPath[str],
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
    keyframes: FromQuery[bool] = False,
) -> Response[bytes]:
    """Their own times, not those that a frame rate would give: cameras' frames come when they come. Of a range that was
    granted in part, the first part's."""
    asked = parse_range(start, end, longest_us=25 * 3_600_000_000 if keyframes else _LONGEST_FRAMES_US)
    given = require(request, camera, AccessAction.PLAYBACK, asked)
    shown = given.ranges[0]
    times_of = keyframe_times if keyframes else frame_times
    found = times_of(services.db, services.indexes, camera, shown.start_us, shown.end_us)
    body = FrameTimes(
        camera=camera,
        start=format_time(shown.start_us),
        end=format_time(shown.end_us),
        first=format_time(found[0]) if found else None,
        steps_us=[b - a for a, b in itertools.pairwise(found)],
    )
    return json_answer(request, body, headers=cut_headers(asked, given))


ROUTES: list[object] = [tracks, frames]
