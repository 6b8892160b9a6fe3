"""Decisions against a slow evaluator that knows nothing of intervals: it asks for each moment and each grant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.access.decide import Outcome
from nvr.access.model import ALL_FOOTAGE, Closure, FootageKind, Grant, GrantedFootage, LabelledCamera
from nvr.access.roles import BUILT_IN, FOOTAGE, RANGED, AccessAction, Role, nearest_role
from storage.catalogue.selection import parse
from storage.intervals import Interval
from tests.support.grants import decide

# Small numbers, so that edges meet.
TIMES = st.integers(0, 12)
CAMERAS = [
    LabelledCamera("gate", {"district": "Tengah", "isp": "A"}),
    LabelledCamera("yard", {"district": "Timur"}),
    LabelledCamera("hall", {}),
]
QUERIES = ["*", "district=Tengah", "district!=Tengah", "isp", "!isp", "id=gate|hall", "id=gate,isp=B"]


@st.composite
def footages(draw: st.DrawFn) -> GrantedFootage:
    kind = draw(st.sampled_from(FootageKind))
    if kind is FootageKind.LAST:
        return GrantedFootage(kind, last_us=draw(st.integers(1, 6)))
    if kind is FootageKind.RANGE:
        start_us = draw(TIMES)
        return GrantedFootage(kind, start_us=start_us, end_us=start_us + draw(st.integers(1, 6)))
    return GrantedFootage(kind)


@st.composite
def grants(draw: st.DrawFn) -> Grant:
    return Grant(
        draw(st.sampled_from(["a", "b", "c"])),
        "user-1",
        "some",
        draw(st.frozensets(st.sampled_from(AccessAction), max_size=5)),
        parse(draw(st.sampled_from(QUERIES))),
        draw(footages()),
        draw(TIMES),
        draw(st.none() | TIMES),
        "why",
        sees_closed=draw(st.booleans()),
        revoked_us=draw(st.none() | st.just(3)),
    )


@st.composite
def closures(draw: st.DrawFn) -> Closure:
    start_us, end_us = draw(st.none() | TIMES), draw(st.none() | TIMES)
    if start_us is not None and end_us is not None and end_us <= start_us:
        end_us = start_us + 1
    return Closure("x", "gate", start_us, end_us, "why", draw(TIMES), draw(st.none() | TIMES))


def plain(
    found: Sequence[Grant],
    camera: LabelledCamera,
    shut: Sequence[Closure],
    now_us: int,
    action: AccessAction,
    asked: Interval | None,
) -> tuple[Outcome, list[int]]:
    """What may be had, moment by moment."""
    mine = []
    for grant in found:
        ended = grant.until_us is not None and grant.until_us <= now_us
        holds = grant.revoked_us is None and grant.from_us <= now_us and not ended and grant.actions
        if holds and grant.cameras.has(camera.id, camera.labels):
            mine.append(grant)
    if not mine:
        return Outcome.HIDDEN, []
    able = [grant for grant in mine if action in grant.actions]
    if not able:
        return Outcome.FORBIDDEN, []
    if action not in RANGED or asked is None:
        return Outcome.ALLOWED, []
    seen, within = [], False
    for at_us in range(*asked):
        closed = False
        for one in shut:
            in_force = one.since_us <= now_us and (one.until_us is None or now_us < one.until_us)
            after = one.start_us is None or one.start_us <= at_us
            before = one.end_us is None or at_us < one.end_us
            closed = closed or (in_force and after and before)
        may = False
        for grant in able:
            footage = grant.footage
            shown = {
                FootageKind.ALL: True,
                FootageKind.LIVE: at_us >= now_us,
                FootageKind.LAST: at_us >= now_us - footage.last_us,
                FootageKind.RANGE: footage.start_us <= at_us < footage.end_us,
            }[footage.kind]
            within = within or shown
            may = may or (shown and (grant.sees_closed or not closed or action not in FOOTAGE))
        if may:
            seen.append(at_us)
    if not seen:
        return (Outcome.CLOSED if within else Outcome.OUTSIDE), []
    return (Outcome.ALLOWED if len(seen) == asked.end_us - asked.start_us else Outcome.CUT), seen


@settings(max_examples=400, deadline=None)
@given(
    found=st.lists(grants(), max_size=4),
    camera=st.sampled_from(CAMERAS),
    shut=st.lists(closures(), max_size=3),
    now_us=TIMES,
    action=st.sampled_from(AccessAction),
    start_us=TIMES,
    length_us=st.integers(1, 10),
)
def test_decisions_are_those_of_the_plain_evaluator_property(
    found: list[Grant],
    camera: LabelledCamera,
    shut: list[Closure],
    now_us: int,
    action: AccessAction,
    start_us: int,
    length_us: int,
) -> None:
    asked = Interval(start_us, start_us + length_us)
    decision = decide(found, camera, shut, now_us=now_us, action=action, asked=asked)
    outcome, seen = plain(found, camera, shut, now_us, action, asked)
    assert decision.outcome is outcome
    if action in RANGED:
        assert [at_us for part in decision.ranges for at_us in range(*part)] == seen
    for grant in decision.grants if decision.allowed else ():
        alone = decide([grant], camera, shut, now_us=now_us, action=action, asked=asked)
        assert alone.allowed, "what is named as the reason is one"
    if decision.outcome is Outcome.CUT:
        missing = set(range(*asked)) - set(seen)
        taken = {at for one in decision.closures for at in range(*asked) if one.range[0] <= at < one.range[1]}
        assert taken & missing or not decision.closures


@settings(max_examples=200, deadline=None)
@given(
    found=st.lists(grants(), max_size=4),
    more=grants(),
    camera=st.sampled_from(CAMERAS),
    shut=st.lists(closures(), max_size=3),
    now_us=TIMES,
    action=st.sampled_from(AccessAction),
)
def test_one_grant_more_never_takes_anything_away_property(**drawn: Any) -> None:
    more, found = drawn.pop("more"), drawn.pop("found")
    camera, shut = drawn.pop("camera"), drawn.pop("shut")
    asked = Interval(0, 12)
    before = decide(found, camera, shut, asked=asked, **drawn)
    after = decide([*found, more], camera, shut, asked=asked, **drawn)
    have = {at for part in before.ranges for at in range(*part)}
    assert have <= {at for part in after.ranges for at in range(*part)}
    assert after.allowed or not before.allowed


def grant(role: Role, footage: GrantedFootage = ALL_FOOTAGE, **more: Any) -> Grant:
    return Grant("grant-1", "user-1", role, BUILT_IN[role], parse("*"), footage, 0, None, "why", **more)


def test_who_sees_live_only_sees_nothing_that_is_past() -> None:
    mine = [grant(Role.VIEWER, GrantedFootage(FootageKind.LIVE))]
    asks = {"camera": CAMERAS[0], "closures": (), "now_us": 100}
    assert decide(mine, action=AccessAction.LIVE, **asks).outcome is Outcome.ALLOWED  # type: ignore[arg-type]
    past = decide(mine, action=AccessAction.PLAYBACK, asked=Interval(10, 100), **asks)  # type: ignore[arg-type]
    assert past.outcome is Outcome.OUTSIDE


def test_what_is_closed_is_said_to_be_and_seen_by_who_is_named() -> None:
    shut = [Closure("closure-1", "gate", 20, 30, "a home", 50, None)]
    asked = Interval(10, 40)
    cut = decide([grant(Role.VIEWER)], CAMERAS[0], shut, now_us=60, action=AccessAction.PLAYBACK, asked=asked)
    assert (cut.outcome, cut.ranges) == (Outcome.CUT, (Interval(10, 20), Interval(30, 40)))
    assert cut.closures == tuple(shut)
    mine = [grant(Role.VIEWER, sees_closed=True)]
    assert (
        decide(mine, CAMERAS[0], shut, now_us=60, action=AccessAction.PLAYBACK, asked=asked).outcome is Outcome.ALLOWED
    )
    before = decide([grant(Role.VIEWER)], CAMERAS[0], shut, now_us=49, action=AccessAction.PLAYBACK, asked=asked)
    assert before.outcome is Outcome.ALLOWED, "it was not closed yet"


def test_each_built_in_role_is_nearest_to_itself() -> None:
    assert [nearest_role(BUILT_IN[role]) for role in Role] == list(Role)
    assert nearest_role(frozenset()) is Role.VIEWER
    assert not BUILT_IN[Role.AUDITOR] & FOOTAGE and not BUILT_IN[Role.TECHNICIAN] & FOOTAGE
