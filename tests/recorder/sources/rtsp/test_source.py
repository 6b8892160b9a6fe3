"""The native source against a camera that does as it is told: every frame once, and every end with its cause."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

from nvr.demo.rtsp import Auth
from nvr.recorder.media.packets import Ended
from nvr.recorder.sources.rtsp.source import NativeSource
from storage.causes import Cause
from tests.recorder.sources.harness import Sink, camera, record
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.faults import OPENING, Faults
from tests.support.cameras.running import Startable, controlled, refusing
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.waiting import until_async

Serve = Callable[[Startable], str]

CAUSES = {
    "not_found": Cause.REJECTED,
    "unavailable": Cause.REJECTED,
    "unsupported_transport": Cause.REJECTED,
    "mute": Cause.UNREACHABLE,
    "garbage": Cause.REJECTED,
    "garbage_sdp": Cause.REJECTED,
    "jpeg": Cause.REJECTED,
    "vp8": Cause.REJECTED,
}
SPECS = {
    "h264": ClipSpec(),
    "h265": ClipSpec(codec="h265"),
    "h264 sets only described": ClipSpec(in_band=False),
    "h265 sets only described": ClipSpec(codec="h265", in_band=False),
    "h264 B pictures": ClipSpec(b_frames=2),
    "h265 B pictures": ClipSpec(codec="h265", b_frames=2),
}


@pytest.mark.parametrize("aggregate", [False, True], ids=["single", "aggregated"])
@pytest.mark.parametrize("name", SPECS)
def test_every_frame_once(serve: Serve, name: str, aggregate: bool) -> None:
    """Checklist 9, 10, 11, 13."""
    made = clip(SPECS[name])
    ended, sink, source = record(serve(ScriptedCamera(made, speed=4, aggregate=aggregate)))
    assert ended.cause is Cause.ENDED
    units = made.video.units
    assert sink.hashes == [unit.hash for unit in units]
    assert [got.keyframe for got in sink.video] == [unit.keyframe for unit in units]
    first = sink.video[0].pts
    assert [got.pts - first for got in sink.video] == [unit.pts - units[0].pts for unit in units]
    assert all(a.dts < b.dts for a, b in itertools.pairwise(sink.video))
    assert all(got.dts <= got.pts for got in sink.video)
    assert not any(source.faults.values())
    assert source.counters["packets"] >= len(sink.video)
    (video,) = sink.opened
    assert (video.stream.codec_context.width, video.stream.codec_context.height) == (320, 192)
    assert not sink.sound


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_parameter_sets_only_in_band(serve: Serve, codec: str) -> None:
    """Checklist 10."""
    made = clip(ClipSpec(codec=codec)).without_announcement()  # type: ignore[arg-type]
    _, sink, _ = record(serve(ScriptedCamera(made, speed=4)))
    assert sink.hashes == [unit.hash for unit in made.video.units]


def test_no_parameter_sets_at_all(serve: Serve) -> None:
    made = clip(ClipSpec(in_band=False)).without_announcement()
    ended, sink, _ = record(serve(ScriptedCamera(made, speed=4)))
    assert ended.cause is Cause.REJECTED and not sink.opened


def test_sound_lies_beside_the_picture(serve: Serve, h264_aac_clip: Clip) -> None:
    ended, sink, _ = record(serve(ScriptedCamera(h264_aac_clip)), audio=True)
    assert ended.cause is Cause.ENDED
    assert sink.hashes == [unit.hash for unit in h264_aac_clip.video.units]
    sound = h264_aac_clip.tracks[1]
    sent = [unit.hash for unit in sound.units]
    got = [frame.hash for frame in sink.sound]
    assert len(got) > len(sent) - 4 and got == sent[len(sent) - len(got) :]
    # Frame n of sound is due at the media time of its first sample, whatever offsets the timestamps began with.
    first = len(sent) - len(got)
    video_zero_s = sink.video[0].pts / 90_000
    audio_s = sink.sound[0].pts / sound.clock_rate
    assert audio_s - video_zero_s == pytest.approx(sound.units[first].pts / sound.clock_rate, abs=0.02)


@pytest.mark.parametrize("name", OPENING)
def test_causes_of_a_camera_that_does_not_open(serve: Serve, h264_clip: Clip, name: str) -> None:
    ended, sink, source = record(serve(ScriptedCamera(h264_clip, faults=OPENING[name])))
    assert ended.cause is CAUSES[name], ended
    assert not sink.opened
    assert (source.unsupported is not None) == (name in ("jpeg", "vp8", "unsupported_transport"))


def test_unreachable(h264_clip: Clip) -> None:
    with refusing() as url:
        assert record(url)[0].cause is Cause.UNREACHABLE
    ended, _, _ = record("rtsp://no-such-host.invalid/stream")
    assert ended.cause is Cause.UNREACHABLE and ended.detail["reason"] == "dns"


@pytest.mark.parametrize(
    "auth",
    [
        Auth("admin", "p@ss:w/rd#1%", "basic"),
        Auth("admin", "p@ss:w/rd#1%", "digest"),
        Auth("admin", "p@ss:w/rd#1%", "digest", qop=False),
        Auth("admin", "p@ss:w/rd#1%", "digest", algorithm="SHA-256"),
        Auth("admin", "p@ss:w/rd#1%", "both"),
        Auth("admin", "p@ss:w/rd#1%", "digest", nonce_uses=1),
    ],
    ids=["basic", "digest", "no qop", "sha-256", "both", "nonce used once"],
)
def test_login(serve: Serve, h264_clip: Clip, auth: Auth) -> None:
    """Checklist 5."""
    url = serve(ScriptedCamera(h264_clip, auth=auth, speed=8))
    ended, sink, _ = record(url, username="admin", password=auth.password)
    assert ended.cause is Cause.ENDED and len(sink.video) == 50
    refused, _, _ = record(url, username="admin", password="wrong#secret")
    assert refused.cause is Cause.UNAUTHORIZED
    assert "wrong#secret" not in repr(refused)
    assert record(url)[0].cause is Cause.UNAUTHORIZED


def test_ends(serve: Serve, h264_clip: Clip) -> None:
    def cause(**keys: object) -> Cause:
        return record(serve(ScriptedCamera(h264_clip, speed=8, **keys)))[0].cause  # type: ignore[arg-type]

    assert cause(at_end="close") is Cause.ENDED
    assert cause(at_end="stall") is Cause.STALLED
    assert cause(faults=Faults(close_after_play=True)) is Cause.ENDED
    assert cause(faults=Faults(close_after=7)) is Cause.ENDED
    assert cause(faults=Faults(stall_after=7)) is Cause.STALLED


def test_the_last_frame_before_silence_is_there(serve: Serve, h264_clip: Clip) -> None:
    _, sink, _ = record(serve(ScriptedCamera(h264_clip, speed=8, faults=Faults(stall_after=23))))
    assert len(sink.video) == 23


def test_what_the_sink_says_ends_the_connection(serve: Serve, h264_clip: Clip) -> None:
    told = Ended(Cause.DISK_FULL, {"error": "full"})
    ended, sink, _ = record(serve(ScriptedCamera(h264_clip)), stop_after=5, stop_with=told)
    assert (ended.cause, ended.detail) == (told.cause, told.detail) and len(sink.video) == 5
    crashed, _, _ = record(serve(ScriptedCamera(h264_clip)), stop_after=5, stop_with=ZeroDivisionError())
    assert crashed.cause is Cause.RECORDER_CRASHED


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("packet", [None, 0])
def test_a_lost_packet_costs_the_group_and_is_counted(serve: Serve, codec: str, packet: int | None) -> None:
    """Checklist 9."""
    made = clip(ClipSpec(codec=codec))  # type: ignore[arg-type]
    faults = Faults(drop=frozenset({(14, packet)}))
    ended, sink, source = record(serve(ScriptedCamera(made, speed=4, faults=faults)))
    sent = [unit.hash for unit in made.video.units]
    # Frames 14 to 19 refer to what was lost; 20 is a keyframe.
    assert sink.hashes == sent[:14] + sent[20:]
    assert [number for number, got in enumerate(sink.video) if got.loss] == [14]
    counters = source.counters
    assert counters["lost_packets"] > 0
    assert ended.detail["lost_packets"] == counters["lost_packets"]
    assert counters["damaged"] + counters["undecodable"] >= 5
    assert ended.cause is Cause.ENDED


def test_duplicates_are_dropped_and_counted(serve: Serve, h264_clip: Clip) -> None:
    """Checklist 9, 12."""
    faults = Faults(duplicate=frozenset({3, 10, 11}))
    _, sink, source = record(serve(ScriptedCamera(h264_clip, speed=4, faults=faults)))
    assert sink.hashes == [unit.hash for unit in h264_clip.video.units]
    assert source.counters["duplicate_packets"] > 0 and source.counters["lost_packets"] == 0


def test_jump_and_burst_keep_every_frame(serve: Serve) -> None:
    jumping = clip(ClipSpec(frames=50)).with_jump(20, 3600.0)
    _, sink, _ = record(serve(ScriptedCamera(jumping, speed=4, burst_s=1.0)))
    assert sink.hashes == [unit.hash for unit in jumping.video.units]
    assert sink.video[20].pts - sink.video[19].pts == 3600 * 90_000 + 3600


def test_new_parameters_are_passed_on(serve: Serve) -> None:
    """Checklist 10."""
    changing = clip(ClipSpec(change_to=(480, 288)))
    _, sink, _ = record(serve(ScriptedCamera(changing, speed=4)))
    assert sink.hashes == [unit.hash for unit in changing.video.units]
    assert len(sink.opened) == 1


def test_keeps_the_session_alive_and_ends_it(serve: Serve, h264_clip: Clip) -> None:
    """Checklist 2, 6."""
    served = ScriptedCamera(h264_clip, at_end="repeat", session_timeout_s=1.0, enforce_timeout=True)

    async def run(url: str) -> Ended:
        sink = Sink()
        source = NativeSource(camera(url), sink)
        task = asyncio.create_task(source.run())
        await asyncio.sleep(2.5)  # sleep: longer than the camera keeps a session by itself
        assert not task.done(), "the camera ended the session"
        at_us, camera_us, _ = sink.clocks[-1]
        assert abs(camera_us - at_us) < 1_000_000
        await asyncio.to_thread(source.stop)
        return await task

    with controlled(served):
        assert asyncio.run(run(served.url)).cause is Cause.SERVER_DOWN
        methods = [request.method for request in served.requests]
        assert methods[:4] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
        assert methods.count("GET_PARAMETER") >= 3


def test_a_cancelled_source_ends_its_session(serve: Serve, h264_clip: Clip) -> None:
    """Checklist 2."""
    served = ScriptedCamera(h264_clip, at_end="repeat")

    async def run(url: str) -> None:
        sink = Sink()
        task = asyncio.create_task(NativeSource(camera(url), sink).run())
        await sink.begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # What close() left to do, the loop does.
        await until_async(lambda: served.requests[-1].method == "TEARDOWN", "TEARDOWN")

    with controlled(served):
        asyncio.run(run(served.url))
