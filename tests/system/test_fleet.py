"""Workers and their cameras: what one camera does, or what is done to it, costs no other a frame."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from nvr.config import load
from nvr.demo.rtsp import DemoRequest, Response
from nvr.playback.clip.clip import plan_clip
from nvr.playback.index_cache import IndexCache
from nvr.supervisor import balancing as shares
from nvr.supervisor.balancing import Move
from nvr.supervisor.fleet import Fleet
from nvr.supervisor.prepare import prepare
from storage.catalogue import cameras, status
from storage.catalogue.database import Database
from storage.causes import Cause
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.faults import Faults
from tests.support.cameras.running import Startable, controlled
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import Server, frames, now_us, serving
from tests.system.test_clip import hashes
from tests.system.test_frames import assert_abut, assert_once

Serve = Callable[[Startable], str]


def statuses(server: Server) -> dict[str, status.Status]:
    if not server.prepared():
        return {}
    with Database(server.catalogue).read() as conn:
        return status.list_all(conn)


def are_recording(server: Server, *ids: str) -> bool:
    found = statuses(server)
    return all(id_ in found and found[id_].state == "recording" for id_ in ids)


@asynccontextmanager
async def fleet_of(server: Server, **options: Any) -> AsyncIterator[Fleet]:
    """The supervisor's fleet with real workers, in this process, so that a test can move cameras."""
    config = load(server.config)
    prepared = prepare(config)
    fleet = Fleet(config, prepared, **options)
    await fleet.start()
    prepared.backlog.start()
    try:
        yield fleet
    finally:
        await fleet.stop()
        assert prepared.backlog.stop(10.0)
        prepared.database.close()
        prepared.lock.release()


def sent(camera: ScriptedCamera, client: int) -> list[str]:
    return [entry.hash for entry in camera.journal.entries(client=client)]


