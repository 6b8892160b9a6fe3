"""The camera's own clock, from reports that the network delays to rows in the catalogue."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from nvr.recorder.clocks.camera_clock import CameraClock
from storage.catalogue import cameras, clock_samples, node
from storage.catalogue.clock_samples import Sample
from storage.catalogue.database import Database
from tests.recorder.run.test_pipeline import Rig
from tests.support.catalogues import new_catalogue

T0 = 1_800_000_000_000_000
S = 1_000_000


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = new_catalogue(tmp_path / "catalogue.sqlite")
    with made.write() as conn:
        node.this_node(conn, "n1")
        cameras.add(
            conn, camera="a", name="A", source="file", settings={}, labels={}, node="n1", epoch=1, at_us=T0
        )  # fmt: skip
    yield made
    made.close()


def listen(database: Database, seconds: int, offset_us: int, *, begin_s: int = 0, delay_us: int = 40_000) -> int:
    """A report every five seconds, delayed at random; how many samples it gave."""
    clock, dice, given = CameraClock("rtcp"), random.Random(1), 0
    for second in range(begin_s, begin_s + seconds, 5):
        arrived_us = T0 + second * S
        sample = clock.read(arrived_us, arrived_us + offset_us - dice.randrange(delay_us))
        if sample is not None:
            given += 1
            with database.write() as conn:
                clock_samples.record(conn, "a", sample, node="n1")
    return given


def rows(database: Database) -> list[Sample]:
    with database.read() as conn:
        return clock_samples.between(conn, "a", 0, 2 * T0)


def test_a_clock_that_keeps_time_is_one_row_however_long(database: Database) -> None:
    given = listen(database, 3600, -3_200_000, delay_us=15_000)
    assert given <= 61, "at most one a minute"
    listen(database, 600, -3_200_000, begin_s=4000, delay_us=15_000)
    (row,) = rows(database)
    assert (row.at_us, row.source) == (T0, "rtcp") and row.until_us > T0 + 4500 * S
    assert -3_220_000 < row.offset_us <= -3_200_000 and row.uncertainty_us <= 15_000


def test_drift_and_steps_are_rows_of_their_own(database: Database) -> None:
    clock = CameraClock("rtcp")
    for second in range(0, 3600, 5):
        # 50 ppm slow, and set right after half an hour.
        offset_us = -50 * second if second < 1800 else 0
        sample = clock.read(T0 + second * S, T0 + second * S + offset_us)
        if sample is not None:
            with database.write() as conn:
                clock_samples.record(conn, "a", sample, node="n1")
    found = rows(database)
    assert 4 <= len(found) <= 7
    for sample in found:
        middle_s = ((sample.at_us + sample.until_us) // 2 - T0) / S
        assert abs(sample.offset_us - (-50 * middle_s if middle_s < 1800 else 0)) < 30_000


def test_a_late_report_is_no_step_but_a_clock_set_back_is() -> None:
    clock = CameraClock("rtcp")
    assert clock.read(T0, T0) is not None
    assert clock.read(T0 + 5 * S, T0 + 2 * S) is None
    assert clock.read(T0 + 10 * S, T0 + 10 * S) is None
    set_back = [clock.read(T0 + n * S, T0 + n * S - 60 * S) for n in (15, 20, 25)]
    assert set_back[:2] == [None, None] and set_back[2] == Sample(T0 + 25 * S, T0 + 25 * S, -60 * S, 0, "rtcp")
    ahead = clock.read(T0 + 30 * S, T0 + 30 * S + 7 * S)
    assert ahead is not None and ahead.offset_us == 7 * S, "ahead can't be the network"


def test_questions_and_pruning(database: Database) -> None:
    for number in range(5):
        at_us = T0 + number * 7200 * S
        with database.write() as conn:
            clock_samples.record(conn, "a", Sample(at_us, at_us + 60 * S, number * S, 5, "prft"), node="n1")
    with database.read() as conn:
        assert [s.offset_us for s in clock_samples.between(conn, "a", T0 + 8000 * S, T0 + 15_000 * S)] == [S, 2 * S]
        latest = clock_samples.latest(conn, "a")
        assert latest is not None and latest.offset_us == 4 * S
        assert clock_samples.latest(conn, "nobody") is None
    with database.write() as conn:
        # There is no footage: what is older than a day goes.
        assert clock_samples.prune(conn, now_us=T0 + 86_400 * S + 8000 * S) == 2
    assert [s.offset_us for s in rows(database)] == [2 * S, 3 * S, 4 * S]


def test_a_recorder_stores_what_it_hears(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.pipeline.camera_clock(rig.realtime_us, rig.realtime_us - 3 * S, "rtcp")
    rig.done()
    assert [sample.offset_us for sample in rows(rig.database)] == [-3 * S]
    rig.database.close()
