"""Orders, windows and schedules: whatever people decide and revoke, each moment is footage or has one cause, and
history stays."""

from __future__ import annotations

import random
import sqlite3
from typing import Any

import pytest

from nvr.orders import in_force, register
from nvr.orders import model as directives
from nvr.orders.carrying_out import carry_out, carry_out_slice, is_waiting
from nvr.orders.impact import impact, plan_hash
from nvr.orders.model import DirectiveError, DirectiveKind, Draft
from storage.catalogue import facts
from storage.causes import Cause, Layer
from storage.coverage.one_camera import Coverage, Gap
from storage.intervals import DAY_US, SECOND_US, Interval, merge, subtract
from tests.storage import mp4
from tests.storage.world import CAMERA, NODE, T0_US, World, add_camera, assert_partition
from tests.support.people import person
from tests.support.unexplained import unknown_gaps

S = SECOND_US
OTHER = "other"


def order(start_us: int, letter: str = "800/17", **more: Any) -> Draft:
    return Draft(
        kind=DirectiveKind.ORDER, reason="efficiency", letter=letter, approver="Head", start_us=start_us, **more
    )


def enter(world: World, draft: Draft, now_us: int, *cameras: str) -> directives.Directive:
    with world.database.write() as conn:
        return register.add(conn, draft, cameras or (CAMERA,), node_id=NODE, by=person("test"), now_us=now_us)


def revoke(world: World, id_: str, now_us: int, **more: Any) -> directives.Revocation:
    with world.database.write() as conn:
        return register.revoke(conn, id_, reason="mayor", by=person("test"), now_us=now_us, **more)


def fact(world: World, at_us: int, cause: Cause, camera: str = CAMERA) -> None:
    with world.database.write() as conn:
        facts.set_cause(conn, camera, at_us, cause, {"error": "x"}, node=NODE, epoch=1)


def told(answer: Coverage) -> list[tuple[int, int, Cause]]:
    return [(g.start_us, g.end_us, g.cause) for g in answer.gaps]


def test_an_order_entered_late_is_seen_to_be_and_footage_stays(world: World) -> None:
    fact(world, T0_US, Cause.UNREACHABLE)
    with world.database.write() as conn:
        facts.resume(conn, CAMERA, T0_US + 10 * S)
    path = world.part(T0_US + 10 * S, range(4), final_name=True, enter=True)
    assert path.exists()
    end_us = T0_US + 10 * S + 4 * mp4.FRAGMENT_US
    fact(world, end_us, Cause.STALLED)
    now_us = end_us + 20 * S
    made = enter(world, order(T0_US + 5 * S), now_us)
    answer = world.coverage(T0_US, now_us + S, now_us + S)
    assert_partition(answer)
    assert list(answer.spans) == [Interval(T0_US + 10 * S, end_us)]
    assert told(answer) == [
        (T0_US, T0_US + 5 * S, Cause.UNREACHABLE),
        (T0_US + 5 * S, T0_US + 10 * S, Cause.DISABLED),
        (end_us, now_us + S, Cause.DISABLED),
    ]
    assert answer.gaps[1].detail["original_cause"] == "unreachable"
    assert answer.gaps[2].detail["original_cause"] == "stalled"
    assert answer.gaps[1].detail["order"] == made.id and answer.gaps[1].detail["letter"] == "800/17"
    assert "entered" in answer.gaps[1].detail, "that it was entered afterwards is in the gap"
    assert "original_cause" not in answer.gaps[0].detail


def test_an_order_in_time_has_no_other_cause_beside_it(world: World) -> None:
    enter(world, order(T0_US), T0_US - S)
    fact(world, T0_US, Cause.DISABLED)  # what the recorder says when it was told to stop
    (gap,) = world.coverage(T0_US, T0_US + 9 * S, T0_US + 9 * S).gaps
    assert gap.cause is Cause.DISABLED and gap.fact is not None and gap.fact.layer is Layer.ORDER
    assert "original_cause" not in gap.detail and "entered" not in gap.detail


def test_until_the_camera_is_back_the_gap_stays_the_orders(world: World) -> None:
    made = enter(world, order(T0_US), T0_US - S)
    fact(world, T0_US, Cause.DISABLED)
    revoke(world, made.id, T0_US + 10 * S)
    answer = world.coverage(T0_US, T0_US + 12 * S, T0_US + 12 * S)
    assert {gap.cause for gap in answer.gaps} == {Cause.DISABLED}
    fact(world, T0_US + 13 * S, Cause.UNREACHABLE)
    answer = world.coverage(T0_US, T0_US + 20 * S, T0_US + 20 * S)
    assert told(answer)[-1] == (T0_US + 13 * S, T0_US + 20 * S, Cause.UNREACHABLE)


