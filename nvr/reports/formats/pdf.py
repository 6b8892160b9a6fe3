"""PDF as a format of reports. What draws it (``nvr.reports.pdf_pages``) is read when the first one is asked for: its
library is half a second of each start, and 20 MB, which most servers never need."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

from nvr.reports.document import Reader
from nvr.reports.formats.base import ReportFormat
from nvr.reports.query import GapQuery, ReportCamera

__all__ = ["PDF"]


def _whole(
    conn: sqlite3.Connection, cameras: Sequence[ReportCamera], query: GapQuery, reader: Reader, *, now_us: int
) -> Iterator[bytes]:
    from nvr.reports.pdf_pages import pdf_report

    yield pdf_report(conn, cameras, query, reader, now_us=now_us)


PDF: Final = ReportFormat("pdf", "application/pdf", _whole)
