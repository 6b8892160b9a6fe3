"""What came counts, whatever becomes footage of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import uvloop

from nvr.recorder.sources.av import AvSource
from nvr.recorder.sources.rtsp.source import NativeSource
from tests.recorder.sources.harness import Sink, camera
from tests.support.cameras.clips import ClipSpec, clip
from tests.support.cameras.faults import Faults
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera

Serve = Callable[[Startable], str]


@dataclass(frozen=True)
class Lossy(Faults):
    """Drops one packet in so many, by chance. ``sent``: bytes of payloads that went out."""

    one_in: int = 0
    sent: list[int] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(7))

    async def send(self, track: int, index: int, packets: list[bytes]) -> list[bytes]:
        kept = [packet for packet in packets if not self.one_in or self.dice.randrange(self.one_in)]
        self.sent.append(sum(len(packet) - 12 for packet in kept))
        return kept


@pytest.mark.parametrize("one_in", [0, 100, 20])
@pytest.mark.parametrize("kind", [NativeSource, AvSource])
def test_a_loss_makes_a_camera_smaller_by_what_is_lost(
    serve: Serve, kind: type[NativeSource] | type[AvSource], one_in: int
) -> None:
    film = clip(ClipSpec(frames=100, group=50, bit_rate_bps=3_000_000))
    faults = Lossy(one_in=one_in)
    url, sink = serve(ScriptedCamera(film, speed=4.0, faults=faults)), Sink()

    async def run() -> NativeSource | AvSource:
        source = kind(camera(url), sink)
        async with asyncio.timeout(60):
            await source.run()
        return source

    counters = uvloop.run(run()).counters
    sent = sum(faults.sent)
    # FFmpeg joins what is left of frames, and puts parameter sets in front.
    assert abs(counters["received_bytes"] - sent) < (0.002 if kind is NativeSource else 0.05) * sent
    assert 0.8e6 < counters["received_us"] < 2.5e6
    if one_in == 20 and kind is NativeSource:
        assert sum(len(got.data) for got in sink.video) < 0.7 * sent, "little of it can be decoded"
