"""Who is dead, what a node holds, who gets what: the pure rules, each by itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.config import CameraSettings
from nvr.fleet.holdings import LEAVING_S, Holdings
from nvr.fleet.member import offer_changes
from nvr.fleet.model import EPOCH_STEP, TTL_S, Assignment, FleetNode, Offer, Transfer, local_epoch
from nvr.fleet.observation import Health, Observation
from nvr.fleet.planning import MOST_MOVING, plan
from nvr.supervisor.nodes import offer_of

MBIT = 1_000_000


def fleet(*ids: str, **capacities: int) -> dict[str, FleetNode]:
    return {id_: FleetNode(id_, capacity_bps=capacities.get(id_)) for id_ in ids}


def well(nodes: Mapping[str, FleetNode], **other: Health) -> dict[str, Health]:
    return {id_: other.get(id_, "alive") for id_ in nodes}


def all_offer(nodes: Mapping[str, FleetNode], cameras: Mapping[str, Offer]) -> dict[str, Mapping[str, Offer]]:
    return dict.fromkeys(nodes, cameras)


def after(now: Mapping[str, Assignment], transfers: list[Transfer], *, footage: bool = True) -> dict[str, Assignment]:
    epoch = max((found.epoch for found in now.values()), default=0) + 1
    made = {each.camera: Assignment(each.node, epoch, each.cause, each.previous, None, footage) for each in transfers}
    return {**now, **made}


# Who is dead ---------------------------------------------------------------------------------------------------------


def test_a_node_is_dead_when_its_beat_was_watched_standing_still() -> None:
    seen = Observation()
    for second in range(3):
        seen.saw(second, {"a": ("x", second)})
    assert seen.health("a") == "alive"
    for second in range(3, 3 + int(TTL_S) - 1):
        seen.saw(second, {"a": ("x", 2)})
        assert seen.health("a") == "alive"
    seen.saw(2 + TTL_S, {"a": ("x", 2)})
    assert seen.health("a") == "dead"


@pytest.mark.parametrize("pause", ["an error of its own", "it was frozen"])
def test_nobody_dies_of_what_was_not_watched(pause: str) -> None:
    seen = Observation()
    for second in range(3):
        seen.saw(second, {"a": ("x", second)})
    if pause == "an error of its own":
        seen.failed()
    for second in range(60, 60 + int(TTL_S)):
        seen.saw(second, {"a": ("x", 2)})
        assert seen.health("a") == "unknown"
    seen.saw(60 + TTL_S, {"a": ("x", 2)})
    assert seen.health("a") == "dead"


# What a node holds ---------------------------------------------------------------------------------------------------


def test_a_planned_move_is_left_when_there_is_footage_or_after_a_while() -> None:
    held = Holdings("a")
    held.saw(0, 1, {"c": Assignment("a", 1, "first", has_footage=True)})
    held.saw(1, 2, {"c": Assignment("b", 2, "drained", "a")})
    assert held.mine == {"c": 1}
    assert not held.left(LEAVING_S)
    held.saw(2, 2, {"c": Assignment("b", 2, "drained", "a", has_footage=True)})
    assert held.mine == {}
    slow = Holdings("a")
    slow.saw(0, 1, {"c": Assignment("a", 1, "first", has_footage=True)})
    slow.saw(1, 2, {"c": Assignment("b", 2, "drained", "a")})
    assert slow.left(1 + LEAVING_S)
    assert slow.mine == {}


def test_what_was_taken_over_is_left_at_once() -> None:
    held = Holdings("a", {"c": Assignment("a", 1, "first")}, 1)
    assert held.mine == {"c": 1}
    held.saw(0, 2, {"c": Assignment("b", 2, "node_lost", "a")})
    assert held.mine == {}


def test_a_coordinator_that_knows_less_is_not_believed() -> None:
    held = Holdings("a", {"c": Assignment("a", 5, "first")}, 5)
    with pytest.raises(ValueError, match="is at epoch 4, and was at 5"):
        held.saw(0, 4, {"c": Assignment("b", 4, "first")})
    assert held.mine == {"c": 5}


@given(st.integers(0, 1 << 28), st.integers(0, 1 << 28), st.integers(0, EPOCH_STEP - 1))
def test_footage_of_a_later_assignment_counts(earlier: int, later: int, own: int) -> None:
    if earlier < later:
        assert local_epoch(earlier) + own < local_epoch(later)
    # As numbers of JavaScript and of file names.
    assert local_epoch(later) + own < 1 << 53


# Who gets what -------------------------------------------------------------------------------------------------------


def test_cameras_are_spread_by_bitrate_over_all_that_live() -> None:
    nodes = fleet("a", "b", "c")
    offers = all_offer(nodes, {f"c{i}": Offer((i % 3 + 1) * MBIT) for i in range(60)})
    found = plan(nodes, well(nodes), offers, {})
    loads = {id_: sum(offers[id_][t.camera].bitrate_bps for t in found if t.node == id_) for id_ in nodes}
    assert len(found) == 60
    assert max(loads.values()) - min(loads.values()) <= 3 * MBIT
    now = after({}, found)
    assert plan(nodes, well(nodes), offers, now, balance=True) == []
    # One is lost: its cameras go, and no other.
    then = plan(nodes, well(nodes, b="dead"), offers, now)
    assert {t.camera for t in then} == {id_ for id_, held in now.items() if held.node == "b"}
    assert {(t.cause, t.previous) for t in then} == {("node_lost", "b")}
    # Of one that is not known to be dead nothing goes.
    assert plan(nodes, well(nodes, b="unknown"), offers, now) == []


def test_the_first_node_is_not_given_everything_while_others_start() -> None:
    nodes = fleet("a", "b")
    offers = all_offer(nodes, {f"c{i}": Offer(MBIT) for i in range(4)})
    assert plan(nodes, well(nodes, b="unknown"), offers, {}) == []
    assert {t.node for t in plan(nodes, well(nodes, b="dead"), offers, {})} == {"a"}


def test_for_want_of_room_the_least_important_are_nobodys() -> None:
    nodes = fleet("a", "b", a=4 * MBIT, b=4 * MBIT)
    offers = all_offer(nodes, {f"c{i}": Offer(2 * MBIT, priority=i) for i in range(4)})
    now = after({}, plan(nodes, well(nodes), offers, {}))
    assert all(found.node for found in now.values())
    found = after(now, plan(nodes, well(nodes, a="dead"), offers, now))
    assert {id_: (held.node, held.cause) for id_, held in found.items() if held.node != "b"} == {
        "c0": (None, "no_capacity"),
        "c1": (None, "no_capacity"),
    }
    assert plan(nodes, well(nodes, a="dead"), offers, found) == []
    back = after(found, plan(nodes, well(nodes), offers, found))
    assert {back["c0"].node, back["c1"].node} == {"a"}


@pytest.mark.parametrize(
    ("failover", "site", "expected"),
    [("any", "", "other"), ("site", "north", "near"), ("none", "north", None)],
)
def test_failover_says_who_may(failover: str, site: str, expected: str | None) -> None:
    nodes = {
        "near": FleetNode("near", "north"),
        "other": FleetNode("other", "south", capacity_bps=1000 * MBIT),
        "lost": FleetNode("lost", "north"),
    }
    cameras = {"c": offer_of(CameraSettings(id="c", url="rtsp://h"), None, failover=failover, site=site)}
    now = {"c": Assignment("lost", 1, "first")}
    # The near one carries much.
    busy = {f"x{i}": Offer(50 * MBIT) for i in range(4)}
    offers = {"near": cameras | busy, "other": cameras, "lost": cameras}
    now |= {id_: Assignment("near", 1, "first") for id_ in busy}
    found = plan(nodes, well(nodes, lost="dead"), offers, now)
    assert [t.node for t in found] == ([] if expected is None else [expected])


def test_a_node_without_a_disk_gives_up_what_others_have_room_for() -> None:
    nodes = fleet("a", "b", b=2 * MBIT)
    nodes["a"] = FleetNode("a", is_able=False)
    offers = all_offer(nodes, {"c": Offer(2 * MBIT), "d": Offer(2 * MBIT, failover="none"), "e": Offer(2 * MBIT)})
    now = {id_: Assignment("a", 1, "first", has_footage=True) for id_ in offers["a"]}
    assert plan(nodes, well(nodes), offers, now) == [Transfer("c", "b", "unable", "a")]
    # The others stay: their own node says why they are not recorded.
    assert plan(nodes, well(nodes), offers, after(now, [Transfer("c", "b", "unable", "a")])) == []


def test_a_node_that_drains_gives_some_at_a_time_and_keeps_what_has_no_room() -> None:
    nodes = fleet("a", "b", b=1000 * MBIT)
    nodes["a"] = FleetNode("a", standing="draining")
    offers = all_offer(nodes, {f"c{i:02}": Offer(2 * MBIT) for i in range(40)})
    now = {id_: Assignment("a", 1, "first", has_footage=True) for id_ in offers["a"]}
    first = plan(nodes, well(nodes), offers, now)
    assert len(first) == MOST_MOVING and {(t.node, t.cause, t.previous) for t in first} == {("b", "drained", "a")}
    # As long as these are on their way there are no more.
    assert plan(nodes, well(nodes), offers, after(now, first, footage=False)) == []
    now = after(now, first)
    now = after(now, plan(nodes, well(nodes), offers, now))
    now = after(now, plan(nodes, well(nodes), offers, now))
    assert {held.node for held in now.values()} == {"b"}
    full = fleet("a", "b", b=1 * MBIT) | {"a": nodes["a"]}
    assert plan(full, well(full), offers, {id_: Assignment("a", 1, "first") for id_ in offers["a"]}) == []


def test_a_node_that_comes_gets_its_share_bit_by_bit() -> None:
    nodes = fleet("a", "b")
    offers = all_offer(nodes, {f"c{i:02}": Offer(8 * MBIT) for i in range(80)})
    now = {id_: Assignment("a", 1, "first", has_footage=True) for id_ in offers["a"]}
    for _ in range(6):
        found = plan(nodes, well(nodes), offers, now, balance=True)
        assert len(found) <= MOST_MOVING
        assert all((t.cause, t.previous, t.node) == ("balanced", "a", "b") for t in found)
        now = after(now, found)
    share = sum(held.node == "b" for held in now.values())
    assert 30 <= share <= 40
    assert plan(nodes, well(nodes), offers, now, balance=True) == []


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 10**9).map(Offer), max_size=6), st.data())
def test_offers_lead_to_what_is_wanted(wanted: dict[str, Offer], data: st.DataObject) -> None:
    offered = data.draw(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 10**9).map(Offer), max_size=6))
    changed, withdrawn = offer_changes(offered, wanted)
    made = {id_: offer for id_, offer in {**offered, **changed}.items() if id_ not in withdrawn}
    assert made.keys() == wanted.keys()
    for id_, offer in made.items():
        assert abs(offer.bitrate_bps - wanted[id_].bitrate_bps) <= 0.25 * offer.bitrate_bps
    assert offer_changes(made, wanted) == ({}, [])


def test_a_camera_s_labels_come_before_the_node_s_settings() -> None:
    camera = CameraSettings(id="c", url="rtsp://h", labels={"Failover": "SITE", "site": "north"}, priority=7)
    assert offer_of(camera, 1_000_000, failover="any", site="south") == Offer(1_250_000, 7, "site", "north")
    other = CameraSettings(id="c", url="rtsp://h", labels={"failover": "perhaps"})
    assert offer_of(other, None, failover="none", site="south") == Offer(2_250_000, 0, "none", "south")


def test_a_server_that_is_alone_imports_nothing_of_it() -> None:
    modules = (
        "nvr.supervisor.run, nvr.supervisor.serving, nvr.recorder.__main__, nvr.api.app, nvr.housekeeping,"
        " nvr.evidence.jobs.exporter, nvr.cli"
    )
    code = f"import sys, {modules}; print([m for m in sys.modules if m.startswith(('psycopg', 'nvr.fleet'))])"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert asked.stdout.strip() == "[]"
