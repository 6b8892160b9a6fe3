"""Several footage roots: the wrong or absent disk is refused, the others record; one that comes back is taken up."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.catalogue.segments import Segment
from storage.disk.roots import IDENTITY_FILE
from tests.support.cameras.clips import Clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.mounts import mounted
from tests.support.server import Server, frames, now_us
from tests.system.test_frames import assert_once

Serve = Callable[[Startable], str]


def two_roots(folder: Path, url: str) -> Server:
    server = Server(folder, [{"id": "a", "url": url}], workers=1)
    text = server.config.read_text()
    server.config.write_text(text.replace("[storage]", '[storage]\nroots = ["one", "two"]'))
    return server


@pytest.mark.nightly
def test_an_absent_disk_is_left_out_and_not_filled(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    server = two_roots(tmp_path, serve(ScriptedCamera(h264_clip, at_end="repeat")))
    server.start()
    server.until(lambda: server.closed("a"))
    assert server.stop() == 0
    # Its disk is unmounted: an empty mount point stays.
    shutil.move(tmp_path / "two", tmp_path / "taken-away")
    (tmp_path / "two").mkdir()
    before = len(server.closed("a"))
    server.start()
    server.until(lambda: len(server.closed("a")) > before + 1, what="recording on the other root")
    assert server.stop() == 0
    assert list((tmp_path / "two").iterdir()) == []
    assert "the right one?" in server.log.read_text()


@pytest.mark.nightly
def test_without_any_disk_the_server_does_not_start(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    server = two_roots(tmp_path, serve(ScriptedCamera(h264_clip, at_end="repeat")))
    server.start()
    server.until(lambda: server.growing("a"))
    assert server.stop() == 0
    for name in ("one", "two"):
        shutil.move(tmp_path / name, tmp_path / f"{name}-away")
        (tmp_path / name).mkdir()
    server.start()
    assert server.process is not None
    assert server.process.wait(120) == 1
    assert "is its disk mounted" in server.tail()
    assert not [*(tmp_path / "one").iterdir(), *(tmp_path / "two").iterdir()]


def test_a_refused_start_leaves_no_empty_catalogue(tmp_path: Path) -> None:
    """Its footage root can't be made: once that is put right, nobody must wonder where the footage of a catalogue
    without any has gone."""
    (tmp_path / "no-folder").write_text("")
    server = Server(tmp_path, [], workers=1)
    text = server.config.read_text()
    server.config.write_text(text.replace("[storage]", '[storage]\nroots = ["no-folder/footage"]'))
    server.start()
    assert server.process is not None and server.process.wait(120) == 1
    assert "Not a directory" in server.tail()
    assert not [path.name for path in (tmp_path / "data").iterdir() if "catalogue.sqlite" in path.name]
    (tmp_path / "no-folder").unlink()
    server.start()
    server.until(lambda: "page at http" in server.log.read_text(), what="a start")
    assert server.stop() == 0


@pytest.mark.nightly
def test_a_disk_that_went_read_only_can_be_watched(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    """As ext4 does after an error. The server starts all the same; every gap says why, and when the disk can be written
    again it is recorded on."""
    server = Server(tmp_path, [{"id": "a", "url": serve(ScriptedCamera(h264_clip, at_end="repeat"))}], workers=1)
    text = server.config.read_text()
    server.config.write_text(text.replace("[storage]", '[storage]\nroots = ["one"]'))
    with mounted(tmp_path / "one", "200m") as folder:
        server.start()
        server.until(lambda: server.closed("a"))
        assert server.stop() == 0
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        start_us = now_us()
        server.start()
        server.until(lambda: "roots_away" in problems(server), what="the API")
        server.until(lambda: server.causes("a", start_us)[-1:] == ["disk_error"], what="why nothing is recorded")
        assert "is read-only" in server.log.read_text()
        before = server.closed("a")
        assert before and frames([segment.path for segment in before], "h264")
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
        server.until(lambda: len(server.closed("a")) > len(before) + 1, what="recording again")
        server.until(lambda: problems(server) == [], what="health")
        assert server.stop() == 0
    assert set(server.causes("a", before[0].key.start_us)) <= {"server_down", "disk_error"}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own, so that there is more room on the other root."""
    with mounted(tmp_path / "one", "200m") as folder:
        yield folder


