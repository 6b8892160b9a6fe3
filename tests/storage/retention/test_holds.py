"""Holds: exact to the segment, and fenced in the database itself."""

from __future__ import annotations

import random
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.catalogue import segments
from storage.catalogue.segments import Key
from storage.causes import Cause
from storage.intervals import DAY_US
from storage.retention import deleting as garbage
from storage.retention import held_bytes, holds
from storage.retention.candidates import load, policies
from storage.retention.holds import HoldError
from storage.retention.plan import plan
from storage.retention.policies import Policy, Rules
from tests.storage import mp4
from tests.storage.retention.test_deletion import make
from tests.storage.world import CAMERA, NODE, T0_US, World, assert_consistent
from tests.support.people import person

S = 1_000_000
NOW_US = T0_US + 600 * S


def place(world: World, start_us: int, end_us: int) -> holds.Hold:
    with world.database.write() as conn:
        return holds.place(conn, CAMERA, start_us, end_us, reason=" case 7 ", by=person("ines"), now_us=NOW_US)


def key(number: int) -> Key:
    return Key(CAMERA, T0_US + number * S, NODE, 1)


def left(world: World) -> list[int]:
    with world.database.read() as conn:
        return [(s.key.start_us - T0_US) // S for s in segments.between(conn, CAMERA, 0, NOW_US)]


def test_a_segment_that_a_hold_touches_stays_and_its_neighbours_go(world: World) -> None:
    make(world, 5)
    # [1 s, 3 s): segments 1 and 2 and no microsecond more.
    hold = place(world, T0_US + S, T0_US + 3 * S)
    with world.database.read() as conn:
        assert held_bytes.held(conn, hold)[0] == 2
        assert holds.active(conn) == {CAMERA: [(T0_US + S, T0_US + 3 * S)]}
    with world.database.write() as conn:
        garbage.discard(conn, [key(n) for n in range(5)], cause=Cause.PRUNED, detail={}, now_us=NOW_US)
    garbage.sweep(world.database)
    assert left(world) == [1, 2] and len(world.files_on_disk()) == 2
    assert_consistent(world)
    with world.database.write() as conn:
        ended = holds.release(conn, hold.id, reason="closed", by=person("anna"), now_us=NOW_US + 1)
        assert holds.list_all(conn) == [ended]
        assert (ended.reason, ended.released_by, ended.release_reason) == ("case 7", "anna", "closed")
        garbage.discard(conn, [key(1)], cause=Cause.PRUNED, detail={}, now_us=NOW_US)
    assert left(world) == [2]


def test_the_database_itself_refuses(world: World) -> None:
    make(world, 3)
    hold = place(world, T0_US + S + 1, T0_US + S + 2)
    conn = sqlite3.connect(world.database.path)
    for statement in (
        "DELETE FROM segment",
        f"DELETE FROM segment WHERE start_us = {T0_US + S}",
        f"UPDATE segment SET end_us = NULL WHERE start_us = {T0_US + S}",
        f"UPDATE segment SET start_us = 0 WHERE start_us = {T0_US + S}",
        "DELETE FROM hold",
        "UPDATE hold SET end_us = end_us + 1",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="hold"):
            conn.execute(statement)
        conn.rollback()
    conn.execute(f"DELETE FROM segment WHERE start_us = {T0_US}")
    conn.rollback()
    conn.close()
    assert left(world) == [0, 1, 2]
    with world.database.write() as conn:
        holds.release(conn, hold.id, reason="x", by=person("y"), now_us=NOW_US)
        conn.execute("DELETE FROM segment")


def test_growing_segments_are_not_fenced(world: World) -> None:
    """A start must be able to close, adopt or give up what was being written."""
    make(world, 1)
    world.part(T0_US + S, [2, 3])
    world.part(T0_US + 2 * S, [4, 5]).unlink()
    place(world, T0_US, T0_US + 10 * S)
    report = world.reconcile(NOW_US)
    assert (report.adopted, report.missing) == (1, 1)
    assert left(world) == [0, 1]
    assert_consistent(world)


@given(st.integers(0, 12), st.integers(0, 5), st.lists(st.tuples(st.integers(0, 15), st.integers(1, 5)), max_size=3))
def test_touches_is_overlap(start: int, length: int, held: list[tuple[int, int]]) -> None:
    ranges = [(a, a + b) for a, b in held]
    instants = set(range(start, start + length)) or {start}
    assert holds.touches(start, start + length, ranges) == any(instants & set(range(a, b)) for a, b in ranges)


def test_a_hold_needs_a_range_a_reason_and_a_camera(world: World) -> None:
    with world.database.write() as conn:
        with pytest.raises(HoldError, match="empty"):
            holds.place(conn, CAMERA, 5, 5, reason="x", by=person("y"), now_us=1)
        with pytest.raises(HoldError, match="reason"):
            holds.place(conn, CAMERA, 5, 6, reason=" ", by=person("y"), now_us=1)
        with pytest.raises(KeyError):
            holds.place(conn, "nobody", 5, 6, reason="x", by=person("y"), now_us=1)
        with pytest.raises(KeyError):
            holds.release(conn, "0", reason="x", by=person("y"), now_us=1)
        hold = holds.place(conn, CAMERA, 5, 6, reason="x", by=person("y"), now_us=1)
        with pytest.raises(HoldError, match="reason"):
            holds.release(conn, hold.id, reason="", by=person("y"), now_us=1)
        holds.release(conn, hold.id, reason="x", by=person("y"), now_us=1)
        with pytest.raises(HoldError, match="before"):
            holds.release(conn, hold.id, reason="x", by=person("y"), now_us=1)
        assert holds.active(conn) == {}


def test_what_holds_keep_is_counted_from_spans_as_from_segments(world: World) -> None:
    """Over midnights, gaps, overlapping recorders and the edges of the ranges."""
    chance = random.Random(9)
    midnight_us = (T0_US // DAY_US + 1) * DAY_US
    init = mp4.init()
    with world.database.write() as conn:
        segments.put_init(conn, init)
        for epoch in (1, 2):
            at_us = midnight_us - 300 * S + epoch * 7 * S
            for _ in range(60):
                run = Key(CAMERA, at_us, NODE, epoch)
                segments.begin_run(conn, run)
                segments.begin(
                    conn, run, root=world.root.id, init=init.id, run_start_us=at_us, timescale=1000, media_start=0
                )
                end_us = at_us + chance.randrange(1, 20) * S
                segments.finish(
                    conn, run, end_us=end_us, media_end=1, frames=1, bytes_=chance.randrange(1, 1000), sha256=None
                )
                at_us = end_us + chance.choice((0, 0, 0, 5 * S))
        key_ = conn.execute("SELECT key FROM camera WHERE id = ?", (CAMERA,)).fetchone()[0]
        every = segments.between(conn, CAMERA, 0, midnight_us + DAY_US)
        for _ in range(200):
            wide = chance.choice((1, 400))
            cuts = sorted(
                midnight_us + chance.randrange(-400, 400) * S * wide + chance.choice((0, 1)) for _ in range(4)
            )
            ranges = [(a, b) for a, b in (cuts[:2], cuts[2:]) if a < b]
            if len(ranges) == 2 and ranges[0][1] == ranges[1][0]:
                continue
            expected = sum(s.bytes for s in every if holds.touches(s.key.start_us, s.end_us, ranges))
            assert held_bytes.bytes_in(conn, key_, ranges) == expected, ranges


def test_what_is_held_takes_no_room_of_max_bytes(world: World) -> None:
    """Ten segments, of which the first five are held, and room for five: it used to cost the five newest."""
    make(world, 10)
    with world.database.read() as conn:
        rows = segments.between(conn, CAMERA, 0, NOW_US)
    most = sum(row.bytes for row in rows[5:])
    rules = Rules(Policy(max_bytes=most))

    def goes() -> tuple[list[int], dict[str, int]]:
        with world.database.read() as conn:
            planned = plan(load(conn, policies(conn, rules), now_us=NOW_US), [], now_us=NOW_US)
        return [(d.candidate.key.start_us - T0_US) // S for d in planned.deletions], dict(planned.beyond)

    assert goes() == ([0, 1, 2, 3, 4], {})
    hold = place(world, T0_US, T0_US + 5 * S)
    assert goes() == ([], {CAMERA: sum(row.bytes for row in rows[:5])})
    with world.database.write() as conn:
        holds.release(conn, hold.id, reason="closed", by=person("anna"), now_us=NOW_US)
    assert goes() == ([0, 1, 2, 3, 4], {}), "released, the oldest go"
