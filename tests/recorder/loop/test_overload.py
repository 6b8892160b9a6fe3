"""A worker on a machine that can do less than is asked of it, under a simulated clock: it comes back by itself."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

import pytest

from nvr.recorder.camera import RetryWait
from nvr.recorder.loop.limiter import Limiter, Outages
from nvr.recorder.loop.rounds import ROUND_S
from nvr.sources.native import NATIVE

CAMERAS = 2235
# Of a core: what a camera of 64 kbit/s takes, what one takes to begin (with a large keyframe that is new), and what is
# left of a core on a machine that does much else.
RECORDED_S, BEGINNING_S, SHARE = 0.00011, 0.040, 0.35
QUESTIONS = 5
TIMEOUT_S = 10.0
# Between two rounds turns are given when they are due; here all of them with the round.
MADE_UP_S = ROUND_S + 0.1


@dataclass
class Attempt:
    camera: int
    asked_s: float
    answered: int = 0


def comes_back(
    *, heeds_lateness: bool = True, knows_lateness: bool = True, limit_s: float = 1800.0
) -> tuple[float, float]:
    """All cameras fell at zero and answer whatever they are asked at once. When at least 99 % of them record, or
    ``limit_s``; and how far apart its looks were at most. ``heeds_lateness``: the limiter is told how late looks are;
    ``knows_lateness``: waits do not count what the loop slept. Each look reads one answer of each attempt, and takes as
    long as its work on this machine."""
    rng = random.Random(7)
    limiter, outages = Limiter(rng.random), Outages()
    retries = [RetryWait(rng.random) for _ in range(CAMERAS)]
    due_s = {camera: retries[camera].after(0.0) for camera in range(CAMERAS)}
    attempts: deque[Attempt] = deque()
    recorded = 0
    now_s = turn_s = longest_s = 0.0
    for camera in range(CAMERAS):
        outages.fell(str(camera), 0.0)
    while now_s < limit_s:
        work_s = recorded * RECORDED_S * ROUND_S
        for camera in [camera for camera, at_s in due_s.items() if at_s <= now_s]:
            del due_s[camera]
            limiter.ask(camera, NATIVE.connection_s, fresh=True)
        going_on: deque[Attempt] = deque()
        for attempt in attempts:
            work_s += BEGINNING_S / QUESTIONS
            if not knows_lateness and now_s - attempt.asked_s >= TIMEOUT_S:
                outages.fell(str(attempt.camera), now_s)
                due_s[attempt.camera] = now_s + retries[attempt.camera].after(0.0)
                continue
            attempt.answered, attempt.asked_s = attempt.answered + 1, now_s
            if attempt.answered < QUESTIONS:
                going_on.append(attempt)
                continue
            recorded += 1
            for other in map(int, outages.came(str(attempt.camera), now_s)):
                if other in due_s:
                    due_s[other] = now_s
        attempts = going_on
        while (wait_s := limiter.wait_s(turn_s)) is not None:
            turn_s = max(turn_s + wait_s, now_s - MADE_UP_S)
            if turn_s > now_s:
                break
            ticket = limiter.next(turn_s)
            assert isinstance(ticket, int)
            attempts.append(Attempt(ticket, now_s))
            work_s += BEGINNING_S / QUESTIONS
        if recorded >= 0.99 * CAMERAS:
            return now_s, longest_s
        apart_s = max(ROUND_S, work_s / SHARE)
        now_s += apart_s
        longest_s = max(longest_s, apart_s)
        if heeds_lateness:
            limiter.round_ended(now_s, apart_s - ROUND_S)
    return limit_s, longest_s


def test_an_overloaded_worker_comes_back_by_itself() -> None:
    """Each camera that begins takes a tenth of a second of this machine: 2,235 take 255 s if nothing is done twice, and
    those that record leave less and less."""
    back_s, longest_s = comes_back()
    assert back_s < 600.0 and longest_s < 6.0


def test_the_model_has_the_storm_in_it() -> None:
    """All connect, the answers are read too late, and all connect again. To know that is half of it: cameras come back,
    while those that record wait as long as before for somebody to read what they send."""
    assert comes_back(heeds_lateness=False, knows_lateness=False)[0] == 1800.0
    back_s, longest_s = comes_back(heeds_lateness=False)
    assert back_s < 600.0 and longest_s > 10.0


def test_a_limiter_that_was_slowed_is_as_quick_as_before_soon_after() -> None:
    limiter = Limiter(lambda: 0.5)
    now_s = 0.0
    for _ in range(5):
        now_s += 3.0
        limiter.round_ended(now_s, 2.5)
    assert limiter.slowed == 32.0
    limiter.ask("first", NATIVE.connection_s, fresh=True)
    limiter.ask("second", NATIVE.connection_s, fresh=True)
    assert limiter.next(now_s) == "first"
    assert limiter.wait_s(now_s) == pytest.approx(32 * NATIVE.connection_s)
    until_s = now_s + 20.0
    while now_s < until_s:
        now_s += ROUND_S
        limiter.round_ended(now_s, 0.0)
    assert limiter.slowed == 1.0


def test_however_late_the_loop_is_one_begins_now_and_then() -> None:
    limiter = Limiter(lambda: 0.5)
    for look in range(100):
        limiter.round_ended(look * 60.0, 59.0)
    for camera in range(3):
        limiter.ask(camera, NATIVE.connection_s, fresh=True)
    assert limiter.next(6000.0) == 0 and limiter.next(6000.9) is None and limiter.next(6001.0) == 1
