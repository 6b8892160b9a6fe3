"""Rounds of reading: under a clock that can be turned, and on a loop whose timers are to be on time meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from nvr.recorder.loop.rounds import Lateness, Rounds, rounds_of


class FakeLoop:
    """Calls one thing after the other; its time is turned by what is called."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.waits: list[float] = []
        self._next: tuple[float, Callable[[], object]] | None = None

    def call_soon(self, callback: Callable[[], object], /) -> FakeLoop:
        return self.call_later(0.0, callback)

    def cancel(self) -> None:
        self._next = None

    def call_later(self, delay: float, callback: Callable[[], object], /) -> FakeLoop:
        self.waits.append(round(delay, 3))
        self._next = (self.now_s + delay, callback)
        return self

    def turn(self) -> None:
        """What is due next, when it is due."""
        assert self._next is not None
        (self.now_s, callback), self._next = self._next, None
        callback()


class Camera:
    """One that takes so long to read."""

    def __init__(self, loop: FakeLoop, takes_s: float = 0.0) -> None:
        self._loop = loop
        self.takes_s = takes_s
        self.reads = 0

    def read(self) -> None:
        self.reads += 1
        self._loop.now_s += self.takes_s


@pytest.fixture
def loop() -> FakeLoop:
    return FakeLoop()


def rounds(loop: FakeLoop, interval_s: float = 0.5, lateness: Lateness | None = None) -> Rounds:
    return Rounds(loop, interval_s, lateness=lateness or Lateness(), monotonic_s=lambda: loop.now_s)


def test_a_round_reads_each_and_the_next_one_is_an_interval_later(loop: FakeLoop) -> None:
    made, cameras = rounds(loop), [Camera(loop, 0.001) for _ in range(3)]
    for each in cameras:
        made.add(each)
    made.start()
    loop.turn()
    assert [each.reads for each in cameras] == [1, 1, 1] and loop.waits[-1] == 0.497
    made.discard(cameras[0])
    loop.turn()
    assert [each.reads for each in cameras] == [1, 2, 2] and loop.waits[-1] == 0.498


def test_a_round_gives_way_every_few_milliseconds(loop: FakeLoop) -> None:
    """Timers and answers of cameras that connect wait no longer than for one slice of it."""
    made, cameras = rounds(loop), [Camera(loop, 0.002) for _ in range(9)]
    for each in cameras:
        made.add(each)
    made.start()
    turns = 0
    while not all(each.reads for each in cameras):
        loop.turn()
        turns += 1
    assert turns == 3 and [each.reads for each in cameras] == [1] * 9


def test_what_ended_within_a_round_is_not_read_and_what_began_is_read_with_the_next(loop: FakeLoop) -> None:
    made, slow, ended, new = rounds(loop), Camera(loop, 0.1), Camera(loop), Camera(loop)
    made.add(slow)
    made.add(ended)
    made.start()
    loop.turn()
    made.discard(ended)
    made.add(new)
    loop.turn()
    assert (slow.reads, ended.reads, new.reads) == (1, 0, 0)
    while not new.reads:
        loop.turn()
    assert (slow.reads, ended.reads) == (2, 0)


def test_a_loop_knows_how_late_it_was_and_makes_up_for_nothing(loop: FakeLoop) -> None:
    lateness = Lateness()
    made, camera = rounds(loop, 0.5, lateness), Camera(loop)
    made.add(camera)
    made.start()
    loop.turn()
    loop.turn()
    assert lateness.late_s == 0.0 and loop.now_s - lateness.behind_at_s == float("inf")
    camera.takes_s = 4.5
    loop.turn()
    assert lateness.late_s == pytest.approx(4.5)
    assert (lateness.behind_s, lateness.behind_at_s) == (lateness.late_s, loop.now_s)
    assert loop.waits[-1] == 0.0 and made.apart_s == pytest.approx(5.0)
    camera.takes_s = 0.0
    # While a round goes on it is known how long the others have waited.
    assert lateness.late_now_s(loop.now_s + 9.5) == pytest.approx(9.0)
    loop.turn()
    loop.turn()
    assert lateness.late_s == 0.0 and lateness.behind_s == pytest.approx(4.5) and loop.waits[-1] == 0.5


def test_the_end_reads_what_waits(loop: FakeLoop) -> None:
    made, camera = rounds(loop), Camera(loop)
    made.start()
    made.add(camera)
    assert rounds_of(loop) is made
    made.stop()
    assert camera.reads == 1 and rounds_of(loop) is None


async def test_timers_of_the_loop_are_on_time_between_rounds() -> None:
    """A loop that slept between two looks at its sockets had its timers at each look: 0.474 s late at most."""
    loop = asyncio.get_running_loop()
    made = Rounds(loop, 10.0, lateness=Lateness())
    made.start()
    try:
        late_s = []
        for _ in range(20):
            due_s, fired = loop.time() + 0.01, loop.create_future()
            loop.call_at(due_s, fired.set_result, None)
            await fired
            late_s.append(loop.time() - due_s)
    finally:
        made.stop()
    assert sorted(late_s)[10] < 0.1
