"""What a coordinator promises, of both kinds: a file of this machine, and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nvr.fleet.coordinator import Coordinator, open_coordinator
from nvr.fleet.errors import FleetError, NotJoined, TakenOver, Unreachable
from nvr.fleet.model import Assignment, NodeBeat, Offer, Picture, Transfer
from tests.support.postgres import PASSWORD, Cluster

Opens = Callable[[], Coordinator]
_numbers = itertools.count()


@pytest.fixture(params=["embedded", "postgres"])
async def opens(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opens]:
    """Each call is another node's coordinator of one fleet, whose tables are there."""
    database, password = str(tmp_path / "fleet.sqlite"), None
    if request.param == "postgres":
        cluster: Cluster = request.getfixturevalue("postgres")
        database, password = cluster.create(f"fleet{next(_numbers)}"), PASSWORD
    opened: list[Coordinator] = []

    def open_one() -> Coordinator:
        opened.append(open_coordinator(database, password))
        return opened[-1]

    await open_one().prepare()
    yield open_one
    for coordinator in opened:
        await coordinator.close()


async def joined(coordinator: Coordinator, *nodes: str) -> None:
    for node in nodes:
        await coordinator.join(node, "", None)
        await coordinator.claim(node, f"of-{node}")


def beat(node: str, at_us: int = 1) -> NodeBeat:
    return NodeBeat(node, f"of-{node}", at_us, 7, "1.0")


