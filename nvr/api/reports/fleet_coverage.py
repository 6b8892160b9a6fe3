"""Routes of the fleet's coverage in figures, and of the outages that go on."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Response
from litestar.params import FromQuery, QueryParameter

from nvr.access.roles import AccessAction
from nvr.api.cameras.choosing import knowing
from nvr.api.http.auth import is_admin, rights_of
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get
from nvr.api.http.services import Injected
from nvr.api.http.times import LONGEST_RANGE_US, RANGE_ERRORS, format_time, parse_range
from nvr.api.reports.gap_query import parse_gap_query
from nvr.api.reports.seen import seen_for
from nvr.reports.calendar import HOUR_US
from nvr.reports.coverage import by_camera, by_label, by_time, current_outages
from nvr.reports.figure_rows import figures_body
from nvr.reports.query import GapQuery, chosen
from nvr.reports.stream import steps_body
from nvr.texts.plain import plain_detail
from storage.catalogue import cameras as camera_rows
from storage.catalogue.selection import ensure_label
from storage.causes import Cause, CauseClass
from storage.coverage.clock_steps import fleet_steps
from storage.coverage.figures import summed
from storage.intervals import DAY_US, Interval
from storage.sentences import Sentence

__all__ = ["ROUTES"]

_MOST_HOURS_US: Final = 93 * DAY_US


class OutagesByClass(msgspec.Struct):
    """Seconds not recorded, by who has to act."""

    network: float
    camera: float
    server: float


class FiguresBody(msgspec.Struct, kw_only=True):
    """Seconds. ``coverage`` is recorded ÷ required, null where nothing was required. ``asked_s`` is each camera's time;
    it is ``recorded_s``, ``not_recorded_s`` (outages), ``no_longer_there_s`` (pruned, deleted, lost),
    ``not_required_s`` and ``not_known_s`` together. ``missing_s`` is ``not_recorded_s``, and ``removed_s``
    ``no_longer_there_s``, by their former names."""

    coverage: float | None
    asked_s: float
    recorded_s: float
    not_recorded_s: float
    no_longer_there_s: float
    not_required_s: float
    not_known_s: float
    required_s: float
    missing_s: float
    by_class: OutagesByClass
    planned_s: float
    administrative_s: float
    absent_s: float
    removed_s: float
    outages: int
    longest_s: float
    mtbf_s: float | None
    mttr_s: float | None


class FleetStepBody(msgspec.Struct):
    """The server's clock was set while ``cameras`` of them were recorded: it showed ``at``, and then ``to``. Set back,
    it leaves no gap, but a time that was recorded twice."""

    at: str
    to: str
    by_s: float
    cameras: int


class FigureGroup(FiguresBody, kw_only=True):
    """Figures of a camera (``camera``, ``name``, ``labels``), of a label's value (``value``, null of cameras without
    the label; ``cameras``: how many), or of a time (``start``, ``end``)."""

    camera: str | msgspec.UnsetType = msgspec.UNSET
    name: str | msgspec.UnsetType = msgspec.UNSET
    labels: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    value: str | msgspec.UnsetType | None = msgspec.UNSET
    cameras: int | msgspec.UnsetType = msgspec.UNSET
    start: str | msgspec.UnsetType = msgspec.UNSET
    end: str | msgspec.UnsetType = msgspec.UNSET


class CoverageReport(msgspec.Struct, kw_only=True):
    """Figures of the fleet, together and in groups. ``left_out``: so many cameras are in none of them, since their
    footage of the whole range was not granted to who asks."""

    start: str
    end: str
    as_of: str
    by: str
    zone: str
    filters: dict[str, list[str]]
    cameras: int
    total: FiguresBody
    groups: list[FigureGroup]
    clock_steps: list[FleetStepBody]
    left_out: int | msgspec.UnsetType = msgspec.UNSET


class OutageBody(msgspec.Struct, kw_only=True):
    """``cause`` is null if the camera's recorder does not report. ``at_least`` is false: since when is always known."""

    camera: str
    name: str
    labels: dict[str, str]
    since: str
    at_least: bool
    duration_s: float
    cause: Cause | None
    class_: CauseClass = msgspec.field(name="class")
    detail: dict[str, Any]


class OutageList(msgspec.Struct, kw_only=True):
    """The longest first."""

    as_of: str
    cameras: int
    outages: list[OutageBody]


