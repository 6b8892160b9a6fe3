"""Route of the fleet's gap report.

A report may list a million gaps. It is made in a thread, from one snapshot of the catalogue, into a file that is in memory
while small: so the sums can come first, an error can still be an error, and nobody's memory decides how much may be asked.
"""

from __future__ import annotations

import csv
import io
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import IO, Annotated, Final

import msgspec
from litestar.concurrency import sync_to_thread
from litestar.params import FromQuery, QueryParameter
from litestar.response.streaming import ASGIStreamingResponse

from nvr.api.cameras import no_camera
from nvr.api.coverage import LONGEST_RANGE_US, RANGE_ERRORS
from nvr.api.errors import ApiError
from nvr.api.gap_query import GapQuery, parse_gap_query
from nvr.api.report import Totals, fold, never_in_fleet
from nvr.api.routing import get
from nvr.api.services import Injected
from nvr.api.times import compact_time, format_time, parse_range
from nvr.api.wire import GapBody, gap_fields
from storage import cameras as camera_rows
from storage.cameras import Camera
from storage.coverage import Coverage, coverage

__all__ = ["ROUTES", "GapReport", "csv_cell"]

_IN_MEMORY_BYTES: Final = 8 << 20
_CHUNK_BYTES: Final = 256 << 10
_COLUMNS: Final = (
    "camera",
    "name",
    "start",
    "end",
    "open",
    "duration_s",
    "cause",
    "class",
    "detail",
    "fact_kind",
    "fact_start",
)


class ReportGap(GapBody, kw_only=True):
    """A gap and whose it is."""

    camera: str
    name: str


class GapReport(msgspec.Struct, kw_only=True):
    """``total`` holds cameras, recorded_s, gaps, missing_s, longest_s, folded, by_cause, by_class."""

    start: str
    end: str
    as_of: str
    fold_s: float
    filters: dict[str, list[str]]
    total: dict[str, object]
    gaps: list[ReportGap]


@get(
    "/api/gaps",
    role="investigator",
    summary="Gaps of many cameras in a range, with their causes and sums, as JSON or CSV",
    errors=["camera_not_found", "invalid_parameter", "busy", *RANGE_ERRORS],
    answer=GapReport,
)
def gap_report(
    services: Injected,
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
    camera: FromQuery[list[str] | None] = None,
    group: FromQuery[list[str] | None] = None,
    cause: FromQuery[list[str] | None] = None,
    fold_s: FromQuery[str | None] = None,
    format_: Annotated[str, QueryParameter(name="format")] = "json",
) -> ASGIStreamingResponse:
    """The report."""
    query = parse_gap_query(
        parse_range(start, end, longest_us=LONGEST_RANGE_US),
        cameras=camera or (),
        groups=group or (),
        causes=cause or (),
        fold_s=fold_s,
        format_=format_,
    )
    if not services.report_slots.acquire(blocking=False):
        raise ApiError("busy", "other reports are being made: try again in a few seconds", headers={"Retry-After": "3"})
    try:
        with services.db.read() as conn:
            return _answer(query, *_write(conn, query, now_us=services.now_us()))
    finally:
        services.report_slots.release()


def _chosen(conn: sqlite3.Connection, query: GapQuery) -> list[Camera]:
    if query.cameras:
        found = []
        for name in query.cameras:
            camera = camera_rows.find(conn, name)
            if camera is None:
                raise no_camera(name)
            found.append(camera)
    else:
        # Those removed since belonged to the fleet then.
        found = camera_rows.every(conn, removed=True)
    return [camera for camera in found if all(group.has(camera.labels) for group in query.groups)]


def _coverages(conn: sqlite3.Connection, query: GapQuery, now_us: int) -> Iterator[tuple[Camera, Coverage]]:
    for camera in _chosen(conn, query):
        found = coverage(conn, camera.id, query.range.start_us, query.range.end_us, now_us=now_us)
        if query.cameras or not never_in_fleet(found):
            yield camera, found


def _write(conn: sqlite3.Connection, query: GapQuery, *, now_us: int) -> tuple[IO[bytes], int, bytes, Totals]:
    """The gaps as a file and its length, what comes before them, and the sums."""
    totals = Totals()
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - closed when it has been sent
    try:
        for camera, found in _coverages(conn, query, now_us):
            split = fold(found, query.fold_us)
            listed = [gap for gap in split.kept if not query.causes or gap.cause in query.causes]
            totals.add(found, listed, [gap for gap in split.folded if not query.causes or gap.cause in query.causes])
            bodies = [ReportGap(**gap_fields(gap), camera=camera.id, name=camera.name) for gap in listed]
            if query.format == "csv":
                file.write(_csv_lines([_row(body) for body in bodies]))
            elif bodies:
                file.write(b",\n" * (file.tell() > 0) + b",\n".join(map(msgspec.json.encode, bodies)))
        if query.format == "json":
            file.write(b"]}")
        length = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    before = _csv_lines([list(_COLUMNS)]) if query.format == "csv" else _json_opening(query, totals, now_us)
    return file, length, before, totals


def _json_opening(query: GapQuery, totals: Totals, now_us: int) -> bytes:
    report = GapReport(
        start=format_time(query.range.start_us),
        end=format_time(query.range.end_us),
        as_of=format_time(max(query.range.start_us, min(query.range.end_us, now_us))),
        fold_s=query.fold_s,
        filters=query.filters(),
        total=totals.body(),
        gaps=[],
    )
    return msgspec.json.encode(report).removesuffix(b"]}")


def _row(body: ReportGap) -> list[str]:
    return [
        body.camera,
        body.name,
        body.start,
        body.end,
        "true" if body.open else "false",
        f"{body.duration_s:.6f}",
        body.cause,
        body.class_,
        msgspec.json.encode(body.detail).decode() if body.detail else "",
        body.fact.kind if body.fact else "",
        body.fact.start if body.fact else "",
    ]


def csv_cell(text: str) -> str:
    """The text as a spreadsheet can't mistake it for a formula: a name that a camera's owner chose must not run on the desk of
    whoever reads the report."""
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@") or text[:1] in ("\t", "\r", "\n") else text


def _csv_lines(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([csv_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _answer(query: GapQuery, file: IO[bytes], length: int, before: bytes, totals: Totals) -> ASGIStreamingResponse:
    name = f"gaps_{compact_time(query.range.start_us)}_{compact_time(query.range.end_us)}"
    headers = {
        "Cache-Control": "no-store",
        "Content-Length": str(len(before) + length),
        # A table has no room for what was left out of it.
        "X-Fold-S": f"{query.fold_s:g}",
        "X-Folded-Gaps": str(totals.folded.gaps),
        "X-Folded-Missing-S": f"{totals.folded.us / 1_000_000:.6f}",
    }
    if query.format == "csv":
        headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    media_type = "text/csv; header=present" if query.format == "csv" else "application/json"
    # Not litestar.response.Stream: there the route's media type would win over this one.
    return ASGIStreamingResponse(iterator=_chunks(file, before), headers=headers, media_type=media_type)


async def _chunks(file: IO[bytes], before: bytes) -> AsyncIterator[bytes]:
    with file:
        yield before
        while chunk := await sync_to_thread(file.read, _CHUNK_BYTES):
            yield chunk


ROUTES: list[object] = [gap_report]
