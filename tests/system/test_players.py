"""Other people's players, with the real server: they must go on, not only begin."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

import av
import httpx
import pytest

from tests.support.cameras.clips import ClipSpec, clip
from tests.support.cameras.running import Startable, controlled
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import NVR, Server

LIVE_S = 20


def looks_like(path: Path, start_us: int, length_s: float, within_s: float) -> None:
    """What a file says of itself to whoever finds it."""
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "format=start_time,duration:format_tags=creation_time", "-of",
         "json", path],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    said = json.loads(shown)["format"]
    assert float(said["start_time"]) < 0.1
    assert abs(float(said["duration"]) - length_s) < within_s
    assert datetime.fromisoformat(said["tags"]["creation_time"]).timestamp() == start_us // 1_000_000


@pytest.mark.long
@pytest.mark.nightly
def test_vlc_goes_on_with_live_view_after_a_break(tmp_path: Path) -> None:
    """The camera is away for some seconds, and comes back as it was. VLC stops for good at a discontinuity."""
    film = clip(ClipSpec(frame_rate=10, frames=100, group=10, width=256, height=64))
    camera = ScriptedCamera(film, at_end="repeat")
    with controlled(camera) as control:
        server = Server(tmp_path, [{"id": "gate", "url": camera.url}], segment_duration="60s", workers=1)
        server.start()
        try:
            server.until(lambda: server.growing("gate"), what="footage")
            made = subprocess.run(
                [NVR, "tokens", "create", "--role", "viewer", "--config", server.config],
                capture_output=True, text=True, timeout=120, check=True,
            )  # fmt: skip
            token = made.stdout.split()[-1]
            address = f"http://x:{token}@127.0.0.1:{server.port}/api/cameras/gate/live.m3u8"
            server.until(lambda: server.growing("gate")[0].end_us - server.growing("gate")[0].key.start_us > 10e6)
            player = Path(__file__).parent.parent / "players" / "vlc_play.py"
            with subprocess.Popen(
                [sys.executable, player, address, "45"], stdout=subprocess.PIPE, text=True
            ) as playing:
                time.sleep(12)  # sleep: the player watches
                control(camera.go_away)
                time.sleep(3)  # sleep: how long the camera is away
                control(camera.start)
                told, _ = playing.communicate(timeout=120)
            if playing.returncode == 3:
                pytest.skip("NOT TESTED with VLC: apt-get install vlc-bin vlc-plugin-base")
            first, last = (json.loads(line) for line in (told.splitlines()[0], told.splitlines()[-1]))
            assert not last["ended"], "it gave up"
            # A break of eight seconds or so, what VLC buffers, and what it plays besides.
            assert first["position"] >= 28
        finally:
            server.stop()


@pytest.mark.long
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="NOT TESTED with ffmpeg: apt-get install ffmpeg")
@pytest.mark.parametrize("sound", [pytest.param(None, marks=pytest.mark.nightly), "aac"])
def test_the_machines_ffmpeg_reads_live_without_stopping(
    tmp_path: Path, serve: Callable[[Startable], str], sound: Literal["aac"] | None
) -> None:
    """FFmpeg 5.1 asks for an init without a range by the range of the part before it, and then stops after some
    seconds."""
    film = clip(ClipSpec(codec="h264", frames=250, group=25, audio=sound))
    url = serve(ScriptedCamera(film, at_end="repeat"))
    camera = {"id": "gate", "url": url, "audio": sound is not None}
    server = Server(tmp_path, [camera], segment_duration="4s", workers=1)
    server.start()
    try:
        made = subprocess.run(
            [NVR, "tokens", "create", "--role", "viewer", "--config", server.config],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        token = made.stdout.split()[-1] if made.returncode == 0 else pytest.fail(made.stderr)
        server.until(lambda: len(server.closed("gate")) >= 1, what="footage")
        read = tmp_path / "live.mp4"
        address = f"http://127.0.0.1:{server.port}/api/cameras/gate/live.m3u8"
        bearer = {"Authorization": f"Bearer {token}"}

        def is_live() -> bool:
            try:
                return httpx.get(address, headers=bearer).status_code == 200
            except httpx.TransportError:
                # On a busy machine the recorders are there before the API.
                return False

        server.until(is_live, what="the camera is live")
        done = subprocess.run(
            ["ffmpeg", "-v", "error", "-headers", f"Authorization: Bearer {token}\r\n", "-i", address,
             "-t", str(LIVE_S), "-c", "copy", "-y", read],
            capture_output=True, text=True, timeout=LIVE_S * 5,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        with av.open(read) as container:
            frames = sum(1 for _ in container.decode(video=0))
        with av.open(read) as container:
            heard_s = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0)) if sound else None
        # Several segments' worth, of which the files changed twice at least.
        assert frames >= LIVE_S * 25 * 0.9, (frames, done.stderr)
        assert heard_s is None or heard_s >= LIVE_S * 0.9, (heard_s, done.stderr)
        for segment in server.closed("gate")[1:]:
            length_s = (segment.end_us - segment.key.start_us) / 1e6
            # Sound that began within a file's pictures may end some units behind them.
            looks_like(segment.path, segment.key.start_us, length_s, 0.3 if sound else 0.1)
    finally:
        server.stop()
