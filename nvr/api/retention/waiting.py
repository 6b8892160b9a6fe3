"""Routes of deletions that wait for a person: what they are, and letting them go."""

from __future__ import annotations

from litestar import Response
from litestar.params import JSONBody

from nvr.api.http.auth import principal_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import format_time
from nvr.api.retention.bodies import (
    CauseConfirmation,
    WaitingBody,
    WaitingList,
)
from storage.retention import confirmations
from storage.sentences import Sentence

__all__ = ["ROUTES"]


def _waiting(services: Services) -> WaitingList:
    now_us = services.now_us()
    with services.db.read() as conn:
        rows = confirmations.waiting(conn)
    return WaitingList(
        format_time(now_us),
        [
            WaitingBody(
                row.cause,
                format_time(row.since_us),
                row.detail.get("reason"),
                row.detail.get("segments", 0),
                row.detail.get("hours", 0.0),
                row.detail.get("bytes", 0),
                row.detail.get("cameras", 0),
                None if row.detail.get("oldest_us") is None else format_time(row.detail["oldest_us"]),
                row.confirmed_by,
            )
            for row in rows
        ],
    )


@get(
    "/api/retention/waiting",
    action="retention",
    scope="fleet",
    summary="Deletions that wait for a person",
    answer=WaitingList,
    pool="heavy",
)
def waiting_deletions(request: ApiRequest, services: Injected) -> Response[bytes]:
    """What rules, floors or a clock ask for beyond what was ever confirmed."""
    return json_answer(request, _waiting(services))


@post(
    "/api/retention/confirm",
    action="retention",
    scope="fleet",
    summary="Let go what waits for this cause",
    errors=["invalid_request", "nothing_waits"],
    status=200,
    answer=WaitingList,
    pool="heavy",
)
def confirm_cause(request: ApiRequest, services: Injected, data: JSONBody[CauseConfirmation]) -> Response[bytes]:
    """Carried out by the next pass of retention, within seconds."""
    try:
        with services.db.write() as conn:
            confirmations.confirm(conn, data.cause, by=principal_of(request).actor, now_us=services.now_us())
    except KeyError:
        raise ApiError(
            "nothing_waits",
            Sentence("no deletion waits for {cause!r}; GET /api/retention/waiting lists them", cause=data.cause),
        ) from None
    return json_answer(request, _waiting(services))


ROUTES = [waiting_deletions, confirm_cause]
