"""A camera, a network and a reader that polls, as numbers: what their frames' times come to."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from nvr.recorder.clocks.clock import RunClock
from nvr.recorder.clocks.timeline import Timeline
from nvr.recorder.media.packets import Frame

BEGIN_US = 1_800_000_000_000_000
RATE = 90_000
TIME_BASE = Fraction(1, RATE)
POLL_US = 474_000


@dataclass(frozen=True, slots=True)
class Filmed:
    """Filmed at ``true_us`` after the camera's beginning, stamped ``dts`` and ``pts`` (ticks), read at
    ``arrival_us``."""

    true_us: int
    dts: int
    pts: int
    arrival_us: int


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a frame came to stand: on the file's own line (from the clock's anchor on, second for second), and by the
    clock at that moment."""

    frame: Filmed
    dts: int
    pts: int
    offset_us: int
    wall_offset_us: int
    wall_us: int


def camera(
    seconds: float,
    *,
    fps: float = 10.0,
    stamp: Callable[[int, float], float] = lambda number, true_s: true_s,
    when: Callable[[int], float] | None = None,
) -> list[tuple[int, int]]:
    """Frames as (true time in µs, stamp in ticks). ``when``: a frame's true time in seconds by its number; ``stamp``:
    what the camera says of it, in seconds."""
    found: list[tuple[int, int]] = []
    number = 0
    while True:
        true_s = when(number) if when is not None else number / fps
        if true_s >= seconds:
            return found
        found.append((round(true_s * 1e6), round(stamp(number, true_s) * RATE)))
        number += 1


def deliver(
    frames: Sequence[tuple[int, int]],
    *,
    delay_us: Callable[[int, int], int] = lambda number, true_us: 5_000,
    poll_us: int = POLL_US,
    phase_us: int = 123_000,
    busy_us: Sequence[int] = (0,),
) -> list[Filmed]:
    """Over a network that keeps the order, to a reader that polls. ``busy_us``: by how much its polls are late, in
    turn, since the machine had something else to do; less than from one to the next."""
    found: list[Filmed] = []
    latest_us = 0
    for number, (true_us, stamp) in enumerate(frames):
        latest_us = max(latest_us, true_us + delay_us(number, true_us))
        read_us = latest_us
        if poll_us:
            poll = -((phase_us - latest_us) // poll_us)
            # The one before may have been late enough.
            polls = [number * poll_us + phase_us + busy_us[number % len(busy_us)] for number in (poll - 1, poll)]
            read_us = next(at_us for at_us in polls if at_us >= latest_us)
        found.append(Filmed(true_us, stamp, stamp, read_us))
    return found


def place(frames: Sequence[Filmed], reports: Sequence[Filmed] = ()) -> tuple[list[Placed], Timeline]:
    """All of them (and reports of the camera's clock), as the pipeline does it: kept until the clock is anchored, and
    while the timeline holds them."""
    clock = RunClock()
    timeline = Timeline(TIME_BASE, clock)
    kept: list[tuple[Filmed, Frame]] = []
    held: list[Filmed] = []
    done: list[Placed] = []

    def out(frame: Filmed, dts: int, pts: int) -> None:
        media_us = pts * 100 // 9
        line_us = timeline_zero[0] + media_us
        wall_us = clock.wall_us(media_us)
        at_us = BEGIN_US + frame.true_us
        done.append(Placed(frame, dts, pts, line_us - at_us, wall_us - at_us, wall_us))

    timeline_zero = [0]
    waiting = list(reports)
    for frame in frames:
        now_us = BEGIN_US + frame.arrival_us
        while waiting and waiting[0].arrival_us < frame.arrival_us:
            report = waiting.pop(0)
            timeline.reported(BEGIN_US + report.arrival_us, report.true_us)
        again = [frame]
        while again:
            one = again.pop(0)
            if not timeline.place(one.dts, one.pts, BEGIN_US + one.arrival_us):
                held.append(one)
                if not timeline.holding:
                    again, held = held, []
                continue
            if clock.anchored:
                out(one, timeline.dts, timeline.pts)
                continue
            kept.append((one, picture(timeline.dts, timeline.pts)))
            if timeline.ready(now_us):
                timeline.anchor([made for _, made in kept], now_us)
                timeline_zero[0] = clock.wall_us(0)
                for early, made in kept:
                    out(early, made.dts, made.pts)
                kept = []
    timeline.let_go(now_us)
    for one in held:
        assert timeline.place(one.dts, one.pts, BEGIN_US + one.arrival_us)
        out(one, timeline.dts, timeline.pts)
    return done, timeline


def picture(dts: int, pts: int) -> Frame:
    """A frame without a body."""
    return Frame([], (), TIME_BASE, pts, dts, False, "")


def dice(seed: int) -> random.Random:
    """Chance that can be repeated."""
    return random.Random(seed)
