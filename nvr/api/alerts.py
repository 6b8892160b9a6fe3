"""Routes of alerts: what is wrong now, what was, and who knows of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody

from nvr.alerting.conditions import Kind
from nvr.api.auth import is_admin, principal_of
from nvr.api.errors import ApiError
from nvr.api.respond import ApiRequest, json_answer
from nvr.api.routing import get, post
from nvr.api.services import Injected
from nvr.api.times import format_time
from nvr.texts.plain import plain_detail
from storage import alerts
from storage.alerts import Notice, Row

__all__ = ["ROUTES"]

_MOST = 1_000


class Acknowledgement(msgspec.Struct, forbid_unknown_fields=True):
    """A word on it, if any."""

    note: str = ""


class AlertBody(msgspec.Struct):
    """An alert. ``resolved`` is null while it is open. ``undelivered``: messages about it that could not be sent yet, and why."""

    id: str
    kind: str
    subject: str
    since: str
    opened: str
    resolved: str | None
    flaps: int
    cameras: list[str]
    detail: dict[str, Any]
    acknowledged: str | None
    acknowledged_by: str | None
    note: str | None
    undelivered: list[str]


class Alerts(msgspec.Struct):
    """Open ones first, the latest first."""

    alerts: list[AlertBody]


# Their subject is a path.
_OF_DISKS = (Kind.DISK_LOW, Kind.ROOT_ABSENT)


def _body(row: Row, undelivered: Sequence[Notice], *, whole: bool) -> AlertBody:
    return AlertBody(
        row.id,
        row.kind,
        "" if row.kind in _OF_DISKS and not whole else row.subject,
        format_time(row.since_us),
        format_time(row.opened_us),
        None if row.resolved_us is None else format_time(row.resolved_us),
        row.flaps,
        list(row.cameras),
        dict(row.detail) if whole else plain_detail(row.detail),
        None if row.acknowledged_us is None else format_time(row.acknowledged_us),
        row.acknowledged_by,
        row.note,
        [f"{notice.channel}: {notice.error}" if whole else notice.channel for notice in undelivered],
    )


@get("/api/alerts", role="viewer", summary="What needs a person", errors=["invalid_parameter"], answer=Alerts)
def list_alerts(
    request: ApiRequest, services: Injected, open: FromQuery[bool] = False, limit: FromQuery[int] = 200
) -> Response[bytes]:
    """With ``open``, only those that are."""
    if not 1 <= limit <= _MOST:
        raise ApiError("invalid_parameter", f"limit must be from 1 to {_MOST}")
    with services.db.read() as conn:
        rows = alerts.every(conn, open_only=open, limit=limit)
        failed = alerts.undelivered(conn, [row.id for row in rows])
    whole = is_admin(request)
    return json_answer(request, Alerts([_body(row, failed.get(row.id, ()), whole=whole) for row in rows]))


@post(
    "/api/alerts/{alert:str}/acknowledge",
    role="investigator",
    summary="Say that one knows of an alert",
    errors=["invalid_request", "alert_not_found"],
    status=200,
    answer=AlertBody,
)
def acknowledge(
    request: ApiRequest, services: Injected, alert: FromPath[str], data: JSONBody[Acknowledgement]
) -> Response[bytes]:
    """It silences nothing."""
    with services.db.write() as conn:
        try:
            row = alerts.acknowledge(
                conn, alert, note=data.note, by=principal_of(request).actor, now_us=services.now_us()
            )
        except KeyError:
            raise ApiError("alert_not_found", f"there is no alert {alert!r}") from None
        failed = alerts.undelivered(conn, [alert])
    return json_answer(request, _body(row, failed.get(alert, ()), whole=is_admin(request)))


ROUTES = [list_alerts, acknowledge]
