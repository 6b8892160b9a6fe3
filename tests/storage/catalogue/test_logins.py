"""The ledger of logins."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.catalogue import devices, logins
from storage.catalogue.database import Database
from storage.catalogue.logins import DAY_US, MOST_FAILURES, PAUSE_US, LoginAccount, device_of
from tests.support.catalogues import new_catalogue

NOW_US = 1_790_000_000_000_000
ME = LoginAccount.of("cam:554", "admin", "wrong")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = new_catalogue(tmp_path / "catalogue.db")
    yield made
    made.close()


@pytest.fixture
def conn(database: Database) -> Iterator[sqlite3.Connection]:
    with database.write() as made:
        yield made


def fail(conn: sqlite3.Connection, camera: str, at_us: int, account: LoginAccount = ME) -> str:
    """Tries and is refused, if it may try; returns what the ledger said."""
    found = logins.begin(conn, account, camera, now_us=at_us)
    if found.state == "go":
        logins.refused(conn, account, camera, now_us=at_us)
    return found.state


@pytest.mark.parametrize(
    ("url", "device"),
    [
        ("rtsp://Cam.Example./x", "cam.example:554"),
        ("rtsps://cam/x", "cam:322"),
        ("rtsp://cam:8554/x?a", "cam:8554"),
        ("rtsp://[2001:DB8::1]/x", "[2001:db8::1]:554"),
        ("http://cam/", "cam:80"),
    ],
)
def test_devices(url: str, device: str) -> None:
    assert device_of(url) == device


def test_two_refusals_then_nothing_for_a_day(conn: sqlite3.Connection) -> None:
    assert fail(conn, "a", NOW_US) == "go"
    assert fail(conn, "a", NOW_US + 1) == "blocked"
    assert fail(conn, "a", NOW_US + PAUSE_US) == "go"
    for later_us in range(0, DAY_US, DAY_US // 50):
        # Whichever camera of the device asks.
        assert (
            fail(conn, "a", NOW_US + PAUSE_US + later_us) == fail(conn, "b", NOW_US + PAUSE_US + later_us) == "blocked"
        )
    assert fail(conn, "a", NOW_US + PAUSE_US + DAY_US) == "go"


def test_another_password_is_another_matter(conn: sqlite3.Connection) -> None:
    for camera in ("a", "b", "c"):
        fail(conn, camera, NOW_US)
    assert fail(conn, "c", NOW_US) == "blocked"
    assert fail(conn, "c", NOW_US, LoginAccount.of("cam:554", "admin", "other")) == "go"
    assert fail(conn, "c", NOW_US, LoginAccount.of("cam:8554", "admin", "wrong")) == "go"


def test_many_at_once(conn: sqlite3.Connection) -> None:
    """All channels of a recorder begin at one moment: no more are tried than may fail."""
    states = [logins.begin(conn, ME, f"c{n}", now_us=NOW_US).state for n in range(16)]
    assert states == ["go"] * MOST_FAILURES + ["wait"] * (16 - MOST_FAILURES)
    logins.accepted(conn, ME, "c0")
    assert logins.begin(conn, ME, "c2", now_us=NOW_US).state == "go"


def test_programs_that_die_in_an_attempt_have_failed_once(conn: sqlite3.Connection) -> None:
    """Else a server that is killed twice while it starts would wait for a day although its passwords are right."""
    for number in range(5):
        assert logins.begin(conn, ME, "a", now_us=NOW_US + number * 100_000_000).state == "go"
    assert fail(conn, "a", NOW_US + 600_000_000) == "go"
    assert fail(conn, "a", NOW_US + 700_000_000) == "blocked"


def test_no_outcome_costs_nothing(conn: sqlite3.Connection) -> None:
    for _ in range(10):
        assert logins.begin(conn, ME, "a", now_us=NOW_US).state == "go"
        logins.abandoned(conn, ME)
    assert not conn.execute("SELECT count(*) FROM login").fetchone()[0]


def test_try_now_is_one_attempt(conn: sqlite3.Connection) -> None:
    fail(conn, "a", NOW_US)
    fail(conn, "b", NOW_US)
    assert logins.retry(conn, "cam:554", "admin") == 1
    assert [fail(conn, "a", NOW_US + 1), fail(conn, "a", NOW_US + 2), fail(conn, "b", NOW_US + 3)] == [
        "go",
        "blocked",
        "blocked",
    ]


def test_an_accepted_password_frees_all(conn: sqlite3.Connection) -> None:
    fail(conn, "a", NOW_US)
    fail(conn, "b", NOW_US)
    logins.begin(conn, ME, "a", now_us=NOW_US + DAY_US)
    logins.accepted(conn, ME, "a")
    assert logins.troubled(conn) == []
    assert fail(conn, "b", NOW_US + DAY_US) == "go"


def test_a_camera_that_is_accepted_meanwhile_is_not_kept_out_by_others(conn: sqlite3.Connection) -> None:
    """An account that lacks the rights to one channel is refused there, and there only."""
    fail(conn, "a", NOW_US)
    fail(conn, "a", NOW_US + PAUSE_US)
    logins.prove(conn, ME, "b")
    assert logins.begin(conn, ME, "b", now_us=NOW_US + PAUSE_US).state == "go"
    logins.accepted(conn, ME, "b")
    assert fail(conn, "a", NOW_US + PAUSE_US) == "blocked"
    assert fail(conn, "b", NOW_US + PAUSE_US) == "go"
    assert fail(conn, "b", NOW_US + PAUSE_US) == "blocked"


def test_few_attempts_left(conn: sqlite3.Connection) -> None:
    logins.begin(conn, ME, "a", now_us=NOW_US)
    logins.refused(conn, ME, "a", now_us=NOW_US, left=2)
    assert fail(conn, "a", NOW_US + PAUSE_US) == "blocked"


def test_changed_settings_forget_what_the_camera_was_refused(conn: sqlite3.Connection) -> None:
    fail(conn, "a", NOW_US)
    fail(conn, "b", NOW_US)
    logins.forget_camera(conn, "cam:554", "admin", "a")
    assert fail(conn, "a", NOW_US) == "blocked"
    logins.forget_camera(conn, "cam:554", "admin", "b")
    assert fail(conn, "a", NOW_US) == "go"


def test_a_clock_that_is_set_back_blocks_for_a_day_at_most(conn: sqlite3.Connection) -> None:
    fail(conn, "a", NOW_US)
    fail(conn, "b", NOW_US)
    assert fail(conn, "a", NOW_US // 2) == "blocked"
    assert logins.standing(logins.troubled(conn)[0], "a", NOW_US // 2).until_us <= NOW_US // 2 + DAY_US


steps = st.tuples(
    st.integers(0, 40_000_000) | st.integers(0, DAY_US // 4),
    st.sampled_from("abcd"),
    st.sampled_from(["wrong", "right", "open", "retry", "prove"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(steps, max_size=60))
def test_never_more_than_allowed(conn: sqlite3.Connection, played: list[tuple[int, str, str]]) -> None:
    """Whatever happens in whatever order, a wrong password is refused at most twice in a day, and once more each time a
    person asks for it."""
    conn.execute("DELETE FROM login")
    now_us, refused, allowed = NOW_US, list[int](), 0
    for later_us, camera, what in played:
        now_us += later_us
        if what == "retry":
            allowed += logins.retry(conn, "cam:554", "admin")
        elif what == "open":
            logins.begin(conn, ME, camera, now_us=now_us)
        elif what == "wrong" and logins.begin(conn, ME, camera, now_us=now_us).state == "go":
            logins.refused(conn, ME, camera, now_us=now_us)
            refused.append(now_us)
        for at_us in refused:
            assert sum(at_us <= other < at_us + DAY_US - PAUSE_US for other in refused) <= MOST_FAILURES + allowed


def test_what_a_device_showed_first_counts(conn: sqlite3.Connection) -> None:
    assert devices.learn(conn, "d", scheme="digest").scheme == "digest"
    assert devices.learn(conn, "d", scheme="basic", certificate="aa") == devices.Device("d", "digest", "aa")
    devices.offered(conn, "d", "bb", "cam", now_us=5)
    devices.offered(conn, "d", "bb", "cam", now_us=9)
    assert devices.changed_certificates(conn) == [devices.Device("d", "digest", "aa", "bb", 5, "cam")]
    assert devices.trust(conn, "d") and devices.find(conn, "d") is None and not devices.trust(conn, "d")
