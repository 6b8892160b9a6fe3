"""What a gap report says as a document, in whatever form: its title, facts about it, figures, gaps in words. Pure but
for reading. Its tables are in ``document_tables``, its picture in ``heat``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from nvr.reports.coverage import CameraFigures, by_camera
from nvr.reports.figure_rows import cells, labels, worth_saying
from nvr.reports.listing import Totals
from nvr.reports.query import GapQuery, ReportCamera
from nvr.reports.stream import listings
from nvr.texts import Formats, Language, Words
from storage.causes import Cause, CauseClass, class_of
from storage.coverage.clock_steps import FleetStep, fleet_steps
from storage.coverage.figures import Category, Figures, category, summed
from storage.coverage.fleet import FleetBatch
from storage.coverage.fleet_partition import CAUSES, Int64

__all__ = [
    "CameraPart",
    "GapDocument",
    "GapRow",
    "Reader",
    "camera_parts",
    "detail_words",
    "figure_boxes",
    "report_facts",
]  # fmt: skip

_MOST_STEPS: Final = 20


@dataclass(frozen=True, slots=True)
class Reader:
    """Who gets the report: in which language and zone, asked for by whom, from which version."""

    language: Language
    zone: str
    made_by: str
    version: str

    @property
    def formats(self) -> Formats:
        """How this reader reads times."""
        return Formats(self.language, self.zone)


@dataclass(frozen=True, slots=True)
class GapRow:
    """A gap to be told in words."""

    start_us: int
    end_us: int
    cause: Cause
    is_open: bool
    detail: Mapping[str, Any]

    @property
    def category(self) -> Category:
        """Whose colour it has."""
        return category(self.cause, self.cause_class)

    @property
    def cause_class(self) -> CauseClass:
        """Who has to act on it."""
        return class_of(self.cause, self.detail)


@dataclass(frozen=True, slots=True)
class CameraPart:
    """A camera's part of a report. ``omitted`` gaps are listed nowhere in it."""

    camera: ReportCamera
    gaps: Sequence[GapRow]
    omitted: int


@dataclass(frozen=True, slots=True)
class GapDocument:
    """The whole."""

    query: GapQuery
    reader: Reader
    now_us: int
    found: Sequence[CameraFigures]
    steps: Sequence[FleetStep] = ()

    @property
    def asked_us(self) -> int:
        """How long the range is: what was asked of each camera."""
        return self.query.range.end_us - self.query.range.start_us

    @property
    def only_camera(self) -> ReportCamera | None:
        """The camera, if the report is of one."""
        return self.found[0].camera if len(self.found) == 1 else None

    @property
    def title(self) -> str:
        """What it is, and of which camera if of one."""
        title, one = self.reader.formats.say("title"), self.only_camera
        return title if one is None else f"{title}: {one.name or one.id}"

    def parts_left_out(self, told: int, most: int) -> str:
        """The sentence on cameras with gaps that are not printed, where ``most`` are; empty if none is left out."""
        formats = self.reader.formats
        with_gaps = sum(1 for found in self.found if found.figures.known_us > found.figures.recorded_us)
        if told < most or with_gaps <= told:
            return ""
        return formats.say("more_cameras", count=formats.number(with_gaps - told))

    @property
    def total(self) -> Figures:
        """Of all its cameras."""
        return summed([one.figures for one in self.found])

    @classmethod
    def of(
        cls, conn: sqlite3.Connection, cameras: Sequence[ReportCamera], query: GapQuery, reader: Reader, *, now_us: int
    ) -> GapDocument:
        """Reads its figures."""
        found = by_camera(conn, cameras, query, now_us=now_us)
        steps = fleet_steps(conn, [one.camera.id for one in found], *query.range)
        return cls(query, reader, now_us, found, steps)


