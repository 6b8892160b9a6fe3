"""Forms of reports, and the calendar that they use."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.api.http.times import format_time
from nvr.reports.calendar import day_edges, hour_edges, local_time
from nvr.reports.columns import decimal_seconds, iso_times
from nvr.reports.document import GapDocument, Reader
from nvr.reports.heat import heat
from nvr.reports.html_page import html_report
from nvr.reports.pdf_pages import pdf_report
from nvr.reports.query import GapQuery, chosen
from storage.causes import Cause
from storage.coverage.figures import Figures
from storage.intervals import Interval
from tests.api import catalogue
from tests.api.catalogue import NOW, T0, S, World, add_camera, add_segment, enter

READER = Reader("en", "Asia/Jakarta", "ines", "1.2.3")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = catalogue.make(tmp_path)
    yield made
    made.db.close()


@given(st.lists(st.integers(0, 7_000_000_000_000_000), max_size=20))
def test_columns_of_times_are_what_one_time_is(values: list[int]) -> None:
    assert iso_times(np.array(values, np.int64)) == [format_time(value).encode() for value in values]


@given(st.lists(st.integers(0, 400 * 86_400_000_000), max_size=20))
def test_columns_of_lengths(values: list[int]) -> None:
    found = decimal_seconds(np.array(values, np.int64))
    assert found == [f"{value // 1_000_000}.{value % 1_000_000:06d}".encode() for value in values]


ZONES = [
    "Asia/Jakarta",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "UTC",
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ZONES), st.integers(1_735_689_600, 1_861_920_000), st.integers(1, 20 * 86_400))
def test_days_and_hours_cover_the_range(zone: str, start_s: int, length_s: int) -> None:
    start_us, end_us = start_s * S, (start_s + length_s) * S
    for edges in (day_edges(start_us, end_us, zone), hour_edges(start_us, end_us, zone)):
        assert (edges[0], edges[-1]) == (start_us, end_us)
        assert all(a < b for a, b in itertools.pairwise(edges))
    for a, b in itertools.pairwise(day_edges(start_us, end_us, zone)):
        # A day is one date from its first microsecond to its last.
        assert local_time(a, zone).date() == local_time(b - 1, zone).date()
    for a, b in itertools.pairwise(hour_edges(start_us, end_us, zone)):
        assert b - a <= 3600 * S


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 29, 23), (10, 25, 25)])
def test_a_day_in_which_clocks_change_has_its_hours(month: int, day: int, hours: int) -> None:
    zone = "Europe/Berlin"
    start, end = (round(datetime(2026, month, d, tzinfo=ZoneInfo(zone)).timestamp()) * S for d in (day, day + 1))
    assert len(hour_edges(start, end, zone)) == hours + 1
    assert day_edges(start, end, zone) == [start, end]


@pytest.mark.parametrize(("month", "day", "hours", "odd"), [(4, 5, 24.5, "01:30"), (10, 4, 23.5, "02:30")])
def test_hours_are_those_of_the_clock_where_it_is_changed_by_half_an_hour(
    month: int, day: int, hours: float, odd: str
) -> None:
    """Lord Howe: hours that were counted from midnight stood at half past for the rest of such a day."""
    zone = "Australia/Lord_Howe"
    start, end = (round(datetime(2026, month, d, tzinfo=ZoneInfo(zone)).timestamp()) * S for d in (day, day + 1))
    edges = hour_edges(start, end, zone)
    assert (edges[0], edges[-1], end - start) == (start, end, hours * 3600 * S)
    assert [f"{local_time(at, zone):%H:%M}" for at in edges if local_time(at, zone).minute] == [odd]
    assert all(0 < b - a <= 3600 * S for a, b in itertools.pairwise(edges))
    # Whatever part of the day is asked for, its hours are the same.
    later = start + 5 * 3600 * S + 7
    assert hour_edges(later, end, zone)[1:] == [at for at in edges if at > later]


def test_a_picture_of_the_longest_day(world: World) -> None:
    start = round(datetime(2026, 10, 25, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * S
    end = start + 25 * 3600 * S
    add_camera(world, "long")
    add_segment(world, "long", start, end)
    query = GapQuery(Interval(start, end), cameras=("long",))
    reader = Reader("id", "Europe/Berlin", "ines", "1")
    with world.db.read() as conn:
        report = GapDocument.of(conn, chosen(conn, query), query, reader, now_us=NOW)
        days = heat(conn, chosen(conn, query), report)
    assert report.total == Figures(recorded_us=25 * 3600 * S)
    (only,) = days
    # The hour from two to three comes twice.
    assert [mine.recorded_us // (3600 * S) for mine in only.hours if mine] == [1, 1, 2, *[1] * 21]


def pages(document: bytes) -> int:
    return document.count(b"/Type /Page\n")


def test_a_report_for_a_case_is_one_page(world: World) -> None:
    add_camera(world, "case", district="north")
    at = T0 - 9 * 86_400 * S
    for number in range(14):
        add_segment(world, "case", at, at + 12 * 3600 * S)
        at += 12 * 3600 * S
        enter(world, "case", at, Cause.UNREACHABLE, error="connection timed out")
        at += 1000 * S + number
    query = GapQuery(Interval(T0 - 9 * 86_400 * S, T0 - 2 * 86_400 * S), cameras=("case",))
    with world.db.read() as conn:
        cameras = chosen(conn, query)
        made = [pdf_report(conn, cameras, query, READER, now_us=NOW) for _ in range(2)]
        whole = GapQuery(Interval(T0 - 86_400 * S, NOW))
        fleet = pdf_report(conn, chosen(conn, whole), whole, READER, now_us=NOW)
    assert pages(made[0]) == 1
    # Of the same moment, the same bytes.
    assert made[0] == made[1]
    assert pages(fleet) >= 1


def test_names_are_text_in_a_document(world: World) -> None:
    with world.db.write() as conn:
        conn.execute("UPDATE camera SET name = ? WHERE id = 'gate'", ("<script>alert(1)</script> & Łódź",))
    query = GapQuery(Interval(T0, NOW), fold_us=2 * S, causes=frozenset({Cause.UNREACHABLE, Cause.ENDED}))
    with world.db.read() as conn:
        text = b"".join(html_report(conn, chosen(conn, query), query, READER, now_us=NOW)).decode()
        assert pdf_report(conn, chosen(conn, query), query, READER, now_us=NOW).startswith(b"%PDF")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    for said in (
        "Łódź",
        "Camera unreachable",
        "gaps shorter than 2 s",
        "causes Camera closed the connection, Camera unreachable",
        "ines",
        "UTC",
    ):
        assert said in text
    assert "http" not in text.replace("http-equiv", "")


def test_what_is_left_out_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from nvr.reports import html_page, pdf_pages

    for module in (html_page, pdf_pages):
        monkeypatch.setattr(module, "_MOST_GAPS", 1)
        monkeypatch.setattr(module, "_MOST_PARTS", 1)
        monkeypatch.setattr(module, "_MOST_ROWS", 1)
    query = GapQuery(Interval(T0, NOW))
    with world.db.read() as conn:
        text = b"".join(html_report(conn, chosen(conn, query), query, READER, now_us=NOW)).decode()
        pdf_report(conn, chosen(conn, query), query, READER, now_us=NOW)
    assert "1 more gap of this camera is" in text
    assert text.count("1 more camera is not printed") == 1
    assert text.count("2 more cameras are not printed") == 1


def test_an_empty_report(world: World) -> None:
    query = GapQuery(Interval(T0, NOW), groups=())
    with world.db.read() as conn:
        text = b"".join(html_report(conn, [], query, READER, now_us=NOW)).decode()
        document = pdf_report(conn, [], query, READER, now_us=NOW)
    assert "No gap in this period." in text
    assert pages(document) == 1
