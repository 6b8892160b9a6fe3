"""Routes of gap reports: what is missing in the fleet, and why, as data or as a document."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from litestar.params import FromQuery, QueryParameter
from litestar.response.streaming import ASGIStreamingResponse

from nvr.access.roles import AccessAction
from nvr.api.answers.spool import Spool
from nvr.api.cameras.choosing import knowing
from nvr.api.http.auth import is_admin, still_may
from nvr.api.http.bodies import GapBody
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import LONGEST_RANGE_US, RANGE_ERRORS, compact_time, parse_range
from nvr.api.reports.fleet_coverage import FleetStepBody
from nvr.api.reports.gap_query import parse_format, parse_gap_query, parse_language
from nvr.api.reports.seen import SeenCameras, seen_for
from nvr.reports.document import Reader
from nvr.reports.query import GapQuery, chosen
from storage.causes import Cause, CauseClass
from storage.sentences import Sentence

__all__ = ["ROUTES", "GapReport"]


class ReportGap(GapBody, kw_only=True):
    """A gap and whose it is."""

    camera: str
    name: str


class TallyBody(msgspec.Struct, kw_only=True):
    """How many gaps, and how long they are together."""

    gaps: int
    missing_s: float


class KindTally(TallyBody, kw_only=True):
    """Gaps of one cause and class."""

    cause: Cause
    class_: CauseClass = msgspec.field(name="class")


class GapTotals(TallyBody, kw_only=True):
    """``asked_s`` is each camera's time; ``recorded_s``, ``not_recorded_s``, ``no_longer_there_s``,
    ``not_required_s`` and ``not_known_s`` say what became of it, whatever gaps are listed. The other sums are of the
    gaps that are listed, ``folded`` of those that count as footage."""

    cameras: int
    asked_s: float
    recorded_s: float
    not_recorded_s: float
    no_longer_there_s: float
    not_required_s: float
    not_known_s: float
    longest_s: float
    folded: TallyBody
    by_cause: dict[str, TallyBody]
    by_class: dict[str, TallyBody]
    by_kind: list[KindTally]


class GapReport(msgspec.Struct, kw_only=True):
    """``clock_steps``: when the server's clock was set. ``omitted``: how many gaps
    ``limit`` left out of the list; they are in the sums."""

    start: str
    end: str
    as_of: str
    fold_s: float
    filters: dict[str, list[str]]
    gaps: list[ReportGap]
    omitted: int
    total: GapTotals
    clock_steps: list[FleetStepBody]


@get(
    "/api/gaps",
    action="report",
    scope="cameras",
    summary="Gaps of many cameras in a range, with their causes and sums, as JSON, CSV, HTML or PDF",
    errors=["camera_not_found", "outside_grant", "invalid_parameter", "invalid_selection", "busy", *RANGE_ERRORS],
    answer=GapReport,
    pool="heavy",
)
def gap_report(
    request: ApiRequest,
    services: Injected,
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
    camera: FromQuery[list[str] | None] = None,
    group: FromQuery[list[str] | None] = None,
    where: FromQuery[str | None] = None,
    cause: FromQuery[list[str] | None] = None,
    class_: Annotated[list[str] | None, QueryParameter(name="class")] = None,
    fold_s: FromQuery[str | None] = None,
    limit: FromQuery[str | None] = None,
    lang: FromQuery[str] = "en",
    format_: Annotated[str, QueryParameter(name="format")] = "json",
) -> ASGIStreamingResponse:
    """The report, sent while it is made."""
    query = parse_gap_query(
        parse_range(start, end, longest_us=LONGEST_RANGE_US),
        cameras=camera or (),
        groups=group or (),
        causes=cause or (),
        classes=class_ or (),
        fold_s=fold_s,
        limit=limit,
        where=where,
    )
    query = replace(query, plain=not is_admin(request))
    seen = seen_for(request, AccessAction.REPORT, query.range, camera or ())
    form, language = parse_format(format_), parse_language(lang)
    reader = Reader(language, services.settings.zone, request.user.name, services.settings.version)
    now_us = services.now_us()

    @contextmanager
    def pieces() -> Iterator[Iterator[bytes]]:
        with services.db.read() as conn:
            try:
                with knowing():
                    cameras = chosen(conn, query, seen.ids)
            except KeyError as error:
                raise no_camera(str(error.args[0])) from None
            yield form.make(conn, cameras, query, reader, now_us=now_us)

    spool = _spooled(services, pieces)
    return ASGIStreamingResponse(
        iterator=_watched(request, spool.chunks(services.pools.sending)),
        headers=_headers(query, form.name, seen),
        media_type=form.media_type,
    )


async def _watched(request: ApiRequest, chunks: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    """The chunks, for as long as who asks may have them."""
    services: Services = request.app.state.services
    async with aclosing(chunks):
        with services.streams.sending(lambda: still_may(request)) as stream:
            async for chunk in chunks:
                stream.check()
                yield chunk


def _spooled(services: Any, pieces: Callable[[], Any]) -> Spool:
    if not services.report_slots.acquire(blocking=False):
        raise ApiError(
            "busy", Sentence("other reports are being made: try again in a few seconds"), headers={"Retry-After": "3"}
        )
    gone: Callable[[], None] | None = None
    try:
        gone = services.reports_taken.take()
        spool = Spool(pieces, services.report_slots.release, gone)
    except BaseException:
        if gone is not None:
            gone()
        services.report_slots.release()
        raise
    spool.begin()
    return spool


def _headers(query: GapQuery, form: str, seen: SeenCameras) -> dict[str, str]:
    # A table has no room for what was left out of it.
    headers = {"Cache-Control": "no-store", "X-Fold-S": f"{query.fold_s:g}"}
    if seen.left_out:
        headers["X-Left-Out-Cameras"] = str(seen.left_out)
    if form != "json":
        name = f"gaps_{compact_time(query.range.start_us)}_{compact_time(query.range.end_us)}"
        # Never shown in place: a document with styles of its own would need a looser policy than the page's.
        headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return headers


ROUTES: list[object] = [gap_report]