async def test_a_beat_is_seen_by_others_and_changes_the_token(opens: Opens) -> None:
    one, other = opens(), opens()
    await joined(one, "a")
    before = (await other.look(Picture())).nodes["a"]
    now_us = await one.beat(beat("a", 5))
    after = (await other.look(Picture())).nodes["a"]
    assert after.token != before.token
    assert (after.alive_us, after.offset_us, after.version, after.standing) == (5, 7, "1.0", "member")
    assert after.is_able
    await one.beat(replace(beat("a"), is_able=False))
    assert not (await other.look(Picture())).nodes["a"].is_able
    # The coordinator's clock, in microseconds: on one machine it is ours.
    assert abs(now_us - time.time_ns() // 1000) < 60_000_000


async def test_who_did_not_join_or_has_left_is_told(opens: Opens) -> None:
    one = opens()
    with pytest.raises(NotJoined, match="run nvr node join"):
        await one.claim("a", "x")
    with pytest.raises(NotJoined):
        await one.set_standing("a", "draining")
    await joined(one, "a")
    await one.set_standing("a", "left")
    with pytest.raises(NotJoined):
        await one.beat(beat("a"))
    with pytest.raises(NotJoined):
        await one.claim("a", "x")
    await joined(one, "a")
    await one.beat(beat("a"))


async def test_a_second_server_under_one_id_is_noticed_by_the_first(opens: Opens) -> None:
    one, other = opens(), opens()
    await joined(one, "a")
    await one.beat(beat("a"))
    await other.claim("a", "another")
    with pytest.raises(TakenOver, match="another server runs as node a"):
        await one.beat(beat("a"))
    await other.beat(replace(beat("a"), incarnation="another"))


async def test_what_was_based_on_an_older_picture_changes_nothing(opens: Opens) -> None:
    one, other = opens(), opens()
    await joined(one, "a", "b")
    base = (await one.look(Picture())).epoch
    assert await one.propose(base, [Transfer("c1", "a", "first"), Transfer("c2", None, "no_capacity")])
    assert not await other.propose(base, [Transfer("c1", "b", "first")])
    found = await other.look(Picture())
    assert found.epoch == base + 1
    assert found.assignments == {
        "c1": Assignment("a", base + 1, "first"),
        "c2": Assignment(None, base + 1, "no_capacity"),
    }
    assert await other.propose(found.epoch, [Transfer("c1", "b", "node_lost", "a", 123)])
    now = (await one.look(found)).assignments["c1"]
    assert now == Assignment("b", base + 2, "node_lost", "a", 123)


async def test_of_many_that_propose_at_once_one_is_first(opens: Opens) -> None:
    coordinators = [opens() for _ in range(6)]
    await joined(coordinators[0], *"abcdef")
    for _ in range(5):
        base = (await coordinators[0].look(Picture())).epoch
        made = await asyncio.gather(
            *(
                each.propose(base, [Transfer("c", node, "first")])
                for each, node in zip(coordinators, "abcdef", strict=True)
            )
        )
        found = await coordinators[0].look(Picture())
        assert sum(made) == 1
        assert (found.epoch, found.assignments["c"].node) == (base + 1, "abcdef"[made.index(True)])


async def test_footage_is_confirmed_of_the_assignment_that_holds(opens: Opens) -> None:
    one = opens()
    await joined(one, "a", "b")
    await one.propose(0, [Transfer("c", "a", "first"), Transfer("d", "a", "first")])
    await one.propose(1, [Transfer("c", "b", "balanced", "a")])
    before = await one.look(Picture())
    await one.confirm("a", {"c": 1, "d": 1})
    found = await one.look(before)
    assert not found.assignments["c"].has_footage
    assert found.assignments["d"].has_footage
    assert found.rev > before.rev and found.epoch == before.epoch
    await one.confirm("b", {"c": 2})
    assert (await one.look(found)).assignments["c"].has_footage


async def test_offers_are_changed_and_withdrawn(opens: Opens) -> None:
    one, other = opens(), opens()
    await joined(one, "a", "b")
    offer = Offer(2_000_000, 3, "site", "north")
    await one.offer("a", {"c": offer, "d": offer}, [])
    await other.offer("b", {"c": offer}, [])
    first = await one.look(Picture())
    assert first.offers == {"a": {"c": offer, "d": offer}, "b": {"c": offer}}
    await one.offer("a", {"c": replace(offer, bitrate_bps=9_000_000_000)}, ["d"])
    second = await other.look(first)
    assert second.offers_rev > first.offers_rev
    assert second.offers == {"a": {"c": replace(offer, bitrate_bps=9_000_000_000)}, "b": {"c": offer}}
    # What has not changed is not asked for again.
    assert (await other.look(second)).offers is second.offers


async def test_tables_of_another_version_are_refused(opens: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvr.fleet.schema.VERSION", 2)
    with pytest.raises(FleetError, match="tables are of version 1, and this nvr knows version 2"):
        await opens().look(Picture())
    with pytest.raises(FleetError, match="upgrade what is older"):
        await opens().prepare()


async def test_without_tables_it_says_what_to_run(tmp_path: Path, postgres: Cluster) -> None:
    """And a file that is not there is not made by looking."""
    with pytest.raises(Unreachable, match=r"fleet\.sqlite can't be used"):
        await open_coordinator(str(tmp_path / "fleet.sqlite"), None).look(Picture())
    assert not (tmp_path / "fleet.sqlite").exists()
    empty = open_coordinator(postgres.create("empty"), PASSWORD)
    with pytest.raises(FleetError, match="run nvr node join"):
        await empty.look(Picture())
    await empty.close()


async def test_a_wrong_password_is_not_in_what_is_said(postgres: Cluster) -> None:
    wrong = open_coordinator(postgres.url(), "kata-sandi-salah")
    with pytest.raises(Unreachable, match="password authentication failed") as caught:
        await wrong.look(Picture())
    assert "kata-sandi-salah" not in str(caught.value)


async def test_a_node_s_own_database_user_speaks_for_that_node_alone(postgres: Cluster) -> None:
    """Rights on rows: what is stolen with one node's password does not let anybody beat for another."""
    url = postgres.create("rights")
    owner = open_coordinator(url, PASSWORD)
    await owner.prepare()
    await joined(owner, "a", "b")
    postgres.query("rights", f"CREATE ROLE nvr_a LOGIN PASSWORD '{PASSWORD}'")
    its = open_coordinator(url.replace("nvr@", "nvr_a@"), PASSWORD)
    await its.prepare()
    await joined(its, "a")
    await its.beat(beat("a"))
    await its.offer("a", {"c": Offer(1)}, [])
    assert await its.propose(0, [Transfer("c", "b", "first")])
    await its.confirm("b", {"c": 1})
    await its.set_standing("a", "draining")
    with pytest.raises(FleetError, match="its user nvr_a does not speak for node b"):
        await its.claim("b", "x")
    with pytest.raises(FleetError, match="does not speak for node b"):
        await its.set_standing("b", "left")
    for wrong in (its.offer("b", {"c": Offer(1)}, []), its.join("c", "", None)):
        with pytest.raises(FleetError, match=r"does not let this user do that: .*row-level security"):
            await wrong
    found = await owner.look(Picture())
    assert (found.nodes["b"].standing, found.nodes.keys(), found.offers.keys()) == ("member", {"a", "b"}, {"a"})
    for each in (owner, its):
        await each.close()


async def test_postgresql_that_stops_answering_is_left_and_found_again(postgres: Cluster) -> None:
    """Frozen, its kernel takes what is sent: only a limit of our own ends the wait."""
    coordinator = open_coordinator(postgres.create("frozen"), PASSWORD)
    await coordinator.prepare()
    await joined(coordinator, "a")
    postgres.freeze(True)
    try:
        began_s = time.monotonic()
        with pytest.raises(Unreachable):
            await coordinator.beat(beat("a"))
        assert time.monotonic() - began_s < 10
    finally:
        postgres.freeze(False)
    await coordinator.beat(beat("a"))
    # Gone altogether, and back.
    await asyncio.to_thread(postgres.stop)
    with pytest.raises(Unreachable):
        await coordinator.beat(beat("a"))
    await asyncio.to_thread(postgres.start)
    await coordinator.beat(beat("a"))
    await coordinator.close()
