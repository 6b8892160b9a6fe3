"""A recorder worker: owns the sockets and files of its cameras.

Told what to do by JSON lines on stdin, the first being its ``Settings``; a closed stdin means that the supervisor is gone, and ends it as SIGTERM does.
Answers with JSON lines on stdout: ``ready``, then a ``beat`` every second.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nvr.config import Camera, camera_from_wire
from nvr.recorder.av_source import quiet_ffmpeg
from nvr.recorder.camera import CameraRecorder
from nvr.recorder.cutting import Cutter
from nvr.recorder.disks import Disks
from nvr.recorder.pace import Pace
from nvr.recorder.pipeline import Pipeline
from nvr.recorder.run import Identity
from nvr.recorder.source import Ended
from storage import facts
from storage.catalogue_writer import CatalogueWriter
from storage.causes import Cause
from storage.database import Database
from storage.disk_writer import DiskWriter, SegmentHandle
from storage.roots import Root
from storage.status import Status

__all__ = ["Settings", "Worker"]

log = logging.getLogger(__name__)

# Connections begin this far apart at a start: each costs a decoder's look at the stream.
_STAGGER_S: Final = 0.05
_STOP_S: Final = 8.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What a worker must know. ``roots`` are (identity, path)."""

    catalogue: str
    roots: list[tuple[str, str]]
    node: str
    epoch: int
    segment_duration_us: int
    segment_bytes: int
    sync_interval_us: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a camera is not to be recorded."""

    cause: Cause
    detail: Mapping[str, Any]


class Worker:
    """The worker's cameras, disks and catalogue thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database = Database(Path(settings.catalogue), durable=False)
        self._catalogue = CatalogueWriter(self._database)
        self._disks = Disks(
            [
                DiskWriter(Root(identity, Path(path)), self._catalogue, sync_interval_s=settings.sync_interval_us / 1e6)
                for identity, path in settings.roots
            ]
        )
        self._cameras: dict[str, CameraRecorder] = {}
        self._stopped: dict[str, tuple[Stop, int]] = {}

    def start(self) -> None:
        """Starts the threads."""
        quiet_ffmpeg()
        self._catalogue.start()
        for writer in self._disks.writers:
            writer.start()

    def _pipeline(self, camera: Camera, handles: deque[SegmentHandle]) -> Pipeline:
        settings = self._settings
        return Pipeline(
            Identity(camera.id, settings.node, settings.epoch),
            Cutter(camera.id, settings.segment_duration_us, settings.segment_bytes),
            self._disks,
            self._catalogue,
            audio=camera.audio,
            handles=handles,
        )

    async def assign(
        self, cameras: list[Camera], stopped: Mapping[str, tuple[str, Mapping[str, Any]]] | None = None
    ) -> None:
        """These are the cameras now. One whose settings are as before is not touched. ``stopped``: those that must not record nor be
        connected to, with cause and detail."""
        wanted = {camera.id: camera for camera in cameras}
        stops = {id_: Stop(Cause(cause), detail) for id_, (cause, detail) in (stopped or {}).items()}
        leaving: list[CameraRecorder] = []
        for id_, recorder in list(self._cameras.items()):
            new = wanted.get(id_)
            if new == recorder.camera:
                continue
            if new is None and id_ in stops:
                ended = Ended(stops[id_].cause, stops[id_].detail)
            elif new is None:
                ended = Ended(Cause.NOT_CONFIGURED, {"reason": "camera removed"})
            else:
                ended = Ended(Cause.NOT_CONFIGURED, {"reason": "settings changed"})
            recorder.stop(ended)
            leaving.append(self._cameras.pop(id_))
        await asyncio.gather(*(recorder.stopped() for recorder in leaving))
        # Their last words, and how far their segments reach.
        for recorder in leaving:
            self._catalogue.put_status(recorder.status(), recorder.grown())
        self._stop(stops)
        number = 0
        for id_, camera in wanted.items():
            if id_ not in self._cameras:
                self._cameras[id_] = CameraRecorder(camera, self._pipeline)
                self._cameras[id_].start(number * _STAGGER_S)
                number += 1

    def _stop(self, stops: Mapping[str, Stop]) -> None:
        """Enters why the cameras do not record. One that had no run has no other word, nor has one of a worker before this."""
        at_us = time.time_ns() // 1000
        node, epoch = self._settings.node, self._settings.epoch
        since: dict[str, tuple[Stop, int]] = {}
        for id_, stop in stops.items():
            known = self._stopped.get(id_)
            if known is not None and known[0] == stop:
                since[id_] = known
                continue
            # Under another order than before it is still off since then.
            since[id_] = (stop, known[1] if known is not None and known[0].cause is stop.cause else at_us)
            self._catalogue.put(
                lambda conn, id_=id_, stop=stop: facts.enter(  # type: ignore[misc]
                    conn, id_, at_us, stop.cause, stop.detail, node=node, epoch=epoch
                )
            )
        self._stopped = since

    def report(self) -> None:
        """Gives the catalogue every camera's status."""
        now_us = time.time_ns() // 1000
        for id_, (stop, since_us) in self._stopped.items():
            # Waiting for space is not meant to last; a decision is.
            state = "waiting" if stop.cause is Cause.DISK_FULL else "off"
            self._catalogue.put_status(Status(id_, state, since_us, stop.cause, stop.detail, updated_us=now_us))
        for recorder in self._cameras.values():
            self._catalogue.put_status(recorder.status(), recorder.grown())

    async def stop(self) -> bool:
        """Closes every segment, within ``_STOP_S``; says whether all was written."""
        ended = Ended(Cause.SERVER_DOWN, {"reason": "stopped"})
        recorders = list(self._cameras.values())
        for recorder in recorders:
            await asyncio.to_thread(recorder.stop_run, ended)
        for recorder in recorders:
            recorder.stop(ended)
        deadline = time.monotonic() + _STOP_S
        written = True
        for writer in self._disks.writers:
            written &= await asyncio.to_thread(writer.stop, max(0.1, deadline - time.monotonic()))
        self.report()
        written &= await asyncio.to_thread(self._catalogue.close, max(1.0, deadline - time.monotonic()))
        return written


def _say(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def serve(settings: Settings) -> bool:
    """Runs a worker until it is told to end; says whether all was written."""
    loop = asyncio.get_running_loop()
    worker = Worker(settings)
    worker.start()
    ending = asyncio.Event()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def listen() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    threading.Thread(target=listen, name="orders", daemon=True).start()

    async def obey() -> None:
        while (line := await lines.get()) is not None:
            order = json.loads(line)
            cameras = [camera_from_wire(json.dumps(camera)) for camera in order["cameras"]]
            await worker.assign(cameras, order.get("stopped"))
        log.warning("the supervisor is gone: closing segments")
        ending.set()

    async def beat() -> None:
        while True:
            worker.report()
            _say(event="beat")
            await asyncio.sleep(1.0)

    pace = Pace(loop)
    pace.start()
    _say(event="ready")
    tasks = [asyncio.create_task(obey()), asyncio.create_task(beat())]
    waiting = asyncio.create_task(ending.wait())
    done, _ = await asyncio.wait([*tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task in done and not task.cancelled() and (error := task.exception()) is not None:
            log.error("the worker ends because of a fault", exc_info=error)
        task.cancel()
    pace.stop()
    return await worker.stop()


def leave(code: int) -> None:
    """Ends the process although threads may sit in FFmpeg, waiting for a camera: everything of ours is written by now."""
    sys.stdout.flush()
    logging.shutdown()
    os._exit(code)
