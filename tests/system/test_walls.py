"""Walls over a whole server: a camera's stream for watching is read only while somebody watches, once however many do,
and recording never feels it."""

from __future__ import annotations

import io
import itertools
import re
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import av
import httpx
import pytest

from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import NVR, Server, frames, serving

WALL: Final = 16
TIMES: Final = 100
"""How often the wall is opened and closed."""
INIT, FRAGMENT, AWAY = 0, 1, 6


def messages(answer: httpx.Response) -> Iterator[tuple[int, int, bytes]]:
    """Number of the camera, kind and body of each message."""
    rest = b""
    for piece in answer.iter_raw():
        rest += piece
        while len(rest) >= 8 and len(rest) >= 8 + (length := struct.unpack_from(">I", rest, 4)[0]):
            yield rest[0], rest[1], rest[8 : 8 + length]
            rest = rest[8 + length :]


_LINGER_S = 8.0


def shown(http: httpx.Client, cameras: list[str], *, each: int = 1) -> list[int]:
    """Opens a wall until every camera has given so many fragments; returns how many each gave."""
    counts = [0] * len(cameras)
    inits: set[int] = set()
    with http.stream("GET", "/api/live", params={"camera": cameras, "seconds": 600}) as answer:
        assert answer.status_code == 200, answer.read()
        for tile, kind, body in messages(answer):
            if kind == INIT:
                inits.add(tile)
            elif kind == FRAGMENT:
                assert tile in inits, "a fragment before what decodes it"
                assert body[20:24] == b"moof"
                counts[tile] += 1
            if min(counts) >= each:
                return counts
    raise AssertionError(f"the wall ended: {counts}")


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def client(server: Server, role: str = "viewer") -> httpx.Client:
    done = subprocess.run(
        [NVR, "tokens", "create", "--role", role, "--config", server.config], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    headers = {"Authorization": f"Bearer {done.stdout.split()[-1]}", "Accept-Encoding": "identity"}
    server.until(lambda: _answers(server.port), what="the API, which begins after recording")
    return httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=60)


def played(camera: ScriptedCamera) -> int:
    """How many connections asked it to play so far."""
    return sum(request.method == "PLAY" for request in camera.requests)


@pytest.mark.long
def test_a_wall_that_is_opened_and_closed_a_hundred_times(tmp_path: Path, serve: Callable[[Startable], str]) -> None:
    main = ScriptedCamera(clip(ClipSpec(frame_rate=10)), at_end="repeat")
    small = ScriptedCamera(clip(ClipSpec(frame_rate=10, group=5, width=160, height=96)), at_end="repeat")
    main_url, small_url = serve(main), serve(small)
    names = [f"cam-{n:02}" for n in range(WALL)]
    tables = [{"id": name, "url": main_url, "live_url": small_url} for name in names]
    with serving(tmp_path, *tables, workers=1, segment_duration="5s") as server:
        server.until(lambda: all(server.growing(name) for name in names), what="recording")
        assert played(small) == 0, "nobody watches"
        with client(server) as http:
            start_us = time.time_ns() // 1000
            looked_s = [time.monotonic()]
            for _ in range(TIMES):
                assert min(shown(http, names)) >= 1
                looked_s.append(time.monotonic())
            # One connection a camera, whoever came and went, and several at once. Where this process was not let run
            # for as long as a stream stays open without viewers, another is right.
            late = sum(after - before > _LINGER_S / 2 for before, after in itertools.pairwise(looked_s))
            assert WALL <= played(small) <= WALL * (1 + late), (played(small), late)
            before = played(small)
            watching = [
                threading.Thread(target=shown, args=(client(server), names), kwargs={"each": 3}) for _ in range(4)
            ]
            for thread in watching:
                thread.start()
            for thread in watching:
                thread.join()
            assert played(small) == before
            # Nobody looks any more.
            server.until(lambda: not small.server.connections, what="the streams are closed")
            assert len(main.server.connections) == WALL and played(main) == WALL, (
                "recording has the connections that it had"
            )
            end_us = time.time_ns() // 1000
        for name in names:
            gaps = [gap for gap in server.coverage(name, start_us, end_us).gaps if not gap.open]
            assert gaps == [], name
        server.stop()
    told = frames_in_order(main)
    for name in names[:4]:
        recorded = frames([segment.path for segment in server.closed(name)], "h264")
        assert len(recorded) > 100
        for before, after in itertools.pairwise(recorded):
            assert after == told[before], f"{name}: a frame is missing, or came twice"