def problems(server: Server) -> list[str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/api/health", timeout=5) as answer:
            # How quickly this machine's disk is synced is not what is tested here.
            codes = [problem["code"] for problem in json.load(answer)["problems"]]
            return [code for code in codes if code != "power_cut_costly"]
    except OSError:
        return ["no answer"]


def on(server: Server, camera: str, root: str, start_us: int = 0) -> list[Segment]:
    return [s for s in server.closed(camera) if s.root_path.name == root and s.key.start_us >= start_us]


@pytest.mark.long
def test_a_disk_that_goes_and_returns_while_recording(
    tmp_path: Path, small: Path, serve: Serve, h264_clip: Clip
) -> None:
    """No frame is lost, the disk in its place is not touched, and what was being written there is taken in."""
    cameras = {id_: ScriptedCamera(h264_clip, at_end="repeat") for id_ in ("a", "b")}
    tables = [{"id": id_, "url": serve(camera)} for id_, camera in cameras.items()]
    server = Server(tmp_path, tables, workers=2, extra="")
    server.config.write_text(server.config.read_text().replace("[storage]", '[storage]\nroots = ["one", "two"]'))
    two, away, other = tmp_path / "two", tmp_path / "away", tmp_path / "other"
    server.start()
    server.until(lambda: all(on(server, c, "two") for c in "ab"), what="recording where there is most room")
    server.until(lambda: problems(server) == [])
    shutil.move(two, away)
    other.mkdir()
    (other / IDENTITY_FILE).write_text('{"id": "another"}')
    shutil.move(other, two)
    server.until(lambda: all(on(server, c, "one") for c in "ab"), what="recording on the other root")
    server.until(lambda: problems(server) == ["roots_away"], what="health that says so")
    assert [path.name for path in two.iterdir()] == [IDENTITY_FILE]
    shutil.rmtree(two)
    shutil.move(away, two)
    back_us = now_us()
    server.until(lambda: problems(server) == [], what="the disk being noticed")
    server.until(lambda: all(on(server, c, "two", back_us) for c in "ab"), what="recording on it again")
    server.until(
        lambda: not [s for c in "ab" for s in server.growing(c) if s.key.start_us < back_us - 5_000_000],
        what="what was being written there when it went",
    )
    # The other one goes, unmounted in earnest: who does not record there does not notice.
    runs = {id_: on(server, id_, "two", back_us)[-1].run_start_us for id_ in "ab"}
    subprocess.run(["umount", "-l", small], check=True)
    server.until(lambda: problems(server) == ["roots_away"], what="health that says so")
    gone_us = now_us()
    server.until(lambda: all(on(server, c, "two", gone_us) for c in "ab"), what="recording without the other")
    assert {id_: on(server, id_, "two", gone_us)[-1].run_start_us for id_ in "ab"} == runs
    assert server.stop() == 0
    assert server.log.read_text().count("FOOTAGE ROOT AWAY") == 2
    for id_, camera in cameras.items():
        # Files of the disk that was unmounted can't be read: what is on the other one, before it went and since it is
        # back.
        on_two = on(server, id_, "two")
        before = [s for s in on_two if s.run_start_us == on_two[0].run_start_us and s.key.start_us < back_us]
        since = [s for s in on_two if s.run_start_us == runs[id_] and s.key.start_us >= back_us]
        for found, client in ((before, 0), (since, camera.journal.entries()[-1].client)):
            sent = [entry.hash for entry in camera.journal.entries(client=client)]
            assert_once(frames([s.path for s in found], "h264"), sent)
        assert set(server.causes(id_, on_two[0].key.start_us)) <= {"disk_error", "server_down"}


@pytest.mark.nightly
def test_a_disk_that_is_absent_at_the_start_is_taken_up_when_it_comes(
    tmp_path: Path, small: Path, serve: Serve, h264_clip: Clip
) -> None:
    camera = ScriptedCamera(h264_clip, at_end="repeat")
    server = two_roots(tmp_path, serve(camera))
    server.start()
    server.until(lambda: on(server, "a", "two"))
    # In the middle of a segment, and nobody has the time to close it.
    server.until(lambda: [s for s in server.growing("a") if 200_000 < s.end_us - s.key.start_us < 1_200_000])
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    for pid in server.children("nvr.recorder"):
        os.kill(pid, signal.SIGKILL)
    server.kill()
    left = server.growing("a")
    assert left and left[0].root_path.name == "two"
    shutil.move(tmp_path / "two", tmp_path / "away")
    server.start()
    server.until(lambda: on(server, "a", "one"), what="recording without it")
    server.until(lambda: problems(server) == ["roots_away"], what="health says so")
    shutil.move(tmp_path / "away", tmp_path / "two")
    back_us = now_us()
    server.until(lambda: left[0].key in [s.key for s in server.closed("a")], what="the segment left there")
    server.until(lambda: on(server, "a", "two", back_us), what="recording on it again")
    assert problems(server) == []
    assert server.stop() == 0
    first = [s for s in server.closed("a") if s.key.epoch == left[0].key.epoch]
    assert_once(frames([s.path for s in first], "h264"), [entry.hash for entry in camera.journal.entries(client=0)])
    assert "unknown" not in server.causes("a", first[0].key.start_us)
