"""HTML as a format of reports. What makes it (``nvr.reports.html_page``) is read when the first one is asked for: most
servers never need its templates' library."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

from nvr.reports.document import Reader
from nvr.reports.formats.base import ReportFormat
from nvr.reports.query import GapQuery, ReportCamera

__all__ = ["HTML"]


def _page(
    conn: sqlite3.Connection, cameras: Sequence[ReportCamera], query: GapQuery, reader: Reader, *, now_us: int
) -> Iterator[bytes]:
    from nvr.reports.html_page import html_report

    yield from html_report(conn, cameras, query, reader, now_us=now_us)


HTML: Final = ReportFormat("html", "text/html", _page)
