"""Routes of cases: list, open, close."""

from __future__ import annotations

from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr.api.cases.answers import case_body
from nvr.api.cases.bodies import CaseBody, Cases, NewCase, Refusal
from nvr.api.cases.requests import check_release, refused
from nvr.api.cases.seen import find_case, is_there, may_close, no_case
from nvr.api.http.auth import principal_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected
from nvr.cases import cases, requests
from nvr.cases.errors import CaseError
from storage.sentences import Sentence

__all__ = ["ROUTES"]


@get(
    "/api/cases", action="request", scope="cameras", summary="All cases with their requests", answer=Cases, pool="heavy"
)
def list_cases(request: ApiRequest, services: Injected) -> Response[bytes]:
    """Open ones first, the latest first."""
    with services.db.read() as conn:
        who = principal_of(request)
        bodies = [case_body(services, conn, case, who) for case in cases.list_all(conn) if is_there(conn, case, who)]
    return json_answer(request, Cases(services.settings.second_person, bodies))


@get(
    "/api/cases/{case:str}",
    action="request",
    scope="cameras",
    summary="A case",
    errors=["case_not_found"],
    answer=CaseBody,
)
def one_case(request: ApiRequest, services: Injected, case: FromPath[str]) -> Response[bytes]:
    """With its requests."""
    with services.db.read() as conn:
        known = find_case(conn, case, principal_of(request))
        return json_answer(request, case_body(services, conn, known, principal_of(request)))


@post(
    "/api/cases",
    action="request",
    scope="cameras",
    summary="Open a case",
    errors=["invalid_request", "invalid_case", "case_exists"],
    answer=CaseBody,
)
def open_case(request: ApiRequest, services: Injected, data: JSONBody[NewCase]) -> Response[bytes]:
    """To ask for footage in it."""
    with services.db.write() as conn:
        try:
            case = cases.open_case(
                conn,
                number=data.number,
                legal_basis=data.legal_basis,
                title=data.title,
                by=principal_of(request).actor,
                now_us=services.now_us(),
            )
        except CaseError as error:
            raise refused(error) from None
        body = case_body(services, conn, case, principal_of(request))
    return json_answer(request, body, status=201)


@post(
    "/api/cases/{case:str}/close",
    action="request",
    scope="cameras",
    summary="Close a case; with `release` its holds end too",
    errors=["invalid_request", "invalid_case", "case_not_found", "case_closed", "case_undecided"],
    status=200,
    answer=CaseBody,
)
def close_case(
    request: ApiRequest, services: Injected, case: FromPath[str], data: JSONBody[Refusal]
) -> Response[bytes]:
    """It takes no more requests. Releasing its holds needs an administrator, as releasing any hold does."""
    who = principal_of(request)
    check_release(request, data.release)
    with services.db.write() as conn:
        known = find_case(conn, case, who)
        if not may_close(conn, known, who):
            raise ApiError("forbidden", Sentence("a case is closed by who opened it, or may see all of its requests"))
        try:
            closed = cases.close(
                conn, case, reason=data.reason, release=data.release, by=who.actor, now_us=services.now_us()
            )
        except KeyError:
            raise no_case(case) from None
        except CaseError as error:
            raise refused(error) from None
    if data.release:
        requests.release_holds(services.db, closed_before_us=services.now_us() + 1)
    with services.db.read() as conn:
        body = case_body(services, conn, closed, who)
    return json_answer(request, body)


ROUTES = [list_cases, one_case, open_case, close_case]
