"""The whole way by HTTP: from a camera to a clip that decodes, whatever the range meets."""

from __future__ import annotations

import io
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import httpx

from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.frames import frame_hash
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import NVR, Server, now_us, serving

Serve = Callable[[Startable], str]


def iso(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat()


@contextmanager
def client(server: Server, role: str = "admin") -> Iterator[httpx.Client]:
    """The API with a token made on the command line, which works beside the running server."""
    made = subprocess.run(
        [NVR, "tokens", "create", "--role", role, "--config", server.config], capture_output=True, text=True, check=True
    )
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=120) as api:

        def answers() -> bool:
            try:
                return api.get("/api/health").status_code == 200
            except httpx.TransportError:
                return False

        server.until(answers, what="the API answers")
        yield api


def hashes(data: bytes) -> list[str]:
    with av.open(io.BytesIO(data), "r") as container:
        return [
            frame_hash("h264", bytes(packet), length_prefixed=True)
            for packet in container.demux(video=0)
            if packet.size
        ]


def test_gap_change_of_resolution_and_the_growing_segment(tmp_path: Path, serve: Serve) -> None:
    """A range that begins in a gap, crosses a change of resolution and ends in the segment being written is refused
    with its parts; each part is a clip, and together they hold every frame of the range."""
    changing = clip(ClipSpec(frames=100, change_to=(480, 288)))
    camera = ScriptedCamera(changing, at_end="stall")
    with serving(tmp_path, {"id": "a", "url": serve(camera)}, segment_duration="30s", workers=1) as server:
        start_us = now_us() - 60_000_000
        with client(server) as api:
            server.until(lambda: len({s.init for s in server.growing("a") + server.closed("a")}) == 2, what="two inits")
            camera.journal.wait(len(changing.video.units))
            known_us = camera.journal.entries()[-40].at_us
            server.until(
                lambda: max(s.end_us for s in [*server.closed("a"), *server.growing("a")]) > known_us, what="the rest"
            )
            whole = {"start": iso(start_us), "end": iso(now_us())}
            server.until(lambda: server.growing("a"))
            # The last second is not known yet.
            early = api.get("/api/cameras/a/clip.mp4", params=whole)
            assert (early.status_code, early.json()["code"]) == (409, "range_not_over")
            refused = api.get("/api/cameras/a/clip.mp4", params={**whole, "so_far": "true"})
            assert refused.status_code == 409
            assert refused.headers["content-type"].startswith("application/problem+json")
            problem = refused.json()
            assert problem["code"] == "several_inits"
            assert len(problem["parts"]) == 2
            found: list[str] = []
            sizes = []
            for part in problem["parts"]:
                answer = api.get(part["url"])
                assert answer.status_code == 200, answer.text
                assert len(answer.content) == int(answer.headers["content-length"])
                found += hashes(answer.content)
                with av.open(io.BytesIO(answer.content)) as container:
                    sizes.append(container.streams.video[0].codec_context.width)
            assert sizes == [320, 480]
            sent = [entry.hash for entry in camera.journal.entries()]
            # What is known of the growing segment is up to a second old, and its last fragment is still being filled.
            assert found == sent[: len(found)]
            assert len(found) >= len(sent) - 40
            playlist = api.get("/api/cameras/a/playlist.m3u8", params=whole)
            assert playlist.status_code == 200
            assert playlist.text.count("#EXT-X-GAP") == 0, "what is missing was before the first footage"
            assert playlist.text.count("#EXT-X-MAP") >= 2


def test_a_camera_added_and_removed_by_http_touches_no_other(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    first, second = (ScriptedCamera(h264_clip, at_end="repeat") for _ in range(2))
    with serving(tmp_path, {"id": "a", "url": serve(first)}, workers=1) as server, client(server) as api:
        server.until(lambda: server.growing("a"))
        added = api.post("/api/cameras", json={"id": "b", "name": "B", "url": serve(second)})
        assert added.status_code == 201, added.text
        server.until(lambda: server.growing("b"), what="b recorded")
        assert api.delete("/api/cameras/b").status_code == 204
        start_us = now_us()
        server.until(lambda: _open_cause(server, "b", start_us - 1_000_000) == "not_configured", what="b removed")
        assert api.delete("/api/cameras/a").status_code == 409, "it is the file's"
        listed = api.get("/api/cameras").json()["cameras"]
        assert [camera["id"] for camera in listed] == ["a"]
        server.until(lambda: len(server.closed("a")) >= 3)
    assert len({s.run_start_us for s in server.closed("a")}) == 1, "a did not notice"


def _open_cause(server: Server, camera: str, start_us: int) -> str | None:
    gaps = server.coverage(camera, start_us, now_us() + 3_600_000_000).gaps
    return gaps[-1].cause.value if gaps and gaps[-1].open else None


def test_configuration_is_read_again_on_hangup(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    first, second = (ScriptedCamera(h264_clip, at_end="repeat") for _ in range(2))
    tables: list[Any] = [{"id": "a", "url": serve(first)}]
    with serving(tmp_path, *tables, workers=1) as server:
        server.until(lambda: server.growing("a"))
        server.cameras.append({"id": "b", "url": serve(second)})
        server.write_config()
        assert server.process is not None
        server.process.send_signal(signal.SIGHUP)
        server.until(lambda: server.growing("b"), what="b recorded")
        server.config.write_text(server.config.read_text() + "\nnonsense = [")
        server.process.send_signal(signal.SIGHUP)
        server.until(lambda: "the configuration stays as it was" in server.tail(), what="a word about the broken file")
        server.until(lambda: len(server.closed("a")) >= 3)
    assert len({s.run_start_us for s in server.closed("a")}) == 1, "a did not notice"