def camera_parts(
    conn: sqlite3.Connection, report: GapDocument, totals: Totals, *, most_gaps: int, parts: int
) -> Iterator[CameraPart]:
    """The cameras that have gaps to be listed, as many as ``parts``, with about ``most_gaps`` in all; every gap is
    counted in ``totals``."""
    cameras = [one.camera for one in report.found]
    by_id = {camera.id: camera for camera in cameras}
    each = max(1, most_gaps // max(1, min(parts, len(cameras))))
    told = 0
    for listing in listings(conn, cameras, report.query, now_us=report.now_us):
        totals.add(listing)
        of = listing.batch.gaps.camera[listing.listed]
        for number in np.unique(of).tolist() if told < parts else ():
            told += 1
            if told <= parts:
                rows = listing.listed[of == number]
                camera = by_id[listing.batch.cameras[number]]
                yield CameraPart(camera, _gap_rows(listing.batch, rows[:each]), max(0, len(rows) - each))


def _gap_rows(batch: FleetBatch, rows: Int64) -> list[GapRow]:
    gaps = batch.gaps
    columns = (gaps.start_us[rows], gaps.end_us[rows], gaps.cause[rows], batch.open[rows])
    return [
        GapRow(start_us, end_us, CAUSES[cause], is_open, msgspec.json.decode(detail))
        for start_us, end_us, cause, is_open, detail in zip(
            *(column.tolist() for column in columns), batch.details(rows), strict=True
        )
    ]


def report_facts(report: GapDocument, totals: Totals | None) -> list[tuple[str, str]]:
    """What is said at the head of a report: its cameras, period, filters, folding, and who made it."""
    formats, query = report.reader.formats, report.query
    say = formats.say
    start_us, end_us = query.range
    as_of_us = min(end_us, report.now_us)
    period = formats.period(start_us, end_us)
    if not formats.is_utc:
        period += f"\n{formats.utc_period(start_us, end_us)}"
    facts = [*_subject(report), (say("period"), period)]
    if as_of_us < end_us:
        facts.append((say("known_until"), formats.both(as_of_us)))
    for step in report.steps[:_MOST_STEPS]:
        told = say(
            "step", at=formats.both(step.at_us), to=formats.both(step.to_us), cameras=formats.number(step.cameras)
        )
        facts.append((say("clock"), told))
    if len(report.steps) > _MOST_STEPS:
        facts.append((say("clock"), say("more_steps", count=formats.number(len(report.steps) - _MOST_STEPS))))
    facts.append((say("filters"), _filters(report)))
    length = formats.length(query.fold_us)
    if not query.fold_us:
        folding = say("not_folded")
    elif totals is None:
        folding = say("folding_to", length=length)
    else:
        folded = totals.folded
        folding = say("folded", length=length, gaps=formats.number(folded.gaps), missing=formats.length(folded.us))
    facts.append((say("folding"), folding))
    facts.append((say("made"), f"{formats.both(report.now_us)} · {say('made_by')}: {report.reader.made_by}"))
    return facts


def _subject(report: GapDocument) -> list[tuple[str, str]]:
    say, one = report.reader.formats.say, report.only_camera
    if one is None:
        return [(say("cameras"), report.reader.formats.number(len(report.found)))]
    labels = ", ".join(f"{key} = {value}" for key, value in one.labels.items())
    name = f"{one.name} ({say('camera_id')}: {one.id})" if one.name != one.id else one.id
    return [(say("camera"), name), *([(say("labels"), labels)] if labels else [])]


def _filters(report: GapDocument) -> str:
    query, words = report.query, report.reader.formats.words
    say = report.reader.formats.say
    parts = []
    if query.cameras:
        parts.append(say("filter_camera", value=", ".join(query.cameras)))
    parts += [say("filter_group", value=f"{group.key} = {group.value}") for group in query.groups]
    if query.where.terms:
        parts.append(say("filter_group", value=query.where.text))
    if query.causes:
        parts.append(say("filter_cause", value=", ".join(words.causes[cause] for cause in sorted(query.causes))))
    if query.classes:
        parts.append(say("filter_class", value=", ".join(words.classes[one] for one in sorted(query.classes))))
    if query.causes or query.classes:
        parts.append(say("filter_effect"))
    return "; ".join(parts) if parts else say("no_filter")


def figure_boxes(report: GapDocument) -> list[tuple[str, str]]:
    """The figures that are to be seen first."""
    formats, total, asked_us = report.reader.formats, report.total, len(report.found) * report.asked_us
    rows = worth_saying(total, asked_us)
    return list(zip(labels(formats, rows), cells(total, asked_us, formats, rows), strict=True))


def detail_words(detail: Mapping[str, Any], words: Words) -> str:
    """A gap's detail: free text as it is, values with their names."""
    parts = []
    for key, value in detail.items():
        # The class stands in a column of its own.
        if value in (None, "") or key == "class":
            continue
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
        parts.append(
            text if key in ("error", "message", "text", "detail") else f"{words.details.get(key, key)}: {text}"
        )
    return "; ".join(parts)
