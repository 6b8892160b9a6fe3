"""Routes of sealed exports: make one, see how far it is, fetch it, cancel it; and of the certificates that they are
signed with."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from litestar import Response
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath, JSONBody
from litestar.response.base import ASGIResponse

from nvr.api.answers.sending import send
from nvr.api.cases.export_requests import (
    archive_of,
    check_may_have,
    export_request,
    may_have,
    no_export,
    package_of,
    queue,
    settle,
)
from nvr.api.cases.links import ExportLinkBody, link_body
from nvr.api.http.auth import Principal, address_of, principal_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import RANGE_ERRORS, format_time, parse_range
from nvr.api.retention.hold_share import check_share
from nvr.cases import cases, exports, links
from nvr.cases.cases import Request
from nvr.cases.exports import CheckOutcome, Export, ExportState
from nvr.cases.links import Link
from nvr.evidence.package.archive import PackageArchive
from nvr.evidence.package.request import ExportRequest, new_export_id
from nvr.evidence.seal.errors import KeyProblem
from nvr.evidence.seal.keys import KeyFolder
from storage.catalogue.actors import Actor
from storage.catalogue.audit import Act

__all__ = ["ROUTES"]

# A month: what does not fit the budget is refused when it is planned.
_LONGEST_US: Final = 31 * 86_400_000_000


class NewExport(msgspec.Struct, forbid_unknown_fields=True):
    """Either ``request``, the id of an approved request of a case, which says all the rest; or cameras and a range."""

    request: str | None = None
    cameras: list[str] = []
    start: str | None = None
    end: str | None = None
    case: str = ""
    legal_basis: str = ""
    purpose: str = ""
    requester: str = ""
    approver: str = ""


class ExportFile(msgspec.Struct):
    """A file of a package."""

    name: str
    bytes: int


class CheckBody(msgspec.Struct):
    """What reading a package back has found; ``details`` for people."""

    at: str
    outcome: CheckOutcome
    details: list[str]


class ExportBody(msgspec.Struct):
    """An export. ``reason`` says why it waits or ended. ``download`` is where its ZIP is, once it is done, and
    ``bytes`` how large. ``may_download``: whether it is for whoever asks; only they are told where it is, and its
    links. ``begins``: when it is expected to begin, while its range is not over. ``checked``: what reading its package
    back has found; null of one that never was. ``stated_by``: of ``case``, ``legal_basis``, ``purpose``, ``requester``
    and ``approver``, those that are only somebody's words, with whose."""

    id: str
    state: ExportState
    cameras: list[str]
    start: str
    end: str
    case: str
    legal_basis: str
    purpose: str
    requester: str
    approver: str
    requested_by: str
    requested: str
    started: str | None
    ended: str | None
    total_bytes: int | None
    done_bytes: int
    reason: str | None
    warnings: list[str]
    files: list[ExportFile]
    bytes: int | None
    download: str | None
    may_download: bool
    links: list[ExportLinkBody]
    begins: str | None
    checked: CheckBody | None
    stated_by: dict[str, str]


class Exports(msgspec.Struct):
    """The latest exports."""

    exports: list[ExportBody]


class CertificateBody(msgspec.Struct):
    """A certificate that exports are or were signed with. ``certificate_sha256`` is its fingerprint."""

    certificate_sha256: str
    subject: str
    bits: int
    not_before: str
    not_after: str
    current: bool


class Certificates(msgspec.Struct):
    """All certificates, the one in use first."""

    certificates: list[CertificateBody]


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else format_time(at_us)