@get(
    "/api/coverage",
    action="status",
    scope="cameras",
    summary="Coverage of the fleet in figures: by camera, by a label, by day or by hour",
    errors=["camera_not_found", "outside_grant", "invalid_parameter", "invalid_selection", "busy", *RANGE_ERRORS],
    answer=CoverageReport,
    pool="heavy",
)
def fleet_coverage(
    request: ApiRequest,
    services: Injected,
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
    by: FromQuery[str] = "camera",
    camera: FromQuery[list[str] | None] = None,
    group: FromQuery[list[str] | None] = None,
    where: FromQuery[str | None] = None,
) -> Response[bytes]:
    """The figures of ``[start, end)``."""
    asked = parse_range(start, end, longest_us=_MOST_HOURS_US + HOUR_US if by == "hour" else LONGEST_RANGE_US)
    query = parse_gap_query(asked, cameras=camera or (), groups=group or (), where=where)
    label = by.removeprefix("label:")
    if not label:
        raise ApiError("invalid_parameter", Sentence("by must be camera, day, hour, or a label such as by=district"))
    seen = seen_for(request, AccessAction.STATUS, asked, camera or ())
    now_us, zone, asked_us = services.now_us(), services.settings.zone, asked.end_us - asked.start_us
    if not services.report_slots.acquire(blocking=False):
        raise ApiError(
            "busy", Sentence("other reports are being made: try again in a few seconds"), headers={"Retry-After": "3"}
        )
    try:
        with services.db.read() as conn, knowing():
            try:
                cameras = chosen(conn, query, seen.ids)
            except KeyError as error:
                raise no_camera(str(error.args[0])) from None
            if by not in ("camera", "day", "hour"):
                every = camera_rows.list_all(conn, removed=True)
                ensure_label(label, [camera for camera in every if seen.ids is None or camera.id in seen.ids])
            found = by_camera(conn, cameras, query, now_us=now_us)
            steps = steps_body(fleet_steps(conn, [one.camera.id for one in found], *asked))
            if by in ("day", "hour"):
                times = by_time(
                    conn, [one.camera for one in found], query, hours=by == "hour", zone=zone, now_us=now_us
                )
                groups = [
                    {
                        "start": format_time(t.start_us),
                        "end": format_time(t.end_us),
                        **figures_body(t.figures, len(found) * (t.end_us - t.start_us)),
                    }
                    for t in times
                ]
            elif by == "camera":
                groups = [
                    {
                        "camera": one.camera.id,
                        "name": one.camera.name,
                        "labels": one.camera.labels,
                        **figures_body(one.figures, asked_us),
                    }
                    for one in found
                ]
            else:
                groups = [
                    {"value": value, "cameras": count, **figures_body(mine, count * asked_us)}
                    for value, count, mine in by_label(found, label)
                ]
    finally:
        services.report_slots.release()
    report = {
        **_range(asked, now_us),
        "by": by,
        "zone": zone,
        "filters": {name: said for name, said in query.filters().items() if name not in ("cause", "class")},
        "cameras": len(found),
        "total": figures_body(summed([one.figures for one in found]), len(found) * asked_us),
        "groups": groups,
        "clock_steps": steps,
        **({"left_out": seen.left_out} if seen.left_out else {}),
    }
    return json_answer(request, report)


def _range(asked: Interval, now_us: int) -> dict[str, str]:
    as_of_us = max(asked.start_us, min(asked.end_us, now_us))
    return {"start": format_time(asked.start_us), "end": format_time(asked.end_us), "as_of": format_time(as_of_us)}


@get(
    "/api/outages",
    action="status",
    scope="cameras",
    summary="Cameras that should be recorded now and are not: since when, and why",
    errors=["invalid_parameter", "invalid_selection"],
    answer=OutageList,
    pool="heavy",
)
def outages(
    request: ApiRequest,
    services: Injected,
    group: FromQuery[list[str] | None] = None,
    where: FromQuery[str | None] = None,
    class_: Annotated[list[str] | None, QueryParameter(name="class")] = None,
) -> Response[bytes]:
    """The outages of now."""
    now_us = services.now_us()
    query: GapQuery = parse_gap_query(
        Interval(now_us, now_us + 1), groups=group or (), classes=class_ or (), where=where
    )
    with services.db.read() as conn:
        with knowing():
            seen = rights_of(request).cameras(AccessAction.STATUS)
            cameras = [camera for camera in chosen(conn, query, seen.among) if not camera.is_removed]
        found = [
            one for one in current_outages(conn, cameras, now_us=now_us) if query.lists(one.cause, one.cause_class)
        ]
    found.sort(key=lambda one: (one.since_us, one.camera.id))
    whole = is_admin(request)
    bodies = [
        OutageBody(
            camera=one.camera.id,
            name=one.camera.name,
            labels=dict(one.camera.labels),
            since=format_time(one.since_us),
            at_least=False,
            duration_s=(now_us - one.since_us) / 1_000_000,
            cause=one.cause,
            class_=one.cause_class,
            detail=dict(one.detail) if whole else plain_detail(one.detail),
        )
        for one in found
    ]
    return json_answer(request, OutageList(as_of=format_time(now_us), cameras=len(cameras), outages=bodies))


ROUTES: list[object] = [fleet_coverage, outages]
