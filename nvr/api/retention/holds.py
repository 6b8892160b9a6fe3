"""Routes of legal holds: list, place, release."""

from __future__ import annotations

import sqlite3

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr.access.roles import AccessAction
from nvr.api.http.auth import principal_of, require_all, rights_of
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected
from nvr.api.http.times import format_time, parse_time
from nvr.api.retention.hold_share import check_share
from storage.intervals import Interval
from storage.retention import held_bytes, holds
from storage.retention.holds import Hold, HoldError
from storage.sentences import Sentence, sentence_of

__all__ = ["ROUTES"]


class NewHold(msgspec.Struct, forbid_unknown_fields=True):
    """A range to keep, and why: the case, the letter."""

    camera: str
    start: str
    end: str
    reason: str


class Release(msgspec.Struct, forbid_unknown_fields=True):
    """Why a hold ends."""

    reason: str


class HoldBody(msgspec.Struct):
    """A hold. ``segments`` and ``bytes``: the closed footage that it touches now; null once it is released."""

    id: str
    camera: str
    start: str
    end: str
    reason: str
    placed_by: str
    placed: str
    released: str | None
    released_by: str | None
    release_reason: str | None
    segments: int | None
    bytes: int | None


class Holds(msgspec.Struct):
    """All holds."""

    holds: list[HoldBody]


def _body(conn: sqlite3.Connection, hold: Hold) -> HoldBody:
    is_over = hold.released_us is not None
    segments, bytes_ = (None, None) if is_over else held_bytes.held(conn, hold)
    return HoldBody(
        hold.id,
        hold.camera,
        format_time(hold.start_us),
        format_time(hold.end_us),
        hold.reason,
        hold.placed_by,
        format_time(hold.placed_us),
        None if hold.released_us is None else format_time(hold.released_us),
        hold.released_by,
        hold.release_reason,
        segments,
        bytes_,
    )


@get(
    "/api/holds",
    action="hold",
    scope="cameras",
    summary="All legal holds, released ones too",
    answer=Holds,
    pool="heavy",
)
def list_holds(request: ApiRequest, services: Injected) -> Response[bytes]:
    """All holds, the latest first."""
    seen = rights_of(request).cameras(AccessAction.HOLD)
    with services.db.read() as conn:
        return json_answer(request, Holds([_body(conn, hold) for hold in holds.list_all(conn) if hold.camera in seen]))


@post(
    "/api/holds",
    action="hold",
    scope="cameras",
    summary="Place a legal hold: this range of a camera stays, against every rule",
    errors=[
        "invalid_request",
        "invalid_hold",
        "hold_too_large",
        "outside_grant",
        "missing_parameter",
        "naive_time",
        "invalid_time",
        "time_out_of_range",
        "camera_not_found",
    ],
    answer=HoldBody,
)
def place_hold(request: ApiRequest, services: Injected, data: JSONBody[NewHold]) -> Response[bytes]:
    """Holds a range from now on."""
    start_us, end_us = parse_time("start", data.start), parse_time("end", data.end)
    if start_us < end_us:
        require_all(request, [data.camera], AccessAction.HOLD, Interval(start_us, end_us))
    check_share(request, services, [(data.camera, start_us, end_us)])
    with services.db.write() as conn:
        try:
            hold = holds.place(
                conn,
                data.camera,
                start_us,
                end_us,
                reason=data.reason,
                by=principal_of(request).actor,
                now_us=services.now_us(),
            )
        except KeyError:
            raise no_camera(data.camera) from None
        except HoldError as error:
            raise ApiError("invalid_hold", sentence_of(error)) from None
    with services.db.read() as conn:
        body = _body(conn, hold)
    return json_answer(request, body, status=201)


@post(
    "/api/holds/{hold:str}/release",
    action="retention",
    scope="cameras",
    summary="Release a legal hold: its footage follows the rules again",
    errors=["invalid_request", "invalid_hold", "hold_not_found", "hold_released"],
    status=200,
    answer=HoldBody,
)
def release_hold(
    request: ApiRequest, services: Injected, hold: FromPath[str], data: JSONBody[Release]
) -> Response[bytes]:
    """Ends a hold; its row stays, with who released it and why."""
    with services.db.write() as conn:
        known = holds.find(conn, hold)
        if known is not None and known.camera not in rights_of(request).cameras(AccessAction.RETENTION):
            raise _no_hold(hold)
        if known is not None and known.released_us is not None:
            raise ApiError(
                "hold_released", Sentence("the hold was released by {released_by}", released_by=known.released_by)
            )
        try:
            ended = holds.release(
                conn, hold, reason=data.reason, by=principal_of(request).actor, now_us=services.now_us()
            )
        except KeyError:
            raise _no_hold(hold) from None
        except HoldError as error:
            raise ApiError("invalid_hold", sentence_of(error)) from None
    with services.db.read() as conn:
        return json_answer(request, _body(conn, ended))


def _no_hold(id_: str) -> ApiError:
    return ApiError("hold_not_found", Sentence("there is no hold {hold!r}", hold=id_))


ROUTES = [list_holds, place_hold, release_hold]