def test_overlapping_orders_and_which_is_named(world: World) -> None:
    fact(world, T0_US, Cause.DISABLED)
    first = enter(world, order(T0_US), T0_US)
    second = enter(world, order(T0_US, "second"), T0_US)
    assert len([f for f in world.facts() if f.layer is Layer.ORDER]) == 2, "two orders of one start are two facts"
    revoke(world, second.id, T0_US + 10 * S)
    with world.database.read() as conn:
        assert in_force.off(conn, T0_US + 11 * S)[CAMERA].detail["order"] == first.id
        assert in_force.next_change_us(conn, T0_US) == T0_US + 10 * S
    a, b = world.coverage(T0_US, T0_US + 20 * S, T0_US + 20 * S).gaps
    assert (a.detail["order"], a.detail["also"][0]["order"]) == (second.id, first.id)
    assert b.detail["order"] == first.id and "also" not in b.detail
    revoke(world, first.id, T0_US + 20 * S)
    with world.database.read() as conn:
        assert in_force.off(conn, T0_US + 20 * S) == {}


def test_revoking_in_part_then_as_a_whole(world: World) -> None:
    with world.database.write() as conn:
        add_camera(conn, OTHER)
    made = enter(world, order(T0_US), T0_US, CAMERA, OTHER)
    part = revoke(world, made.id, T0_US + S, cameras=[OTHER], letter="800/18", letter_date="2026-10-09")
    with world.database.read() as conn:
        assert set(in_force.off(conn, T0_US + 2 * S)) == {CAMERA}
        found = directives.find(conn, made.id)
        assert found is not None and (found.cameras, found.left) == (2, 1)
    whole = revoke(world, made.id, T0_US + 3 * S)
    with world.database.read() as conn:
        assert [r.id for r in directives.revocations(conn, made.id)] == [part.id, whole.id]
        assert {r.directive for r in directives.revocations(conn, made.id)} == {made.id}
        assert {m.camera: m.revocation for m in directives.cameras_of(conn, made.id)} == {
            OTHER: part.id,
            CAMERA: whole.id,
        }
    with pytest.raises(DirectiveError, match="revoked for all"):
        revoke(world, made.id, T0_US + 4 * S)


def test_an_order_of_the_future_revoked_before_leaves_no_trace_in_the_gaps(world: World) -> None:
    made = enter(world, order(T0_US + 100 * S), T0_US)
    with world.database.read() as conn:
        assert in_force.off(conn, T0_US + 99 * S) == {}
        assert CAMERA in in_force.off(conn, T0_US + 100 * S)
    revoke(world, made.id, T0_US + 50 * S)
    with world.database.read() as conn:
        assert in_force.off(conn, T0_US + 200 * S) == {}
        assert len(directives.revocations(conn, made.id)) == 1


def test_an_expected_end_ends_nothing(world: World) -> None:
    enter(world, order(T0_US, expected_end_us=T0_US + S), T0_US)
    with world.database.read() as conn:
        assert CAMERA in in_force.off(conn, T0_US + DAY_US)


def test_a_maintenance_window_explains_gaps_and_stops_nothing(world: World) -> None:
    draft = Draft(kind=DirectiveKind.MAINTENANCE, reason="fibre", start_us=T0_US + 5 * S, end_us=T0_US + 15 * S)
    enter(world, draft, T0_US)
    fact(world, T0_US, Cause.UNREACHABLE)
    answer = world.coverage(T0_US, T0_US + 20 * S, T0_US + 20 * S)
    assert told(answer) == [
        (T0_US, T0_US + 5 * S, Cause.UNREACHABLE),
        (T0_US + 5 * S, T0_US + 15 * S, Cause.MAINTENANCE),
        (T0_US + 15 * S, T0_US + 20 * S, Cause.UNREACHABLE),
    ]
    assert answer.gaps[1].detail["original_cause"] == "unreachable"
    with world.database.read() as conn:
        assert in_force.off(conn, T0_US + 6 * S) == {}
    enter(world, order(T0_US), T0_US + 20 * S)
    assert {g.cause for g in world.coverage(T0_US, T0_US + 20 * S, T0_US + 20 * S).gaps} == {Cause.DISABLED}


def test_a_schedule_is_written_ahead_again_and_again(world: World) -> None:
    draft = Draft(
        kind=DirectiveKind.SCHEDULE, reason="school", hours="mon-sun 06:00-18:00", zone="Asia/Jakarta", start_us=T0_US
    )
    made = enter(world, draft, T0_US)
    fact(world, T0_US, Cause.SCHEDULE)
    # A server that was down for three weeks.
    now_us = T0_US + 21 * DAY_US
    with world.database.write() as conn:
        assert register.extend_schedules(conn, node_id=NODE, now_us=now_us) == 1
        assert register.extend_schedules(conn, node_id=NODE, now_us=now_us) == 0
    written = [Interval(f.start_us, f.end_us or 0) for f in world.facts() if f.layer is Layer.ORDER]
    assert sum(b - a for a, b in written if b <= now_us) == pytest.approx(21 * DAY_US / 2, abs=DAY_US / 2)
    assert merge(written) == sorted(written), "no two abut: a night is one fact"
    revoke(world, made.id, now_us)
    with world.database.write() as conn:
        assert register.extend_schedules(conn, node_id=NODE, now_us=now_us + 30 * DAY_US) == 0
        assert in_force.next_change_us(conn, now_us) is None