def _body(services: Services, job: Export, who: Principal, made: Sequence[Link] = ()) -> ExportBody:
    asked: dict[str, Any] = dict(job.request)
    is_done = job.state == "done" and job.folder is not None
    size = package_of(services, job).size if is_done else None
    is_theirs = may_have(who, job)
    may_fetch = is_done and is_theirs and job.check_outcome != "wrong"
    check = None
    if job.checked_us is not None and job.check_outcome is not None:
        check = CheckBody(format_time(job.checked_us), job.check_outcome, list(job.check_details))
    texts = (str(asked.get(name, "")) for name in ("case", "legal_basis", "purpose", "requester", "approver"))
    case, legal_basis, purpose, requester, approver = texts
    return ExportBody(
        job.id,
        job.state,
        list(asked["cameras"]),
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
        job.reason,
        list(job.warnings),
        [ExportFile(name, size) for name, size, _ in job.files],
        size,
        services.url(f"/api/exports/{job.id}/download") if may_fetch else None,
        is_theirs,
        [link_body(link) for link in made] if is_theirs else [],
        _time(job.begins_us),
        check,
        dict(ExportRequest.from_json(asked).stated_by),
    )


@get("/api/exports", role="investigator", summary="The latest sealed exports, with their progress", answer=Exports)
def list_exports(request: ApiRequest, services: Injected) -> Response[bytes]:
    """The latest first."""
    with services.db.read() as conn:
        found = exports.every(conn)
        made = links.every(conn, services.now_us())
    who = principal_of(request)
    return json_answer(request, Exports([_body(services, job, who, made.get(job.id, ())) for job in found]))


@get(
    "/api/exports/{export:str}",
    role="investigator",
    summary="A sealed export",
    errors=["export_not_found"],
    answer=ExportBody,
)
def one_export(request: ApiRequest, services: Injected, export: FromPath[str]) -> Response[bytes]:
    """With its progress."""
    with services.db.read() as conn:
        job = exports.find(conn, export)
        made = links.every(conn, services.now_us(), export)
    if job is None:
        raise no_export(export)
    return json_answer(request, _body(services, job, principal_of(request), made.get(export, ())))


@post(
    "/api/exports",
    role="investigator",
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
        *RANGE_ERRORS,
    ],
    answer=ExportBody,
)
def make_export(request: ApiRequest, services: Injected, data: JSONBody[NewExport]) -> Response[bytes]:
    """It is queued; ``GET`` tells how far it is. While its range is not over it waits, and ``begins`` says until
    when."""
    who = principal_of(request).actor
    now_us = services.now_us()
    asked = None if data.request is not None else _asked(services, data, who)
    with services.db.read() as conn:
        wanted = asked or _of_request(conn, data, who)[1]
    # An export holds its range until it is made, which may be never.
    check_share(request, services, [(camera, wanted.start_us, wanted.end_us) for camera in wanted.cameras])
    with services.db.write() as conn:
        made = None
        if asked is None:
            made, asked = _of_request(conn, data, who)
        job = queue(conn, asked, by=who, now_us=now_us, made_of=made)
    job = settle(services, job, asked, now_us=now_us)
    return json_answer(request, _body(services, job, principal_of(request)), status=201)


def _of_request(conn: sqlite3.Connection, data: NewExport, who: Actor) -> tuple[Request, ExportRequest]:
    if data != NewExport(request=data.request):
        raise ApiError("invalid_export", "a request of a case says all the rest: name only it")
    made = cases.find_request(conn, data.request or "")
    if made is None:
        raise ApiError("request_not_found", f"there is no request {data.request!r}")
    return made, export_request(conn, made, by=who)


def _asked(services: Services, data: NewExport, who: Actor) -> ExportRequest:
    if services.settings.second_person:
        raise ApiError("approval_needed", "here an export needs a request that somebody else has approved: name it")
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
        complaints.append("the range has not begun yet")
    if complaints:
        raise ApiError("invalid_export", "; ".join(complaints))
    return wanted


