"""Routes by which a person deletes a range of a camera's footage. Invariant: nothing goes but what the dry run
showed."""

from __future__ import annotations

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr.access.roles import AccessAction
from nvr.api.http.auth import principal_of, require_all
from nvr.api.http.bodies import SpanBody
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import post
from nvr.api.http.services import Injected
from nvr.api.http.times import TIME_ERRORS, format_time, parse_time
from storage.intervals import Interval
from storage.retention import by_person
from storage.retention.by_person import DeletionError, DeletionPlan
from storage.sentences import Sentence, sentence_of

__all__ = ["ROUTES"]

_ERRORS = (
    "invalid_request",
    "invalid_deletion",
    "outside_grant",
    "missing_parameter",
    "camera_not_found",
    *TIME_ERRORS,
)


class Range(msgspec.Struct, forbid_unknown_fields=True):
    """What to delete; files go whole."""

    start: str
    end: str


class DeletionAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """The range and the hash of its dry run, and why."""

    start: str
    end: str
    reason: str
    plan_hash: str


class DeletionBody(msgspec.Struct):
    """``ranges``: what goes, which may reach beyond what was asked. ``held``: segments that a legal hold keeps;
    ``growing``: the file still being written stays."""

    plan_hash: str
    segments: int
    bytes: int
    ranges: list[SpanBody]
    held: int
    growing: bool


def _check(request: ApiRequest, camera: str, start_us: int, end_us: int) -> None:
    if start_us < end_us:
        require_all(request, [camera], AccessAction.RETENTION, Interval(start_us, end_us))


def _body(plan: DeletionPlan) -> DeletionBody:
    ranges = [SpanBody(format_time(a), format_time(b)) for a, b in plan.ranges]
    return DeletionBody(plan.hash, len(plan.keys), plan.bytes, ranges, plan.held, plan.growing)


@post(
    "/api/cameras/{camera:str}/deletion/preview",
    action="retention",
    scope="camera",
    summary="What deleting a range would take",
    errors=_ERRORS,
    status=200,
    answer=DeletionBody,
    pool="heavy",
)
def preview_deletion(
    request: ApiRequest, services: Injected, camera: FromPath[str], data: JSONBody[Range]
) -> Response[bytes]:
    """Changes nothing."""
    start_us, end_us = parse_time("start", data.start), parse_time("end", data.end)
    _check(request, camera, start_us, end_us)
    with services.db.read() as conn:
        try:
            found = by_person.plan(conn, camera, start_us, end_us)
        except KeyError:
            raise no_camera(camera) from None
        except DeletionError as error:
            raise ApiError("invalid_deletion", sentence_of(error)) from None
    return json_answer(request, _body(found))


@post(
    "/api/cameras/{camera:str}/deletion",
    action="retention",
    scope="camera",
    summary="Delete a range of footage, as its dry run showed it; held footage stays, and the ledger keeps who and why",
    errors=[*_ERRORS, "plan_changed"],
    status=200,
    answer=DeletionBody,
)
def delete_range(
    request: ApiRequest, services: Injected, camera: FromPath[str], data: JSONBody[DeletionAnswer]
) -> Response[bytes]:
    """Enters the ledger; the housekeeping process removes the files."""
    start_us, end_us = parse_time("start", data.start), parse_time("end", data.end)
    _check(request, camera, start_us, end_us)
    try:
        with services.db.read() as conn:
            if by_person.plan(conn, camera, start_us, end_us).hash != data.plan_hash:
                raise ApiError(
                    "plan_changed", Sentence("what would be deleted is no longer what was shown: look at it again")
                )
        done = by_person.delete(
            services.db,
            camera,
            start_us,
            end_us,
            confirmed=data.plan_hash,
            reason=data.reason,
            by=principal_of(request).actor,
            now_us=services.now_us(),
        )
    except KeyError:
        raise no_camera(camera) from None
    except DeletionError as error:
        raise ApiError("invalid_deletion", sentence_of(error)) from None
    return json_answer(request, _body(done))


ROUTES: list[object] = [preview_deletion, delete_range]