def test_a_decision_about_thousands_is_whole_at_once_and_takes_effect_slice_by_slice(world: World) -> None:
    """Killed between two slices, whoever looks next writes the rest; nothing of it is revoked before."""
    ids = [f"many-{n:03}" for n in range(450)]
    with world.database.write() as conn:
        for id_ in ids:
            add_camera(conn, id_)
    made = enter(world, order(T0_US), T0_US, *ids)
    assert (made.cameras, made.left) == (450, 450)

    def off() -> int:
        with world.database.read() as conn:
            return len(in_force.off(conn, T0_US))

    assert off() == 0
    with pytest.raises(DirectiveError, match="just now"):
        revoke(world, made.id, T0_US + S)
    with world.database.write() as conn:
        carry_out_slice(conn)
        before = in_force.version(conn)
    assert 0 < off() < 450
    carry_out(world.database)
    assert off() == 450
    with world.database.read() as conn:
        assert in_force.version(conn) > before, "recorders are told of each slice"
        assert [m.camera for m in directives.cameras_of(conn, made.id)] == ids
    half = revoke(world, made.id, T0_US + S, cameras=ids[:225])
    assert half.cameras == 225
    rest = revoke_after(world, made.id, T0_US + 2 * S)
    assert rest.cameras == 225
    with world.database.read() as conn:
        assert in_force.off(conn, T0_US + 3 * S) == {}
        assert in_force.next_change_us(conn, T0_US + 3 * S) is None
        assert not is_waiting(conn)


def revoke_after(world: World, id_: str, now_us: int) -> directives.Revocation:
    carry_out(world.database)
    done = revoke(world, id_, now_us)
    carry_out(world.database)
    return done


def test_what_cannot_be(world: World) -> None:
    for draft, match in (
        (Draft(kind=DirectiveKind.ORDER, reason=" ", start_us=1), r"reason.*letter.*approver"),
        (order(10, expected_end_us=5, letter_date="6 October"), r"letter_date.*expected_end"),
        (Draft(kind=DirectiveKind.MAINTENANCE, reason="x", start_us=1), "end: a maintenance window needs one"),
        (Draft(kind=DirectiveKind.SCHEDULE, reason="x", start_us=1, hours="always", zone="UTC"), "hours: 'always'"),
        (Draft(kind=DirectiveKind.SCHEDULE, reason="x", start_us=1, hours="mon 00:00-24:00", zone="UTC"), "past"),
        (order(10, attachment="0" * 64), "no such file"),
    ):
        with pytest.raises(DirectiveError, match=match):
            enter(world, draft, T0_US)
    with pytest.raises(KeyError):
        enter(world, order(T0_US), T0_US, "nobody")
    made = enter(world, order(T0_US), T0_US)
    for more, match in (
        ({"cameras": [OTHER]}, "not under it"),
        ({"start_us": T0_US - 1}, "in the past"),
        ({"cameras": []}, "none are named"),
    ):
        with pytest.raises(DirectiveError, match=match):
            revoke(world, made.id, T0_US, **more)
    with pytest.raises(sqlite3.IntegrityError, match="never deleted"), world.database.write() as conn:
        conn.execute("DELETE FROM directive")
    with pytest.raises(sqlite3.IntegrityError, match="never changed"), world.database.write() as conn:
        conn.execute("UPDATE directive SET start_us = 0")


def test_impact(world: World) -> None:
    with world.database.write() as conn:
        add_camera(conn, OTHER)
    enter(world, order(T0_US), T0_US, OTHER)
    draft = order(T0_US + 3600 * S, "b", expected_end_us=T0_US + 5 * 3600 * S)
    with world.database.read() as conn:
        found = impact(conn, draft, [CAMERA, OTHER], now_us=T0_US)
        assert found.lost_us == 4 * 3600 * S, "one of the two is disabled already"
        assert (found.disabled_before, len(found.other_directives)) == (1, 1)
        # Entered late, only what is still to come is lost.
        assert impact(conn, draft, [CAMERA], now_us=T0_US + 4 * 3600 * S).lost_us == 3600 * S
        assert impact(conn, order(T0_US), [CAMERA], now_us=T0_US).lost_us is None
    assert plan_hash(draft, ["a", "b"], start_is_now=False) == plan_hash(draft, ["b", "a"], start_is_now=False)
    assert plan_hash(draft, ["a"], start_is_now=False) != plan_hash(draft, ["a", "b"], start_is_now=False)


