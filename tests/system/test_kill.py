"""kill -9 of each process while recording: what was finished is there, the hole has the right cause, nothing else is
lost."""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from storage.causes import Cause
from tests.support.cameras.clips import Clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import Server, frames, now_us, serving, whole
from tests.system.test_frames import assert_once

Serve = Callable[[Startable], str]


def recorded_until(server: Server, camera: str) -> int:
    return max((s.end_us for s in [*server.closed(camera), *server.growing(camera)]), default=0)


def resumed(server: Server, camera: str, after_us: int) -> bool:
    return any(s.key.start_us > after_us and s.end_us - s.key.start_us > 600_000 for s in server.growing(camera))


def assert_whole(server: Server, camera: str, sent: ScriptedCamera) -> None:
    """Every run's frames are an unbroken stretch of what was sent; every file plays and abuts the next of its run."""
    found = server.closed(camera)
    journal = sent.journal
    for _, run in itertools.groupby(found, key=lambda s: s.run_start_us):
        segments = list(run)
        for before, after in itertools.pairwise(segments):
            assert before.end_us == after.key.start_us
        for segment in segments:
            assert whole(segment.path).index.video.count == segment.frames
        recorded = frames([s.path for s in segments], "h264")
        clients = {entry.client for entry in journal.entries() if entry.hash == recorded[0]}
        assert any(_stretch(recorded, [e.hash for e in journal.entries(client=c)]) for c in clients)
    assert not list(server.folder.rglob("*.part.mp4"))


def _stretch(recorded: list[str], sent: list[str]) -> bool:
    starts = (at for at, digest in enumerate(sent) if digest == recorded[0])
    return any(sent[at : at + len(recorded)] == recorded for at in starts)


def at_risk_of(server: Server) -> list[int]:
    """The processes that have told what a power cut would cost."""
    with closing(sqlite3.connect(server.catalogue)) as conn:
        return [row[0] for row in conn.execute("SELECT process FROM at_risk")]


