"""Pure decisions of the supervisor: shares, moves, quarantine, and the lines that a worker is told."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from nvr.recorder.assignments import Order, lines
from nvr.supervisor.balancing import ROOM, loads, moves, pack, share, weight
from nvr.supervisor.quarantine import Accusations, Confinement

names = st.integers(0, 300).map(lambda n: f"cam-{n}")
fleets = st.dictionaries(names, st.integers(0, 20_000_000).map(weight), max_size=60)
numbers = st.sets(st.integers(1, 8), min_size=1)


@given(fleets, fleets, numbers, numbers)
def test_every_camera_has_one_worker_and_none_leaves_a_living_one(
    before: dict[str, float], after: dict[str, float], workers: set[int], left: set[int]
) -> None:
    now = share(before, workers, {})
    assert now.keys() == before.keys()
    then = share(after, left, now)
    assert then.keys() == after.keys()
    assert set(then.values()) <= left
    assert all(then[camera] == now[camera] for camera in before.keys() & after if now[camera] in left)
    if before:
        # The heaviest first to whoever carries least: none carries more than another by more than one camera.
        carried = loads(before, now, workers).values()
        assert max(carried) - min(carried) <= max(before.values())


@given(fleets, numbers, st.data(), st.integers(1, 10))
def test_moves_are_few_needed_and_make_it_better(
    weights: dict[str, float], workers: set[int], data: st.DataObject, most: int
) -> None:
    shares = {camera: data.draw(st.sampled_from(sorted(workers))) for camera in weights}
    movable = data.draw(st.sets(st.sampled_from(sorted(weights)))) if weights else set()
    found = moves(weights, shares, workers, movable=movable, most=most, negligible_bps=1_000_000)
    assert len(found) <= most
    assert len({move.camera for move in found}) == len(found)
    before = loads(weights, shares, workers)
    mean = sum(before.values()) / len(before)
    if max(before.values()) <= 1.25 * mean or max(before.values()) - mean <= 1_000_000:
        assert found == []
    after = dict(shares)
    for move in found:
        assert move.camera in movable and after[move.camera] == move.source != move.target
        worst = max(loads(weights, after, workers).values())
        after[move.camera] = move.target
        assert max(loads(weights, after, workers).values()) <= worst
    # What was moved stays: no camera goes to and fro.
    again = moves(weights, after, workers, movable=movable, most=most, negligible_bps=1_000_000)
    assert not {m.camera for m in again} & {m.camera for m in found} or len(found) == most


def test_an_even_city_does_not_move_and_a_lame_worker_is_relieved() -> None:
    weights = {f"cam-{n}": weight(64_000) for n in range(4470)}
    shares = share(weights, [1, 2], {})
    assert moves(weights, shares, [1, 2], movable=weights, most=8) == []
    heavy = weights | {camera: weight(2_000_000) for camera, worker in shares.items() if worker == 1}
    found = moves(heavy, shares, [1, 2], movable=heavy, most=8)
    assert len(found) == 8 and {move.source for move in found} == {1}


@given(st.sets(names, max_size=60), st.dictionaries(names, st.integers(1, 9), max_size=60), st.data())
def test_workers_that_feed_ffmpeg_have_few_cameras(fed: set[str], shares: dict[str, int], data: st.DataObject) -> None:
    """None over its room but by what it had; none leaves a worker that feeds FFmpeg; no more workers than needed."""
    feeding = data.draw(st.sets(st.integers(3, 9)))
    taken = {number: data.draw(st.integers(0, 3)) for number in feeding}
    found = pack(fed, shares, taken, 10)
    assert found.keys() == fed
    had = {camera for camera in fed if shares.get(camera) in feeding}
    assert all(found[camera] == shares[camera] for camera in had)
    counts = Counter(found.values()) + Counter(taken)
    before = Counter(shares[camera] for camera in had) + Counter(taken)
    for number, count in counts.items():
        assert count <= max(ROOM, before[number])
        assert number in feeding or number >= 10
    assert sum(count < ROOM for number, count in counts.items() if number >= 10) <= 1
    if any(number >= 10 for number in counts):
        assert all(counts[number] >= ROOM for number in feeding)
    assert pack(fed, found, {number: taken.get(number, 0) for number in counts}, 99) == found


def test_what_is_small_is_left_alone() -> None:
    """Two cameras on one core and none on the other: no reason to interrupt anything."""
    weights = {"a": weight(4_000_000), "b": weight(4_000_000)}
    assert moves(weights, {"a": 1, "b": 1}, [1, 2], movable=weights, most=8) == []


orders = st.builds(
    Order,
    epoch=st.integers(1, 3),
    camera=st.fixed_dictionaries({"url": st.sampled_from(["rtsp://a", "rtsp://b"])}),
    stopped=st.none() | st.just(("disk_full", {})),
    tentative=st.booleans(),
)
told = st.dictionaries(names, orders, max_size=30)


@given(told, told)
def test_lines_lead_from_what_was_told_to_what_is_wanted(before: dict[str, Order], after: dict[str, Order]) -> None:
    found = lines(before, after, {})
    state = dict(before)
    touched: set[str] = set()
    for line in found:
        for id_ in line.gone:
            del state[id_]
        state.update(line.orders)
        touched |= line.gone.keys() | line.orders.keys()
    assert state == after
    assert touched == {id_ for id_ in before.keys() | after if before.get(id_) != after.get(id_)}


def test_one_change_among_thousands_is_one_short_line() -> None:
    fleet = {f"cam-{n}": Order(epoch=1, camera={"url": f"rtsp://192.0.2.1/{n}"}) for n in range(4470)}
    changed = fleet | {"cam-7": Order(epoch=1, camera={"url": "rtsp://192.0.2.2/7"})}
    assert [list(line.orders) for line in lines(fleet, changed, {})] == [["cam-7"]]
    assert lines(fleet, fleet, {}) == []
    moved = {id_: order for id_, order in fleet.items() if id_ != "cam-9"}
    assert [line.gone for line in lines(fleet, moved, {"cam-9": None})] == [{"cam-9": None}]


def test_the_second_crash_within_an_hour_is_enough() -> None:
    """Of crashes on the event loop, which may have been another's; a crash in a thread of the camera's own is enough at
    once."""
    accusations = Accusations()
    assert accusations.accuse("a", 0, certain=False) == 1 and not accusations.suffices("a")
    assert accusations.accuse("a", 3601, certain=False) == 1 and not accusations.suffices("a")
    assert accusations.accuse("b", 3602, certain=False) == 1
    assert accusations.accuse("a", 3700, certain=False) == 2 and accusations.suffices("a")
    assert not accusations.suffices("b")
    assert accusations.accuse("b", 9000, certain=True) == 1 and accusations.suffices("b")
    accusations.forget("b")
    assert accusations.accuse("b", 9001, certain=False) == 1 and not accusations.suffices("b")


def test_waits_grow_and_shrink_again_after_ten_minutes_of_life() -> None:
    confined = Confinement("a", "digest", 2)
    waits = []
    for _ in range(9):
        waits.append(confined.wait_s)
        confined.crashed(1.0)
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512]
    assert confined.crashes == 11 and "11 times" in confined.detail["error"]
    confined.crashed(600)
    assert confined.wait_s == 2
