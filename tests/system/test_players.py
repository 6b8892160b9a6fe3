"""Other people's players, with the real server: they must go on, not only begin."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import httpx
import pytest

from tests.cameras.clips import Clip
from tests.cameras.running import Startable
from tests.cameras.scripted import ScriptedCamera
from tests.system.server import NVR, Server

LIVE_S = 12


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="NOT TESTED with ffmpeg: apt-get install ffmpeg")
def test_the_machines_ffmpeg_reads_live_without_stopping(
    tmp_path: Path, serve: Callable[[Startable], str], h264_clip: Clip
) -> None:
    """FFmpeg 5.1 asks for an init without a range by the range of the part before it, and then stops after some seconds."""
    url = serve(ScriptedCamera(h264_clip, at_end="repeat"))
    server = Server(tmp_path, [{"id": "gate", "url": url}], segment_duration="4s", workers=1)
    server.start()
    try:
        made = subprocess.run(
            [NVR, "tokens", "create", "--role", "viewer", "--config", server.config],
            capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        token = made.stdout.split()[-1] if made.returncode == 0 else pytest.fail(made.stderr)
        server.until(lambda: len(server.closed("gate")) >= 1, what="footage")
        read = tmp_path / "live.mp4"
        address = f"http://127.0.0.1:{server.port}/api/cameras/gate/live.m3u8"
        bearer = {"Authorization": f"Bearer {token}"}
        server.until(lambda: httpx.get(address, headers=bearer).status_code == 200, what="the camera is live")
        done = subprocess.run(
            ["ffmpeg", "-v", "error", "-headers", f"Authorization: Bearer {token}\r\n", "-i", address,
             "-t", str(LIVE_S), "-c", "copy", "-y", read],
            capture_output=True, text=True, timeout=LIVE_S * 5,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        with av.open(read) as container:
            frames = sum(1 for _ in container.decode(video=0))
        # Several segments' worth, of which the files changed twice at least.
        assert frames >= LIVE_S * 25 * 0.9, (frames, done.stderr)
    finally:
        server.stop()
