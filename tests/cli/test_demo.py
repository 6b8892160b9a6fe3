from __future__ import annotations

import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from nvr.cli import main
from nvr.cli.demo import DemoCamera, config_text, free_port, running_cameras
from nvr.config import load

# Announces a camera, waits for the end of its input, and leaves a file to show that it ended by itself.
CAMERAS = """
import json, pathlib, sys
camera = {"id": "a", "name": "A", "url": "rtsp://127.0.0.1:1/a", "labels": {"jl": "x"}}
print(json.dumps({"cameras": [camera]}), flush=True)
sys.stdin.read()
pathlib.Path(sys.argv[1]).touch()
"""


def test_cameras_run_as_long_as_the_block(tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    with running_cameras([sys.executable, "-c", CAMERAS, str(ended)]) as cameras:
        assert cameras == [DemoCamera("a", "A", "rtsp://127.0.0.1:1/a", {"jl": "x"})]
        assert not ended.exists()
    assert ended.exists()


@pytest.mark.parametrize("said", ["", "oops", "[]", '{"cameras": [{}]}'])
def test_cameras_that_do_not_start(said: str) -> None:
    command = [sys.executable, "-c", f"print({said!r})"]
    with pytest.raises(click.ClickException, match="did not start"), running_cameras(command):
        pytest.fail("the block ran")


def test_next_free_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) > port
    assert free_port(port) == port


def test_config_is_good_whatever_the_name(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    cameras = [
        DemoCamera("a", 'Kreuzung "Süd" \\ 😀', "rtsp://127.0.0.1:1/a", {"jl": 'Jl. "Süd"'}),
        DemoCamera("b", "B", "rtsp://h/b", {}),
    ]
    path.write_text(config_text(cameras, 8123), encoding="utf-8")
    config = load(path)
    assert [(camera.id, camera.name, camera.url) for camera in config.cameras] == [
        (camera.id, camera.name, camera.url) for camera in cameras
    ]
    assert config.server.port == 8123
    assert config.storage.roots == (tmp_path / "data/footage",)


def test_runs_the_server_on_a_written_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, ended, seen = tmp_path / "demo", tmp_path / "ended", []

    def run(path: Path, *, demo: bool) -> int:
        assert demo
        seen.append((load(path).cameras[0].id, ended.exists()))
        return 3

    monkeypatch.setitem(sys.modules, "nvr.supervisor", SimpleNamespace(run=run))
    monkeypatch.setattr("nvr.supervisor", SimpleNamespace(run=run), raising=False)
    monkeypatch.setattr("nvr.cli.demo._CAMERAS", [sys.executable, "-c", CAMERAS, str(ended)])
    result = CliRunner().invoke(main, ["demo", "--dir", str(folder), "--port", "18080"])
    assert result.exit_code == 3, result.output
    assert seen == [("a", False)]
    assert ended.exists()
    assert "http://127.0.0.1:18" in result.output
    assert "Recording:  A\n" in result.output
