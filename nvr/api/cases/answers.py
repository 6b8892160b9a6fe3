"""Cases and requests as they are told to somebody: with what they may do about them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from nvr.access.decide import Outcome
from nvr.access.roles import AccessAction
from nvr.api.cases.bodies import CaseBody, FootageRequestBody
from nvr.api.cases.seen import is_seen, names_of, sight_of
from nvr.api.http.auth import Principal
from nvr.api.http.services import Services
from nvr.api.http.times import format_time
from nvr.cases import requests
from nvr.cases.cases import Case
from nvr.cases.requests import Request, RequestState
from storage.intervals import Interval

__all__ = ["case_body", "request_body"]


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else format_time(at_us)


def _may_decide(made: Request, who: Principal, *, second_person: bool) -> bool:
    """As ``_decide`` will judge it: so that nobody is offered what is then refused."""
    if made.state is not RequestState.ASKED or (second_person and not requests.may_be_second(made, who.actor)):
        return False
    asked_of = Interval(made.start_us, made.end_us)
    return all(
        who.rights.on(camera, AccessAction.APPROVE, asked_of).outcome is Outcome.ALLOWED for camera in made.cameras
    )


def request_body(
    services: Services, made: Request, who: Principal, names: Mapping[str, str] | None = None
) -> FootageRequestBody:
    """A request, for whoever asks. ``names`` of its cameras, where they are known already."""
    if names is None:
        with services.db.read() as conn:
            names = names_of(conn, made.cameras)
    return FootageRequestBody(
        made.id,
        made.case,
        list(made.cameras),
        [names.get(camera) or camera for camera in made.cameras],
        list(made.holds),
        format_time(made.start_us),
        format_time(made.end_us),
        made.purpose,
        made.state,
        made.requester,
        made.requester_id == who.actor.person,
        _may_decide(made, who, second_person=services.settings.second_person),
        format_time(made.requested_us),
        made.decided_by,
        _time(made.decided_us),
        made.decision,
        made.export,
    )


def case_body(services: Services, conn: sqlite3.Connection, case: Case, who: Principal) -> CaseBody:
    """A case and those of its requests that are there for whoever asks."""
    seen = sight_of(who)
    shown = [made for made in requests.of_case(conn, case.id) if is_seen(made, who, seen)]
    names = names_of(conn, {camera for made in shown for camera in made.cameras})
    return CaseBody(
        case.id,
        case.number,
        case.legal_basis,
        case.title,
        case.opened_by,
        format_time(case.opened_us),
        _time(case.closed_us),
        case.closed_by,
        case.close_reason,
        [request_body(services, made, who, names) for made in shown],
    )
