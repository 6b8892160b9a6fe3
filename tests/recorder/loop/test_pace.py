"""The loop's pace, under a clock that can be turned."""

import asyncio

from nvr.recorder.loop.pace import Haste, Lateness, Pace


class FakeTime:
    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.now_s += seconds


async def look() -> None:
    """The turns of the loop that a look is."""
    for _ in range(4):
        await asyncio.sleep(0)


async def test_the_loop_is_held_for_the_rest_of_each_interval() -> None:
    world = FakeTime()
    pace = Pace(asyncio.get_running_loop(), 0.04, monotonic_s=lambda: world.now_s, sleep=world.sleep)
    pace.start()
    for work_s in (0.0, 0.01, 0.03):
        await look()
        world.now_s += work_s
    # Behind: not held, and what was missed is not made up for.
    world.now_s += 1.0
    await look()
    await look()
    pace.stop()
    assert world.slept == [0.04, 0.04, 0.03, 0.04]
    slept = len(world.slept)
    await look()
    assert len(world.slept) == slept


async def test_an_answer_that_is_waited_for_is_looked_for_more_often() -> None:
    world, haste = FakeTime(), Haste()
    pace = Pace(asyncio.get_running_loop(), 0.2, haste=haste, monotonic_s=lambda: world.now_s, sleep=world.sleep)
    pace.start()
    with haste:
        await look()
        await look()
    await look()
    pace.stop()
    assert world.slept[:2] == [0.037, 0.037] and world.slept[-1] == 0.2


async def test_haste_leaves_others_half_of_the_time() -> None:
    """Thousands connect: to look as often as that for one of them costs what all others send each time."""
    world, haste = FakeTime(), Haste()
    pace = Pace(asyncio.get_running_loop(), 0.4, haste=haste, monotonic_s=lambda: world.now_s, sleep=world.sleep)
    pace.start()
    with haste:
        for work_s in (0.01, 0.1, 0.3, 0.9, 0.0):
            world.now_s += work_s
            await look()
    pace.stop()
    assert world.slept == [0.027, 0.1, 0.1, 0.037]


async def test_steps_that_follow_from_each_other_are_of_one_look() -> None:
    world = FakeTime()
    pace = Pace(asyncio.get_running_loop(), 0.2, monotonic_s=lambda: world.now_s, sleep=world.sleep)
    done: list[int] = []

    def step(number: int) -> None:
        done.append(len(world.slept))
        if number < 3:
            asyncio.get_running_loop().call_soon(step, number + 1)

    pace.start()
    asyncio.get_running_loop().call_soon(step, 1)
    await look()
    pace.stop()
    assert done == [0, 0, 0] and world.slept == [0.2]


async def test_a_loop_knows_how_late_it_was() -> None:
    world, lateness = FakeTime(), Lateness()
    pace = Pace(asyncio.get_running_loop(), 0.5, lateness=lateness, monotonic_s=lambda: world.now_s, sleep=world.sleep)
    pace.start()
    await look()
    await look()
    assert lateness.late_s == 0.0 and world.now_s - lateness.behind_at_s == float("inf")
    world.now_s += 4.0
    await look()
    assert lateness.late_s == 4.0 and (lateness.behind_s, lateness.behind_at_s) == (4.0, world.now_s)
    await look()
    pace.stop()
    assert lateness.late_s == 0.0 and lateness.behind_s == 4.0
