"""Which source reads a camera, in which worker, and what a change of that costs: a frame of nobody's."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from nvr.demo.rtsp import DemoRequest, Response
from nvr.recorder.sources.reading import Reading
from storage.catalogue import quarantine, readings
from storage.catalogue.database import Database
from storage.causes import Cause
from tests.recorder.sources.test_choice import LATM
from tests.support.cameras.clips import Clip, ClipSpec, clip
from tests.support.cameras.faults import Faults
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import Server, frames, now_us, serving
from tests.system.test_fleet import OneSession, are_recording, fleet_of, sent
from tests.system.test_frames import assert_abut, assert_once

__all__ = ["one_session"]

Serve = Callable[[Startable], str]
BY_FFMPEG = Reading(source="av", transport="tcp")


def rows(server: Server) -> dict[str, readings.FoundReading]:
    with Database(server.catalogue).read() as conn:
        return readings.list_all(conn)


def worker_of(server: Server, camera: str) -> str:
    """The name of the worker that recorded a camera last."""
    return re.findall(
        rf"(recorder-\d+) INFO nvr\.recorder\.camera: camera {camera}: recording", server.log.read_text()
    )[-1]


def agents(camera: ScriptedCamera) -> list[str]:
    """Who asked the camera to play: ``native`` or ``av``, in order."""
    plays = [request for request in camera.requests if request.method == "PLAY"]
    return ["av" if "ffmpeg" in request.headers.get("user-agent", "").lower() else "native" for request in plays]


def test_ffmpeg_takes_over_in_a_worker_of_its_own_and_that_is_remembered(
    tmp_path: Path, serve: Serve, h264_clip: Clip
) -> None:
    """Sound that native does not speak: FFmpeg reads the camera, in another process than its neighbour's, and at the
    next start at once."""
    odd = ScriptedCamera(clip(ClipSpec(audio="aac")), at_end="repeat", faults=Faults(sdp=LATM))
    plain = ScriptedCamera(h264_clip, at_end="repeat")
    tables = [{"id": "odd", "url": serve(odd), "audio": True}, {"id": "plain", "url": serve(plain)}]
    with serving(tmp_path, *tables, workers=1) as server:
        server.until(lambda: are_recording(server, "odd", "plain") and "odd" in rows(server), what="both recording")
        assert worker_of(server, "odd") != worker_of(server, "plain")
        row = rows(server)["odd"]
        assert (row.source, row.transport) == ("av", "tcp") and row.sdp and "MP4A-LATM" in row.reason
        assert {entry.client for entry in plain.journal.entries()} == {0}
        assert server.stop() == 0
        text = server.log.read_text()
        assert text.count("camera odd is read by FFmpeg from now on") == 1 and text.count("MP4A-LATM") <= 3
        asked = len(odd.requests)
        server.start()
        server.until(lambda: len(agents(odd)) > 1 and are_recording(server, "odd", "plain"), what="both again")
        assert server.stop() == 0
    assert set(agents(odd)) == {"av"}
    # Native only asked for the description, to see that it is still the same.
    again = odd.requests[asked:]
    assert [r.method for r in again if "ffmpeg" not in r.headers.get("user-agent", "").lower()] == ["DESCRIBE"]
    assert server.log.read_text().count("camera odd is read by FFmpeg from now on") == 1


async def test_a_change_of_source_loses_nothing(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    """The new session has footage before the old one ends; another change must wait for an hour."""
    film = {id_: ScriptedCamera(h264_clip, at_end="repeat") for id_ in ("a", "b")}
    tables = [{"id": id_, "url": serve(camera)} for id_, camera in film.items()]
    server = Server(tmp_path, tables, workers=1, segment_duration="1s")
    async with fleet_of(server) as fleet:
        await asyncio.to_thread(server.until, lambda: all(server.closed(id_) for id_ in film))
        await fleet.moves.change("a", BY_FFMPEG, "a test says so")
        changed_us = now_us()
        await asyncio.to_thread(
            server.until,
            lambda: [s for s in server.closed("a") if s.key.start_us > changed_us],
            what="FFmpeg's footage",
        )
        await fleet.moves.change("a", Reading(source="native", transport="tcp"), "a test says so again")
        assert rows(server)["a"].source == "av"
    assert agents(film["a"]) == ["native", "av"]
    found = server.closed("a")
    epochs = sorted({s.key.epoch for s in found})
    assert len(epochs) == 2
    old, new = ([s for s in found if s.key.epoch == epoch] for epoch in epochs)
    assert new[0].key.start_us < old[-1].end_us
    clients = sorted({entry.client for entry in film["a"].journal.entries()})
    for client, part in zip(clients, (old, new), strict=True):
        assert_abut(part)
        assert_once(frames([s.path for s in part], "h264"), sent(film["a"], client))
    assert server.coverage("a", old[0].key.start_us, new[-1].end_us).gaps == []
    others = server.closed("b")
    assert {entry.client for entry in film["b"].journal.entries()} == {0}
    assert_once(frames([s.path for s in others], "h264"), sent(film["b"], 0))


@pytest.fixture
def one_session() -> OneSession:
    OneSession.taken = False
    return OneSession()


@pytest.mark.nightly
async def test_of_a_camera_of_one_session_the_old_one_ends_first(
    tmp_path: Path, serve: Serve, h264_clip: Clip, one_session: OneSession
) -> None:
    camera = ScriptedCamera(h264_clip, at_end="repeat", faults=one_session)
    server = Server(tmp_path, [{"id": "a", "url": serve(camera)}], workers=1, segment_duration="1s")
    async with fleet_of(server, move_s=2.5) as fleet:
        await asyncio.to_thread(server.until, lambda: server.closed("a"))
        await fleet.moves.change("a", BY_FFMPEG, "a test says so")
        changed_us = now_us()
        await asyncio.to_thread(server.until, lambda: [s for s in server.closed("a") if s.key.start_us > changed_us])
        assert rows(server)["a"].source == "av"
    assert agents(camera)[-1] == "av"
    found = server.closed("a")
    gaps = server.coverage("a", found[0].key.start_us, found[-1].end_us).gaps
    assert {gap.cause for gap in gaps} <= {Cause.OVERLOAD, Cause.REJECTED}
    assert sum(gap.end_us - gap.start_us for gap in gaps) < 6_000_000


class NotForFfmpeg(Faults):
    """Plays for everybody else."""

    async def answer(self, request: DemoRequest, response: Response) -> Response:
        if request.method == "SETUP" and "ffmpeg" in request.headers.get("user-agent", "").lower():
            return Response(453)
        return await super().answer(request, response)


@pytest.mark.nightly
async def test_what_the_other_source_does_not_record_goes_back(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    camera = ScriptedCamera(h264_clip, at_end="repeat", faults=NotForFfmpeg())
    server = Server(tmp_path, [{"id": "a", "url": serve(camera)}], workers=1, segment_duration="1s")
    async with fleet_of(server, move_s=1.5, alone_s=2.0) as fleet:
        await asyncio.to_thread(server.until, lambda: server.closed("a"))
        await fleet.moves.change("a", BY_FFMPEG, "a test says so")
        changed_us = now_us()
        await asyncio.to_thread(
            server.until,
            lambda: [s for s in server.closed("a") if s.key.start_us > changed_us],
            what="native's footage",
        )
        row = rows(server)["a"]
        assert row.source == "native"
        # Not before an hour has passed.
        await fleet.moves.change("a", BY_FFMPEG, "a test says so again")
        assert rows(server)["a"] == row
    assert set(agents(camera)) == {"native"}


@pytest.mark.nightly
async def test_another_description_takes_a_camera_back_to_native(tmp_path: Path, serve: Serve) -> None:
    """Its sound is set to something that native reads: then it is as any other camera again."""
    spoken = clip(ClipSpec(audio="aac"))
    camera = ScriptedCamera(spoken, at_end="repeat")
    server = Server(tmp_path, [{"id": "a", "url": serve(camera), "audio": True}], workers=1, segment_duration="1s")
    async with fleet_of(server) as fleet:
        await asyncio.to_thread(server.until, lambda: server.closed("a"))
        await fleet.moves.change("a", BY_FFMPEG, "a test says so")
        book = fleet._book
        row = rows(server)["a"]
        assert row.source == "av" and row.sdp
        # As if that had been found long ago, with another description.
        reading = Reading(source="av", transport="tcp", worked=True)
        await book.remember("a", reading=reading, sdp="another", reason=row.reason, changed_us=row.changed_us - 10**10)
        pid = next(w.child.pid for n, w in fleet.workers.processes.items() if n in book.feeding)
        assert pid is not None
        os.kill(pid, 9)
        await asyncio.to_thread(server.until, lambda: rows(server)["a"].source == "native", what="native again")
        changed_us = now_us()
        await asyncio.to_thread(server.until, lambda: [s for s in server.closed("a") if s.key.start_us > changed_us])
    assert agents(camera)[0] == agents(camera)[-1] == "native"


ABORT = """
import ctypes, sys
if "nvr.recorder" in sys.orig_argv:
    from nvr.recorder.run.pipeline import Pipeline
    take = Pipeline.packet
    count = 0
    def packet(self, packet):
        global count
        if self._identity.camera == "poison":
            count += 1
            if count == 150:
                ctypes.CDLL(None).abort()  # as FFmpeg's asserts do
        take(self, packet)
    Pipeline.packet = packet
