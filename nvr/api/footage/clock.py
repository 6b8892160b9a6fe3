"""Route of a camera's own clock."""

from __future__ import annotations

from litestar import Response
from litestar.params import FromPath, FromQuery

from nvr.access.roles import AccessAction
from nvr.api.http.auth import require, rights_of
from nvr.api.http.bodies import ClockBody, ClockSampleBody
from nvr.api.http.errors import no_camera
from nvr.api.http.permissions import cut_headers
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get
from nvr.api.http.services import Injected
from nvr.api.http.times import LONGEST_RANGE_US, RANGE_ERRORS, format_time, parse_range, seconds
from storage.catalogue import cameras, clock_samples
from storage.catalogue.clock_samples import Sample
from storage.intervals import Interval

__all__ = ["ROUTES"]


def _body(sample: Sample) -> ClockSampleBody:
    return ClockSampleBody(
        format_time(sample.at_us),
        format_time(sample.until_us),
        seconds(sample.offset_us),
        seconds(sample.uncertainty_us),
        sample.source,
    )


@get(
    "/api/cameras/{camera:str}/clock",
    action="status",
    scope="camera",
    summary="How far the camera's own clock was ahead of its recorder's in a range",
    errors=["camera_not_found", "outside_grant", *RANGE_ERRORS],
    answer=ClockBody,
    pool="heavy",
)
def camera_clock(
    request: ApiRequest,
    services: Injected,
    camera: FromPath[str],
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
) -> Response[bytes]:
    """Samples that hold in ``[start, end)``, and the last one before it; of removed cameras too. ``latest`` is null
    where that time was not granted."""
    asked = parse_range(start, end, longest_us=LONGEST_RANGE_US)
    with services.db.read() as conn:
        if cameras.find(conn, camera) is None:
            raise no_camera(camera)
        given = require(request, camera, AccessAction.STATUS, asked)
        # What holds in two parts comes once.
        found = dict.fromkeys(one for part in given.ranges for one in clock_samples.between(conn, camera, *part))
        latest = clock_samples.latest(conn, camera)
    if latest is not None:
        then = Interval(latest.at_us, latest.at_us + 1)
        if not rights_of(request).on(camera, AccessAction.STATUS, then).allowed:
            latest = None
    return json_answer(
        request,
        ClockBody(
            camera=camera,
            as_of=format_time(services.now_us()),
            latest=None if latest is None else _body(latest),
            samples=[_body(sample) for sample in found],
        ),
        headers=cut_headers(asked, given),
    )


ROUTES = [camera_clock]
