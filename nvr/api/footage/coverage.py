"""Route of one camera's coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
from litestar import Response
from litestar.params import FromPath, FromQuery

from nvr.access.decide import Outcome
from nvr.access.roles import AccessAction
from nvr.api.http.auth import is_admin, require
from nvr.api.http.bodies import CoverageBody, SpanBody, StepBody
from nvr.api.http.errors import no_camera
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get
from nvr.api.http.services import Injected
from nvr.api.http.times import LONGEST_RANGE_US, RANGE_ERRORS, format_time, parse_range, seconds
from nvr.reports.tables import json_gaps, json_spans
from nvr.texts.plain import PlainDetails
from storage.coverage.account import TimeAccount
from storage.coverage.clock_steps import ClockStep, clock_steps
from storage.coverage.figures import category_sums
from storage.coverage.fleet import FleetBatch
from storage.coverage.one_camera import read_one

__all__ = ["ROUTES", "coverage_body"]


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
            found = read_one(conn, camera, *shown, now_us=services.now_us())
        except KeyError:
            raise no_camera(camera) from None
        known_until_us = found.start_us + int(found.known_us[0])
        steps = clock_steps(conn, camera, found.start_us, known_until_us) if known_until_us > found.start_us else []
    body = coverage_body(camera, found, steps, whole=is_admin(request))
    if decision.outcome is Outcome.CUT:
        body.granted = [SpanBody(format_time(a), format_time(b)) for a, b in decision.ranges]
    return json_answer(request, body)


def coverage_body(camera: str, found: FleetBatch, steps: Sequence[ClockStep], *, whole: bool) -> CoverageBody:
    """A camera's coverage as it is answered. ``whole``: with what others said, for administrators. Its spans and gaps
    are JSON already: a camera that comes and goes has thousands."""
    if not whole:
        found = replace(found, detail=PlainDetails(found.detail))
    asked_us, known_us = found.end_us - found.start_us, int(found.known_us[0])
    recorded_us = known_us - int(found.missing_us[0])
    account = TimeAccount.of_categories(asked_us, recorded_us, category_sums(found, np.ones(1, np.bool_)))
    spans: Any = msgspec.Raw(json_spans(found))
    gaps: Any = msgspec.Raw(json_gaps(found))
    return CoverageBody(
        camera=camera,
        start=format_time(found.start_us),
        end=format_time(found.end_us),
        as_of=format_time(found.start_us + known_us),
        recorded_s=seconds(recorded_us),
        missing_s=seconds(known_us - recorded_us),
        not_recorded_s=seconds(account.not_recorded_us),
        no_longer_there_s=seconds(account.no_longer_there_us),
        not_required_s=seconds(account.not_required_us),
        not_known_s=seconds(account.not_known_us),
        spans=spans,
        gaps=gaps,
        clock_steps=[StepBody(format_time(step.at_us), format_time(step.to_us), seconds(step.by_us)) for step in steps],
    )


ROUTES = [camera_coverage]
