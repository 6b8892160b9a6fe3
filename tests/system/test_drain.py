"""More footage disks, and one that is emptied and taken away, while cameras record: no restart, no gap."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cameras.clips import Clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import NVR, Server, frames, now_us

Serve = Callable[[Startable], str]


def nvr(server: Server, *command: str) -> str:
    done = subprocess.run([NVR, *command, "--config", server.config], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def use_roots(server: Server, *names: str) -> None:
    text = server.config.read_text()
    begin, _, rest = text.partition("roots = [")
    listed = ", ".join(f'"{name}"' for name in names)
    server.config.write_text(f"{begin}roots = [{listed}]{rest.partition(']')[2]}")
    assert server.process is not None
    server.process.send_signal(signal.SIGHUP)


@pytest.mark.long
def test_a_disk_is_added_the_old_one_emptied_and_taken_away_while_it_records(
    tmp_path: Path, serve: Serve, h264_clip: Clip
) -> None:
    server = Server(tmp_path, [{"id": "a", "url": serve(ScriptedCamera(h264_clip, at_end="repeat"))}], workers=1)
    server.config.write_text(server.config.read_text().replace("[storage]", '[storage]\nroots = ["old"]'))
    server.start()
    server.until(lambda: len(server.closed("a")) >= 3, what="footage")
    start_us = server.closed("a")[0].key.start_us

    def on(name: str) -> int:
        return sum(1 for segment in server.closed("a") if segment.root_path.name == name)

    said = nvr(server, "roots", "add", str(tmp_path / "new"))
    assert "ready, identity" in said
    use_roots(server, "old", "new")
    server.until(
        lambda: f"{tmp_path / 'new'} there" in " ".join(nvr(server, "roots", "list").split()), what="it is taken up"
    )
    nvr(server, "roots", "drain", str(tmp_path / "old"))
    server.until(lambda: on("new") >= 4 and on("old") == 0 and "EMPTY" in nvr(server, "roots", "list"), what="emptied")
    assert not list((tmp_path / "old").rglob("*.mp4"))
    use_roots(server, "new")
    server.until(lambda: "is empty: take it out" in server.log.read_text(), what="it is said")
    before = len(server.closed("a"))
    shutil.rmtree(tmp_path / "old")
    server.until(lambda: len(server.closed("a")) >= before + 2, what="recording goes on")
    until_us = now_us()
    assert server.stop() == 0
    answer = server.coverage("a", start_us, server.closed("a")[-1].end_us)
    assert answer.gaps == [], "not one frame's time was lost"
    closed = server.closed("a")
    assert {segment.root_path.name for segment in closed} == {"new"} and closed[-1].end_us <= until_us + 60_000_000
    assert len(frames([segment.path for segment in closed], "h264")) == sum(segment.frames for segment in closed)
    assert nvr(server, "check", "--hash").endswith("nothing wrong\n")
