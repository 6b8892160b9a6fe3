"""An export that the server makes, although the process that makes them is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from nvr.evidence.seal.signing import read_certificate
from nvr.evidence.seal.times import iso
from nvr.evidence.verify import verify
from storage.catalogue.database import Database
from storage.retention import holds
from tests.support.cameras.clips import ClipSpec, clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import serving
from tests.system.test_clip import client

Serve = Callable[[Startable], str]


@pytest.mark.long
def test_the_export_goes_on_after_its_process_was_killed(tmp_path: Path, serve: Serve) -> None:
    camera = ScriptedCamera(clip(ClipSpec(frames=150)), at_end="repeat")
    with serving(tmp_path, {"id": "cam", "url": serve(camera)}, segment_duration="1s", workers=1) as server:
        server.until(lambda: len(server.closed("cam")) >= 3, what="segments")
        first, last = server.closed("cam")[0], server.closed("cam")[-1]
        with client(server, "investigator") as api:
            asked = {"cameras": ["cam"], "start": iso(first.key.start_us), "end": iso(last.end_us), "case": "LP/5"}
            (exporter,) = server.children("nvr.evidence")
            os.kill(exporter, signal.SIGSTOP)
            answer = api.post("/api/exports", json=asked)
            assert answer.status_code == 201, answer.text
            path = f"/api/exports/{answer.json()['id']}"
            os.kill(exporter, signal.SIGKILL)
            server.until(lambda: api.get(path).json()["state"] == "done", what="the export is done")
            content = api.get(api.get(path).json()["download"]).content
            der = api.get("/api/certificates/current.der").content
        database = Database(server.catalogue)
        with database.read() as conn:
            assert [hold.released_us is not None for hold in holds.list_all(conn)] == [True]
        database.close()
        assert not server.coverage("cam", first.key.start_us).gaps
    package = tmp_path / "export.zip"
    package.write_bytes(content)
    assert verify(package, [read_certificate(der)]).outcome == "valid"
