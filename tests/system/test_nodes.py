"""Several servers that record one fleet of cameras: real processes, real cameras, a real PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storage.causes import Cause
from tests.support.cameras.clips import Clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.postgres import PASSWORD, Cluster, cluster
from tests.support.server import NVR, PATIENCE_S, Server, now_us
from tests.support.waiting import remains, until
from tests.system.test_fleet import are_recording

Serve = Callable[[Startable], str]
# The promise: from the last frame of a lost node to the first of another one.
TAKEN_OVER_US = 10_000_000


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


def node_command(server: Server, *words: str) -> str:
    done = subprocess.run(
        [NVR, "node", *words, "--config", server.config], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def node(folder: Path, id_: str, database: str, cameras: list[dict[str, Any]], extra: str = "") -> Server:
    """A node that has joined; not started."""
    folder.mkdir()
    password = f'password = "{PASSWORD}"\n' if "://" in database else ""
    server = Server(
        folder,
        cameras,
        workers=1,
        of_server=f'node = "{id_}"\n',
        extra=f'[fleet]\ndatabase = "{database}"\n{password}{extra}',
        segment_duration="2s",
    )
    node_command(server, "join")
    return server


def held(server: Server) -> list[str]:
    """The cameras that the node records, by its own status."""
    return [camera["id"] for camera in server.cameras if are_recording(server, camera["id"])]


def problems(server: Server) -> set[str]:
    """What health says of the fleet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/api/health", timeout=30) as answer:
            found = {problem["code"] for problem in json.load(answer)["problems"]}
    except urllib.error.URLError:
        # Recorders come first, and the API some seconds later.
        return {"no API yet"}
    return found & {"coordinator_away", "nodes_lost", "no_capacity", "clock_off"}


def two_nodes(tmp_path: Path, database: str, tables: list[dict[str, Any]]) -> tuple[Server, Server]:
    """Two nodes that record all cameras between them, the one with more of them first. On a busy machine one may be so
    late that the other was given all."""
    nodes = [node(tmp_path / id_, id_, database, tables) for id_ in ("a", "b")]
    for server in nodes:
        server.start()
    ids = sorted(table["id"] for table in tables)
    until(lambda: sorted(held(nodes[0]) + held(nodes[1])) == ids, "they record", PATIENCE_S, look_s=0.05)
    until(lambda: all(problems(server) == set() for server in nodes), "both take part", PATIENCE_S, look_s=0.2)
    first, second = sorted(nodes, key=lambda server: -len(held(server)))
    return first, second


def test_a_lost_node_s_cameras_are_another_s_within_seconds(
    tmp_path: Path, serve: Serve, h264_clip: Clip, postgres: Cluster
) -> None:
    films = {id_: ScriptedCamera(h264_clip, at_end="repeat", shared=True) for id_ in ("one", "two")}
    tables = [{"id": id_, "url": serve(film)} for id_, film in films.items()]
    lost, taking = two_nodes(tmp_path, postgres.create("lost"), tables)
    its, other = held(lost), held(taking)
    until(lambda: all(map(lost.closed, its)) and all(map(taking.closed, other)), "segments", PATIENCE_S)
    connections = {id_: {entry.client for entry in films[id_].journal.entries()} for id_ in other}
    lost.kill_all()
    killed_us = now_us()
    until(lambda: all(map(taking.closed, its)), "the other node has them", PATIENCE_S, look_s=0.05)
    for id_ in its:
        first = taking.closed(id_)[0]
        assert first.key.epoch > lost.closed(id_)[-1].key.epoch
        assert first.key.start_us - killed_us < TAKEN_OVER_US
        gaps = [gap for gap in taking.coverage(id_, killed_us - 5_000_000).gaps if gap.cause is Cause.NODE_LOST]
        assert [dict(gap.detail) for gap in gaps] == [{"node": lost.folder.name}]
        assert gaps[0].end_us == first.key.start_us
        assert abs(gaps[0].start_us - killed_us) < 3_000_000, "from its last beat on"
    # Nobody else noticed.
    for id_ in other:
        assert {entry.client for entry in films[id_].journal.entries()} == connections[id_]
    until(lambda: problems(taking) == {"nodes_lost"}, "health says so", PATIENCE_S, look_s=0.2)
    assert "LOST" in node_command(taking, "list")
    # It comes back, and leaves alone what is another's now.
    lost.start()
    until(lambda: problems(taking) == set(), "it is there again", PATIENCE_S, look_s=0.2)
    for id_ in its:
        until(lambda id_=id_: lost.causes(id_, killed_us)[-1:] == ["not_configured"], "it knows", PATIENCE_S)
        assert lost.causes(id_, killed_us)[0] == "server_down"
    assert held(taking) == ["one", "two"] and held(lost) == []
    for server in (lost, taking):
        assert server.stop() == 0
        assert PASSWORD not in server.log.read_text()


