"""Several footage roots: the wrong or absent disk is refused, the others record."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.cameras.clips import Clip
from tests.cameras.running import Startable
from tests.cameras.scripted import ScriptedCamera
from tests.system.server import Server

Serve = Callable[[Startable], str]


def two_roots(folder: Path, url: str) -> Server:
    server = Server(folder, [{"id": "a", "url": url}], workers=1)
    text = server.config.read_text()
    server.config.write_text(text.replace("[storage]", '[storage]\nroots = ["one", "two"]'))
    return server


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
    assert server.process.wait(30) == 1
    assert "is its disk mounted" in server.tail()
    assert not [*(tmp_path / "one").iterdir(), *(tmp_path / "two").iterdir()]
