"""Many cameras at once, against one camera at a time, and figures against a reference that looks at every moment."""

from __future__ import annotations

import itertools
import json
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.catalogue.database import Database
from storage.causes import Cause, Layer
from storage.coverage import closed_days
from storage.coverage import fleet as fleet_coverage
from storage.coverage.account import TimeAccount
from storage.coverage.figures import REQUIRED, Category, Figures, category, category_sums, figure_table, summed
from storage.coverage.fleet import FleetBatch, batches, read_batch
from storage.coverage.fleet_partition import CAUSES, CLASSES
from storage.coverage.one_camera import Coverage, Gap, known_until, read_one
from storage.coverage.one_camera import coverage as of_engine
from storage.intervals import DAY_US
from tests.nightly import examples
from tests.storage import oracle
from tests.storage.oracle import coverage
from tests.support.catalogues import new_catalogue

HOUR_US = 3_600_000_000
DAY = 20_780
T0_US = DAY * DAY_US
CAMERAS = ("a", "b", "c")
KEYS = [(number + 1, camera) for number, camera in enumerate(CAMERAS)]
NAMES = ("recorded", "network", "camera", "server", "planned", "administrative", "absent", "removed")

# Times in odd steps, around three midnights, so that much abuts, overlaps, and crosses a day.
steps = st.integers(-4, 44).map(lambda n: T0_US + n * 6 * HOUR_US + n % 3)
causes = st.sampled_from(
    [
        Cause.UNREACHABLE,
        Cause.ENDED,
        Cause.SERVER_DOWN,
        Cause.DISABLED,
        Cause.SCHEDULE,
        Cause.MAINTENANCE,
        Cause.NOT_CONFIGURED,
        Cause.PRUNED,
        Cause.MISSING,
        Cause.CORRUPT,
    ]
)
spans = st.tuples(st.sampled_from([1, 2, 3]), steps, st.integers(1, 60), st.integers(1, 2), st.integers(1, 2))
known_facts = st.tuples(
    st.sampled_from([1, 2, 3]),
    causes,
    steps,
    st.one_of(st.none(), st.integers(1, 60)),
    st.integers(1, 2),
    st.integers(1, 2),
    # The recorder repeats a decision that stops it, in its own layer.
    st.booleans(),
)
growing = st.lists(st.tuples(st.sampled_from([1, 2, 3]), steps, st.integers(0, 20)), max_size=3)


@contextmanager
def catalogue() -> Iterator[Database]:
    """Three cameras, two recorders."""
    with tempfile.TemporaryDirectory() as folder:
        database = new_catalogue(Path(folder) / "catalogue.sqlite", durable=False)
        with database.write() as conn:
            # The node of lesser name has the greater key.
            conn.execute("INSERT INTO node (key, id) VALUES (1, 'z'), (2, 'b')")
            conn.execute("INSERT INTO root (key, id, path) VALUES (1, 'r', '/r')")
            conn.execute("INSERT INTO init VALUES ('i', x'00', 'avc1', NULL, 1, 1)")
            for key, camera in KEYS:
                conn.execute(
                    "INSERT INTO camera VALUES (?, ?, ?, 'file', '{}', '{}', ?, NULL, 1)", (key, camera, camera, T0_US)
                )
        try:
            yield database
        finally:
            database.close()


