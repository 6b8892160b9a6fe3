"""A wrong password, as its user sees it: two attempts a day over restarts and workers, an alert at the first, and a
person who asks for another."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from nvr.alerting import rows as alerts
from nvr.demo.rtsp import Auth
from storage.catalogue import status
from storage.causes import Cause
from tests.support.cameras.clips import Clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import NVR, Server, now_us, serving

Serve = Callable[[Startable], str]


def logins(camera: ScriptedCamera) -> int:
    return sum("authorization" in request.headers for request in camera.requests)


def refused(server: Server, since_us: int) -> bool:
    """Whether the recorders of all cameras, started since then, say that the password was."""
    if not server.prepared():
        return False
    with server._database() as database, database.read() as conn:
        found = list(status.list_all(conn).values())
    return len(found) == 4 and all(f.cause == Cause.UNAUTHORIZED and f.updated_us > since_us for f in found)


def opened(server: Server) -> list[tuple[str, tuple[str, ...]]]:
    with server._database() as database, database.read() as conn:
        return [(row.kind, row.cameras) for row in alerts.list_all(conn, open_only=True, limit=99)]


@pytest.mark.long
@pytest.mark.nightly
def test_a_wrong_password(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    camera = ScriptedCamera(h264_clip, at_end="repeat", auth=Auth("admin", "right"))
    url = serve(camera)
    login = {"username": "admin", "password": "wrong"}
    # Channels of one device, by both sources, in several workers.
    tables = [{"id": f"c{n}", "url": url, "source": ("native", "av")[n % 2], **login} for n in range(4)]
    with serving(tmp_path, *tables, extra='[alerts]\nclear_after = "1s"') as server:
        server.until(lambda: refused(server, 0), what="all refused")
        server.until(lambda: "login_refused" in [kind for kind, _ in opened(server)], what="an alert")
        tried = logins(camera)
        assert tried == 2
        for _ in range(2):
            assert server.stop() == 0
            began_us = now_us()
            server.start()
            server.until(partial(refused, server, began_us))
        assert logins(camera) == tried
        command = [NVR, "cameras", "retry", "c0", "--config", server.config]
        assert "is tried now" in subprocess.run(command, check=True, capture_output=True, text=True).stdout
        server.until(lambda: logins(camera) == tried + 1, what="another attempt", timeout_s=15)
        # Put right at the camera, and asked for once more: all channels come.
        assert camera.server.auth is not None
        camera.server.auth.password = "wrong"
        subprocess.run(command, check=True, capture_output=True)
        server.until(lambda: all(server.growing(f"c{n}") for n in range(4)), what="all recorded")
        server.until(lambda: "login_refused" not in [kind for kind, _ in opened(server)], what="alert over")
