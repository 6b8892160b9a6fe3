"""Routes of maintenance windows and recording schedules: list, enter, end."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr.access.roles import AccessAction
from nvr.api.cameras.choosing import Choice, chosen
from nvr.api.http.auth import rights_of
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import TIME_ERRORS, format_time, parse_time
from nvr.api.orders.bodies import DirectiveBody, NewRevocation, optional_time, seen_body
from nvr.api.orders.decide import end_directive, enter_directive
from nvr.api.orders.routes import LARGEST_ORDER_BYTES
from nvr.cameras import Chosen
from nvr.orders import model as directives
from nvr.orders.model import DirectiveKind, Draft

__all__ = ["ROUTES"]

_ERRORS = ("invalid_request", "invalid_directive", "invalid_selection", "missing_parameter", *TIME_ERRORS)


class NewWindow(Choice, forbid_unknown_fields=True, kw_only=True):
    """A maintenance window; it may lie in the past."""

    reason: str
    start: str
    end: str


class NewSchedule(Choice, forbid_unknown_fields=True, kw_only=True):
    """When to record, such as ``mon-fri 06:00-22:00, sat 08:00-14:00`` in the display zone; outside these hours the
    cameras are not connected to. From ``start`` (absent: now) to ``end`` (absent: until it is ended)."""

    reason: str
    hours: str
    start: str | None = None
    end: str | None = None


class WindowList(msgspec.Struct):
    """All maintenance windows."""

    as_of: str
    windows: list[DirectiveBody]


class Schedules(msgspec.Struct):
    """All schedules."""

    as_of: str
    schedules: list[DirectiveBody]


def _bodies(request: ApiRequest, services: Services, kind: DirectiveKind) -> tuple[str, list[DirectiveBody]]:
    now_us, among = services.now_us(), rights_of(request).cameras(AccessAction.STATUS).among
    with services.db.read() as conn:
        found = [seen_body(conn, each, among, now_us=now_us) for each in directives.list_all(conn, [kind])]
    return format_time(now_us), [body for body in found if body is not None]


def _enter(request: ApiRequest, services: Services, data: Choice, draft: Draft, now_us: int) -> DirectiveBody:
    among = rights_of(request).cameras(AccessAction.ORDERS).among

    def plan(conn: sqlite3.Connection) -> tuple[Draft, Chosen]:
        found = chosen(conn, data, among)
        return replace(draft, selection=found.how), found

    return enter_directive(request, services, plan, now_us)


@get(
    "/api/maintenance",
    action="status",
    scope="cameras",
    summary="All maintenance windows, the latest first",
    answer=WindowList,
)
def list_windows(request: ApiRequest, services: Injected) -> Response[bytes]:
    """All windows, those that are over too."""
    return json_answer(request, WindowList(*_bodies(request, services, DirectiveKind.MAINTENANCE)))


@post(
    "/api/maintenance",
    action="orders",
    scope="cameras",
    summary="Announce maintenance: recording goes on if it can, and a gap within is attributed to it",
    errors=_ERRORS,
    answer=DirectiveBody,
    largest_body_bytes=LARGEST_ORDER_BYTES,
)
def enter_window(request: ApiRequest, services: Injected, data: JSONBody[NewWindow]) -> Response[bytes]:
    """Enters a window."""
    start_us, end_us = parse_time("start", data.start), parse_time("end", data.end)
    draft = Draft(kind=DirectiveKind.MAINTENANCE, reason=data.reason, start_us=start_us, end_us=end_us)
    now_us = services.now_us()
    body = _enter(request, services, data, draft, now_us)
    return json_answer(request, body, status=201)


@post(
    "/api/maintenance/{window:str}/end",
    action="orders",
    scope="cameras",
    summary="End a maintenance window early, as a whole or for some cameras",
    errors=[*_ERRORS, "directive_not_found"],
    status=200,
    answer=DirectiveBody,
    largest_body_bytes=LARGEST_ORDER_BYTES,
)
def end_window(
    request: ApiRequest, services: Injected, window: FromPath[str], data: JSONBody[NewRevocation]
) -> Response[bytes]:
    """Ends a window."""
    return end_directive(request, services, window, DirectiveKind.MAINTENANCE, data)


@get(
    "/api/schedules",
    action="status",
    scope="cameras",
    summary="All recording schedules, the latest first",
    answer=Schedules,
)
def list_schedules(request: ApiRequest, services: Injected) -> Response[bytes]:
    """All schedules, those that are over too."""
    return json_answer(request, Schedules(*_bodies(request, services, DirectiveKind.SCHEDULE)))


@post(
    "/api/schedules",
    action="orders",
    scope="cameras",
    summary="Record cameras in weekly hours only",
    errors=_ERRORS,
    answer=DirectiveBody,
    largest_body_bytes=LARGEST_ORDER_BYTES,
)
def enter_schedule(request: ApiRequest, services: Injected, data: JSONBody[NewSchedule]) -> Response[bytes]:
    """Enters a schedule, in the display zone as it is now."""
    now_us = services.now_us()
    draft = Draft(
        kind=DirectiveKind.SCHEDULE,
        reason=data.reason,
        hours=data.hours,
        zone=services.settings.zone,
        start_us=now_us if not data.start else parse_time("start", data.start),
        end_us=optional_time("end", data.end),
    )
    body = _enter(request, services, data, draft, now_us)
    services.on_cameras_changed()
    return json_answer(request, body, status=201)


@post(
    "/api/schedules/{schedule:str}/end",
    action="orders",
    scope="cameras",
    summary="End a schedule, as a whole or for some cameras",
    errors=[*_ERRORS, "directive_not_found"],
    status=200,
    answer=DirectiveBody,
    largest_body_bytes=LARGEST_ORDER_BYTES,
)
def end_schedule(
    request: ApiRequest, services: Injected, schedule: FromPath[str], data: JSONBody[NewRevocation]
) -> Response[bytes]:
    """Ends a schedule."""
    return end_directive(request, services, schedule, DirectiveKind.SCHEDULE, data)


ROUTES: list[object] = [list_windows, enter_window, end_window, list_schedules, enter_schedule, end_schedule]
