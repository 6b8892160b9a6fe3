"""Gaps as lines of JSON and CSV, a batch at a time: a fleet's, and one camera's.

Texts are put together from columns, not row by row: two million gaps take two seconds instead of ten.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from nvr.reports.columns import decimal_seconds, iso_times
from nvr.reports.listing import Listing
from nvr.reports.query import ReportCamera
from nvr.texts.cells import csv_cell
from storage.coverage.fleet import FleetBatch
from storage.coverage.fleet_partition import CAUSES, CLASSES, Int64

__all__ = ["CSV_COLUMNS", "csv_line", "csv_lines", "json_gaps", "json_lines", "json_spans", "not_known_lines"]

CSV_COLUMNS: Final = (
    "camera", "name", "start", "end", "open", "duration_s", "cause", "class", "detail", "fact_kind", "fact_start",
)  # fmt: skip
_Texts = Sequence[bytes]


class _Columns:
    """The values of some gaps of a batch as texts."""

    def __init__(self, batch: FleetBatch, rows: Int64) -> None:
        gaps = batch.gaps
        self.start = iso_times(gaps.start_us[rows])
        self.end = iso_times(gaps.end_us[rows])
        self.length = decimal_seconds(gaps.length_us[rows])
        self.open: list[bool] = batch.open[rows].tolist()
        self.cause: list[int] = gaps.cause[rows].tolist()
        fact = gaps.fact[rows]
        self.detail = batch.details(rows)
        known = fact >= 0
        starts = np.zeros(len(fact), np.int64)
        starts[known] = batch.facts.start_us[fact[known]]
        self.fact_start = iso_times(starts)
        self.without_fact: list[int] = np.flatnonzero(~known).tolist()
        self.camera: list[int] = gaps.camera[rows].tolist()


def _put_together(columns: Sequence[_Texts | bytes], rows: int) -> bytes:
    """Each row's columns one behind the other; a column of plain bytes is the same in each row."""
    parts: list[bytes] = [b""] * (len(columns) * rows)
    for number, column in enumerate(columns):
        parts[number :: len(columns)] = [column] * rows if isinstance(column, bytes) else column
    return b"".join(parts)


def json_lines(listing: Listing, rows: Int64, cameras: Mapping[str, ReportCamera]) -> bytes:
    """The gaps as objects that name their cameras, each after a comma and a line break."""
    if not len(rows):
        return b""
    whose = [_json_camera(cameras[id_]) for id_ in listing.batch.cameras]
    return _json(listing.batch, rows, b",\n", [whose[camera] for camera in listing.batch.gaps.camera[rows].tolist()])


def json_gaps(batch: FleetBatch) -> bytes:
    """All gaps of a batch of one camera, as a list of objects that do not name it."""
    rows = np.arange(len(batch.gaps))
    return b"[" + _json(batch, rows, b",", b"}")[1:] + b"]" if len(rows) else b"[]"


def json_spans(batch: FleetBatch) -> bytes:
    """What is recorded of a batch of one camera, as a list of objects."""
    start_us, end_us = batch.spans_of_one()
    if not len(start_us):
        return b"[]"
    columns: list[_Texts | bytes] = [b',{"start":"', iso_times(start_us), b'","end":"', iso_times(end_us), b'"}']
    return b"[" + _put_together(columns, len(start_us))[1:] + b"]"


def _json(batch: FleetBatch, rows: Int64, before: bytes, ends: _Texts | bytes) -> bytes:
    values = _Columns(batch, rows)
    causes = [
        f',"cause":"{cause}","class":"{name}","detail":'.encode() for cause, name in zip(CAUSES, CLASSES, strict=True)
    ]
    facts = [f',"fact":{{"kind":"{cause}","start":"'.encode() for cause in CAUSES]
    fact = [facts[code] for code in values.cause]
    after: list[bytes] = [b'"}'] * len(rows)
    for row in values.without_fact:
        fact[row], values.fact_start[row], after[row] = b',"fact":null', b"", b""
    open_ = (b'","open":false,"duration_s":', b'","open":true,"duration_s":')
    columns: list[_Texts | bytes] = [
        before + b'{"start":"',
        values.start,
        b'","end":"',
        values.end,
        [open_[is_open] for is_open in values.open],
        values.length,
        [causes[code] for code in values.cause],
        values.detail,
        fact,
        values.fact_start,
        after,
        ends,
    ]
    return _put_together(columns, len(rows))


def _json_camera(camera: ReportCamera) -> bytes:
    return b',"camera":' + msgspec.json.encode(camera.id) + b',"name":' + msgspec.json.encode(camera.name) + b"}"


def csv_line(cells: Sequence[Any]) -> bytes:
    """A line of RFC 4180."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow([csv_cell(str(cell)) for cell in cells])
    return text.getvalue().encode()


def csv_lines(listing: Listing, rows: Int64, cameras: Mapping[str, ReportCamera]) -> bytes:
    """The gaps as lines."""
    if not len(rows):
        return b""
    values = _Columns(listing.batch, rows)
    causes = [f",{cause},{name},".encode() for cause, name in zip(CAUSES, CLASSES, strict=True)]
    facts = [f",{cause},".encode() for cause in CAUSES]
    named = [cameras[id_] for id_ in listing.batch.cameras]
    whose = [csv_line([camera.id, camera.name]).removesuffix(b"\r\n") + b"," for camera in named]
    fact = [facts[code] for code in values.cause]
    for row in values.without_fact:
        fact[row], values.fact_start[row] = b",,", b""
    cells: dict[bytes, bytes] = {}
    for detail in values.detail:
        if detail not in cells:
            cells[detail] = csv_line([_compact(detail)]).removesuffix(b"\r\n") if detail != b"{}" else b""
    columns: list[_Texts | bytes] = [
        [whose[camera] for camera in values.camera],
        values.start,
        b",",
        values.end,
        [(b",false,", b",true,")[is_open] for is_open in values.open],
        values.length,
        [causes[code] for code in values.cause],
        [cells[detail] for detail in values.detail],
        fact,
        values.fact_start,
        b"\r\n",
    ]
    return _put_together(columns, len(rows))


def not_known_lines(listing: Listing, cameras: Mapping[str, ReportCamera]) -> bytes:
    """What of the range is not known yet, a line a camera: without a cause, since it is no gap."""
    batch = listing.batch
    rows = np.flatnonzero(listing.in_fleet & (batch.known_us < batch.end_us - batch.start_us))
    start_us = batch.start_us + batch.known_us[rows]
    lengths = decimal_seconds(batch.end_us - start_us)
    (end,) = iso_times(np.array([batch.end_us]))
    lines = []
    for row, start, length in zip(rows.tolist(), iso_times(start_us), lengths, strict=True):
        camera = cameras[batch.cameras[row]]
        times = start.decode(), end.decode(), "true", length.decode()
        lines.append(csv_line([camera.id, camera.name, *times, "", "", "", "not_known", start.decode()]))
    return b"".join(lines)


def _compact(detail: bytes) -> str:
    return msgspec.json.encode(msgspec.json.decode(detail)).decode()
