"""Four slips that used to cost the archive, made with the real server: it loses nothing, and a person is told; what is
confirmed goes."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.catalogue.segments import Key
from tests.support.cameras.clips import Clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import NVR, Server
from tests.support.shifted_clock import ShiftedClock, needs_compiler
from tests.support.waiting import remains

Serve = Callable[[Startable], str]
# So many segments of a second are an archive; the slip must leave all of them alone for so long, ten times what it used
# to take.
ARCHIVE = 8
PATIENCE_S = 4.0


def keys(server: Server) -> set[Key]:
    return {segment.key for segment in server.closed("gate")}


def rewrite(server: Server, old: str, new: str) -> None:
    text = server.config.read_text()
    assert old in text
    server.config.write_text(text.replace(old, new))


def nvr(server: Server, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([NVR, *words, "--config", server.config], capture_output=True, text=True, timeout=120)


def doubts(server: Server) -> int:
    """How often it was said that the clock is in doubt; where the machine's is not synchronised, at the start too."""
    return server.log.read_text().count("the clock is in doubt, so nothing is deleted by age")


def stays(server: Server, before: set[Key]) -> None:
    remains(lambda: before <= keys(server), "all of its footage is there", PATIENCE_S, look_s=0.5)


@pytest.fixture
def server(tmp_path: Path, serve: Serve, h264_clip: Clip) -> Server:
    url = serve(ScriptedCamera(h264_clip, at_end="repeat"))
    found = Server(tmp_path, [{"id": "gate", "url": url}], segment_duration="1s", workers=1)
    found.extra = '[retention]\nmax_age = "30d"'
    found.write_config()
    return found


@pytest.mark.long
@pytest.mark.nightly
def test_slips_of_the_pen_delete_nothing(server: Server) -> None:
    server.start()
    try:
        server.until(lambda: len(keys(server)) >= ARCHIVE, what="an archive")
        # A max_age of minutes, by SIGHUP. Its cameras' footage is shorter than an hour here, so that the fleet's share
        # is what counts.
        before = keys(server)
        rewrite(server, 'max_age = "30d"', 'max_age = "1s"')
        assert server.process is not None
        server.process.send_signal(signal.SIGHUP)
        server.until(lambda: "max_age=1000000" in server.log.read_text(), what="the brake speaks")
        stays(server, before)
        waiting = nvr(server, "retention", "waiting")
        assert waiting.returncode == 1 and "max_age=1000000" in waiting.stdout
        rewrite(server, 'max_age = "1s"', 'max_age = "30d"')
        server.process.send_signal(signal.SIGHUP)
        server.until(
            lambda: (
                nvr(server, "retention", "waiting").returncode == 0
                or "clock" in nvr(server, "retention", "waiting").stdout
            ),
            what="it waits no more",
        )
        # A floor of terabytes, and one of nearly all, at a start.
        for floor in ("500TB", "99%"):
            server.stop()
            rewrite(
                server,
                f'free_space_floor = "{"100MB" if floor == "500TB" else "500TB"}"',
                f'free_space_floor = "{floor}"',
            )
            refused = nvr(server, "check-config")
            assert refused.returncode == 1 and "more than a quarter of the disk" in refused.stderr
            assert nvr(server, "check-config", "--yes").returncode == 0
            before = keys(server)
            server.start()
            server.until(lambda: "floor=" in nvr(server, "retention", "waiting").stdout, what="the brake speaks")
            stays(server, before)
            # And it records.
            server.until(lambda before=before: len(keys(server)) > len(before) + 2, what="recording goes on")  # type: ignore[misc]
        assert "disk_full" not in server.causes("gate", 0)
    finally:
        server.stop()


@pytest.mark.long
@pytest.mark.nightly
@needs_compiler
def test_a_clock_forty_days_ahead_deletes_nothing_until_confirmed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.start()
    server.until(lambda: len(keys(server)) >= ARCHIVE, what="an archive")
    if "clock" in nvr(server, "retention", "waiting").stdout:
        # This machine's clock is not synchronised. Somebody says that it is right.
        assert nvr(server, "retention", "confirm", "clock").returncode == 0
        server.until(lambda: nvr(server, "retention", "waiting").returncode == 0, what="it is believed")
    server.stop()
    before, doubted = keys(server), doubts(server)
    ahead = ShiftedClock(server.folder, 40 * 86_400.0).environment
    for name, value in ahead.items():
        monkeypatch.setenv(name, value)
    server.start()
    for name in ahead:
        monkeypatch.delenv(name)
    try:
        server.until(lambda: doubts(server) > doubted, what="the clock is doubted")
        stays(server, before)
        assert "set forward by 40.0 days" in nvr(server, "retention", "waiting").stdout
        done = nvr(server, "retention", "confirm", "clock")
        assert done.returncode == 0, done.stderr
        server.until(lambda: not before & keys(server), what="what was confirmed goes")
        # Who confirmed it is in the log of who did what.
        log = nvr(server, "audit", "list")
        assert "deletion_confirmed" in log.stdout + log.stderr
    finally:
        server.stop()