@pytest.mark.nightly
def test_the_coordinator_away_stops_and_moves_nothing(
    tmp_path: Path, serve: Serve, h264_clip: Clip, postgres: Cluster
) -> None:
    films = {id_: ScriptedCamera(h264_clip, at_end="repeat", shared=True) for id_ in ("one", "two")}
    tables = [{"id": id_, "url": serve(film)} for id_, film in films.items()]
    a, b = two_nodes(tmp_path, postgres.create("away"), tables)
    its, other = held(a), held(b)
    postgres.stop()
    try:
        until(lambda: "coordinator_away" in problems(a), "it says so", PATIENCE_S, look_s=0.2)
        remains(lambda: (held(a), held(b)) == (its, other), "each records its own", 20)
        # A start needs nobody either.
        assert a.stop() == 0
        a.start()
        until(lambda: held(a) == its, "it records what it did", PATIENCE_S)
    finally:
        postgres.start()
    until(lambda: problems(a) == problems(b) == set(), "all is well", PATIENCE_S, look_s=0.2)
    remains(lambda: (held(a), held(b)) == (its, other), "nothing moves", 10)
    for server in (a, b):
        assert server.stop() == 0


@pytest.mark.nightly
def test_a_node_that_drains_loses_no_frame(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    """With the file of one machine in the place of PostgreSQL."""
    films = {id_: ScriptedCamera(h264_clip, at_end="repeat", shared=True) for id_ in ("one", "two")}
    tables = [{"id": id_, "url": serve(film)} for id_, film in films.items()]
    a, b = two_nodes(tmp_path, str(tmp_path / "fleet.sqlite"), tables)
    its = held(a)[0]
    until(lambda: a.closed(its), "a segment", PATIENCE_S)
    node_command(a, "drain")
    until(lambda: not held(a), "it has none", PATIENCE_S, look_s=0.05)
    assert held(b) == ["one", "two"]
    until(lambda: b.closed(its), "a segment of the other", PATIENCE_S)
    assert b.closed(its)[0].key.start_us < a.closed(its)[-1].end_us, "both recorded for a moment"
    assert "draining" in node_command(b, "list")
    node_command(a, "leave", "--yes")
    for server in (a, b):
        assert server.stop() == 0


@pytest.mark.nightly
def test_a_node_that_was_frozen_gives_up_what_others_have(
    tmp_path: Path, serve: Serve, h264_clip: Clip, postgres: Cluster
) -> None:
    films = {id_: ScriptedCamera(h264_clip, at_end="repeat", shared=True) for id_ in ("one", "two")}
    tables = [{"id": id_, "url": serve(film)} for id_, film in films.items()]
    a, b = two_nodes(tmp_path, postgres.create("frozen"), tables)
    its = held(a)[0]
    assert a.process is not None
    pids = [a.process.pid, *a.children("nvr.recorder"), *a.children("nvr.api"), *a.children("nvr.housekeeping")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: held(b) == ["one", "two"], "taken over", PATIENCE_S, look_s=0.05)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    until(lambda: not held(a), "it gives it up", PATIENCE_S, look_s=0.05)
    remains(lambda: held(b) == ["one", "two"], "the other keeps it", 5)
    assert a.closed(its)[-1].key.epoch < b.growing(its)[-1].key.epoch
    for server in (a, b):
        assert server.stop() == 0
