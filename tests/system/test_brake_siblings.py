"""More slips that must not cost an archive, with the real server: rules by labels, a camera under another name, a rule
by API, a clock that goes back and comes again."""

from __future__ import annotations

import json
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from storage.catalogue.segments import Key
from tests.support.cameras.clips import Clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import Server
from tests.support.shifted_clock import ShiftedClock, needs_compiler
from tests.support.waiting import remains
from tests.system.test_brake import ARCHIVE, PATIENCE_S, doubts, nvr

Serve = Callable[[Startable], str]
pytestmark = pytest.mark.nightly


def keys(server: Server, *cameras: str) -> set[Key]:
    return {segment.key for camera in cameras for segment in server.closed(camera)}


def stays(server: Server, before: set[Key], *cameras: str) -> None:
    remains(lambda: before <= keys(server, *cameras), "all of its footage is there", PATIENCE_S, look_s=0.5)


@contextmanager
def recording(folder: Path, extra: str) -> Iterator[Server]:
    server = Server(folder, [], segment_duration="1s", workers=1)
    server.extra = extra
    server.write_config()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def waiting(server: Server) -> str:
    return nvr(server, "retention", "waiting").stdout


def believed(server: Server) -> None:
    """This machine's clock may not be synchronised. Somebody says that it is right."""
    if "clock" in waiting(server):
        assert nvr(server, "retention", "confirm", "clock").returncode == 0
    server.until(lambda: "no deletion waits" in waiting(server), what="the clock is believed")


def test_rules_by_labels_names_and_api_delete_nothing(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    urls = [serve(ScriptedCamera(h264_clip, at_end="repeat")) for _ in range(3)]
    cameras = "\n".join(
        f'[[camera]]\nid = "{id_}"\nurl = "{url}"\nlabels = {{ district = "north" }}'
        for id_, url in zip("ab", urls, strict=False)
    )
    rule = '[[retention.label]]\nmatch = { district = "south" }\nmax_age = "1s"\n'
    with recording(tmp_path, f'[retention]\nmax_age = "30d"\n{rule}\n{cameras}') as server:
        server.until(lambda: all(len(keys(server, id_)) >= ARCHIVE for id_ in "ab"), what="an archive")
        assert server.process is not None

        def reload(old: str, new: str) -> None:
            text = server.config.read_text()
            assert old in text
            server.config.write_text(text.replace(old, new))
            assert server.process is not None
            server.process.send_signal(signal.SIGHUP)

        # A rule that was for nobody fits all.
        before = keys(server, "a", "b")
        reload('match = { district = "south" }', 'match = { district = "north" }')
        server.until(lambda: "max_age=1000000" in waiting(server), what="the brake")
        stays(server, before, "a", "b")
        reload('match = { district = "north" }', 'match = { district = "south" }')
        server.until(lambda: "max_age=1000000" not in waiting(server), what="it waits no more")
        # The camera gets another name, and a label: the old one's footage stays, under the old rule.
        before = keys(server, "b")
        reload('id = "b"', 'id = "c"\nmax_age = "1s"')
        server.until(lambda: server.growing("c"), what="the renamed camera")
        stays(server, before, "b")
        # By API, of a camera of the catalogue.
        token = nvr(server, "tokens", "create", "--role", "admin").stdout.split()[-1]

        def ask(method: str, path: str, body: dict[str, Any]) -> Any:
            request = urllib.request.Request(
                f"http://127.0.0.1:{server.port}{path}",
                data=json.dumps(body).encode(),
                method=method,
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.loads(answer.read() or b"null")

        ask("POST", "/api/cameras", {"id": "d", "url": urls[2]})
        server.until(lambda: len(keys(server, "d")) >= ARCHIVE, what="an archive")
        before = keys(server, "d")
        ask("PATCH", "/api/cameras/d", {"max_age": "1s"})
        server.until(lambda: "max_age=1000000" in waiting(server), what="the brake")
        stays(server, before, "d")


@needs_compiler
def test_a_clock_that_goes_back_and_comes_again_deletes_nothing(
    tmp_path: Path, serve: Serve, h264_clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = serve(ScriptedCamera(h264_clip, at_end="repeat"))
    clock = ShiftedClock(tmp_path)
    for name, value in clock.environment.items():
        monkeypatch.setenv(name, value)
    with recording(tmp_path, f'[retention]\nmax_age = "30d"\n[[camera]]\nid = "gate"\nurl = "{url}"') as server:
        for name in clock.environment:
            monkeypatch.delenv(name)
        server.until(lambda: len(keys(server, "gate")) >= ARCHIVE, what="an archive")
        believed(server)
        before, doubted = keys(server, "gate"), doubts(server)
        clock.set(-40 * 86_400.0)
        server.until(lambda: doubts(server) > doubted, what="the clock is doubted")
        server.until(lambda: len(keys(server, "gate") - before) >= ARCHIVE, what="footage of another time")
        clock.set(0.0)
        server.until(lambda: "dated earlier than they were recorded" in server.log.read_text(), what="it is noted")
        old = {key for key in keys(server, "gate") if key.start_us < time.time_ns() // 1000 - 35 * 86_400_000_000}
        assert len(old) >= ARCHIVE
        server.until(lambda: len(keys(server, "gate")) > len(before | old) + ARCHIVE, what="recording goes on")
        stays(server, before | old, "gate")
