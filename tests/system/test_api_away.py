"""Recording does not need the API."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from nvr.supervisor import services
from tests.support.cameras.clips import Clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import Server, serving

Serve = Callable[[Startable], str]


@pytest.mark.parametrize("reason", ["port", "host"])
def test_recording_starts_whatever_the_apis_address_is(
    tmp_path: Path, serve: Serve, h264_clip: Clip, reason: str
) -> None:
    """Its port is another program's, or its host is none of this machine's."""
    camera = {"id": "a", "url": serve(ScriptedCamera(h264_clip, at_end="repeat"))}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = Server(tmp_path, [camera], workers=1, port=taken.getsockname()[1])
        if reason == "host":
            text = server.config.read_text()
            server.config.write_text(text.replace("[server]", '[server]\nhost = "no-such-host.invalid"'))
        server.start()
        server.until(lambda: len(server.closed("a")) > 1, what="recording")
        server.until(lambda: "api can't be started" in server.log.read_text(), what="a word about the API")
        assert server.stop() == 0


def test_an_api_whose_port_becomes_free_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert services._HOPELESS_WAIT_S <= 30
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nif 'nvr' in sys.argv[0]:\n    import nvr.supervisor.services as s\n    s._HOPELESS_WAIT_S = 0.5\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with serving(tmp_path, workers=1, port=port) as server:
            server.until(lambda: "api can't be started" in server.log.read_text())
            taken.close()
            server.until(lambda: "page at http" in server.log.read_text(), what="the API")
            assert server.log.read_text().count("api can't be started") == 1
            assert server.stop() == 0
