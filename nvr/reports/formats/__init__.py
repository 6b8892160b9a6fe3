"""The formats of a gap report: a file each, and a line in the table."""

from nvr.reports.formats.base import ReportFormat
from nvr.reports.formats.csv import CSV
from nvr.reports.formats.html import HTML
from nvr.reports.formats.json import JSON
from nvr.reports.formats.pdf import PDF

__all__ = ["FORMATS", "ReportFormat"]

FORMATS: dict[str, ReportFormat] = {one.name: one for one in (JSON, CSV, HTML, PDF)}
"""By name; the first is answered to whoever asks for none."""
