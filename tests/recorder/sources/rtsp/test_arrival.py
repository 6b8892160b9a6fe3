"""When a frame reached this machine is known although sockets are read twice a second."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from itertools import pairwise

import uvloop

from nvr.recorder.loop.rounds import Rounds
from nvr.recorder.sources.rtsp.source import NativeSource
from tests.recorder.sources.harness import Sink, camera
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.delaying import Delaying
from tests.support.cameras.running import running
from tests.support.cameras.scripted import ScriptedCamera

_SECONDS = 6.0


def test_jitter_is_that_of_the_line_in_rounds_too() -> None:
    """Two cameras on loopback and one behind a line that delays each frame by up to 0.3 s. As it was read, 5 frames a
    second were 0.2 s of jitter by themselves."""
    with ExitStack() as stack:
        cameras = [ScriptedCamera(_film(rate), at_end="repeat") for rate in (5, 15, 15)]
        urls = [stack.enter_context(running(each)) for each in cameras]
        line = Delaying(urls[2], 0.3)
        urls[2] = stack.enter_context(running(line))

        async def run() -> list[NativeSource]:
            rounds = Rounds(asyncio.get_running_loop())
            rounds.start()
            sources = [NativeSource(camera(url), Sink(), burst_us=1_000_000) for url in urls]
            tasks = [asyncio.create_task(source.run()) for source in sources]
            await asyncio.sleep(_SECONDS)  # sleep: the stretch of time that is judged
            for source in sources:
                source.stop()
            await asyncio.gather(*tasks)
            rounds.stop()
            return sources

        five, fifteen, delayed = (_jitter_s(source) for source in uvloop.run(run()))
    # A camera of this process, on a busy machine, is not even itself.
    sent = [_sent_jitter_s(each) for each in cameras]
    assert five < 0.03 + sent[0] and fifteen < 0.03 + sent[1], (five, fifteen, sent)
    assert line.jitter_s() / 2.5 < delayed < 2.5 * line.jitter_s(), (line.jitter_s(), delayed)


def _film(rate: int) -> Clip:
    return clip(ClipSpec(frames=4 * rate, frame_rate=rate, group=2 * rate))


def _sent_jitter_s(camera_: ScriptedCamera) -> float:
    """How unevenly it sent."""
    late_us = [entry.at_us - entry.pts * 1_000_000 / 90_000 for entry in camera_.journal.entries()]
    return sum(abs(b - a) for a, b in pairwise(late_us)) / (len(late_us) - 1) / 1e6


def _jitter_s(source: NativeSource) -> float:
    counters = source.counters
    assert counters["jitter_readings"] >= 4
    return counters["jitter_sum_us"] / counters["jitter_readings"] / 1e6