@post(
    "/api/exports/{export:str}/cancel",
    role="investigator",
    summary="Cancel an export that is queued or running",
    errors=["export_not_found", "export_ended"],
    status=200,
    answer=ExportBody,
)
def cancel_export(request: ApiRequest, services: Injected, export: FromPath[str]) -> Response[bytes]:
    """What was copied is deleted, and its holds end."""
    with services.db.write() as conn:
        job = exports.find(conn, export)
        if job is None:
            raise no_export(export)
        if not exports.cancel(conn, export, by=principal_of(request).actor, now_us=services.now_us()):
            raise ApiError("export_ended", f"the export is {job.state}")
        ended = exports.find(conn, export)
    assert ended is not None
    return json_answer(request, _body(services, ended, principal_of(request)))


@get(
    "/api/exports/{export:str}/download",
    role="investigator",
    summary="The package as a ZIP",
    errors=["export_not_found", "export_not_ready", "export_wrong", "not_your_export", "range_not_satisfiable"],
    media_type="application/zip",
)
async def download(request: ApiRequest, services: Injected, export: FromPath[str]) -> ASGIResponse:
    """For who asked for it and administrators. It is made while it is sent, from any byte on."""
    archive, name, etag = await sync_to_thread(_archive, services, export, principal_of(request), address_of(request))
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}.zip"'}
    return send(request, archive, etag=etag, media_type="application/zip", headers=headers)


def _archive(services: Services, id_: str, who: Principal, address: str) -> tuple[PackageArchive, str, str]:
    with services.db.read() as conn:
        job = exports.find(conn, id_)
    if job is None:
        raise no_export(id_)
    now_us, is_allowed = services.now_us(), may_have(who, job)
    archive = archive_of(services, job) if is_allowed else None
    act = Act(who.actor, address, "export_downloaded" if is_allowed else "refused", now_us)
    if not services.views.goes_on(act, None, {"export": id_}, now_us):
        services.views.enter(act, None, {"export": id_}, now_us)
    if archive is None:
        check_may_have(who, job)
    assert archive is not None
    return archive


def _keys(services: Services) -> KeyFolder:
    return KeyFolder(services.keys_folder, services.settings.name)


@get(
    "/api/certificates",
    role="public",
    summary="The certificates that exports are, or were, signed with",
    answer=Certificates,
)
def list_certificates(request: ApiRequest, services: Injected) -> Response[bytes]:
    """The one in use first. Public: whoever verifies a package needs them."""
    try:
        kept = _keys(services).certificates()
    except (KeyProblem, OSError):
        kept = []
    bodies = [
        CertificateBody(
            each.certificate.fingerprint,
            each.certificate.subject,
            each.certificate.bits,
            format_time(each.certificate.not_before_us),
            format_time(each.certificate.not_after_us),
            each.is_current,
        )
        for each in kept
    ]
    return json_answer(request, Certificates(bodies))


@get(
    "/api/certificates/{name:str}",
    role="public",
    summary="A certificate, `{certificate_sha256}.der` or `.pem`; `current.der` is the one in use",
    errors=["certificate_not_found"],
    media_type="application/pkix-cert",
)
def one_certificate(request: ApiRequest, services: Injected, name: FromPath[str]) -> Response[bytes]:
    """To be kept by those who verify."""
    fingerprint, _, form = name.rpartition(".")
    is_whole = len(fingerprint) == 64 or fingerprint == "current"
    try:
        if not is_whole or form not in ("der", "pem"):
            raise KeyError(name)
        found = _keys(services).find(fingerprint)
    except (KeyError, KeyProblem, OSError):
        raise ApiError("certificate_not_found", f"there is no certificate {name!r}") from None
    kind = "application/pkix-cert" if form == "der" else "application/x-pem-file"
    headers = {"Content-Disposition": f'attachment; filename="{found.fingerprint[:16]}.{form}"'}
    return Response(found.der if form == "der" else found.pem, media_type=kind, headers=headers)


ROUTES = [
    list_exports,
    one_export,
    make_export,
    cancel_export,
    download,
    list_certificates,
    one_certificate,
]
