"""When cameras may connect, under a simulated clock."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from nvr.recorder.camera import RetryWait
from nvr.recorder.loop.limiter import Limiter, Outages, Turns
from nvr.recorder.loop.rounds import Lateness, Rounds
from nvr.sources.av import AV
from nvr.sources.native import NATIVE


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=80), st.floats(0, 1))
def test_everyone_is_served_once_and_never_two_at_once(asked: list[tuple[float, bool]], jitter: float) -> None:
    limiter = Limiter(lambda: jitter)
    coming = sorted((at, number, fresh) for number, (at, fresh) in enumerate(asked))
    served: list[tuple[float, int]] = []
    now = 0.0
    while len(served) < len(asked):
        while coming and coming[0][0] <= now:
            _, number, fresh = coming.pop(0)
            limiter.ask(number, NATIVE.connection_s, fresh=fresh)
        ticket = limiter.next(now)
        if ticket is not None:
            assert isinstance(ticket, int)
            served.append((now, ticket))
            continue
        wait_s = limiter.wait_s(now)
        now = coming[0][0] if wait_s is None else now + max(wait_s, 1e-6)
    assert sorted(ticket for _, ticket in served) == list(range(len(asked)))
    gaps = [b - a for (a, _), (b, _) in itertools.pairwise(served)]
    assert all(gap >= 0.49 * NATIVE.connection_s for gap in gaps)


def test_the_dead_do_not_hold_up_the_living_nor_are_they_forgotten() -> None:
    limiter = Limiter(lambda: 0.5)
    for n in range(1000):
        limiter.ask(f"dead-{n}", AV.connection_s, fresh=False)
    for n in range(30):
        limiter.ask(f"back-{n}", AV.connection_s, fresh=True)
    now, served = 0.0, []
    while len(served) < 60:
        served.append(str(limiter.next(now)))
        now += limiter.wait_s(now) or 0.0
    assert max(served.index(f"back-{n}") for n in range(30)) < 40
    assert sum(name.startswith("dead") for name in served[:40]) == 10


def test_a_busy_moment_is_not_followed_by_a_burst() -> None:
    limiter = Limiter(lambda: 0.5)
    for n in range(10):
        limiter.ask(n, 0.1, fresh=True)
    assert limiter.next(0.0) == 0
    assert limiter.next(100.0) == 1
    assert limiter.next(100.0) is None


def test_who_fell_together_is_woken_together_and_not_twice() -> None:
    outages = Outages()
    for camera, at in {"a": 100, "b": 103, "c": 200, "d": 101}.items():
        outages.fell(camera, at)
    outages.fell("b", 160)  # tried again, in vain; it fell when it fell
    outages.fell("d", 219)
    assert outages.came("a", 220) == ["b"]
    assert outages.came("a", 221) == []
    assert outages.came("b", 222) == ["d"]
    assert outages.came("d", 226) == []


def storm(cameras: int, away_s: float, dead: int, seed: int) -> tuple[float, int]:
    """All cameras of a worker drop at zero and can be reached again after ``away_s``, but for the ``dead``, each of
    whose attempts lasts ten seconds. Returns when the last one records, and the most connections that began within one
    second."""
    rng = random.Random(seed)
    limiter, outages = Limiter(rng.random), Outages()
    backoffs = [RetryWait(rng.random) for _ in range(cameras)]
    failures = [0] * cameras
    # (time, order, kind, camera): kind is "ask", "outcome" or "pump".
    events: list[tuple[float, int, str, int]] = []
    waiting_until: dict[int, float] = {}
    began: list[float] = []
    recording: dict[int, float] = {}
    order = 0
    pumping = False

    def at(time_s: float, kind: str, camera: int) -> None:
        nonlocal order
        order += 1
        heapq.heappush(events, (time_s, order, kind, camera))

    for camera in range(cameras):
        outages.fell(str(camera), 0.0)
        waiting_until[camera] = backoffs[camera].after(60.0)
        at(waiting_until[camera], "ask", camera)
    while events and len(recording) < cameras - dead:
        now, _, kind, camera = heapq.heappop(events)
        if kind == "ask":
            if waiting_until.get(camera) != now:
                continue  # it was woken before
            del waiting_until[camera]
            limiter.ask(camera, NATIVE.connection_s, fresh=failures[camera] < 3)
            if not pumping:
                pumping = True
                at(now, "pump", -1)
        elif kind == "pump":
            if (ticket := limiter.next(now)) is not None:
                assert isinstance(ticket, int)
                began.append(now)
                alive = now >= away_s and ticket >= dead
                at(now + (0.05 if alive else 10.0 if ticket < dead else 0.2), "outcome", ticket)
            if (wait_s := limiter.wait_s(now)) is not None:
                at(now + max(wait_s, 1e-6), "pump", -1)
            pumping = wait_s is not None
        elif now >= away_s and camera >= dead:
            recording[camera] = now
            for other in map(int, outages.came(str(camera), now)):
                if other in waiting_until:
                    waiting_until[other] = now
                    failures[other] = 0
                    at(now, "ask", other)
        else:
            failures[camera] += 1
            outages.fell(str(camera), now)
            waiting_until[camera] = now + backoffs[camera].after(0.0)
            at(waiting_until[camera], "ask", camera)
    return max(recording.values()) - away_s, max(Counter(int(at_s) for at_s in began).values())


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([20.0, 120.0, 600.0]))
def test_half_a_city_behind_a_switch_that_reboots(seed: int, away_s: float) -> None:
    """2,235 cameras of one worker, of which 200 stay dead: the others are back within 25 s, at a bounded rate all the
    time."""
    back_s, most = storm(2235, away_s, 200, seed)
    assert back_s < 25.0
    assert most <= 405


async def test_turns_are_given_when_they_are_due() -> None:
    """300 turns of 5 ms take 1.5 s, whatever rounds of reading do meanwhile."""
    loop = asyncio.get_running_loop()
    rounds = Rounds(loop, lateness=Lateness())
    turns = Turns(Limiter(lambda: 0.5))
    rounds.start()
    began_s = loop.time()
    try:
        await asyncio.gather(*(turns.turn(0.005, fresh=True) for _ in range(300)))
    finally:
        rounds.stop()
    assert loop.time() - began_s >= 1.3


async def test_one_that_gave_up_waiting_takes_no_turn() -> None:
    limiter = Limiter(lambda: 0.5)
    turns = Turns(limiter)
    waiting = [asyncio.create_task(turns.turn(NATIVE.connection_s, fresh=True)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[2].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert limiter.wait_s(0.0) is None and waiting[2].cancelled()
