"""How a camera is read in a worker, and what is reported of one that should be read otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from nvr.recorder.media.packets import Ended
from nvr.recorder.sources.av import AvSource
from nvr.recorder.sources.choose import SourceChoice
from nvr.recorder.sources.reading import Reading
from nvr.recorder.sources.rtp.sense import Seen
from nvr.recorder.sources.rtsp.describe import describe, digest
from nvr.recorder.sources.rtsp.source import NativeSource
from nvr.sources.av import AV
from nvr.sources.native import NATIVE
from storage.causes import Cause
from tests.recorder.sources.harness import Sink, camera
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.faults import OPENING, Faults
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera

Serve = Callable[[Startable], str]

LATM = (
    "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:trackID=0\r\n"
    "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MP4A-LATM/16000/1\r\na=fmtp:97 cpresent=0; config=40002820\r\n"
    "a=control:trackID=1\r\n"
)
IN_PLACE = Reading(source="av", transport="tcp", worked=True)


class Reports(list[dict[str, Any]]):
    def __call__(self, **values: Any) -> None:
        self.append(values)


@pytest.mark.parametrize(
    ("keys", "is_native"),
    [
        ({}, True),
        ({"source": "auto"}, True),
        ({"source": "av"}, False),
        ({"transport": "udp"}, False),
        ({"url": "rtsps://c/x"}, True),
    ],
)
def test_by_the_settings(keys: dict[str, Any], is_native: bool) -> None:
    settings = camera(**{"url": "rtsp://c/x", **keys})
    choice = SourceChoice(settings)
    assert (choice.kind is NATIVE) is is_native
    assert isinstance(choice.source(Sink()), NativeSource if is_native else AvSource)
    # What was found counts more.
    assert SourceChoice(settings, IN_PLACE).kind is AV


def attempt(url: str, reading: Reading | None = None, **keys: Any) -> tuple[Ended, Sink, Reports, bool]:
    """One attempt; what was reported, and whether the next one should begin at once."""
    reports, sink = Reports(), Sink()
    choice = SourceChoice(camera(url, **keys), reading, reports)
    ended = asyncio.run(choice.source(sink).run())
    return ended, sink, reports, choice.ended(ended, float(len(sink.video) > 0))


def test_sound_that_only_ffmpeg_reads(serve: Serve) -> None:
    spoken = clip(ClipSpec(audio="aac"))
    url = serve(ScriptedCamera(spoken, faults=Faults(sdp=LATM)))
    _, sink, reports, _ = attempt(url, audio=True)
    (report,) = reports
    assert (report["event"], report["transport"]) == ("unreadable", "tcp") and "MP4A-LATM" in report["reason"]
    # In its place FFmpeg reads it, and says which description that was.
    _, sink, reports, _ = attempt(url, IN_PLACE, audio=True)
    assert sink.video and [report["event"] for report in reports] == ["described"]
    assert reports[0]["sdp"] == digest(LATM)


def test_a_camera_that_refuses_tcp(serve: Serve, h264_clip: Clip) -> None:
    url = serve(ScriptedCamera(h264_clip, faults=OPENING["unsupported_transport"]))
    _, _, reports, again = attempt(url)
    assert [(report["event"], report["transport"]) for report in reports] == [("unreadable", "udp")] and not again
    # FFmpeg asks for the other one at once.
    ended, _, reports, again = attempt(url, Reading(source="av", transport="tcp"), source="av")
    assert ended.cause is Cause.REJECTED and reports == [] and again


def test_a_camera_that_plays_and_sends_nothing(serve: Serve, h264_clip: Clip) -> None:
    url = serve(ScriptedCamera(h264_clip, faults=Faults(stall_after=0)))
    ended, _, reports, _ = attempt(url)
    assert ended.cause is Cause.STALLED
    assert [(report["reason"], report["transport"]) for report in reports] == [("it sends nothing over TCP", "udp")]


def test_a_camera_that_plays_and_hangs_up(serve: Serve, h264_clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again: once may be a restart of its own."""
    now_s = 100.0
    monkeypatch.setattr("nvr.recorder.sources.choose.time.monotonic", lambda: now_s)
    reports, url = Reports(), serve(ScriptedCamera(h264_clip, faults=Faults(close_after_play=True)))
    choice = SourceChoice(camera(url), None, reports)
    told = []
    for wait_s in (1, 2, 4, 8):
        ended = asyncio.run(choice.source(Sink()).run())
        assert ended.cause is Cause.ENDED and not choice.ended(ended, 0.0)
        told.append(len(reports))
        now_s += wait_s
    assert told == [0, 0, 0, 0]
    ended = asyncio.run(choice.source(Sink()).run())
    choice.ended(ended, 0.0)
    assert [(report["reason"], report["transport"]) for report in reports] == [("it sends nothing over TCP", "udp")]


def test_a_camera_that_worked_may_fall_silent(serve: Serve, h264_clip: Clip) -> None:
    reports = Reports()
    choice = SourceChoice(camera(serve(ScriptedCamera(h264_clip, faults=Faults(stall_after=0)))), None, reports)
    choice.source(Sink())
    choice.ended(Ended(Cause.ENDED), 60.0)
    ended = asyncio.run(choice.source(Sink()).run())
    choice.ended(ended, 0.0)
    assert ended.cause is Cause.STALLED and reports == []


def test_what_makes_no_sense_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    reports = Reports()
    choice = SourceChoice(camera("rtsp://c/x"), None, reports)
    choice.source(Sink())
    for second in range(13):
        seen = Seen(packets=40 * second, units=40 * second, begun=10 * second, keyframes_begun=second)
        monkeypatch.setattr(NativeSource, "seen", property(lambda self, seen=seen: seen))
        choice.poll(float(second))
    (report,) = reports
    assert report["event"] == "unreadable" and "0 frames could be put together of" in report["reason"]


def test_a_description_is_known_again_whatever_it_says_of_the_session() -> None:
    again = LATM.replace("v=0\r\n", "v=0\r\no=- 99 1 IN IP4 192.0.2.1\r\ns=x\r\n").replace("\r\n", "\n")
    assert digest(LATM) == digest(again)
    assert digest(LATM) != digest(LATM.replace("H264", "H265"))


def test_a_camera_that_does_not_describe_itself(serve: Serve, h264_clip: Clip) -> None:
    for faults in (OPENING["not_found"], OPENING["garbage"]):
        assert asyncio.run(describe(camera(serve(ScriptedCamera(h264_clip, faults=faults))))) is None
    assert asyncio.run(describe(camera("rtsp://127.0.0.1:1/x"))) is None


class OnlyTheTwo(Sink):
    """Refuses what no segment may hold, as the pipeline does."""

    def open(self, video: Any) -> None:
        if video.codec not in ("h264", "hevc"):
            raise Ended(Cause.REJECTED, {"error": video.codec})


def test_what_nobody_reads_is_rejected(serve: Serve) -> None:
    url = serve(ScriptedCamera(clip(ClipSpec()), faults=OPENING["vp8"], at_end="stall"))
    ended = asyncio.run(SourceChoice(camera(url), IN_PLACE).source(OnlyTheTwo()).run())
    assert ended.cause is Cause.REJECTED
