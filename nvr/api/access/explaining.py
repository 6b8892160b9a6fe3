"""Routes that say why somebody may do something with a camera, or may not, and who may see a camera."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from litestar import Response
from litestar.params import FromPath, FromQuery

from nvr.access import holders
from nvr.access.decide import Outcome
from nvr.access.errors import AccessError
from nvr.access.explaining import explained
from nvr.access.giving import is_within
from nvr.access.model import Grant
from nvr.access.roles import AccessAction
from nvr.access.snapshot import Rights
from nvr.accounts.holder_rights import rights_of_holders, who_may
from nvr.api.access.bodies import GrantBody, grant_body, refused
from nvr.api.http.auth import require, rights_of
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get
from nvr.api.http.services import Injected
from nvr.api.http.times import TIME_ERRORS, format_time, parse_time
from nvr.texts import accepted, say
from storage.catalogue.selection import Selection
from storage.intervals import Interval

__all__ = ["ROUTES"]


class ExplanationBody(msgspec.Struct):
    """``sentence`` in the language of who asks."""

    action: AccessAction
    outcome: Outcome
    sentence: str


class Explanations(msgspec.Struct):
    """What somebody may do with a camera, action by action. ``at``: the time whose footage it is about, null: any."""

    who: str
    camera: str
    as_of: str
    at: str | None
    actions: list[ExplanationBody]


class CameraHolder(msgspec.Struct):
    """Somebody who may do something with a camera now, and by which grants."""

    name: str
    actions: list[AccessAction]
    grants: list[GrantBody]


class CameraHolders(msgspec.Struct):
    """Who may do something with a camera now."""

    camera: str
    as_of: str
    holders: list[CameraHolder]


@get(
    "/api/access/cameras/{camera:str}/explain",
    action="people",
    scope="camera",
    summary="Why a user may do something with a camera, or may not, in one sentence each",
    errors=["account_not_found", *TIME_ERRORS],
    answer=Explanations,
)
def explain_access(
    request: ApiRequest,
    services: Injected,
    camera: FromPath[str],
    user: FromQuery[str],
    at: FromQuery[str | None] = None,
) -> Response[bytes]:
    """As of now; ``at``: for footage of that time."""
    require(request, camera, AccessAction.PEOPLE)
    now_us = services.now_us()
    at_us = None if at is None else parse_time("at", at)
    asked = None if at_us is None else Interval(at_us, at_us + 1)
    with services.db.read() as conn:
        try:
            holder = holders.find_holder(conn, user)
        except AccessError as error:
            raise refused(error) from None
        name = holders.names(conn).get(holder, user)
        rights = rights_of_holders(conn, rights_of(request).snapshot, [holder], now_us)[holder]
    language = accepted(request.headers.get("accept-language", ""))
    bodies = []
    for action in AccessAction:
        decision = rights.on(camera, action, asked)
        decision = replace(decision, grants=tuple(_told(grant, rights_of(request)) for grant in decision.grants))
        bodies.append(
            ExplanationBody(action, decision.outcome, say(explained(name, camera, action, decision), language))
        )
    found = Explanations(name, camera, format_time(now_us), None if at_us is None else format_time(at_us), bodies)
    return json_answer(request, found)


def _told(grant: Grant, rights: Rights) -> Grant:
    """A grant as who administers some cameras is told of it: by which query it was given may name others."""
    if is_within(grant, rights):
        return grant
    return replace(grant, cameras=Selection("…", grant.cameras.terms))


@get(
    "/api/access/cameras/{camera:str}/who",
    action="people",
    scope="camera",
    summary="Who may do something with a camera now, and by which grants",
    answer=CameraHolders,
    pool="heavy",
)
def who_sees(request: ApiRequest, services: Injected, camera: FromPath[str]) -> Response[bytes]:
    """By name."""
    require(request, camera, AccessAction.PEOPLE)
    now_us, rights = services.now_us(), rights_of(request)
    snapshot = rights.snapshot
    with services.db.read() as conn:
        names = holders.names(conn)
        every = who_may(conn, snapshot, camera, now_us)
    found = [
        CameraHolder(
            names[one.holder],
            list(one.actions),
            [grant_body(_told(grant, rights), names, now_us) for grant in one.grants],
        )
        for one in every
        if one.holder in names
    ]
    found.sort(key=lambda one: one.name)
    return json_answer(request, CameraHolders(camera, format_time(now_us), found))


ROUTES: list[object] = [explain_access, who_sees]
