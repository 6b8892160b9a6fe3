"""One person moves a camera at a time: by priority, until they are idle, or hand it over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.devices.ptz.leases import HELD_US, PtzLeases, PtzTakenError

S = 1_000_000
PRIORITIES = {"vera": 10, "olga": 20, "otto": 20, "susi": 40}


def taken(leases: PtzLeases, person: str, now_us: int) -> bool:
    try:
        leases.take("gate", person, person.title(), PRIORITIES[person], now_us)
    except PtzTakenError:
        return False
    return True


def test_a_higher_priority_takes_it_at_once_and_an_equal_one_when_it_is_idle() -> None:
    leases = PtzLeases()
    assert taken(leases, "olga", 0)
    assert not taken(leases, "vera", 1) and not taken(leases, "otto", 1)
    assert taken(leases, "olga", 10 * S)
    assert not taken(leases, "otto", 24 * S), "15 s after the last input, not after the first"
    lease, before = leases.take("gate", "susi", "Susi", 40, 24 * S)
    assert lease.name == "Susi" and before is not None and before.person == "olga"
    assert not taken(leases, "olga", 25 * S)
    assert taken(leases, "vera", 24 * S + HELD_US), "it is free"
    assert taken(leases, "otto", 24 * S + HELD_US) and taken(leases, "susi", 24 * S + HELD_US)


def test_it_is_handed_over_to_who_asked_first() -> None:
    leases = PtzLeases()
    leases.take("gate", "susi", "Susi", 40, 0)
    assert leases.hand_over("gate", "susi", 1) is None, "nobody asked"
    leases.wish("gate", "otto", "Otto", 20, 1)
    leases.wish("gate", "vera", "Vera", 10, 2)
    leases.wish("gate", "otto", "Otto", 20, 3)
    held = leases.of("gate", 4)
    assert held is not None and [wish.name for wish in held.wished(4)] == ["Vera", "Otto"]
    assert leases.hand_over("gate", "vera", 4) is None, "it is not hers to give"
    made = leases.hand_over("gate", "susi", 5)
    assert made is not None and made.name == "Vera" and [wish.name for wish in made.wishes] == ["Otto"]
    assert not leases.release("gate", "susi", 6)
    assert leases.release("gate", "vera", 6) and leases.of("gate", 6) is None


def test_wishes_are_bounded_and_end() -> None:
    leases = PtzLeases()
    leases.take("gate", "susi", "Susi", 40, 0)
    for number in range(200):
        leases.wish("gate", f"p{number}", "P", 10, 1)
    held = leases.of("gate", 1)
    assert held is not None and len(held.wishes) == 20
    for second in range(0, 70, 10):
        leases.take("gate", "susi", "Susi", 40, second * S)
    held = leases.of("gate", 65 * S)
    assert held is not None and held.wished(65 * S) == ()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["take", "wish", "hand_over", "release"]),
            st.sampled_from(sorted(PRIORITIES)),
            st.integers(0, 20 * S),
        ),
        max_size=40,
    )
)
def test_nobody_loses_it_to_an_equal_or_lower_one(acts: list[tuple[str, str, int]]) -> None:
    leases = PtzLeases()
    now_us = 0
    for what, person, passed_us in acts:
        now_us += passed_us
        before = leases.of("gate", now_us)
        if what == "take":
            got = taken(leases, person, now_us)
            assert got == (before is None or before.person == person or before.priority < PRIORITIES[person])
        elif what == "wish":
            leases.wish("gate", person, person, PRIORITIES[person], now_us)
        elif what == "hand_over":
            made = leases.hand_over("gate", person, now_us)
            assert made is None or (before is not None and before.person == person)
        else:
            assert leases.release("gate", person, now_us) == (before is not None and before.person == person)
        after = leases.of("gate", now_us)
        if before is not None and after is not None and before.person != after.person and what == "take":
            assert after.priority > before.priority


def test_who_has_it_is_said() -> None:
    leases = PtzLeases()
    leases.take("gate", "susi", "Susi", 40, 0)
    with pytest.raises(PtzTakenError, match="Susi moves this camera"):
        leases.take("gate", "vera", "Vera", 10, 1)
