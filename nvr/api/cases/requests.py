"""Routes of the requests for footage that are made in cases: asked, and decided by somebody else."""

from __future__ import annotations

from dataclasses import replace

from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr.access.roles import AccessAction
from nvr.api.cases.answers import request_body
from nvr.api.cases.bodies import Approval, FootageRequestBody, NewRequest, Refusal
from nvr.api.cases.export_requests import export_request, queue, settle
from nvr.api.cases.seen import (
    find_case,
    give_disclosure,
    is_seen,
    no_case,
    no_request,
    sight_of,
)
from nvr.api.http.auth import principal_of, require_all, rights_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import post
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import parse_time
from nvr.api.retention.hold_share import check_share
from nvr.cases import requests
from nvr.cases.errors import CaseError
from nvr.cases.requests import RequestState
from storage.intervals import DAY_US, Interval
from storage.sentences import Sentence, sentence_of

__all__ = ["ROUTES", "check_release", "refused"]

# A month: for whoever approves and says nothing.
_GRANTED_US = 30 * DAY_US
_TIMES = ["missing_parameter", "naive_time", "invalid_time", "time_out_of_range"]


def refused(error: CaseError) -> ApiError:
    """The answer to what a case does not allow."""
    return ApiError(error.code, sentence_of(error))


def check_release(request: ApiRequest, release: bool) -> None:
    """Refuses to release holds, if that is asked for by somebody who may not.

    Raises:
        ApiError: ``forbidden``.
    """
    if release and not rights_of(request).everywhere(AccessAction.RETENTION):
        raise ApiError("forbidden", Sentence("only an administrator may release holds"))


@post(
    "/api/cases/{case:str}/requests",
    action="request",
    scope="cameras",
    summary="Ask for footage in a case; it is held at once",
    errors=[
        "invalid_request",
        "invalid_case",
        "invalid_hold",
        "hold_too_large",
        "case_not_found",
        "case_closed",
        "camera_not_found",
        "outside_grant",
        *_TIMES,
    ],
    answer=FootageRequestBody,
)
def ask(request: ApiRequest, services: Injected, case: FromPath[str], data: JSONBody[NewRequest]) -> Response[bytes]:
    """No rule deletes what was asked for, from now until somebody releases its holds."""
    start_us, end_us = parse_time("start", data.start), parse_time("end", data.end)
    with services.db.read() as conn:
        find_case(conn, case, principal_of(request))
    if start_us < end_us:
        require_all(request, data.cameras, AccessAction.REQUEST, Interval(start_us, end_us))
    check_share(request, services, [(camera, start_us, end_us) for camera in data.cameras])
    with services.db.write() as conn:
        try:
            made = requests.ask(
                conn,
                case,
                data.cameras,
                start_us,
                end_us,
                purpose=data.purpose,
                by=principal_of(request).actor,
                now_us=services.now_us(),
            )
        except KeyError:
            raise no_case(case) from None
        except CaseError as error:
            raise refused(error) from None
    return json_answer(request, request_body(services, made, principal_of(request)), status=201)


def _decide(
    request: ApiRequest,
    services: Services,
    id_: str,
    state: RequestState,
    reason: str,
    *,
    release: bool = False,
    until_us: int = 0,
) -> Response[bytes]:
    check_release(request, release)
    now_us, who = services.now_us(), principal_of(request)
    with services.db.read() as conn:
        known = requests.find(conn, id_)
    if known is None or not is_seen(known, who, sight_of(who)):
        raise no_request(id_)
    asked_of = Interval(known.start_us, known.end_us)
    if state is not RequestState.WITHDRAWN:
        require_all(request, known.cameras, AccessAction.APPROVE, asked_of)
    if state is RequestState.APPROVED:
        # The holds that it was made with may have been released since; its export holds anew.
        check_share(request, services, [(camera, known.start_us, known.end_us) for camera in known.cameras])
    with services.db.write() as conn:
        try:
            decided = requests.decide(
                conn,
                id_,
                state,
                reason=reason,
                by=principal_of(request).actor,
                now_us=now_us,
                second_person=services.settings.second_person,
                release=release,
            )
        except KeyError:
            raise no_request(id_) from None
        except CaseError as error:
            raise refused(error) from None
        if state is RequestState.APPROVED:
            by = principal_of(request).actor
            asked = export_request(conn, decided, by=by)
            job = queue(conn, asked, by=by, now_us=now_us, made_of=decided)
            decided = replace(decided, export=job.id)
            give_disclosure(conn, decided, by=by, now_us=now_us, until_us=until_us)
    if state is RequestState.APPROVED:
        settle(services, job, asked, now_us=now_us)
    return json_answer(request, request_body(services, decided, principal_of(request)))


_DECISION = ["invalid_request", "invalid_case", "request_not_found", "request_decided", "outside_grant"]


@post(
    "/api/requests/{id:str}/approve",
    action="approve",
    scope="cameras",
    summary="Approve a request: its export is made",
    errors=[
        *_DECISION,
        *_TIMES[1:],
        "second_person_needed",
        "too_many_exports",
        "hold_too_large",
        "invalid_hold",
        "invalid_export",
    ],
    status=200,
    answer=FootageRequestBody,
)
def approve(request: ApiRequest, services: Injected, id: FromPath[str], data: JSONBody[Approval]) -> Response[bytes]:
    """Where a second person is asked for, somebody else than who asked. Until a date, who asked may also look at the
    footage and take clips of it. If its range is not over yet, the export waits
    until it is."""
    now_us = services.now_us()
    until_us = now_us + _GRANTED_US if data.until is None else parse_time("until", data.until)
    if until_us <= now_us:
        raise ApiError("invalid_case", Sentence("until must be later than now"))
    return _decide(request, services, id, RequestState.APPROVED, data.reason, until_us=until_us)


@post(
    "/api/requests/{id:str}/refuse",
    action="approve",
    scope="cameras",
    summary="Refuse a request, with a reason",
    errors=_DECISION,
    status=200,
    answer=FootageRequestBody,
)
def refuse(request: ApiRequest, services: Injected, id: FromPath[str], data: JSONBody[Refusal]) -> Response[bytes]:
    """Its holds stay unless an administrator says ``release``: who was refused may ask again."""
    return _decide(request, services, id, RequestState.REFUSED, data.reason, release=data.release)


@post(
    "/api/requests/{id:str}/withdraw",
    action="request",
    scope="cameras",
    summary="Withdraw one's own request, with a reason",
    errors=[*_DECISION, "not_your_request"],
    status=200,
    answer=FootageRequestBody,
)
def withdraw(request: ApiRequest, services: Injected, id: FromPath[str], data: JSONBody[Refusal]) -> Response[bytes]:
    """Its holds stay unless an administrator says ``release``."""
    return _decide(request, services, id, RequestState.WITHDRAWN, data.reason, release=data.release)


ROUTES = [ask, approve, refuse, withdraw]
