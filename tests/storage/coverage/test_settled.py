"""When a range is over; and that what is asked for is always recorded, missing or not known yet, to the microsecond."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.catalogue import facts, segments
from storage.catalogue.database import Database
from storage.catalogue.segments import LONGEST_SEGMENT_US, Key
from storage.causes import Cause
from storage.coverage.one_camera import coverage
from storage.coverage.settled import unsettled
from storage.writing.rotation import boundary_after, stagger_us
from tests.nightly import IS_NIGHT
from tests.storage.world import CAMERA, NODE, T0_US
from tests.support.catalogues import new_catalogue

S = 1_000_000
SEGMENT_US = 300 * S


@pytest.fixture
def db(tmp_path: Path) -> Database:
    made = new_catalogue(tmp_path / "catalogue.sqlite")
    _set_up(made)
    return made


def _set_up(db: Database) -> None:
    with db.write() as conn:
        conn.execute("INSERT INTO node (id) VALUES (?)", (NODE,))
        conn.execute("INSERT INTO root (id, path) VALUES ('r1', '/footage')")
        conn.execute(
            "INSERT INTO camera (id, name, source, settings, labels, added_us, rev)"
            " VALUES (?, 'Gate', 'file', '{}', '{}', 0, 0)",
            (CAMERA,),
        )
        conn.execute(
            "INSERT INTO init (id, bytes, video_codec, audio_codec, width, height) VALUES ('i', x'00', 'a', NULL, 1, 1)"
        )


def begin(db: Database, start_us: int, epoch: int = 1) -> Key:
    key = Key(CAMERA, start_us, NODE, epoch)
    with db.write() as conn:
        segments.begin(conn, key, root="r1", init="i", run_start_us=start_us, timescale=1000, media_start=0)
    return key


def finish(db: Database, key: Key, end_us: int) -> None:
    with db.write() as conn:
        segments.finish(conn, key, end_us=end_us, media_end=1, frames=1, bytes_=1, sha256=None)


def waits(db: Database, end_us: int, now_us: int) -> int | None:
    with db.read() as conn:
        found = unsettled(conn, [CAMERA], end_us, now_us=now_us, segment_us=SEGMENT_US)
    return None if found is None else found.until_us


def test_not_the_clock_but_the_close_of_the_last_segment_ends_a_range(db: Database) -> None:
    end_us = T0_US + 100 * S
    key = begin(db, T0_US)
    with db.write() as conn:
        segments.grown(conn, key, T0_US + 200 * S)
    # The clock is past its end, and what was asked for is written: but the segment has no end, no hash, no name yet.
    expected = boundary_after(CAMERA, SEGMENT_US, end_us)
    found = waits(db, end_us, T0_US + 200 * S)
    assert found is not None
    assert expected <= found <= expected + 10 * S
    finish(db, key, T0_US + 250 * S)
    assert waits(db, end_us, T0_US + 200 * S) is None


def test_between_two_segments_the_range_is_not_over(db: Database) -> None:
    # The first is closed; what was recorded since has no row yet.
    finish(db, begin(db, T0_US), T0_US + 90 * S)
    assert waits(db, T0_US + 100 * S, T0_US + 101 * S) is not None
    with db.write() as conn:
        facts.set_cause(conn, CAMERA, T0_US + 90 * S, Cause.UNREACHABLE, {}, node=NODE, epoch=1)
    assert waits(db, T0_US + 100 * S, T0_US + 101 * S) is None


def test_a_range_to_come_waits_for_its_end(db: Database) -> None:
    with db.write() as conn:
        facts.set_cause(conn, CAMERA, T0_US, Cause.UNREACHABLE, {}, node=NODE, epoch=1)
    assert waits(db, T0_US + 100 * S, T0_US + 50 * S) == T0_US + 100 * S
    assert waits(db, T0_US + 100 * S, T0_US + 100 * S) is None


def test_what_a_crash_left_is_waited_for_until_it_is_adopted(db: Database) -> None:
    key = begin(db, T0_US, epoch=1)
    with db.write() as conn:
        segments.grown(conn, key, T0_US + 50 * S)
    after = begin(db, T0_US + 60 * S, epoch=2)
    finish(db, after, T0_US + 360 * S)
    with db.write() as conn:
        facts.set_cause(conn, CAMERA, T0_US + 360 * S, Cause.ENDED, {}, node=NODE, epoch=2)
    assert waits(db, T0_US + 100 * S, T0_US + 400 * S) is not None
    finish(db, key, T0_US + 52 * S)
    assert waits(db, T0_US + 100 * S, T0_US + 400 * S) is None


def test_a_camera_that_nobody_records_is_not_waited_for_for_ever(db: Database) -> None:
    finish(db, begin(db, T0_US), T0_US + 90 * S)
    assert waits(db, T0_US + 100 * S, T0_US + 101 * S) is not None
    assert waits(db, T0_US + 100 * S, T0_US + 91 * S + LONGEST_SEGMENT_US) is None


@given(at=st.integers(0, 1 << 52), duration_s=st.integers(1, 3600))
def test_boundaries_are_multiples_shifted_by_the_cameras_share(at: int, duration_s: int) -> None:
    boundary = boundary_after(CAMERA, duration_s * S, at)
    assert at < boundary <= at + duration_s * S
    assert (boundary - stagger_us(CAMERA, duration_s * S)) % (duration_s * S) == 0


times = st.integers(-50, 50).map(lambda tenths: T0_US + tenths * S // 10 + tenths % 3)


@settings(max_examples=2_000 if IS_NIGHT else 30, deadline=None)
@given(
    parts=st.lists(st.tuples(times, times), max_size=5),
    grows=st.none() | st.tuples(times, times),
    fact=st.none() | times,
    asked=st.tuples(times, times),
    now=times,
)
def test_recorded_missing_and_not_known_are_what_was_asked_for(
    parts: list[tuple[int, int]],
    grows: tuple[int, int] | None,
    fact: int | None,
    asked: tuple[int, int],
    now: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    start_us, end_us = min(asked), max(asked) + 1
    db = new_catalogue(tmp_path_factory.mktemp("sum") / "catalogue.sqlite", durable=False)
    _set_up(db)
    for number, (a, b) in enumerate(parts):
        finish(db, begin(db, min(a, b), epoch=number + 1), max(a, b) + 1)
    if grows is not None:
        key = begin(db, min(grows), epoch=90)
        with db.write() as conn:
            segments.grown(conn, key, max(grows))
    elif fact is not None:
        with db.write() as conn:
            facts.set_cause(conn, CAMERA, fact, Cause.UNREACHABLE, {}, node=NODE, epoch=90)
    with db.read() as conn:
        found = coverage(conn, CAMERA, start_us, end_us, now_us=now)
    assert found.recorded_us + found.missing_us + found.not_known_us == end_us - start_us
    assert min(found.recorded_us, found.missing_us, found.not_known_us) >= 0
    db.close()