@pytest.mark.parametrize("source", ["native", "av"])
async def test_a_camera_that_moves_loses_nothing(
    tmp_path: Path, serve: Serve, h264_clip: Clip, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.setattr(shares, "ROOM", 2)
    # Workers 1 and 2 share cameras; 3 and 4 feed FFmpeg.
    move = Move("a", 1, 2) if source == "native" else Move("a", 3, 4)
    film = {id_: ScriptedCamera(h264_clip, at_end="repeat") for id_ in ("a", "b", "c")}
    tables = [{"id": id_, "url": serve(camera), "source": source} for id_, camera in film.items()]
    server = Server(tmp_path, tables, workers=2, segment_duration="1s")
    async with fleet_of(server) as fleet:
        await asyncio.to_thread(server.until, lambda: all(server.closed(id_) for id_ in film))
        await fleet.moves.move([move])
        moved_us = now_us()
        await asyncio.to_thread(
            server.until, lambda: [s for s in server.closed("a") if s.key.start_us > moved_us], what="its new worker"
        )
    found = server.closed("a")
    epochs = sorted({s.key.epoch for s in found})
    assert len(epochs) == 2
    old, new = ([s for s in found if s.key.epoch == epoch] for epoch in epochs)
    # The new worker's footage begins before the old one's ends, and each has every frame of its connection.
    assert new[0].key.start_us < old[-1].end_us
    for client, part in enumerate((old, new)):
        assert_abut(part)
        assert_once(frames([s.path for s in part], "h264"), sent(film["a"], client))
    assert server.coverage("a", old[0].key.start_us, new[-1].end_us).gaps == []
    # Nobody else noticed: one connection each, every frame once.
    for id_ in ("b", "c"):
        others = server.closed(id_)
        assert {entry.client for entry in film[id_].journal.entries()} == {0}
        assert_abut(others)
        assert_once(frames([s.path for s in others], "h264"), sent(film[id_], 0))


@pytest.mark.parametrize("source", ["native", "av"])
async def test_a_clip_over_a_move_has_each_frame_once(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """Both workers see one film for a moment, each by a clock of its own."""
    monkeypatch.setattr(shares, "ROOM", 2)
    film = clip(ClipSpec(frames=1500, group=25, bit_rate_bps=100_000))
    camera = ScriptedCamera(film, shared=True)
    # The others only make FFmpeg's second worker.
    url, ids = serve(camera), "a" if source == "native" else "abc"
    tables = [{"id": id_, "url": url, "source": source} for id_ in ids]
    server = Server(tmp_path, tables, workers=2, segment_duration="2s")
    there, other = (1, 2) if source == "native" else (3, 4)

    def recorders() -> int:
        return len({segment.key.epoch for segment in server.closed("a")})

    async with fleet_of(server) as fleet:
        await asyncio.to_thread(server.until, lambda: recorders() == 1)
        await fleet.moves.move([Move("a", there, other)])
        await asyncio.to_thread(server.until, lambda: recorders() == 2)
        await fleet.moves.move([Move("a", other, there)])
        await asyncio.to_thread(server.until, lambda: recorders() == 3)
    found = sorted(server.closed("a"), key=lambda segment: segment.key.start_us)
    by_epoch = {s.key.epoch: max(t.end_us for t in found if t.key.epoch == s.key.epoch) for s in found}
    assert len(by_epoch) == 3
    beginnings = {epoch: min(s.key.start_us for s in found if s.key.epoch == epoch) for epoch in by_epoch}
    first, second, third = sorted(by_epoch)
    for old, new in ((first, second), (second, third)):
        twice_us = by_epoch[old] - beginnings[new]
        assert 0 < twice_us < 5_000_000, "both recorded for a moment, and no longer"
    numbers = {entry.hash: entry.index for entry in camera.journal.entries()}
    database = Database(server.catalogue)
    start_us, end_us = found[0].key.start_us, max(by_epoch.values())
    with plan_clip(database, IndexCache(database), "a", start_us, end_us) as whole:
        shown = [numbers[hash_] for hash_ in hashes(whole.read(0, whole.size - 1))]
        assert whole.end_us - whole.start_us == pytest.approx(len(shown) * 40_000, abs=1_000_000)
    assert shown == list(range(shown[0], shown[0] + len(shown)))
    coverage = server.coverage("a", start_us, end_us)
    assert coverage.gaps == [] and coverage.recorded_us == end_us - start_us
    database.close()


class OneSession(Faults):
    """A camera that allows one client at a time."""

    taken: ClassVar[bool] = False

    async def answer(self, request: DemoRequest, response: Response) -> Response:
        if request.method == "SETUP" and OneSession.taken:
            return Response(453)
        begun = request.method == "SETUP" and response.status == 200
        OneSession.taken = (OneSession.taken or begun) and request.method != "TEARDOWN"
        return await super().answer(request, response)


@pytest.fixture
def one_session() -> OneSession:
    OneSession.taken = False
    return OneSession()


@pytest.mark.nightly
async def test_a_camera_of_one_session_moves_with_a_short_gap(
    tmp_path: Path, serve: Serve, h264_clip: Clip, one_session: OneSession
) -> None:
    camera = ScriptedCamera(h264_clip, at_end="repeat", faults=one_session)
    server = Server(tmp_path, [{"id": "a", "url": serve(camera), "source": "native"}], workers=2)
    async with fleet_of(server, move_s=2.5) as fleet:
        await asyncio.to_thread(server.until, lambda: server.closed("a"))
        await fleet.moves.move([Move("a", 1, 2)])
        moved_us = now_us()
        # The old one may still record for a while, since the camera allows one session only.
        old = server.closed("a")[0].key.epoch
        await asyncio.to_thread(
            server.until,
            lambda: [s for s in server.closed("a") if s.key.start_us > moved_us and s.key.epoch != old],
            what="its new worker",
        )
    found = server.closed("a")
    # What the new worker met while the old one recorded is no gap. The camera may still refuse once when the old one
    # has just left.
    gaps = server.coverage("a", found[0].key.start_us, found[-1].end_us).gaps
    assert {gap.cause for gap in gaps} <= {Cause.OVERLOAD, Cause.REJECTED}
    assert sum(gap.end_us - gap.start_us for gap in gaps) < 5_000_000
    assert len({s.key.epoch for s in found}) == 2
    methods = [request.method for request in camera.requests]
    assert methods.index("TEARDOWN") < len(methods) - methods[::-1].index("PLAY") - 1, "the first session ended first"


async def test_the_old_worker_dies_during_a_move(
    tmp_path: Path, serve: Serve, h264_clip: Clip, one_session: OneSession
) -> None:
    camera = ScriptedCamera(h264_clip, at_end="repeat", faults=one_session)
    server = Server(tmp_path, [{"id": "a", "url": serve(camera), "source": "native"}], workers=2)
    async with fleet_of(server, move_s=30.0) as fleet:
        await asyncio.to_thread(server.until, lambda: server.closed("a"))
        moving = asyncio.create_task(fleet.moves.move([Move("a", 1, 2)]))
        await asyncio.to_thread(
            server.until,
            lambda: len([r for r in camera.requests if r.method == "SETUP"]) >= 2,
            what="the second session",
        )
        pid = fleet.workers.processes[1].child.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        OneSession.taken = False  # its connection broke
        killed_us = now_us()
        await asyncio.to_thread(
            server.until, lambda: [s for s in server.closed("a") if s.key.start_us > killed_us], what="the new worker"
        )
        moving.cancel()
        epochs = {s.key.epoch for s in server.closed("a") if s.key.start_us > killed_us}
        await asyncio.to_thread(
            server.until,
            lambda: all(s.key.epoch in epochs for s in server.growing("a")),
            what="adoption of what the old worker left",
        )
    found = server.closed("a")
    assert server.growing("a") == []
    gaps = server.coverage("a", found[0].key.start_us, found[-1].end_us).gaps
    assert {gap.cause for gap in gaps} <= {Cause.RECORDER_CRASHED, Cause.REJECTED} and gaps
    assert len({s.key.epoch for s in found}) == 2


@pytest.mark.nightly
async def test_what_is_done_to_one_camera_touches_no_other(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    """Cameras are added, changed, removed; each of the others has one connection and every frame once."""
    film = {id_: ScriptedCamera(h264_clip, at_end="repeat") for id_ in ("a", "b", "c", "d")}
    urls = {id_: serve(camera) for id_, camera in film.items()}
    server = Server(tmp_path, [{"id": id_, "url": urls[id_], "source": "native"} for id_ in ("a", "b", "c")], workers=2)
    async with fleet_of(server) as fleet:
        await asyncio.to_thread(server.until, lambda: all(server.growing(id_) for id_ in "abc"))
        database = fleet._prepared.database
        with database.write() as conn:
            known = cameras.find(conn, "c")
            assert known is not None
            values = {"name": "D", "source": "catalogue", "labels": {}}
            settings = {**known.settings, "url": urls["d"]}
            cameras.add(
                conn, camera="d", **values, settings=settings, node=fleet._prepared.node, epoch=0, at_us=now_us()
            )
            # Retention and priority are no recorder's business; a name neither.
            kept = {**known.settings, "max_age_us": 86_400_000_000, "priority": 5}
            cameras.change(
                conn, camera="b", name="B!", source="catalogue", labels={"x": "y"}, settings={**kept, "url": urls["b"]}
            )
        await fleet.assign()
        await asyncio.to_thread(server.until, lambda: server.growing("d"))
        with database.write() as conn:
            cameras.change(conn, camera="d", **values, settings={**settings, "stall_timeout_us": 5_000_000})
        await fleet.assign()
        await asyncio.to_thread(
            server.until, lambda: len({s.run_start_us for s in server.growing("d") + server.closed("d")}) == 2
        )
        with database.write() as conn:
            cameras.remove(conn, "d", at_us=now_us())
            cameras.remove(conn, "a", at_us=now_us())
        await fleet.assign()
        await asyncio.to_thread(server.until, lambda: not server.growing("d") and not server.growing("a"))
    for id_ in ("b", "c"):
        assert {entry.client for entry in film[id_].journal.entries()} == {0}
        found = server.closed(id_)
        assert_abut(found)
        assert_once(frames([s.path for s in found], "h264"), sent(film[id_], 0))
    assert server.causes("a", server.closed("a")[0].key.start_us) == ["not_configured"]


POISON = """
import ctypes, sys
if "nvr.recorder" in sys.orig_argv:
    from nvr.recorder.run.pipeline import Pipeline
    take = Pipeline.packet
    def packet(self, packet):
        if self._identity.camera.startswith("poison"):
            ctypes.string_at(0)  # as a fault in a library of C: the process dies here
        take(self, packet)
    Pipeline.packet = packet
"""


@pytest.mark.long
@pytest.mark.nightly
def test_cameras_that_crash_their_recorder_are_kept_apart(
    tmp_path: Path, serve: Serve, h264_clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real SIGSEGV, in a thread of FFmpeg's source and on the event loop of the native one."""
    (tmp_path / "sitecustomize.py").write_text(POISON)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    film = {id_: ScriptedCamera(h264_clip, at_end="repeat") for id_ in ("a", "poison-av", "poison-native")}
    tables = [
        {"id": id_, "url": serve(camera), "source": "av" if id_.endswith("av") else "native"}
        for id_, camera in film.items()
    ]
    with serving(tmp_path, *tables, workers=1) as server:

        def crashes(id_: str) -> int:
            found = statuses(server).get(id_)
            return int((found.detail or {}).get("crashes", 0)) if found is not None else 0

        start_us = now_us()
        server.until(lambda: all(crashes(id_) >= 2 for id_ in film if id_ != "a"), what="quarantine")
        server.until(lambda: are_recording(server, "a"))
        clients = film["a"].journal.entries()[-1].client
        server.until(lambda: all(crashes(id_) >= 3 for id_ in film if id_ != "a"), what="more crashes")
        # A crash more of each, and the neighbour has the connection that it had.
        assert film["a"].journal.entries()[-1].client == clients
        for id_ in ("poison-av", "poison-native"):
            found = statuses(server)[id_]
            assert (found.state, found.cause) == ("waiting", Cause.RECORDER_CRASHED)
            assert found.detail is not None and "process of its own" in found.detail["error"]
            assert set(server.causes(id_, start_us)) <= {"not_configured", "stalled", "recorder_crashed"}
        assert server.stop() == 0
    assert "Segmentation fault" in server.log.read_text()


@pytest.mark.nightly
def test_workers_have_large_pages(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    """Where glibc (2.35 and later) and the kernel have them for who asks."""
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    library, version = platform.libc_ver()
    knows = library == "glibc" and tuple(map(int, version.split(".")[:2])) >= (2, 35)
    if not knows or not setting.exists() or "[never]" in setting.read_text():
        pytest.skip("no large pages here")
    camera = {"id": "a", "url": serve(ScriptedCamera(h264_clip, at_end="repeat"))}
    with serving(tmp_path, camera, workers=1) as server:
        server.until(lambda: are_recording(server, "a"))
        (worker,) = server.children("nvr.recorder")
        mappings = (Path("/proc") / str(worker) / "smaps").read_text()
        heap = mappings[mappings.index("[heap]") :]
        flags = next(line for line in heap.splitlines() if line.startswith("VmFlags"))
        assert "hg" in flags.split(), flags
        assert server.stop() == 0


@pytest.mark.nightly
def test_a_switch_that_reboots(tmp_path: Path) -> None:
    """Sixty-four cameras drop at once, stay away until they are asked for ever more rarely, and return at once."""
    camera = ScriptedCamera(clip(ClipSpec(frames=20, frame_rate=5, group=5, bit_rate_bps=64_000)), at_end="repeat")
    ids = [f"cam-{n}" for n in range(64)]
    with controlled(camera) as control:
        tables = [{"id": id_, "url": camera.url, "source": "native", "stall_timeout": "3s"} for id_ in ids]
        with serving(tmp_path, *tables, workers=2, segment_duration="10s") as server:
            server.until(lambda: are_recording(server, *ids))
            control(camera.go_away)
            away_us = now_us()
            server.until(lambda: not any(s.state == "recording" for s in statuses(server).values()))
            # Until the waits have grown to four seconds and more.
            server.until(lambda: now_us() - away_us > 6_000_000)
            control(camera.start)
            server.until(lambda: are_recording(server, *ids), timeout_s=20, what="all of them recording again")
            assert server.stop() == 0
        for id_ in ids:
            gaps = server.coverage(id_, away_us + 1_000_000).gaps
            assert {gap.cause for gap in gaps} <= {Cause.ENDED, Cause.UNREACHABLE, Cause.SERVER_DOWN}