class History:
    """Random decisions over a camera that records and fails. ``decided`` is what the reference knows: kind and
    effective interval."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random, self.now = world, random.Random(seed), T0_US
        self.footage: list[Interval] = []
        self.decided: list[tuple[str, DirectiveKind, int, int | None]] = []
        self.own: list[tuple[int, Cause]] = [(0, Cause.NOT_CONFIGURED)]
        self.revoked: set[str] = set()

    def record(self) -> None:
        count = self.random.randint(1, 3)
        with self.world.database.write() as conn:
            facts.resume(conn, CAMERA, self.now)
        self.world.part(self.now, range(count), final_name=True, enter=True)
        self.footage.append(Interval(self.now, self.now + count * mp4.FRAGMENT_US))
        self.now += count * mp4.FRAGMENT_US
        cause = self.random.choice([Cause.STALLED, Cause.ENDED, Cause.DISABLED, Cause.SCHEDULE])
        fact(self.world, self.now, cause)
        self.own.append((self.now, cause))
        self.now += self.random.choice([1, S, 7 * S])

    def fail(self) -> None:
        cause = self.random.choice([Cause.UNREACHABLE, Cause.REJECTED, Cause.DISABLED])
        fact(self.world, self.now, cause)
        self.own.append((self.now, cause))
        self.now += self.random.choice([1, S, 7 * S])

    def decide(self) -> None:
        start = self.now + self.random.choice([-9 * S, -S, 0, 0, S, 9 * S])
        end = self.random.choice([None, start + 1, start + 4 * S, start + 12 * S])
        if self.random.random() < 0.5:
            draft = order(start, end_us=end)
        else:
            end = end or start + 5 * S
            draft = Draft(kind=DirectiveKind.MAINTENANCE, reason="m", start_us=start, end_us=end)
        made = enter(self.world, draft, self.now)
        self.decided.append((made.id, draft.kind, start, end))

    def revoke(self) -> None:
        at = self.now + self.random.choice([0, 0, 3 * S])
        for i, (id_, kind, a, b) in enumerate(self.decided):
            if (b is None or b > at) and id_ not in self.revoked:
                self.revoked.add(id_)
                revoke(self.world, id_, self.now, start_us=at)
                self.decided[i] = (id_, kind, a, max(at, a))
                return

    def step(self) -> None:
        self.random.choice([self.record, self.fail, self.decide, self.revoke])()

    def cause_at(self, at: int) -> Cause:
        holding = {kind for _, kind, a, b in self.decided if a <= at and (b is None or at < b)}
        if DirectiveKind.ORDER in holding:
            return Cause.DISABLED
        if DirectiveKind.MAINTENANCE in holding:
            return Cause.MAINTENANCE
        return [cause for start, cause in self.own if start <= at][-1]

    def check(self) -> None:
        start = T0_US + self.random.choice([-S, 0, 3 * S])
        answer = self.world.coverage(start, max(start + 1, self.now + S), self.now)
        assert_partition(answer)
        assert list(answer.spans) == merge(
            Interval(max(a, start), min(b, answer.as_of_us)) for a, b in self.footage if b > start
        )
        assert merge(Interval(g.start_us, g.end_us) for g in answer.gaps) == merge(
            subtract(answer.start_us, answer.as_of_us, list(answer.spans))
        )
        for gap in answer.gaps:
            for at in {gap.start_us, gap.end_us - 1, (gap.start_us + gap.end_us) // 2}:
                assert gap.cause is self.cause_at(at), (gap, at)
            self.check_beside(gap)

    def check_beside(self, gap: Gap) -> None:
        own = {
            cause.value
            for (a, cause), b in zip(self.own, [*(at for at, _ in self.own[1:]), self.now], strict=True)
            if max(a, gap.start_us) < min(b, gap.end_us)
        }
        decided = gap.fact is not None and gap.fact.layer is Layer.ORDER
        assert {c["cause"] for c in gap.detail.get("original_causes", [])} == (
            own - {gap.cause.value} if decided else set()
        )


@pytest.mark.parametrize("seed", range(40))
def test_any_history_of_decisions_is_accounted_for(world: World, seed: int) -> None:
    history = History(world, seed)
    begun: dict[int, int] = {}
    for _ in range(20):
        history.step()
        history.check()
        now = {f.epoch: f.start_us for f in world.facts() if f.layer is Layer.ORDER}
        assert all(now.get(epoch) == start for epoch, start in begun.items()), (
            "a decision that had begun was taken back"
        )
        begun = {epoch: start for epoch, start in now.items() if start < history.now}
    with world.database.read() as conn:
        assert unknown_gaps(conn, T0_US - S, history.now, now_us=history.now) == 0
