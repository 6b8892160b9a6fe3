"""A real server whose catalogue is lost, checked, backed up: the commands on what it recorded."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.causes import Cause
from storage.disk.roots import IDENTITY_FILE
from tests.support.cameras.clips import Clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import NVR, Server, now_us, serving, whole

Serve = Callable[[Startable], str]


def nvr(server: Server, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([NVR, *args, "--config", server.config], capture_output=True, text=True, timeout=120)


@pytest.mark.long
@pytest.mark.nightly
def test_catalogue_lost_while_recording(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    """The database goes, the server is stopped, the catalogue is rebuilt, and recording goes on from it."""
    cameras = [ScriptedCamera(h264_clip, at_end="repeat") for _ in range(2)]
    tables = [{"id": name, "url": serve(camera)} for name, camera in zip("ab", cameras, strict=True)]
    with serving(tmp_path, *tables, workers=1) as server:
        start_us = now_us()
        server.until(lambda: all(len(server.closed(c)) >= 2 and server.growing(c) for c in "ab"))
        checked = nvr(server, "check", "--hash")
        assert checked.returncode == 0 and "nothing wrong" in checked.stdout, checked.stdout
        refused = nvr(server, "rebuild")
        assert refused.returncode == 1 and ("locked" in refused.stderr or "exists" in refused.stderr)
        assert server.stop() == 0
        known = {c: [(s.key, s.end_us, s.frames, s.bytes) for s in server.closed(c)] for c in "ab"}
        spans = {c: server.coverage(c, start_us).spans for c in "ab"}
        for path in server.catalogue.parent.glob(server.catalogue.name + "*"):
            path.unlink()
        made = nvr(server, "rebuild")
        assert made.returncode == 0, made.stderr
        assert {c: [(s.key, s.end_us, s.frames, s.bytes) for s in server.closed(c)] for c in "ab"} == known
        assert {c: server.coverage(c, start_us).spans for c in "ab"} == spans
        down_us = now_us()
        server.start()
        server.until(lambda: all(any(s.key.start_us > down_us for s in server.closed(c)) for c in "ab"))
        for camera in "ab":
            causes = server.causes(camera, start_us)
            assert set(causes) <= {Cause.NOT_CONFIGURED, Cause.STALLED, Cause.SERVER_DOWN}, causes
            assert Cause.SERVER_DOWN in causes
            epochs = [s.key.epoch for s in server.closed(camera)]
            assert epochs == sorted(epochs) and epochs[-1] > epochs[0]
        checked = nvr(server, "check", "--hash")
        assert checked.returncode == 0 and "nothing wrong" in checked.stdout, checked.stdout


def test_rebuild_refuses_beside_a_server_that_lost_its_catalogue(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    with serving(tmp_path, {"id": "a", "url": serve(ScriptedCamera(h264_clip, at_end="repeat"))}, workers=1) as server:
        server.until(lambda: len(server.closed("a")) >= 1)
        moved = tmp_path / "moved"
        moved.mkdir()
        files = list(server.catalogue.parent.glob(server.catalogue.name + "*"))
        for path in files:
            path.rename(moved / path.name)
        refused = nvr(server, "rebuild")
        assert refused.returncode == 1 and "stop it first" in refused.stderr
        assert not server.catalogue.exists()
        for path in files:
            (moved / path.name).rename(path)


def test_killed_with_everything_and_rebuilt(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    """No process closed its files and the catalogue is gone as well: the part files become segments."""
    with serving(tmp_path, {"id": "a", "url": serve(ScriptedCamera(h264_clip, at_end="repeat"))}, workers=1) as server:
        server.until(lambda: len(server.closed("a")) >= 1 and server.growing("a"))
        known_us = max(s.end_us for s in server.growing("a"))
        server.kill_all()
        for path in server.catalogue.parent.glob(server.catalogue.name + "*"):
            path.unlink()
        made = nvr(server, "rebuild")
        assert made.returncode == 0, made.stderr
    assert not list(tmp_path.rglob("*.part.mp4"))
    found = server.closed("a")
    assert found[-1].end_us >= known_us
    assert all(whole(s.path).index.video.count == s.frames for s in found)


@pytest.mark.nightly
def test_backup_while_recording(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    with serving(tmp_path, {"id": "a", "url": serve(ScriptedCamera(h264_clip, at_end="repeat"))}, workers=1) as server:
        server.until(lambda: len(server.closed("a")) >= 2)
        copy = tmp_path / "copy.sqlite"
        done = nvr(server, "backup", str(copy))
        assert done.returncode == 0, done.stderr
        known = len(server.closed("a"))
        assert copy.stat().st_mode & 0o777 == 0o600
        assert nvr(server, "backup", str(copy)).returncode == 1, "an earlier copy is not overwritten"
        with sqlite3.connect(f"file:{copy}?mode=ro", uri=True) as conn:
            assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            assert 2 <= conn.execute("SELECT count(*) FROM segment WHERE end_us IS NOT NULL").fetchone()[0] <= known
        conn.close()
        server.until(lambda: len(server.closed("a")) > known)
        assert server.stop() == 0
        # Restored, the start takes in what was recorded since.
        total = len(server.closed("a"))
        for path in server.catalogue.parent.glob(server.catalogue.name + "*"):
            path.unlink()
        copy.rename(server.catalogue)
        server.start()
        server.until(lambda: len(server.closed("a")) > total)
        checked = nvr(server, "check")
        assert checked.returncode == 0 and "nothing wrong" in checked.stdout, checked.stdout
    assert (server.folder / "data" / "footage" / IDENTITY_FILE).exists()
