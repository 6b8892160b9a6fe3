"""Routes of alerts: what is wrong now, what was, and who knows of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody

from nvr.access.roles import AccessAction
from nvr.alerting import deliveries
from nvr.alerting import rows as alerts
from nvr.alerting.conditions import AlertKind
from nvr.alerting.deliveries import Recipient
from nvr.alerting.rows import AlertRow
from nvr.api.http.auth import is_admin, principal_of, rights_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected
from nvr.api.http.times import format_time
from nvr.texts.plain import plain_detail
from storage.sentences import Sentence

__all__ = ["ROUTES"]

_MOST = 1_000
_MOST_LOOKED_AT = 100_000


class Acknowledgement(msgspec.Struct, forbid_unknown_fields=True):
    """A word on it, if any."""

    note: str = ""


class GroupAcknowledgement(msgspec.Struct, forbid_unknown_fields=True):
    """Alerts that one knows of together, at most a thousand, and a word on them, if any."""

    alerts: list[str]
    note: str = ""


class Acknowledged(msgspec.Struct):
    """How many."""

    alerts: int


class AlertMemberBody(msgspec.Struct):
    """A camera of an alert. ``since``: of its outage. ``well`` is null while it is down; ``required`` is false if it is
    well because it need not be recorded any more."""

    camera: str
    since: str
    well: str | None
    required: bool


class AlertBody(msgspec.Struct):
    """An alert. ``resolved`` is null while it is open. ``cameras``: those that it is about now, of one that is over:
    was about. ``members``: of cameras that are down, all that were part of it. ``undelivered``: recipients of messages
    about it that could not be delivered, and why."""

    id: str
    kind: AlertKind
    subject: str
    since: str
    opened: str
    resolved: str | None
    flaps: int
    cameras: list[str]
    members: list[AlertMemberBody]
    detail: dict[str, Any]
    acknowledged: str | None
    acknowledged_by: str | None
    note: str | None
    undelivered: list[str]


class RecipientBody(msgspec.Struct):
    """How it goes with one who gets messages. ``recipient`` and ``error`` are for administrators. ``failing_since`` is
    null unless the last attempt failed; ``dropped``: messages given up, ever."""

    channel: str
    recipient: str | None
    waiting: int
    failing_since: str | None
    error: str | None
    accepted: str | None
    dropped: int


class Alerts(msgspec.Struct):
    """Open ones first, the latest first."""

    alerts: list[AlertBody]
    recipients: list[RecipientBody]


# Their subject is a path.
_OF_DISKS = (AlertKind.DISK_LOW, AlertKind.ROOT_ABSENT, AlertKind.SYNC_LATE)


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else format_time(at_us)


def _body(row: AlertRow, undelivered: Sequence[tuple[str, str]], *, whole: bool) -> AlertBody:
    return AlertBody(
        row.id,
        AlertKind(row.kind),
        "" if row.kind in _OF_DISKS and not whole else row.subject,
        format_time(row.since_us),
        format_time(row.opened_us),
        _time(row.resolved_us),
        row.flaps,
        list(row.cameras),
        [AlertMemberBody(m.camera, format_time(m.since_us), _time(m.well_us), m.is_required) for m in row.members],
        dict(row.detail) if whole else plain_detail(row.detail),
        _time(row.acknowledged_us),
        row.acknowledged_by,
        row.note,
        _undelivered(undelivered, whole=whole),
    )


def _undelivered(found: Sequence[tuple[str, str]], *, whole: bool) -> list[str]:
    if whole:
        return [f"{recipient}: {error}" for recipient, error in found]
    return list(dict.fromkeys(recipient.partition(":")[0] for recipient, _ in found))


def _recipient(one: Recipient, *, whole: bool) -> RecipientBody:
    channel, _, to = one.id.partition(":")
    return RecipientBody(
        channel,
        to if whole and to else None,
        one.waiting,
        _time(one.failing_since_us),
        one.error if whole else None,
        _time(one.accepted_us),
        one.dropped,
    )


@get(
    "/api/alerts",
    action="status",
    scope="cameras",
    summary="What needs a person",
    errors=["invalid_parameter"],
    answer=Alerts,
)
def list_alerts(
    request: ApiRequest, services: Injected, open: FromQuery[bool] = False, limit: FromQuery[int] = 200
) -> Response[bytes]:
    """With ``open``, only those that are."""
    if not 1 <= limit <= _MOST:
        raise ApiError("invalid_parameter", Sentence("limit must be from 1 to {most}", most=_MOST))
    whole, among = is_admin(request), rights_of(request).cameras(AccessAction.STATUS).among
    with services.db.read() as conn:
        if among is not None:
            # As if others were not there: they count for nothing, and how messages leave concerns the whole server.
            rows = alerts.list_all(conn, open_only=open, limit=_MOST_LOOKED_AT)
            seen = [mine for row in rows if (mine := _seen(row, among)) is not None][:limit]
            return json_answer(request, Alerts([_body(row, (), whole=False) for row in seen], []))
        rows = alerts.list_all(conn, open_only=open, limit=limit)
        failed = deliveries.troubled(conn, [row.id for row in rows])
        recipients = deliveries.recipients(conn)
    bodies = [_body(row, failed.get(row.id, ()), whole=whole) for row in rows]
    return json_answer(request, Alerts(bodies, [_recipient(one, whole=whole) for one in recipients]))


def _seen(row: AlertRow, among: Collection[str]) -> AlertRow | None:
    """An alert as if there were these cameras alone; None if it is about none of them."""
    cameras = tuple(camera for camera in row.cameras if camera in among)
    members = tuple(member for member in row.members if member.camera in among)
    if not cameras and not members:
        return None
    alone = len(row.cameras) <= 1 and row.subject in among
    # Of several, what it says of them together.
    subject, detail = (row.subject, row.detail) if alone else (cameras[0] if cameras else members[0].camera, {})
    since_us = min((member.since_us for member in members), default=row.since_us)
    return replace(row, cameras=cameras, members=members, subject=subject, detail=detail, since_us=since_us)


@post(
    "/api/alerts/{alert:str}/acknowledge",
    action="report",
    scope="cameras",
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
        among = rights_of(request).cameras(AccessAction.REPORT).among
        known = alerts.find(conn, alert)
        if known is not None and among is not None and _seen(known, among) is None:
            raise _no_alert(alert)
        try:
            row = alerts.acknowledge(
                conn, alert, note=data.note, by=principal_of(request).actor, now_us=services.now_us()
            )
        except KeyError:
            raise _no_alert(alert) from None
        failed = deliveries.troubled(conn, [alert])
    if among is not None:
        mine = _seen(row, among)
        return json_answer(request, _body(row if mine is None else mine, (), whole=False))
    return json_answer(request, _body(row, failed.get(alert, ()), whole=is_admin(request)))


@post(
    "/api/alerts/acknowledge",
    action="report",
    scope="cameras",
    summary="Say that one knows of several alerts: what failed together is known together",
    errors=["invalid_request", "invalid_parameter", "alert_not_found"],
    status=200,
    answer=Acknowledged,
)
def acknowledge_group(request: ApiRequest, services: Injected, data: JSONBody[GroupAcknowledgement]) -> Response[bytes]:
    """All of them, or none."""
    if len(data.alerts) > _MOST:
        raise ApiError("invalid_parameter", Sentence("limit must be from 1 to {most}", most=_MOST))
    wanted = list(dict.fromkeys(data.alerts))
    with services.db.write() as conn:
        among = rights_of(request).cameras(AccessAction.REPORT).among
        for alert in wanted:
            known = alerts.find(conn, alert)
            if known is None or (among is not None and _seen(known, among) is None):
                raise _no_alert(alert)
            alerts.acknowledge(conn, alert, note=data.note, by=principal_of(request).actor, now_us=services.now_us())
    return json_answer(request, Acknowledged(len(wanted)))


def _no_alert(id_: str) -> ApiError:
    return ApiError("alert_not_found", Sentence("there is no alert {alert!r}", alert=id_))


ROUTES = [list_alerts, acknowledge_group, acknowledge]
