"""A scripted camera sends what its journal says, to clients of three kinds."""

import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from nvr.demo.rtsp import Auth
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.reading import numbers, packets
from tests.support.cameras.running import Startable, controlled, running
from tests.support.cameras.scripted import ScriptedCamera

Serve = Callable[[Startable], str]


@pytest.mark.parametrize(
    "spec",
    [
        ClipSpec(),
        ClipSpec(in_band=False),
        ClipSpec(codec="h265"),
        ClipSpec(codec="h265", in_band=False),
        ClipSpec(b_frames=2),
        ClipSpec(audio="aac"),
        ClipSpec(audio="pcma"),
        ClipSpec(audio="pcmu"),
        ClipSpec(width=1280, height=720, frames=20, bit_rate_bps=6_000_000),
        ClipSpec(change_to=(480, 272)),
    ],
    ids=["h264", "h264-sdp", "h265", "h265-sdp", "b-frames", "aac", "pcma", "pcmu", "720p", "change"],
)
def test_every_frame_arrives_unchanged(serve: Serve, spec: ClipSpec) -> None:
    camera = ScriptedCamera(clip(spec), speed=4.0)
    got = packets(serve(camera))
    for track in range(len(camera.clip.tracks)):
        sent = [entry.hash for entry in camera.journal.entries(track=track)]
        assert sent == [unit.hash for unit in camera.clip.tracks[track].units]
        assert [read.hash for read in got if read.stream == track] == sent


def test_timestamps_are_those_of_the_clip(serve: Serve, h264_clip: Clip) -> None:
    got = packets(serve(ScriptedCamera(h264_clip, speed=4.0)))
    # FFmpeg does not know the time of the first packet of a live stream yet.
    assert [read.pts for read in got][1:] == [unit.pts for unit in h264_clip.video.units][1:]
    assert [read.keyframe for read in got] == [unit.keyframe for unit in h264_clip.video.units]


def test_small_units_may_share_a_packet(serve: Serve, h265_clip: Clip, h264_clip: Clip) -> None:
    for chosen in (h264_clip, h265_clip):
        camera = ScriptedCamera(chosen, speed=4.0, aggregate=True)
        assert [read.hash for read in packets(serve(camera))] == [unit.hash for unit in chosen.video.units]


def test_pictures_are_numbered(serve: Serve, h264_clip: Clip, h265_clip: Clip) -> None:
    for chosen in (h264_clip, h265_clip, clip(ClipSpec(change_to=(480, 272)))):
        assert numbers(serve(ScriptedCamera(chosen, speed=8.0))) == list(range(50))


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="NOT TESTED with ffmpeg: apt-get install ffmpeg")
def test_ffmpeg_records_every_frame(serve: Serve, h264_aac_clip: Clip, tmp_path: Path) -> None:
    url = serve(ScriptedCamera(h264_aac_clip, speed=2.0))
    file = tmp_path / "recorded.mp4"
    command = ["ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", url, "-c", "copy", str(file)]
    subprocess.run(command, check=True, timeout=120)
    got = packets(file)
    for track in range(2):
        assert [r.hash for r in got if r.stream == track] == [u.hash for u in h264_aac_clip.tracks[track].units]


@pytest.mark.skipif(shutil.which("gst-launch-1.0") is None, reason="NOT TESTED: apt-get install gstreamer1.0-tools")
def test_gstreamer_receives_every_frame(serve: Serve, h264_clip: Clip, tmp_path: Path) -> None:
    url = serve(ScriptedCamera(h264_clip, speed=2.0))
    file = tmp_path / "recorded.h264"
    pipeline = (
        f"rtspsrc location={url} protocols=tcp ! rtph264depay ! video/x-h264,stream-format=byte-stream,alignment=au"
    )
    command = ["gst-launch-1.0", "-q", *pipeline.split(), "!", "filesink", f"location={file}"]
    # Its exit status is not looked at: to GStreamer a camera that closes is an error.
    subprocess.run(command, timeout=120, stderr=subprocess.DEVNULL, check=False)
    assert [read.hash for read in packets(file)] == [unit.hash for unit in h264_clip.video.units]


@pytest.mark.parametrize(
    "auth",
    [
        Auth("op:er", "p@ss/w%rd", scheme="basic"),
        Auth("operator", "p@ss", scheme="digest"),
        Auth("operator", "p@ss", scheme="digest", qop=False),
        Auth("operator", "p@ss", scheme="both"),
        Auth("operator", "p@ss", scheme="digest", nonce_uses=2),
    ],
    ids=["basic", "digest", "digest-no-qop", "both", "digest-stale"],
)
def test_the_right_password_opens(serve: Serve, h264_clip: Clip, auth: Auth) -> None:
    if ":" in auth.username:
        auth.username = "operator"
    url = serve(ScriptedCamera(h264_clip, speed=8.0, auth=auth))
    quoted = auth.password.replace("%", "%25").replace("@", "%40").replace("/", "%2F")
    assert len(packets(url.replace("rtsp://", f"rtsp://{auth.username}:{quoted}@"))) == 50


def test_a_shared_film_is_joined_in_the_middle(h264_clip: Clip) -> None:
    camera = ScriptedCamera(h264_clip, shared=True, speed=2.0)
    first: list[object] = []
    with running(camera) as url:
        thread = threading.Thread(target=lambda: first.extend(packets(url)))
        thread.start()
        camera.journal.wait(15)
        second = packets(url)
        thread.join(60)
    indexes = [entry.index for entry in camera.journal.entries(client=1)]
    assert len(first) == 50
    assert indexes[0] >= 14
    assert indexes == list(range(indexes[0], 50))
    assert len(second) == len(indexes)


def test_a_burst_comes_at_once(serve: Serve, h264_clip: Clip) -> None:
    camera = ScriptedCamera(h264_clip, burst_s=1.0)
    packets(serve(camera))
    sent = camera.journal.entries()
    assert sent[24].at_us - sent[0].at_us < 700_000
    assert sent[-1].at_us - sent[0].at_us >= 900_000


def test_a_repeated_clip_has_continuous_timestamps(serve: Serve, h264_clip: Clip) -> None:
    camera = ScriptedCamera(h264_clip, at_end="repeat", speed=8.0)
    times = [read.pts for read in packets(serve(camera), limit=80)][1:]
    assert times == [index * 3600 for index in range(1, 80)]
    assert [entry.index for entry in camera.journal.entries()][:80] == list(range(80))


def test_a_camera_goes_away_and_comes_back(h264_clip: Clip) -> None:
    camera = ScriptedCamera(h264_clip, at_end="repeat", speed=4.0)
    with controlled(camera) as control:
        assert len(packets(camera.url, limit=10)) == 10
        control(camera.go_away)
        with pytest.raises(ConnectionRefusedError):
            packets(camera.url)
        control(camera.start)
        assert len(packets(camera.url, limit=10)) == 10


def test_no_thread_is_left(h264_clip: Clip) -> None:
    before = threading.active_count()
    with running(ScriptedCamera(h264_clip, at_end="stall")) as url:
        packets(url, limit=5)
    assert threading.active_count() == before
