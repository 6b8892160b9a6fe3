"""``python -m nvr.api`` as the supervisor runs it."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.api.catalogue import NOW, World
from tests.support.api_process import ApiProcess


def started(world: World, **settings: Any) -> ApiProcess:
    return ApiProcess(world.db.path, stderr=subprocess.PIPE, **settings)


@contextmanager
def running(world: World, **settings: Any) -> Iterator[ApiProcess]:
    api = started(world, **settings)
    with api.process:
        try:
            yield api
        finally:
            api.process.kill()


def test_it_says_when_it_listens_tells_of_cameras_and_ends_with_stdin(world: World) -> None:
    with running(world) as api:
        ready = api.hear()
        assert ready["ready"] is True
        with httpx.Client(base_url=f"http://127.0.0.1:{ready['port']}", headers=world.bearer("admin")) as http:
            assert http.get("/api/health").json()["problems"][0]["code"] == "heartbeat_old"
            added = http.post("/api/cameras", json={"id": "dock", "url": "rtsp://192.0.2.7/"})
            assert added.status_code == 201
            assert api.hear() == {"event": "cameras_changed"}
            api.tell({"catalogue": str(world.db.path), "node": "n1", "port": 0, "zone": "Asia/Jakarta"})
            deadline = time.monotonic() + 60
            while http.get("/api/me").json()["zone"] != "Asia/Jakarta":
                assert time.monotonic() < deadline
            head = http.head("/api/cameras")
            assert (head.status_code, head.content) == (200, b"")
            assert int(head.headers["content-length"]) > 100
        assert api.process.stdin
        api.process.stdin.close()
        assert api.process.wait(60) == 0


def test_sigterm_ends_it_in_time_though_somebody_is_still_downloading(world: World) -> None:
    # A report of 17 MB: far more than what fits into any socket's buffer.
    with world.db.write() as conn:
        conn.executemany(
            "INSERT INTO fact SELECT key, 'recorder', ?, 1, 9, ?, ?, '{}', 1 FROM camera WHERE id = 'hall'",
            [(at, at + 1000, ("ended", "stalled")[at // 1000 % 2]) for at in range(NOW, NOW + 60_000_000, 1000)],
        )
    with running(world) as api:
        port = api.hear()["port"]
        query = "start=2026-11-23T15:00:00Z&end=2026-11-23T15:01:00Z&camera=hall"
        with socket.create_connection(("127.0.0.1", port)) as slow:
            request = f"GET /api/gaps?{query} HTTP/1.1\r\nHost: x\r\n"
            slow.sendall(f"{request}Authorization: {world.bearer('admin')['Authorization']}\r\n\r\n".encode())
            head = slow.recv(4000, socket.MSG_WAITALL).decode()
            assert head.startswith("HTTP/1.1 200 OK")
            assert "transfer-encoding: chunked" in head.lower()
            began = time.monotonic()
            api.process.send_signal(signal.SIGTERM)
            assert api.process.wait(60) == 0
            # What is under way has three seconds; the supervisor waits for twelve.
            assert time.monotonic() - began < 8


def test_a_port_in_use_is_hopeless_and_says_so(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        api = started(world, port=port)
        out, err = api.process.communicate(timeout=20)
    assert api.process.returncode == 3
    assert out == ""
    assert f"127.0.0.1 port {port} is in use" in err
    assert "Traceback" not in err


def test_wrong_settings_are_hopeless_and_say_so(world: World) -> None:
    api = started(world, colour="red")
    _, err = api.process.communicate(timeout=20)
    assert api.process.returncode == 3
    assert "colour" in err


def test_a_host_that_is_not_ours(world: World) -> None:
    api = started(world, host="192.0.2.1")
    _, err = api.process.communicate(timeout=20)
    assert api.process.returncode == 3
    assert "192.0.2.1" in err