def frames_in_order(camera: ScriptedCamera) -> dict[str, str]:
    """Of each frame of the clip, by its hash, the one that follows it."""
    sent = [entry.hash for entry in camera.journal.entries(client=0)][: 50 * 2]
    return dict(itertools.pairwise(sent))


def test_what_has_no_stream_of_its_own_is_watched_as_it_is_recorded(
    tmp_path: Path, serve: Callable[[Startable], str], h264_clip: Clip
) -> None:
    camera = ScriptedCamera(h264_clip, at_end="repeat")
    tables = [{"id": "gate", "url": serve(camera)}, {"id": "away", "url": "rtsp://127.0.0.1:9/x"}]
    with serving(tmp_path, *tables, workers=1) as server:
        server.until(lambda: bool(server.growing("gate")), what="recording")
        with client(server) as http:
            counts, causes = [0, 0], []
            with http.stream("GET", "/api/live", params={"camera": ["gate", "away"], "seconds": 600}) as answer:
                for tile, kind, body in messages(answer):
                    counts[tile] += kind == FRAGMENT
                    causes += [body] if kind == AWAY else []
                    if counts[0] > 3 and causes:
                        break
            assert counts[1] == 0 and b"unreachable" in causes[0]
            assert played(camera) == 1, "the recorder's connection is the only one"
            for path, code in (("/api/live", "missing_parameter"), ("/api/live?camera=nobody", "camera_not_found")):
                assert http.get(path).json()["code"] == code


def test_citizens_watch_parts_that_any_cache_keeps(tmp_path: Path, serve: Callable[[Startable], str]) -> None:
    main = ScriptedCamera(clip(ClipSpec(frame_rate=10)), at_end="repeat")
    small = ScriptedCamera(clip(ClipSpec(frame_rate=10, group=5, width=160, height=96)), at_end="repeat")
    gate = {"id": "gate", "url": serve(main), "live_url": serve(small), "labels": {"public": "live"}}
    path = "/api/public/cameras/gate/live.m3u8"
    with serving(tmp_path, gate, workers=1, extra="[public]\nenabled = true") as server:
        server.until(lambda: bool(server.growing("gate")), what="recording")
        server.until(lambda: _answers(server.port), what="the API, which begins after recording")
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as anybody:
            server.until(lambda: anybody.get(path).status_code == 200, what="a live picture")
            before = re.findall(r"live/\S+", anybody.get(path).text)
            server.until(
                lambda: len(re.findall(r"live/\S+\.m4s", anybody.get(path).text)) > len(before), what="more parts"
            )
            playlist = anybody.get(path)
            assert playlist.headers["cache-control"] == "public, max-age=1, must-revalidate"
            init, *pieces = re.findall(r"live/[^\s\"]+", playlist.text)
            folder = path.removesuffix("live.m3u8")
            answers = [anybody.get(folder + name) for name in (init, *pieces)]
            assert all(answer.headers["cache-control"].startswith("public, max-age=5") for answer in answers)
            with av.open(io.BytesIO(b"".join(answer.content for answer in answers))) as container:
                shown = list(container.decode(video=0))
            assert len(shown) >= 19 * len(pieces) and {(frame.width, frame.height) for frame in shown} == {(160, 96)}
            assert played(small) == 1, "however many ask"
            with client(server, "investigator") as http:
                assert http.post("/api/cameras/gate/public-cut", json={"reason": "rumah"}).status_code == 201
            assert anybody.get(folder + pieces[-1]).json()["code"] == "not_live"
            assert anybody.get(path).json()["code"] == "not_live"
            server.until(lambda: not small.server.connections, what="the stream is closed")
        assert len(main.server.connections) == 1
