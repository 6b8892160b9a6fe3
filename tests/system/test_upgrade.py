"""A server over the catalogue of the version before, and the way back: nothing that was recorded is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.upgrade.copies import copies
from tests.support.cameras.clips import Clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.catalogues import catalogue_of
from tests.support.server import NVR, Server, now_us

Serve = Callable[[Startable], str]
LAST = "m029_directive_todo"


def nvr(server: Server, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([NVR, *command, "--config", server.config], capture_output=True, text=True, timeout=60)


@pytest.mark.nightly
def test_up_back_and_up_again_loses_no_footage(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    server = Server(tmp_path, [{"id": "a", "url": serve(ScriptedCamera(h264_clip, at_end="repeat"))}], workers=1)
    server.catalogue.parent.mkdir()
    # With its camera, the name of its machine, and when it was last alive: a start looks for footage of cameras that it
    # knows, from then on.
    rows = f"INSERT INTO node VALUES (1, 'n1', {now_us()}); INSERT INTO meta VALUES ('node', 'n1');"
    rows += "INSERT INTO camera VALUES (1, 'a', 'a', 'file', '{}', '{}', 5, NULL, 1);"
    catalogue_of(server.catalogue, LAST, rows).close()
    refused = nvr(server, "users", "list")
    assert refused.returncode == 1 and "Call nvr upgrade" in refused.stderr
    server.start()
    server.until(lambda: len(server.closed("a")) > 2, what="footage")
    (copy,) = copies(server.catalogue)
    assert copy.schema == LAST and "copying it to" in server.log.read_text()
    # While it runs nobody goes back.
    assert "a server uses catalogue" in nvr(server, "upgrade", "--back", "--yes").stderr
    assert server.stop() == 0
    recorded = {segment.key for segment in server.closed("a")}
    back = nvr(server, "upgrade", "--back", "--yes")
    assert back.returncode == 0, back.stderr
    assert f"Recorded since: {len(recorded)} segments of 1 cameras" in back.stdout
    assert "Call nvr upgrade" in nvr(server, "users", "list").stderr
    # As the version before would: its start takes in what it does not know.
    server.start()
    server.until(lambda: {segment.key for segment in server.closed("a")} > recorded, timeout_s=90, what="all of it")
    assert server.stop() == 0
    # Between the two recordings there is nothing, and nothing else is missing.
    assert set(server.causes("a", min(key.start_us for key in recorded))) <= {"server_down", "not_configured"}
    assert nvr(server, "check", "--hash").stdout.endswith("nothing wrong\n")
