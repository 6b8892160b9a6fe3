"""A gap report's bytes as JSON or CSV, piece by piece, from one snapshot of the catalogue.

JSON's sums come last, since they are known last; a reader that needs the whole object does not notice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from nvr.reports.listing import Listing, Totals, list_batch
from nvr.reports.query import GapQuery, ReportCamera
from nvr.reports.tables import CSV_COLUMNS, csv_line, csv_lines, json_lines, not_known_lines
from nvr.texts.plain import PlainDetails
from storage.coverage.clock_steps import FleetStep, fleet_steps
from storage.coverage.fleet import batches
from storage.coverage.fleet_partition import Int64

__all__ = ["csv_report", "iso_time", "json_report", "listings", "steps_body"]

_EPOCH: Final = datetime(1970, 1, 1)


def iso_time(at_us: int) -> str:
    """``2026-11-23T14:05:06.123456Z``."""
    return (_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="microseconds") + "Z"


def listings(
    conn: sqlite3.Connection, cameras: Sequence[ReportCamera], query: GapQuery, *, now_us: int, with_detail: bool = True
) -> Iterator[Listing]:
    """The report's gaps in batches. ``conn`` must be in a transaction."""
    keys = [(camera.key, camera.id) for camera in cameras]
    for batch in batches(conn, keys, *query.range, now_us=now_us, with_detail=with_detail):
        if query.plain and with_detail:
            batch = replace(batch, detail=PlainDetails(batch.detail))
        yield list_batch(batch, query)


def _limited(found: Iterator[Listing], limit: int | None, totals: Totals) -> Iterator[tuple[Listing, Int64]]:
    """The rows that are listed of each batch; all are counted."""
    left = limit
    for listing in found:
        totals.add(listing)
        rows = listing.listed if left is None else listing.listed[:left]
        left = None if left is None else left - len(rows)
        yield listing, rows


def json_report(
    conn: sqlite3.Connection, cameras: Sequence[ReportCamera], query: GapQuery, *, now_us: int
) -> Iterator[bytes]:
    """The report as JSON."""
    head = {
        "start": iso_time(query.range.start_us),
        "end": iso_time(query.range.end_us),
        "as_of": iso_time(max(query.range.start_us, min(query.range.end_us, now_us))),
        "fold_s": query.fold_s,
        "filters": query.filters(),
    }
    yield msgspec.json.encode(head).removesuffix(b"}") + b',"gaps":['
    by_id = {camera.id: camera for camera in cameras}
    totals = Totals()
    is_first, told = True, 0
    for listing, rows in _limited(listings(conn, cameras, query, now_us=now_us), query.limit, totals):
        if text := json_lines(listing, rows, by_id):
            yield text.removeprefix(b",\n") if is_first else text
            is_first = False
            told += len(rows)
    steps = steps_body(fleet_steps(conn, totals.members, *query.range))
    yield b'],"omitted":%d,"total":' % (totals.listed.gaps - told) + msgspec.json.encode(totals.body())
    yield b',"clock_steps":' + msgspec.json.encode(steps) + b"}"


def steps_body(steps: Sequence[FleetStep]) -> list[dict[str, Any]]:
    """Steps of the server's clock, as they are answered."""
    return [
        {
            "at": iso_time(step.at_us),
            "to": iso_time(step.to_us),
            "by_s": step.by_us / 1_000_000,
            "cameras": step.cameras,
        }
        for step in steps
    ]


def csv_report(
    conn: sqlite3.Connection, cameras: Sequence[ReportCamera], query: GapQuery, *, now_us: int
) -> Iterator[bytes]:
    """The report as CSV, with a header row. Behind the gaps stand what is not known yet of each camera, and steps of
    the server's clock: rows without a cause."""
    yield csv_line(CSV_COLUMNS)
    by_id = {camera.id: camera for camera in cameras}
    totals, unknown = Totals(), bytearray()
    for listing, rows in _limited(listings(conn, cameras, query, now_us=now_us), query.limit, totals):
        if text := csv_lines(listing, rows, by_id):
            yield text
        unknown += not_known_lines(listing, by_id)
    yield bytes(unknown)
    for step in fleet_steps(conn, totals.members, *query.range):
        detail = msgspec.json.encode({"by_s": step.by_us / 1_000_000, "cameras": step.cameras}).decode()
        times = iso_time(step.at_us), iso_time(step.to_us)
        yield csv_line(["", "", *times, "false", "", "", "server", detail, "clock_step", times[0]])
