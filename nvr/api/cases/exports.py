"""Routes of sealed exports: make one, see how far it is, fetch it, cancel it; and of the certificates that they are
signed with."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from litestar import Response
from litestar.params import FromPath, JSONBody
from litestar.response.base import ASGIResponse

from nvr.access.roles import AccessAction
from nvr.api.answers.sending import send
from nvr.api.cases.certificates import list_certificates, one_certificate
from nvr.api.cases.export_bodies import (
    CheckBody,
    ExportBody,
    ExportFile,
    Exports,
    NewExport,
)
from nvr.api.cases.export_requests import (
    archive_of,
    check_may_have,
    export_request,
    find_export,
    is_there,
    may_have,
    package_of,
    queue,
    settle,
)
from nvr.api.cases.links import link_body
from nvr.api.cases.seen import is_seen, names_of, no_request
from nvr.api.http.auth import Principal, address_of, needs, principal_of, require_all
from nvr.api.http.errors import ApiError, said_to
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import RANGE_ERRORS, format_time, parse_range
from nvr.api.retention.hold_share import check_share
from nvr.cases import exports, links, requests
from nvr.cases.exports import Export
from nvr.cases.links import Link
from nvr.cases.requests import Request
from nvr.evidence.package.archive import PackageArchive
from nvr.evidence.package.request import ExportRequest, new_export_id
from storage.catalogue.actors import Actor
from storage.catalogue.audit import Act
from storage.intervals import Interval
from storage.sentences import Sentence, joined

__all__ = ["ROUTES"]

# A month: what does not fit the budget is refused when it is planned.
_LONGEST_US: Final = 31 * 86_400_000_000


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else format_time(at_us)


def _body(
    request: ApiRequest,
    services: Services,
    job: Export,
    made: Sequence[Link] = (),
    names: Mapping[str, str] | None = None,
) -> ExportBody:
    who = principal_of(request)
    asked: dict[str, Any] = dict(job.request)
    if names is None:
        with services.db.read() as conn:
            names = names_of(conn, asked["cameras"])
    is_done = job.state == "done" and job.folder is not None
    size = package_of(services, job).size if is_done else None
    is_theirs = may_have(who, job)
    may_fetch = is_done and is_theirs and job.check_outcome != "wrong"
    check = None
    if job.checked_us is not None and job.check_outcome is not None:
        check = CheckBody(
            format_time(job.checked_us), job.check_outcome, [said_to(request, one).strip() for one in job.check_details]
        )
    texts = (str(asked.get(name, "")) for name in ("case", "legal_basis", "purpose", "requester", "approver"))
    case, legal_basis, purpose, requester, approver = texts
    return ExportBody(
        job.id,
        job.state,
        list(asked["cameras"]),
        [names.get(camera) or camera for camera in asked["cameras"]],
        format_time(asked["start_us"]),
        format_time(asked["end_us"]),
        case,
        legal_basis,
        purpose,
        requester,
        approver,
        job.requested_by,
        format_time(job.requested_us),
        _time(job.started_us),
        _time(job.ended_us),
        job.total_bytes,
        job.done_bytes,
        None if job.reason is None else said_to(request, job.reason),
        [said_to(request, warning) for warning in job.warnings],
        [ExportFile(name, size) for name, size, _ in job.files],
        size,
        services.url(f"/api/exports/{job.id}/download") if may_fetch else None,
        is_theirs,
        [link_body(link) for link in made] if is_theirs else [],
        _time(job.begins_us),
        check,
        dict(ExportRequest.from_json(asked).stated_by),
    )


@get(
    "/api/exports",
    action="export",
    scope="cameras",
    summary="The latest sealed exports, with their progress",
    answer=Exports,
)
def list_exports(request: ApiRequest, services: Injected) -> Response[bytes]:
    """The latest first."""
    with services.db.read() as conn:
        found = exports.list_all(conn)
        made = links.list_all(conn, services.now_us())
        names = names_of(conn, {camera for job in found for camera in job.request["cameras"]})
    who = principal_of(request)
    bodies = [_body(request, services, job, made.get(job.id, ()), names) for job in found if is_there(who, job)]
    return json_answer(request, Exports(bodies))


@get(
    "/api/exports/{export:str}",
    action="export",
    scope="cameras",
    summary="A sealed export",
    errors=["export_not_found"],
    answer=ExportBody,
)
def one_export(request: ApiRequest, services: Injected, export: FromPath[str]) -> Response[bytes]:
    """With its progress."""
    with services.db.read() as conn:
        job = find_export(conn, export, principal_of(request))
        made = links.list_all(conn, services.now_us(), export)
    return json_answer(request, _body(request, services, job, made.get(export, ())))


@post(
    "/api/exports",
    action="export",
    scope="cameras",
    summary="Make a sealed export; its footage is held until it has ended",
    errors=[
        "invalid_request",
        "invalid_export",
        "approval_needed",
        "hold_too_large",
        "invalid_hold",
        "request_not_found",
        "too_many_exports",
        "camera_not_found",
        "closed_for_privacy",
        "outside_grant",
        *RANGE_ERRORS,
    ],
    answer=ExportBody,
)
def make_export(request: ApiRequest, services: Injected, data: JSONBody[NewExport]) -> Response[bytes]:
    """It is queued; ``GET`` tells how far it is. While its range is not over it waits, and ``begins`` says until
    when."""
    comer, now_us = principal_of(request), services.now_us()
    who = comer.actor
    asked = None if data.request is not None else _asked(services, data, who)
    with services.db.read() as conn:
        wanted = asked or _of_request(conn, data, comer)[1]
    require_all(request, wanted.cameras, AccessAction.EXPORT, Interval(wanted.start_us, wanted.end_us))
    # An export holds its range until it is made, which may be never.
    check_share(request, services, [(camera, wanted.start_us, wanted.end_us) for camera in wanted.cameras])
    with services.db.write() as conn:
        made = None
        if asked is None:
            made, asked = _of_request(conn, data, comer)
        job = queue(conn, asked, by=who, now_us=now_us, made_of=made)
    job = settle(services, job, asked, now_us=now_us)
    return json_answer(request, _body(request, services, job), status=201)


def _of_request(conn: sqlite3.Connection, data: NewExport, who: Principal) -> tuple[Request, ExportRequest]:
    if data != NewExport(request=data.request):
        raise ApiError("invalid_export", Sentence("a request of a case says all the rest: name only it"))
    made = requests.find(conn, data.request or "")
    seen = who.rights.cameras(AccessAction.REQUEST, AccessAction.APPROVE, AccessAction.EXPORT)
    if made is None or not is_seen(made, who, seen):
        raise no_request(data.request or "")
    return made, export_request(conn, made, by=who.actor)


def _asked(services: Services, data: NewExport, who: Actor) -> ExportRequest:
    if services.settings.second_person:
        raise ApiError(
            "approval_needed", Sentence("here an export needs a request that somebody else has approved: name it")
        )
    asked = parse_range(data.start, data.end, longest_us=_LONGEST_US)
    wanted = ExportRequest(
        new_export_id(),
        tuple(data.cameras),
        asked.start_us,
        asked.end_us,
        who.name,
        data.case,
        data.legal_basis,
        data.purpose,
        data.requester,
        data.approver,
    )
    wanted = wanted.as_stated()
    complaints = wanted.complaints()
    if asked.start_us >= services.now_us():
        complaints.append(Sentence("the range has not begun yet"))
    if complaints:
        raise ApiError("invalid_export", joined(complaints))
    return wanted


@post(
    "/api/exports/{export:str}/cancel",
    action="export",
    scope="cameras",
    summary="Cancel an export that is queued or running",
    errors=["export_not_found", "export_ended"],
    status=200,
    answer=ExportBody,
)
def cancel_export(request: ApiRequest, services: Injected, export: FromPath[str]) -> Response[bytes]:
    """What was copied is deleted, and its holds end."""
    with services.db.write() as conn:
        job = find_export(conn, export, principal_of(request))
        if not exports.cancel(conn, export, by=principal_of(request).actor, now_us=services.now_us()):
            raise ApiError("export_ended", Sentence("the export is {state}", state=job.state))
        ended = exports.find(conn, export)
    assert ended is not None
    return json_answer(request, _body(request, services, ended))


@get(
    "/api/exports/{export:str}/download",
    action="export",
    scope="cameras",
    summary="The package as a ZIP",
    errors=["export_not_found", "export_not_ready", "export_wrong", "not_your_export", "range_not_satisfiable"],
    media_type="application/zip",
    proof="step_up",
)
async def download(request: ApiRequest, services: Injected, export: FromPath[str]) -> ASGIResponse:
    """For who asked for it and administrators. It is made while it is sent, from any byte on."""
    archive, name, etag = await services.pools.heavy.run(_archive, services, export, request)
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}.zip"'}
    return send(request, archive, etag=etag, media_type="application/zip", headers=headers)


def _archive(services: Services, id_: str, request: ApiRequest) -> tuple[PackageArchive, str, str]:
    who, address = principal_of(request), address_of(request)
    with services.db.read() as conn:
        job = find_export(conn, id_, who)
    now_us, is_allowed = services.now_us(), may_have(who, job)
    archive = archive_of(services, job) if is_allowed else None
    act = Act(who.actor, address, "export_downloaded" if is_allowed else "refused", now_us)
    if not services.views.goes_on(act, None, {"export": id_}, now_us):
        services.views.enter(act, None, {"export": id_}, now_us)
    if archive is None:
        check_may_have(who, job)
    assert archive is not None
    needs(request, lambda rights: check_may_have(replace(who, rights=rights), job))
    return archive


ROUTES = [
    list_exports,
    one_export,
    make_export,
    cancel_export,
    download,
    list_certificates,
    one_certificate,
]
