"""Routes of the audit log: reading it page by page, and whether it is whole."""

from __future__ import annotations

import msgspec
from litestar import Response
from litestar.params import FromQuery

from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get
from nvr.api.http.services import Injected
from nvr.api.http.times import format_time, parse_time
from storage.catalogue import audit
from storage.integrity import audit_log as audit_check
from storage.sentences import Sentence, sentence_of

__all__ = ["ROUTES"]

_MOST = 1_000
_MOST_ABOUT = 8


class AuditEntryBody(msgspec.Struct):
    """An entry. ``time`` is ``at_us`` for people; ``hash`` is made of all other fields but ``time``, and of ``detail``
    as a text; ``actor_id`` is null, and no part of it, in entries older than ids."""

    seq: int
    time: str
    at_us: int
    actor: str
    address: str
    action: str
    camera: str | None
    detail: str
    previous: str
    hash: str
    actor_id: str | None


class AuditPage(msgspec.Struct):
    """Entries, the latest first. ``head``: where the log ends now. ``before``: ask with it for the next page; null on
    the last."""

    head: str
    entries: list[AuditEntryBody]
    before: int | None


class AuditFaultBody(msgspec.Struct):
    """What is wrong at an entry."""

    seq: int
    kind: str
    detail: str


class AuditVerdictBody(msgspec.Struct):
    """``state``: ``whole`` (``noted``, a head noted elsewhere, is in it, and all before and after it is consistent),
    ``consistent`` (compared with nothing noted elsewhere) or ``tampered``. ``whole`` is true of the first alone."""

    whole: bool
    state: audit_check.LogState
    noted: str
    entries: int
    head: str
    faults: list[AuditFaultBody]


@get(
    "/api/audit",
    action="audit",
    scope="fleet",
    summary="The audit log: who did what, when, from where",
    errors=["invalid_parameter", "naive_time", "invalid_time", "time_out_of_range"],
    answer=AuditPage,
    audit="audit_read",
    pool="heavy",
)
def audit_log(
    request: ApiRequest,
    services: Injected,
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
    actor: FromQuery[str | None] = None,
    camera: FromQuery[str | None] = None,
    action: FromQuery[str | None] = None,
    about: FromQuery[list[str] | None] = None,
    before: FromQuery[int | None] = None,
    limit: FromQuery[int] = 200,
) -> Response[bytes]:
    """Page by page, the latest first. ``about``: texts of which one is in the detail, such as a case's id and
    number."""
    if len(about or ()) > _MOST_ABOUT:
        raise ApiError("invalid_parameter", Sentence("about takes at most {most} texts", most=_MOST_ABOUT))
    if not 1 <= limit <= _MOST:
        raise ApiError("invalid_parameter", Sentence("limit must be from 1 to {most}", most=_MOST))
    start_us, end_us = (
        None if text is None else parse_time(name, text) for name, text in (("start", start), ("end", end))
    )
    with services.db.read() as conn:
        head = audit.head(conn)
        found = list(
            audit.entries(
                conn,
                start_us=start_us,
                end_us=end_us,
                actor=actor,
                camera=camera,
                action=action,
                about=about or (),
                before=before,
                limit=limit + 1,
            )
        )
    rest = len(found) > limit
    page = found[:limit]
    bodies = [
        AuditEntryBody(
            e.seq,
            format_time(e.at_us),
            e.at_us,
            e.actor,
            e.address,
            e.action,
            e.camera,
            e.detail,
            e.previous,
            e.hash,
            e.actor_id,
        )
        for e in page
    ]
    return json_answer(request, AuditPage(str(head), bodies, page[-1].seq if rest else None))


@get(
    "/api/audit/verify",
    action="audit",
    scope="fleet",
    summary="Whether the audit log is whole: every hash is computed again",
    errors=["invalid_parameter", "busy"],
    answer=AuditVerdictBody,
    pool="heavy",
)
def audit_verify(
    request: ApiRequest,
    services: Injected,
    head: FromQuery[list[str] | None] = None,
) -> Response[bytes]:
    """Reads the whole log. ``head``: heads noted elsewhere, which must be in it; those that the server has signed and
    kept beside the exports are too."""
    try:
        heads = [audit.AuditHead.parse(text) for text in head or []]
    except ValueError as error:
        raise ApiError("invalid_parameter", Sentence("head: {error}", error=sentence_of(error))) from None
    # Few ask for it, and what knows signatures is large.
    from nvr.evidence.seal.heads import HeadBook
    from nvr.evidence.seal.keys import KeyFolder

    if not services.report_slots.acquire(blocking=False):
        raise ApiError("busy", Sentence("too many reports at once"), headers={"Retry-After": "5"})
    try:
        noted = HeadBook(services.exports_folder, KeyFolder(services.keys_folder, services.settings.name)).read()
        with services.db.read() as conn:
            verdict = audit_check.verify(conn, [*heads, *noted.heads])
    finally:
        services.report_slots.release()
    faults = [AuditFaultBody(fault.seq, fault.kind, fault.detail) for fault in verdict.faults]
    faults += [AuditFaultBody(0, "book", text) for text in noted.faults]
    state = audit_check.LogState.TAMPERED if faults else verdict.state
    body = AuditVerdictBody(
        state is audit_check.LogState.WHOLE, state, str(verdict.noted), verdict.entries, str(verdict.head), faults
    )
    return json_answer(request, body)


ROUTES = [audit_log, audit_verify]
