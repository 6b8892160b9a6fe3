"""The native source against an independent camera: GStreamer's encoders, packetisers and clocks."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from nvr.recorder.sources.rtsp.source import NativeSource
from tests.recorder.sources.harness import Sink, camera
from tests.support.cameras.gst import GstCamera

pytestmark = pytest.mark.gstreamer


@pytest.mark.parametrize("mount", ["h264", "h265", "h264-aac"])
def test_every_frame_once(gst: GstCamera, mount: str) -> None:
    sink = Sink()

    async def run() -> NativeSource:
        source = NativeSource(camera(gst.urls[mount], audio=mount == "h264-aac", stall_timeout="5s"), sink)
        task = asyncio.create_task(source.run())
        async with asyncio.timeout(60):
            await sink.begun.wait()
        await asyncio.sleep(4)  # sleep: recording for this long is what is judged
        assert not task.done()
        source.stop()
        await task
        return source

    source = uvloop.run(run())
    sent = [logged.hash for logged in gst.sent(mount)]
    assert len(sink.video) > 40
    first = sent.index(sink.hashes[0])
    assert sink.hashes == sent[first : first + len(sink.video)]
    assert not any(source.faults.values())
    assert source.counters["packets"] >= len(sink.video)
    if mount == "h264-aac":
        assert len(sink.sound) > 40
        apart_s = sink.sound[-1].pts / 16_000 - sink.video[-1].pts / 90_000
        assert abs(apart_s) < 0.5
