"""CSV, for spreadsheets."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from nvr.reports.document import Reader
from nvr.reports.formats.base import ReportFormat
from nvr.reports.listing import Totals
from nvr.reports.query import GapQuery, ReportCamera
from nvr.reports.stream import iso_time, limited, listings
from nvr.reports.tables import CSV_COLUMNS, csv_line, csv_lines, not_known_lines
from storage.coverage.clock_steps import fleet_steps

__all__ = ["CSV", "csv_report"]


def csv_report(
    conn: sqlite3.Connection, cameras: Sequence[ReportCamera], query: GapQuery, _: Reader, *, now_us: int
) -> Iterator[bytes]:
    """The report as CSV, with a header row. Behind the gaps stand what is not known yet of each camera, and steps of
    the server's clock: rows without a cause."""
    yield csv_line(CSV_COLUMNS)
    by_id = {camera.id: camera for camera in cameras}
    totals, unknown = Totals(), bytearray()
    for listing, rows in limited(listings(conn, cameras, query, now_us=now_us), query.limit, totals):
        if text := csv_lines(listing, rows, by_id):
            yield text
        unknown += not_known_lines(listing, by_id)
    yield bytes(unknown)
    for step in fleet_steps(conn, totals.members, *query.range):
        detail = msgspec.json.encode({"by_s": step.by_us / 1_000_000, "cameras": step.cameras}).decode()
        times = iso_time(step.at_us), iso_time(step.to_us)
        yield csv_line(["", "", *times, "false", "", "", "server", detail, "clock_step", times[0]])


CSV: Final = ReportFormat("csv", "text/csv; header=present", csv_report)
