"""Routes of faults that citizens report of public cameras: theirs, without a login, and the one that lists them."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody

from nvr.api.cameras.public import public_camera_of
from nvr.api.http.auth import address_of
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected
from nvr.api.http.times import LONGEST_RANGE_US, RANGE_ERRORS, format_time, parse_range
from nvr.cameras import citizen_reports
from nvr.cameras.citizen_reports import FaultKind, ReportError
from storage.sentences import sentence_of

__all__ = ["ROUTES"]

_LARGEST_BODY_BYTES: Final = 4 << 10


class NewReport(msgspec.Struct, forbid_unknown_fields=True):
    """What is wrong, and a note, which may be empty. Nothing of who reports is kept."""

    kind: FaultKind
    note: str = ""


class CitizenReportBody(msgspec.Struct, kw_only=True):
    """Citizens said ``kind`` of the camera ``count`` times from ``first`` to ``last``."""

    kind: FaultKind
    first: str
    last: str
    count: int
    note: str


class CitizenReports(msgspec.Struct):
    """By time."""

    reports: list[CitizenReportBody]


@post(
    "/api/public/cameras/{camera:str}/report",
    action="public",
    summary="Report a fault of a public camera, for citizens",
    errors=["public_off", "invalid_request"],
    status=204,
    largest_body_bytes=_LARGEST_BODY_BYTES,
)
def report_fault(request: ApiRequest, services: Injected, camera: FromPath[str], data: JSONBody[NewReport]) -> None:
    """Some times an hour from one network (429 `too_many_attempts`)."""
    public_camera_of(services, camera)
    services.citizen_reports.take(address_of(request))
    try:
        with services.db.write() as conn:
            citizen_reports.report(conn, camera, data.kind, data.note, now_us=services.now_us())
    except KeyError:
        raise no_camera(camera) from None
    except ReportError as error:
        raise ApiError("invalid_request", sentence_of(error)) from None


@get(
    "/api/cameras/{camera:str}/citizen-reports",
    action="status",
    scope="camera",
    summary="Faults of the camera that citizens reported in a range",
    errors=["camera_not_found", *RANGE_ERRORS],
    answer=CitizenReports,
)
def list_citizen_reports(
    request: ApiRequest,
    services: Injected,
    camera: FromPath[str],
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
) -> Response[bytes]:
    """What strangers say, as they said it."""
    asked = parse_range(start, end, longest_us=LONGEST_RANGE_US)
    with services.db.read() as conn:
        found = citizen_reports.between(conn, camera, asked.start_us, asked.end_us)
    bodies = [
        CitizenReportBody(
            kind=one.kind,
            first=format_time(one.first_us),
            last=format_time(one.last_us),
            count=one.count,
            note=one.note,
        )
        for one in found
    ]
    return json_answer(request, CitizenReports(bodies))


ROUTES: list[object] = [report_fault, list_citizen_reports]
