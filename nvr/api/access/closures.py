"""Routes that close a camera, or a range of it, for privacy, and open it again."""

from __future__ import annotations

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr.access.closures import close_footage, closures, find_closure, open_footage
from nvr.access.errors import AccessError
from nvr.access.model import Closure
from nvr.access.roles import AccessAction
from nvr.api.access.bodies import refused
from nvr.api.http.auth import principal_of, rights_of
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import TIME_ERRORS, format_time, parse_time
from storage.sentences import Sentence

__all__ = ["ROUTES"]


class NewClosure(msgspec.Struct, forbid_unknown_fields=True):
    """What to close. ``start``, ``end``: the footage; absent: from the beginning, without an end. ``until``: when it is
    open again by itself; absent: when somebody opens it."""

    reason: str
    start: str | None = None
    end: str | None = None
    until: str | None = None


class ClosureBody(msgspec.Struct, kw_only=True):
    """What is closed."""

    id: str
    camera: str
    start: str | None
    end: str | None
    reason: str
    since: str
    until: str | None
    by: str
    ended: str | None
    ended_by: str | None
    in_force: bool


class Closures(msgspec.Struct):
    """What is closed for privacy, and was not opened by somebody."""

    closures: list[ClosureBody]


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else format_time(at_us)


def _body(one: Closure, now_us: int) -> ClosureBody:
    return ClosureBody(
        id=one.id,
        camera=one.camera,
        start=_time(one.start_us),
        end=_time(one.end_us),
        reason=one.reason,
        since=format_time(one.since_us),
        until=_time(one.until_us),
        by=one.made_by,
        ended=_time(one.ended_us),
        ended_by=one.ended_by,
        in_force=one.holds_at(now_us),
    )


@get("/api/closures", action="status", scope="cameras", summary="What is closed for privacy", answer=Closures)
def list_closures(request: ApiRequest, services: Injected) -> Response[bytes]:
    """Of cameras that whoever asks sees."""
    seen, now_us = rights_of(request).cameras(AccessAction.STATUS), services.now_us()
    with services.db.read() as conn:
        found = closures(conn)
    return json_answer(request, Closures([_body(one, now_us) for one in found if one.camera in seen]))


@post(
    "/api/cameras/{camera:str}/closures",
    action="orders",
    scope="camera",
    summary="Close a camera, or a range of its footage, for privacy: only grants that say so see it; recording goes on",
    errors=["invalid_request", "invalid_grant", *TIME_ERRORS],
    answer=ClosureBody,
)
def close_camera(
    request: ApiRequest, services: Injected, camera: FromPath[str], data: JSONBody[NewClosure]
) -> Response[bytes]:
    """Within a second for what is being watched, and out of the public view."""
    now_us = services.now_us()
    times = [None if text is None else parse_time(name, text) for name, text in
             (("start", data.start), ("end", data.end), ("until", data.until))]  # fmt: skip
    with services.db.write() as conn:
        try:
            made = close_footage(
                conn,
                camera,
                reason=data.reason,
                by=principal_of(request).actor,
                at_us=now_us,
                start_us=times[0],
                end_us=times[1],
                until_us=times[2],
            )
        except KeyError:
            raise no_camera(camera) from None
        except AccessError as error:
            raise refused(error) from None
    _forget(services)
    return json_answer(request, _body(made, now_us), status=201)


@post(
    "/api/closures/{closure:str}/end",
    action="orders",
    scope="cameras",
    summary="Open again what was closed",
    errors=["grant_not_found"],
    status=200,
    answer=ClosureBody,
)
def open_camera(request: ApiRequest, services: Injected, closure: FromPath[str]) -> Response[bytes]:
    """Its row stays, for the record."""
    now_us = services.now_us()
    with services.db.write() as conn:
        known = find_closure(conn, closure)
        if known is None or known.camera not in rights_of(request).cameras(AccessAction.ORDERS):
            raise ApiError("grant_not_found", Sentence("nothing is closed by {id!r}, or it was opened", id=closure))
        try:
            ended = open_footage(conn, closure, by=principal_of(request).actor, at_us=now_us)
        except AccessError as error:
            raise refused(error) from None
    _forget(services)
    return json_answer(request, _body(ended, now_us))


def _forget(services: Services) -> None:
    services.public.forget()
    services.pictures.forget()


ROUTES: list[object] = [list_closures, close_camera, open_camera]