"""


@pytest.mark.long
@pytest.mark.nightly
def test_an_abort_in_ffmpeg_costs_few_and_not_twice(
    tmp_path: Path, serve: Serve, h264_clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One camera ends the process that feeds FFmpeg: its neighbours there lose three seconds at most, those that are
    read by ourselves nothing, and from then on, after a restart too, it is alone."""
    (tmp_path / "sitecustomize.py").write_text(ABORT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    neighbours = [f"av-{number}" for number in range(4)]
    film = {id_: ScriptedCamera(h264_clip, at_end="repeat") for id_ in ("native", "poison", *neighbours)}
    tables = [
        {"id": id_, "url": serve(camera), "source": "native" if id_ == "native" else "av"}
        for id_, camera in film.items()
    ]

    def apart() -> dict[str, quarantine.Quarantined]:
        if not server.prepared():
            return {}
        with Database(server.catalogue).read() as conn:
            return quarantine.list_all(conn)

    with serving(tmp_path, *tables, workers=1, segment_duration="5s") as server:
        server.until(lambda: are_recording(server, "native", *neighbours), what="the neighbours")
        start_us = {id_: (server.closed(id_) + server.growing(id_))[0].key.start_us for id_ in neighbours}
        server.until(lambda: "poison" in apart(), what="quarantine")
        clients = {id_: film[id_].journal.entries()[-1].client for id_ in neighbours}
        server.until(lambda: apart()["poison"].crashes >= 2, what="a crash of its own process")
        server.until(lambda: are_recording(server, "native", *neighbours), what="the neighbours again")
        end_us = now_us()
        for id_ in neighbours:
            gaps = server.coverage(id_, start_us[id_], end_us).gaps
            print(id_, [(gap.cause, (gap.end_us - gap.start_us) / 1e6) for gap in gaps])
            assert [gap.cause for gap in gaps] == [Cause.RECORDER_CRASHED]
            assert gaps[0].end_us - gaps[0].start_us < 3_000_000
            # Its next crash they did not even notice.
            assert film[id_].journal.entries()[-1].client - clients[id_] <= 1
        assert {entry.client for entry in film["native"].journal.entries()} == {0}
        assert server.stop() == 0
        server.start()
        server.until(lambda: are_recording(server, "poison", *neighbours), what="all after a restart")
        assert "it stays apart" in server.log.read_text()
        feeding = {worker_of(server, id_) for id_ in neighbours}
        assert len(feeding) == 1 and len({worker_of(server, "native"), worker_of(server, "poison"), *feeding}) == 3
        assert server.stop() == 0
    assert "Aborted" in server.log.read_text()
