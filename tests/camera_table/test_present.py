"""The fleet at a moment is what the partition of coverage says of its last instant."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvr.cameras.present import SILENT_US, CameraNow, present
from storage.catalogue import cameras, facts, node, segments, status
from storage.catalogue.database import Database
from storage.catalogue.segments import Init, Key
from storage.catalogue.status import Status
from storage.causes import Cause, Layer, is_required
from storage.coverage.figures import REQUIRED, category
from storage.coverage.fleet_partition import CAUSES, CLASSES
from storage.coverage.one_camera import coverage
from tests.nightly import examples

S = 1_000_000
T0 = 1_795_442_400 * S
INIT = Init("ab" * 32, b"\0\0\0\x08ftyp" * 8, "avc1.64001f", None, 1280, 720)
CAMERA = "gate"


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Database:
    made = Database(tmp_path_factory.mktemp("present") / "c.db")
    made.migrate()
    with made.write() as conn:
        node.this_node(conn, "n1")
        conn.execute("INSERT INTO root (id, path) VALUES ('r1', '/footage')")
        segments.put_init(conn, INIT)
        _add(conn)
    return made


def _add(conn: sqlite3.Connection) -> None:
    cameras.add(
        conn, camera=CAMERA, name="Gate", source="catalogue", settings={"url": "rtsp://h"}, labels={}, node="n1",
        epoch=1, at_us=T0 - 100 * S,
    )  # fmt: skip


def test_what_is_required_is_what_the_figures_count() -> None:
    for cause, cause_class in zip(CAUSES, CLASSES, strict=True):
        # Footage that went is outside of the figures, and no recorder's cause.
        if cause not in (Cause.PRUNED, Cause.DELETED, Cause.MISSING):
            assert (category(cause, cause_class) in REQUIRED) is is_required(cause), cause


_OUTAGES = [Cause.UNREACHABLE, Cause.STALLED, Cause.SERVER_DOWN, Cause.NOT_CONFIGURED, Cause.DISABLED]
_STORY = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.integers(1, 40), st.none()),
        st.tuples(st.just("lose"), st.integers(1, 40), st.sampled_from(_OUTAGES)),
    ),
    max_size=6,
)
_DECISIONS = st.lists(
    st.tuples(
        st.sampled_from([Cause.DISABLED, Cause.MAINTENANCE, Cause.SCHEDULE]), st.integers(-50, 200), st.integers(1, 90)
    ),
    max_size=3,
)


@settings(deadline=None, max_examples=examples(60, 3000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_STORY, _DECISIONS, st.booleans(), st.integers(0, 9))
def test_down_since_as_coverage_says_property(
    db: Database,
    story: list[tuple[str, int, Cause | None]],
    decisions: list[tuple[Cause, int, int]],
    pruned: bool,
    late: int,
) -> None:
    with db.write() as conn:
        for table in ("growing", "span", "fact", "run", "segment", "status", "camera"):
            conn.execute(f"DELETE FROM {table}")
        _add(conn)
        at_us, recording = T0, False
        facts.set_cause(conn, CAMERA, at_us, Cause.UNREACHABLE, {}, node="n1", epoch=1)
        for what, seconds, cause in story:
            if what == "record":
                key = Key(CAMERA, at_us, "n1", 1)
                segments.begin(conn, key, root="r1", init=INIT.id, run_start_us=at_us, timescale=90_000, media_start=0)
                facts.resume(conn, CAMERA, at_us)
                segments.finish(
                    conn, key, end_us=at_us + seconds * S, media_end=seconds * 90_000, frames=1, bytes_=1, sha256=None
                )
                if pruned:
                    facts.insert(conn, CAMERA, Cause.PRUNED, at_us, at_us + seconds * S, {}, node="n1", epoch=1)
                    conn.execute("DELETE FROM segment")
                    conn.execute("DELETE FROM span")
            else:
                assert cause is not None
                facts.set_cause(conn, CAMERA, at_us, cause, {"n": seconds}, node="n1", epoch=1)
            at_us, recording = at_us + seconds * S, what == "record"
        for cause, start, length in decisions:
            a = T0 + start * S
            facts.insert(conn, CAMERA, cause, a, a + length * S, {}, node="n1", epoch=1)
        now_us = at_us + late * S
        state = Status(
            CAMERA, "recording" if recording else "waiting", T0, None if recording else Cause.STALLED, updated_us=now_us
        )
        status.put(conn, [state])
    with db.read() as conn:
        (found,) = present(conn, now_us).values()
        told = coverage(conn, CAMERA, T0 - 200 * S, now_us, now_us=now_us)
    assert found.is_recording is recording
    # Contiguous gaps of outages up to now.
    since_us = now_us
    for gap in reversed(told.gaps):
        if gap.end_us != since_us or category(gap.cause, gap.cause_class) not in REQUIRED:
            break
        since_us = gap.start_us
    if any(T0 + start * S == now_us for _, start, _ in decisions):
        # It is in force from this moment on, of which coverage says nothing yet.
        assert not found.is_down
    elif told.as_of_us == now_us and since_us < now_us:
        assert (found.is_down, found.since_us) == (True, since_us)
        assert found.cause is told.gaps[-1].cause
    else:
        assert not found.is_down or found.since_us == now_us


def test_a_recorder_that_does_not_report(db: Database) -> None:
    with db.write() as conn:
        for table in ("growing", "span", "fact", "segment", "status", "camera"):
            conn.execute(f"DELETE FROM {table}")
        _add(conn)
        key = Key(CAMERA, T0, "n1", 1)
        segments.begin(conn, key, root="r1", init=INIT.id, run_start_us=T0, timescale=90_000, media_start=0)
        facts.resume(conn, CAMERA, T0)
        segments.grown(conn, key, T0 + 9 * S)
        status.put(conn, [Status(CAMERA, "recording", T0, recorded_until_us=T0 + 9 * S, updated_us=T0 + 10 * S)])

    def at(now_us: int) -> CameraNow:
        with db.read() as conn:
            return present(conn, now_us, [CAMERA])[CAMERA]

    assert at(T0 + 10 * S + SILENT_US).is_recording
    silent = at(T0 + 11 * S + SILENT_US)
    assert (silent.is_down, silent.since_us, silent.cause) == (True, T0 + 10 * S, None)
    assert "has not reported since" in str(silent.detail)
    # A decision counts at once, whatever the recorder says; nothing else is in the fleet.
    with db.write() as conn:
        facts.insert(
            conn, CAMERA, Cause.DISABLED, T0 + 5 * S, None, {"letter": "7"}, node="n1", epoch=1, layer=Layer.ORDER
        )
    decided = at(T0 + 12 * S)
    assert (decided.is_required, decided.is_recording, decided.since_us) == (False, True, T0 + 5 * S)
    with db.write() as conn:
        cameras.remove(conn, CAMERA, at_us=T0 + 13 * S)
    with db.read() as conn:
        assert present(conn, T0 + 14 * S) == {}