def add_span(conn: sqlite3.Connection, span: tuple[int, int, int, int, int]) -> None:
    camera, start_us, hours, node, epoch = span
    while (end_us := start_us + hours * HOUR_US) > start_us:
        cut_us = min(end_us, (start_us // DAY_US + 1) * DAY_US)
        conn.execute(
            "INSERT INTO span VALUES (?, ?, ?, ?, ?, 1, 1, 1)"
            " ON CONFLICT DO UPDATE SET end_us = max(end_us, excluded.end_us)",
            (camera, start_us, node, epoch, cut_us),
        )
        hours -= -(-(cut_us - start_us) // HOUR_US)
        start_us = cut_us


def add_fact(
    conn: sqlite3.Connection,
    fact: tuple[int, Cause, int, int | None, int, int] | tuple[int, Cause, int, int | None, int, int, bool],
) -> None:
    camera, cause, start_us, hours, node, epoch = fact[:6]
    repeats = len(fact) > 6 and fact[-1]
    end_us = None if hours is None else start_us + hours * HOUR_US + 1
    layer = Layer.RECORDER if repeats and cause.layer is Layer.ORDER else cause.layer
    if hours is None and layer is Layer.FOOTAGE:
        return
    conn.execute(
        "INSERT OR REPLACE INTO fact VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)",
        (camera, layer, start_us, node, epoch, end_us, cause, _detail(cause, node, epoch)),
    )


def _detail(cause: Cause, node: int, epoch: int) -> str:
    """Corrupt pictures are put down to one or another, or to nobody."""
    classes = ("network", "camera", "server", "nonsense", None)
    named = classes[(3 * node + epoch) % len(classes)] if cause is Cause.CORRUPT else "camera"
    return json.dumps({"letter": f"{node}{epoch}", **({"class": named} if named else {})})


def add_growing(conn: sqlite3.Connection, camera: int, start_us: int, hours: int) -> None:
    conn.execute(
        "INSERT OR IGNORE INTO segment (camera, start_us, node, epoch, root, init, run_start_us, timescale,"
        " media_start) VALUES (?, ?, 1, 9, 1, 'i', 0, 1, 0)",
        (camera, start_us),
    )
    conn.execute("INSERT OR IGNORE INTO growing VALUES (?, ?, 1, 9, ?)", (camera, start_us, start_us + hours * HOUR_US))


def reference(found: Coverage, edges_us: Sequence[int]) -> list[Figures]:
    """Figures between the edges, stretch by stretch, from one camera's coverage: slow and plain."""
    result = []
    for low, high in itertools.pairwise(edges_us):
        inside = [(max(a, low), min(b, high), "recorded") for a, b in found.spans]
        inside += [
            (max(g.start_us, low), min(g.end_us, high), category(g.cause, g.cause_class).value) for g in found.gaps
        ]
        inside = sorted(part for part in inside if part[0] < part[1])
        sums = dict.fromkeys(NAMES, 0)
        outages: list[list[int]] = []
        for a, b, kind in inside:
            sums[kind] += b - a
            if kind in REQUIRED:
                if outages and outages[-1][1] == a:
                    outages[-1][1] = b
                else:
                    outages.append([a, b])
        longest = max((b - a for a, b in outages), default=0)
        result.append(Figures(**{f"{n}_us": sums[n] for n in NAMES}, outages=len(outages), longest_us=longest))
    return result


def assert_same(batch: FleetBatch, camera: str, expected: Coverage) -> None:
    number = list(batch.cameras).index(camera)
    assert min(max(int(batch.as_of_us[number]), expected.start_us), expected.end_us) == expected.as_of_us
    mine = np.flatnonzero(batch.gaps.camera == number)
    got = []
    for row in mine.tolist():
        fact = int(batch.gaps.fact[row])
        start = int(batch.facts.start_us[fact]) if fact >= 0 else None
        got.append(
            (
                int(batch.gaps.start_us[row]), int(batch.gaps.end_us[row]), CAUSES[int(batch.gaps.cause[row])],
                CLASSES[int(batch.gaps.cause[row])], bool(batch.open[row]), start,
            )
        )  # fmt: skip
    assert got == [
        (g.start_us, g.end_us, g.cause, g.cause_class, g.open, None if g.fact is None else g.fact.start_us)
        for g in expected.gaps
    ]
    details = [msgspec.json.decode(detail) for detail in batch.details(mine)]
    assert details == [dict(gap.detail) for gap in expected.gaps]
    assert int(batch.known_us[number]) - int(batch.missing_us[number]) == expected.recorded_us


def zoned_days(zone: str, day: datetime, days: int) -> list[int]:
    """The midnights of a zone."""
    local = [(day + timedelta(days=n)).replace(tzinfo=ZoneInfo(zone)) for n in range(days + 1)]
    return [round(at.timestamp()) * 1_000_000 for at in local]


@settings(max_examples=examples(20, 1000), deadline=None)
@given(
    st.lists(spans, max_size=12),
    st.lists(known_facts, max_size=14),
    growing,
    steps,
    st.integers(1, 200),
    steps,
)
def test_many_cameras_are_what_each_one_is(
    footage: list[tuple[int, int, int, int, int]],
    found: list[tuple[int, Cause, int, int | None, int, int, bool]],
    grows: list[tuple[int, int, int]],
    start_us: int,
    hours: int,
    now_us: int,
) -> None:
    end_us = start_us + hours * HOUR_US + 7
    edges = sorted(
        {
            start_us,
            end_us,
            *(at for at in range(T0_US - DAY_US, T0_US + 30 * DAY_US, 5 * HOUR_US + 1) if start_us < at < end_us),
        }
    )
    with catalogue() as database:
        with database.write() as conn:
            for span in footage:
                add_span(conn, span)
            for fact in found:
                add_fact(conn, fact)
            for grow in grows:
                add_growing(conn, *grow)
        with database.read() as conn:
            batch = read_batch(conn, KEYS, start_us, end_us, now_us=now_us, with_detail=True)
            table = figure_table(batch, edges)
            for number, camera in enumerate(CAMERAS):
                expected = coverage(conn, camera, start_us, end_us, now_us=now_us)
                assert_same(batch, camera, expected)
                assert_same_answer(conn, of_engine(conn, camera, start_us, end_us, now_us=now_us), expected, now_us)
                one = read_one(conn, camera, start_us, end_us, now_us=now_us)
                starts, ends = one.spans_of_one()
                assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == [
                    tuple(span) for span in expected.spans
                ]
                told = [json.loads(text) for text in one.details(np.arange(len(one.gaps)))]
                assert told == [dict(gap.detail) for gap in expected.gaps]
                want = reference(expected, edges)
                assert [table.figures(number, column) for column in range(len(edges) - 1)] == want
                # What was asked for is all there, to the microsecond, whoever adds it up.
                own = account_of(expected)
                mine = [
                    TimeAccount.of_figures(table.figures(number, column), b - a)
                    for column, (a, b) in enumerate(itertools.pairwise(edges))
                ]
                assert sum(mine, TimeAccount()) == own
                assert own.asked_us == end_us - start_us
                assert own.recorded_us + own.missing_us + own.not_known_us == own.asked_us
                assert (own.missing_us, own.not_known_us) == (expected.missing_us, expected.not_known_us)
                only = np.arange(len(CAMERAS)) == number
                missing = category_sums(batch, only)
                assert TimeAccount.of_categories(own.asked_us, own.recorded_us, missing) == own
            assert table.over_cameras()[0] == summed([table.figures(number, 0) for number in range(3)])


def account_of(covered: Coverage) -> TimeAccount:
    """One camera's time, added up gap by gap."""
    missing: dict[Category, int] = {}
    for gap in covered.gaps:
        name = category(gap.cause, gap.cause_class)
        missing[name] = missing.get(name, 0) + gap.end_us - gap.start_us
    return TimeAccount.of_categories(covered.end_us - covered.start_us, covered.recorded_us, missing)


def assert_same_answer(conn: sqlite3.Connection, found: Coverage, expected: Coverage, now_us: int) -> None:
    """The engine's answer for one camera, whose facts lack only whose they are."""

    def bare(gap: Gap) -> Gap:
        beside = gap.beside and replace(gap.beside, also=[replace(fact, node="", epoch=0) for fact in gap.beside.also])
        return replace(gap, fact=gap.fact and replace(gap.fact, node="", epoch=0), beside=beside)

    assert list(found.spans) == list(expected.spans)
    assert [bare(gap) for gap in found.gaps] == [bare(gap) for gap in expected.gaps]
    assert found == replace(expected, spans=found.spans, gaps=found.gaps)
    assert known_until(conn, found.camera, now_us) == oracle.known_until(conn, found.camera, now_us)


changes = st.one_of(
    spans.map(lambda value: ("span", value)),
    known_facts.map(lambda value: ("fact", value)),
    st.tuples(st.just("grow"), st.tuples(st.sampled_from([1, 2, 3]), steps, st.integers(0, 20))),
    st.tuples(
        st.sampled_from(["cut span", "drop span", "close fact", "reopen fact", "drop fact", "other cause", "ungrow"]),
        st.integers(0, 30),
    ),
    st.tuples(st.just("refresh"), st.none()),
)


def change(database: Database, what: str, value: object, now_us: int) -> None:
    pick = value if isinstance(value, int) else 0
    some = f"ORDER BY camera, start_us LIMIT 1 OFFSET {pick}"
    span = f"(camera, start_us, node, epoch) = (SELECT camera, start_us, node, epoch FROM span {some})"
    fact = f"(camera, layer, start_us, node, epoch) = (SELECT camera, layer, start_us, node, epoch FROM fact {some})"
    if what == "refresh":
        closed_days.refresh(database, now_us=now_us)
        return
    with database.write() as conn:
        if what == "span":
            add_span(conn, value)  # type: ignore[arg-type]
        elif what == "fact":
            add_fact(conn, value)  # type: ignore[arg-type]
        elif what == "grow":
            add_growing(conn, *value)  # type: ignore[misc]
        else:
            conn.execute(
                {
                    "cut span": (
                        f"UPDATE span SET end_us = start_us + (end_us - start_us + 1) / 2, rev = 2 WHERE {span}"
                    ),
                    "drop span": f"DELETE FROM span WHERE {span}",
                    "close fact": f"UPDATE fact SET end_us = start_us + 5 WHERE {fact}",
                    "reopen fact": f"UPDATE fact SET end_us = NULL WHERE layer <> 'footage' AND {fact}",
                    "drop fact": f"DELETE FROM fact WHERE {fact}",
                    "other cause": f"UPDATE fact SET cause = 'stalled' WHERE layer = 'recorder' AND {fact}",
                    "ungrow": (
                        f"DELETE FROM growing WHERE (camera, start_us) = (SELECT camera, start_us FROM growing {some})"
                    ),
                }[what]
            )


@settings(max_examples=examples(15, 700), deadline=None)
@given(st.lists(changes, max_size=25), steps, st.integers(1, 300))
def test_kept_days_never_change_an_answer(history: list[tuple[str, object]], start_us: int, hours: int) -> None:
    now_us = T0_US + 11 * DAY_US + 1
    end_us = start_us + hours * HOUR_US
    with catalogue() as database:
        with database.write() as conn:
            # Recorders always know a cause: the story of no camera ends before now.
            for key, _ in KEYS:
                conn.execute(
                    "INSERT INTO fact VALUES (?, 'recorder', 0, 1, 0, NULL, 'not_configured', '{}', 1)", (key,)
                )
        for what, value in [("refresh", None), *history]:
            change(database, what, value, now_us)
        for _ in range(2):
            with database.read() as conn:
                found = list(closed_days.figures(conn, KEYS, start_us, end_us, now_us=now_us))
                expected = [
                    reference(coverage(conn, camera, start_us, end_us, now_us=now_us), (start_us, end_us))[0]
                    for camera in CAMERAS
                ]
            assert found == expected
            closed_days.refresh(database, now_us=now_us)


def test_a_day_is_kept_and_marked_by_what_changes_it() -> None:
    now_us = T0_US + 5 * DAY_US + HOUR_US
    with catalogue() as database:
        with database.write() as conn:
            for key, _ in KEYS:
                add_fact(conn, (key, Cause.UNREACHABLE, T0_US, None, 1, 1))
        assert closed_days.refresh(database, now_us=now_us) == 15
        assert closed_days.refresh(database, now_us=now_us) == 0

        def dirty() -> list[tuple[int, int]]:
            with database.read() as conn:
                return [
                    tuple(row)
                    for row in conn.execute("SELECT camera, day - ? FROM coverage_day WHERE dirty > 0", (DAY,))
                ]

        with database.write() as conn:
            # The camera comes back now: what is over stays as it is.
            conn.execute("UPDATE fact SET end_us = ? WHERE camera = 1", (now_us,))
        assert dirty() == []
        with database.write() as conn:
            add_fact(conn, (2, Cause.DISABLED, T0_US + DAY_US, 30, 1, 1))
        assert dirty() == [(2, 1), (2, 2)]
        with database.write() as conn:
            add_span(conn, (3, T0_US + 3 * DAY_US, 1, 1, 1))
        assert dirty() == [(2, 1), (2, 2), (3, 3)]
        assert closed_days.refresh(database, now_us=now_us) == 3
        with database.write() as conn:
            add_growing(conn, 3, T0_US + 4 * DAY_US, 1)
        # Of a segment that grows nothing is kept.
        assert (closed_days.refresh(database, now_us=now_us), dirty()) == (0, [(3, 4)])


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", datetime(2026, 3, 29), 23),
        ("Europe/Berlin", datetime(2026, 10, 25), 25),
        ("Asia/Kathmandu", datetime(2026, 10, 25), 24),
        ("Asia/Jakarta", datetime(2026, 10, 25), 24),
    ],
)
def test_days_of_other_lengths_are_whole(zone: str, day: datetime, hours: int) -> None:
    edges = zoned_days(zone, day, 1)
    assert edges[1] - edges[0] == hours * HOUR_US
    with catalogue() as database:
        with database.write() as conn:
            for at in range(edges[0] // DAY_US, edges[1] // DAY_US + 1):
                conn.execute("INSERT INTO span VALUES (1, ?, 1, 1, ?, 1, 1, 1)", (at * DAY_US, (at + 1) * DAY_US))
                conn.execute(
                    "INSERT INTO fact VALUES (2, 'recorder', ?, 1, 1, ?, 'ended', '{}', 1)",
                    (at * DAY_US, (at + 1) * DAY_US),
                )
            add_fact(conn, (3, Cause.UNREACHABLE, 0, None, 1, 1))
        with database.read() as conn:
            now_us = edges[1] + DAY_US
            table = closed_days.figures_between(conn, KEYS, edges, now_us=now_us)
            assert table.figures(0) == Figures(recorded_us=hours * HOUR_US)
            # The recorder went from one record to the next at midnight: it is one outage.
            want = Figures(camera_us=hours * HOUR_US, outages=1, longest_us=hours * HOUR_US)
            assert table.figures(1) == want
            assert list(closed_days.figures(conn, KEYS, *edges, now_us=now_us))[1] == want


def test_batches_are_the_same_however_they_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    with catalogue() as database:
        with database.write() as conn:
            for number, camera in itertools.product(range(8), (1, 2, 3)):
                add_fact(conn, (camera, Cause.ENDED, T0_US + number * HOUR_US, 1, 1, 1))
        end_us = T0_US + DAY_US
        with database.read() as conn:
            whole = read_batch(conn, KEYS, T0_US, end_us, now_us=end_us)
            monkeypatch.setattr(fleet_coverage, "_FIRST_CAMERAS", 1)
            monkeypatch.setattr(fleet_coverage, "_ROWS", 1)
            cut = list(batches(conn, KEYS, T0_US, end_us, now_us=end_us, with_detail=True))
        assert [batch.cameras for batch in cut] == [["a"], ["b"], ["c"]]
        assert sum(len(batch.gaps) for batch in cut) == len(whole.gaps)
        assert all(detail.startswith(b"{") for batch in cut for detail in batch.detail)
        assert all(len(batch.detail) == len(batch.facts.camera) for batch in cut)


def test_every_cause_has_a_category() -> None:
    assert all(category(cause, cause.cause_class) for cause in Cause)
    assert category(Cause.UNKNOWN, Cause.UNKNOWN.cause_class) is Category.SERVER
