"""Route of one camera's coverage."""

from __future__ import annotations

from litestar import Response
from litestar.params import FromPath, FromQuery

from nvr.api.http.auth import is_admin
from nvr.api.http.bodies import CoverageBody, coverage_body
from nvr.api.http.errors import no_camera
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get
from nvr.api.http.services import Injected
from nvr.api.http.times import LONGEST_RANGE_US, RANGE_ERRORS, parse_range
from storage.coverage.one_camera import coverage

__all__ = ["ROUTES"]


@get(
    "/api/cameras/{camera:str}/coverage",
    role="viewer",
    summary="What was recorded of a camera in a range, what was not, and why",
    errors=["camera_not_found", *RANGE_ERRORS],
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
    """Spans and gaps of ``[start, end)``; of removed cameras too."""
    asked = parse_range(start, end, longest_us=LONGEST_RANGE_US)
    with services.db.read() as conn:
        try:
            found = coverage(conn, camera, asked.start_us, asked.end_us, now_us=services.now_us())
        except KeyError:
            raise no_camera(camera) from None
    return json_answer(request, coverage_body(found, whole=is_admin(request)))


ROUTES = [camera_coverage]
