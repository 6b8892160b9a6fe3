"""From an approved request of a case to its export; and who may have an export.

Invariant: an export that was made of a request is for who asked for it and for administrators, whoever had it made; any
other for who made it and for administrators; as long as their grants give them its footage. Others need a link. One of
cameras of which whoever asks may export nothing is not there for them.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any, Final

import msgspec

from nvr.access.decide import Outcome
from nvr.access.roles import AccessAction
from nvr.api.http.auth import Principal
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.services import Services
from nvr.api.http.times import format_time
from nvr.cases import cases, export_queue, exports, requests
from nvr.cases.exports import Export
from nvr.cases.requests import Request, RequestState
from nvr.evidence.package.archive import ArchiveEntry, PackageArchive
from nvr.evidence.package.manifest import MANIFEST_NAME
from nvr.evidence.package.request import ExportRequest, new_export_id
from storage.catalogue import audit
from storage.catalogue.actors import Actor
from storage.coverage.settled import unsettled
from storage.intervals import Interval
from storage.sentences import Sentence, joined
from storage.texts import is_plain

__all__ = [
    "archive_of",
    "check_may_have",
    "export_request",
    "find_export",
    "is_there",
    "manifest_of",
    "may_have",
    "no_export",
    "package_of",
    "queue",
    "settle",
]

_MOST_OPEN: Final = 200
# In an export's kept request: the id of the request of a case that it was made of.
_MADE_OF: Final = "made_of"


def no_export(id_: str) -> ApiError:
    """What is answered for an id of none."""
    return ApiError("export_not_found", Sentence("there is no export {id!r}", id=id_))


def may_have(who: Principal, job: Export) -> bool:
    """Whether somebody may download an export, and make links to it."""
    if who.rights.everywhere(AccessAction.SYSTEM):
        return True
    # Whose it is may not be known, of one that is older than ids: then nobody's.
    asked = Interval(job.request["start_us"], job.request["end_us"])
    return who.actor.person == job.owner_id and all(
        who.rights.on(camera, AccessAction.EXPORT, asked).outcome is Outcome.ALLOWED
        for camera in job.request["cameras"]
    )


def is_there(who: Principal, job: Export) -> bool:
    """Whether somebody is told of an export: theirs, or one of cameras that they may export."""
    if who.actor.person == job.owner_id:
        return True
    seen = who.rights.cameras(AccessAction.EXPORT)
    return seen.everything or all(camera in seen for camera in job.request["cameras"])


def find_export(conn: sqlite3.Connection, id_: str, who: Principal) -> Export:
    """The export of this id, if it is there for whoever asks.

    Raises:
        ApiError: ``export_not_found``.
    """
    job = exports.find(conn, id_)
    if job is None or not is_there(who, job):
        raise no_export(id_)
    return job


def check_may_have(who: Principal, job: Export) -> None:
    """Raises ``ApiError`` ``not_your_export`` unless ``may_have``."""
    if not may_have(who, job):
        raise ApiError(
            "not_your_export",
            Sentence("only who asked for this export, an administrator, or who has a link may have it"),
        )


def package_of(services: Services, job: Export) -> PackageArchive:
    """The ZIP of an export whose ``folder`` is known."""
    folder = job.folder or ""
    entries = [ArchiveEntry(name, size, crc) for name, size, crc in job.files]
    return PackageArchive(services.exports_folder / folder, folder, entries)


def manifest_of(services: Services, job: Export) -> dict[str, Any]:
    """What the package of an export says of itself.

    Raises:
        ApiError: ``export_not_ready``: it is not there, or can't be read.
    """
    try:
        path = services.exports_folder / (job.folder or "") / MANIFEST_NAME
        said: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        raise ApiError("export_not_ready", Sentence("the export is {state}", state=job.state)) from None
    return said


def archive_of(services: Services, job: Export) -> tuple[PackageArchive, str, str]:
    """The ZIP of an export that is done, its name without its ending, and its ETag.

    Raises:
        ApiError: ``export_not_ready``, or ``export_wrong``: reading it back has found other bytes than were recorded.
    """
    if job.check_outcome == "wrong":
        raise ApiError(
            "export_wrong",
            Sentence("it is not what was recorded: {details}", details=joined(job.check_details[:5])),
        )
    if job.state != "done" or job.folder is None:
        raise ApiError("export_not_ready", Sentence("the export is {state}", state=job.state))
    archive = package_of(services, job)
    return archive, job.folder, f'"{job.id}-{archive.size:x}"'


def queue(
    conn: sqlite3.Connection,
    asked: ExportRequest,
    *,
    by: Actor,
    now_us: int,
    made_of: Request | None = None,
) -> Export:
    """Queues an export; with ``made_of``, as that of this request. If its range is not over yet, ``settle`` after this
    says when it is expected to begin.

    Raises:
        ApiError: ``too_many_exports`` or ``camera_not_found``.
    """
    if exports.count_open(conn) >= _MOST_OPEN:
        raise ApiError(
            "too_many_exports",
            Sentence("{most} exports wait already; cancel some, or come back later", most=_MOST_OPEN),
        )
    wanted = {**asked.to_json(), "audit_head": str(audit.head(conn))}
    if made_of is not None:
        wanted[_MADE_OF] = made_of.id
        requests.link_export(conn, made_of.id, asked.id)
    # Whose a request is that is older than ids may not be known: its export is for administrators then, not for who has
    # it made.
    owner_id = by.person if made_of is None else made_of.requester_id
    try:
        return export_queue.queue(conn, asked.id, wanted, by=by, owner_id=owner_id, now_us=now_us)
    except KeyError as error:
        raise no_camera(str(error.args[0])) from None


def settle(services: Services, job: Export, asked: ExportRequest, *, now_us: int) -> Export:
    """The export, its footage held, and when it is expected to begin, if its range is not over yet. After the
    transaction that queued it: it may have hundreds of cameras."""
    export_queue.hold_all(services.db, job.id)
    with services.db.read() as conn:
        waits = unsettled(conn, asked.cameras, asked.end_us, now_us=now_us, segment_us=services.settings.segment_us)
    if waits is None:
        return job
    with services.db.write() as conn:
        exports.wait(conn, job.id, None, waits.until_us)
    return replace(job, begins_us=waits.until_us)


def export_request(conn: sqlite3.Connection, made: Request, *, by: Actor) -> ExportRequest:
    """What an approved request asks for, with its story.

    Raises:
        ApiError: ``approval_needed`` (it is not approved) or ``invalid_export`` (it has its export).
    """
    if made.state is not RequestState.APPROVED:
        raise ApiError("approval_needed", Sentence("the request is not approved: it was {state}", state=made.state))
    before = None if made.export is None else exports.find(conn, made.export)
    if before is not None and before.state in ("queued", "running", "done"):
        raise ApiError(
            "invalid_export", Sentence("there is an export of this request already: {export}", export=made.export)
        )
    case = cases.find(conn, made.case)
    assert case is not None
    story = (
        {
            "time": format_time(made.requested_us),
            "event": "requested",
            "who": made.requester,
            "detail": f"request {made.id}: {made.purpose}"[:500],
            "audit": made.requested_entry or "",
        },
        {
            "time": format_time(made.decided_us or made.requested_us),
            "event": "approved",
            "who": made.decided_by or "",
            "detail": made.decision or "",
            "audit": made.decided_entry or "",
        },
    )
    return ExportRequest(
        new_export_id(),
        made.cameras,
        made.start_us,
        made.end_us,
        by.name,
        _line(case.number),
        _line(case.legal_basis),
        _line(made.purpose),
        made.requester,
        made.decided_by or "",
        made.holds,
        story,
    ).as_stated((), case=case.opened_by, legal_basis=case.opened_by, purpose=made.requester)


def _line(text: str) -> str:
    # Texts of several lines, and those that are older than the rules for them.
    return "".join(char if is_plain(char) else " " for char in text)[:500]