def test_recorder_killed(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    victim, other = (ScriptedCamera(h264_clip, at_end="repeat") for _ in range(2))
    tables = [{"id": "a", "url": serve(victim)}, {"id": "b", "url": serve(other)}]
    with serving(tmp_path, *tables, workers=2) as server:
        start_us = now_us()
        server.until(lambda: all(len(server.closed(c)) >= 2 and server.growing(c) for c in "ab"))
        pids = server.children("nvr.recorder")
        assert len(pids) == 2
        known_us = {c: recorded_until(server, c) for c in "ab"}
        killed_us = now_us()
        os.kill(min(pids), signal.SIGKILL)
        crashed = server.until(
            lambda: [c for c in "ab" if Cause.RECORDER_CRASHED in server.causes(c, start_us)], what="a crash noticed"
        )
        assert len(crashed) == 1, "the other worker's camera did not notice"
        camera = crashed[0]
        server.until(lambda: resumed(server, camera, killed_us), what="recording again")
        # What it had not synced is adopted, and costs nobody an alert.
        server.until(lambda: min(pids) not in at_risk_of(server), what="what the dead one left is safe")
        assert max(pids) in at_risk_of(server)
    coverage = server.coverage(camera, start_us, known_us[camera] + 60_000_000)
    crash = next(gap for gap in coverage.gaps if gap.cause is Cause.RECORDER_CRASHED)
    assert crash.start_us >= known_us[camera], "what was known to be recorded is lost"
    assert crash.start_us >= killed_us - 1_200_000, "more than the fragment being filled is lost"
    assert crash.end_us - crash.start_us < 10_000_000
    for each, sent in zip("ab", (victim, other), strict=True):
        assert_whole(server, each, sent)
        assert Cause.UNKNOWN not in server.causes(each, start_us)
    healthy = ({"a", "b"} - {camera}).pop()
    assert {s.run_start_us for s in server.closed(healthy)} == {server.closed(healthy)[0].run_start_us}


@pytest.mark.nightly
def test_supervisor_killed(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    camera = ScriptedCamera(h264_clip, at_end="repeat")
    with serving(tmp_path, {"id": "a", "url": serve(camera)}, workers=1) as server:
        start_us = now_us()
        server.until(lambda: len(server.closed("a")) >= 2 and server.growing("a"))
        known_us = recorded_until(server, "a")
        server.kill()
        killed_us = now_us()
        server.start()
        server.until(lambda: resumed(server, "a", killed_us), what="recording again")
    assert_whole(server, "a", camera)
    coverage = server.coverage("a", known_us - 1_000_000, killed_us + 3_000_000)
    down = [gap for gap in coverage.gaps if gap.cause is Cause.SERVER_DOWN]
    assert len(down) == 1, coverage.gaps
    # The orphaned recorder closed its segment itself, so not even the fragment being filled is lost.
    assert down[0].start_us >= killed_us - 700_000
    assert set(server.causes("a", start_us)) <= {Cause.NOT_CONFIGURED, Cause.STALLED, Cause.SERVER_DOWN}


def test_everything_killed_at_once(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    camera = ScriptedCamera(h264_clip, at_end="repeat")
    with serving(tmp_path, {"id": "a", "url": serve(camera)}, workers=1) as server:
        start_us = now_us()
        server.until(lambda: len(server.closed("a")) >= 1 and server.growing("a"))
        known_us = recorded_until(server, "a")
        server.kill_all()
        killed_us = now_us()
        server.start()
        server.until(lambda: resumed(server, "a", killed_us), what="recording again")
    assert_whole(server, "a", camera)
    down = [gap for gap in server.coverage("a", start_us).gaps if gap.cause is Cause.SERVER_DOWN]
    assert down[0].start_us >= known_us
    assert down[0].start_us >= killed_us - 1_200_000
    assert set(server.causes("a", start_us)) <= {
        Cause.NOT_CONFIGURED,
        Cause.STALLED,
        Cause.SERVER_DOWN,
        Cause.RECORDER_CRASHED,
    }


def test_api_killed(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    camera = ScriptedCamera(h264_clip, at_end="repeat")
    with serving(tmp_path, {"id": "a", "url": serve(camera)}, workers=1) as server:
        server.until(lambda: server.growing("a") and server.children("nvr.api"))
        api = server.children("nvr.api")
        os.kill(api[0], signal.SIGKILL)
        server.until(lambda: server.children("nvr.api") not in ([], api), what="the API again")
        after_us = now_us()
        server.until(lambda: recorded_until(server, "a") > after_us)
    assert len({s.run_start_us for s in server.closed("a")}) == 1, "recording did not notice"
    recorded = frames([s.path for s in server.closed("a")], "h264")
    assert _stretch(recorded, [entry.hash for entry in camera.journal.entries()])


def test_stop_is_bounded_and_closes_everything(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    camera = ScriptedCamera(h264_clip, at_end="stall")
    repeating = ScriptedCamera(h264_clip, at_end="repeat")
    tables = [{"id": "stalled", "url": serve(camera)}, {"id": "a", "url": serve(repeating)}]
    with serving(tmp_path, *tables, segment_duration="1m") as server:
        server.until(lambda: server.growing("stalled") and server.growing("a"))
        camera.journal.wait(len(h264_clip.video.units))
        assert server.stop(20.0) == 0
    assert len(server.closed("stalled")) == 1
    recorded = frames([s.path for s in server.closed("stalled")], "h264")
    assert_once(recorded, [entry.hash for entry in camera.journal.entries()])
    # FFmpeg's parser keeps a frame until the next one begins: of a camera that has stalled, that one can't be had.
    assert len(recorded) >= len(h264_clip.video.units) - 1, (
        "the last fragment of a camera that stalls is in the file too"
    )
    assert not list(tmp_path.rglob("*.part.mp4"))
