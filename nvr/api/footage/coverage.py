"""Route of one camera's coverage."""

from __future__ import annotations

from litestar import Response
from litestar.params import FromPath, FromQuery

from nvr.access.decide import Outcome
from nvr.access.roles import AccessAction
from nvr.api.http.auth import is_admin, require
from nvr.api.http.bodies import CoverageBody, SpanBody, coverage_body
from nvr.api.http.errors import no_camera
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get
from nvr.api.http.services import Injected
from nvr.api.http.times import LONGEST_RANGE_US, RANGE_ERRORS, format_time, parse_range
from storage.coverage.one_camera import coverage

__all__ = ["ROUTES"]


@get(
    "/api/cameras/{camera:str}/coverage",
    action="status",
    scope="camera",
    summary="What was recorded of a camera in a range, what was not, and why",
    errors=["camera_not_found", "outside_grant", *RANGE_ERRORS],
    answer=CoverageBody,
    pool="heavy",
)
def camera_coverage(
    request: ApiRequest,
    services: Injected,
    camera: FromPath[str],
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
) -> Response[bytes]:
    """Spans and gaps of ``[start, end)``; of removed cameras too. Where a part of it was granted, ``granted`` says
    which, and the first one is answered."""
    asked = parse_range(start, end, longest_us=LONGEST_RANGE_US)
    decision = require(request, camera, AccessAction.STATUS, asked)
    with services.db.read() as conn:
        shown = decision.ranges[0]
        try:
            found = coverage(conn, camera, *shown, now_us=services.now_us())
        except KeyError:
            raise no_camera(camera) from None
    body = coverage_body(found, whole=is_admin(request))
    if decision.outcome is Outcome.CUT:
        body.granted = [SpanBody(format_time(a), format_time(b)) for a, b in decision.ranges]
    return json_answer(request, body)


ROUTES = [camera_coverage]
