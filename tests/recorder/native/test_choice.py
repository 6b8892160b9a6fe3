"""Which source reads a camera, and how one takes over from the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from nvr.recorder.av_source import AvSource
from nvr.recorder.native.choice import FallbackSource, choose_source
from nvr.recorder.source import Ended
from storage.causes import Cause
from tests.cameras.clips import ClipSpec, clip
from tests.cameras.faults import OPENING, Faults
from tests.cameras.running import Startable
from tests.cameras.scripted import ScriptedCamera
from tests.recorder.native.harness import Sink, camera

Serve = Callable[[Startable], str]


def test_by_the_settings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for settings in (
        camera("rtsp://c/x", source="native"),
        camera("rtsp://c/x", source="auto"),
        camera("rtsp://c/x", audio=True),
    ):
        assert isinstance(choose_source(settings, Sink()), FallbackSource)
    for settings in (
        camera("rtsp://c/x", source="av"),
        camera("rtsp://c/x", transport="udp", source="native"),
        camera("rtsps://c/x"),
    ):
        assert isinstance(choose_source(settings, Sink()), AvSource)
    assert "because of UDP" in caplog.text and "because of rtsps" in caplog.text


def test_ffmpeg_takes_over_with_a_reason(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """Sound that native does not speak: FFmpeg reads the camera, and its pictures are recorded."""
    description = (
        "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:trackID=0\r\n"
        "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MP4A-LATM/16000/1\r\na=fmtp:97 cpresent=0; config=40002820\r\na=control:trackID=1\r\n"
    )
    spoken = clip(ClipSpec(audio="aac"))
    sink = Sink()
    source = FallbackSource(camera(serve(ScriptedCamera(spoken, faults=Faults(sdp=description))), audio=True), sink)
    with caplog.at_level(logging.INFO, "nvr.recorder.native.choice"):
        asyncio.run(source.run())
    assert sink.video and "MP4A-LATM" in caplog.text


class OnlyTheTwo(Sink):
    """Refuses what no segment may hold, as the pipeline does."""

    def open(self, video: Any, audio: Any) -> None:
        if video.codec_context.name not in ("h264", "hevc"):
            raise Ended(Cause.REJECTED, {"error": video.codec_context.name})


def test_what_nobody_reads_is_rejected(serve: Serve) -> None:
    url = serve(ScriptedCamera(clip(ClipSpec()), faults=OPENING["vp8"], at_end="stall"))
    ended = asyncio.run(choose_source(camera(url), OnlyTheTwo()).run())
    assert ended.cause is Cause.REJECTED
