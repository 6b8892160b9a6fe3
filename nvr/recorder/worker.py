"""A recorder worker: owns the sockets and files of its cameras.

Told what to do by JSON lines on stdin, the first being its ``WorkerSettings``, the others ``Line``; a closed stdin
means that the supervisor is gone, and ends it as SIGTERM does. Answers with JSON lines on stdout: ``ready``, then a
``beat`` every second, and ``recording`` once a tentative camera does.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import math
import os
import signal
import sqlite3
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from nvr import log as logs
from nvr.config import RecordedCamera, Redactor, recorded_from_wire
from nvr.recorder.assignments import Leaving, Line, Order, stop_s
from nvr.recorder.audio.encoding import Encoding
from nvr.recorder.audio.track import AudioRefusals, AudioTrack
from nvr.recorder.camera import CameraRecorder
from nvr.recorder.loop.crash_slots import WORKING
from nvr.recorder.loop.limiter import Outages, Turns
from nvr.recorder.loop.rounds import LATENESS, Rounds
from nvr.recorder.media.packets import Ended
from nvr.recorder.run.cutting import Cutter
from nvr.recorder.run.disks import Disks
from nvr.recorder.run.pipeline import Pipeline
from nvr.recorder.run.run import Identity
from nvr.recorder.sources.av import quiet_ffmpeg
from nvr.recorder.sources.choose import SourceChoice
from nvr.recorder.sources.rtsp.ledger import LEDGER
from storage.catalogue import facts, status
from storage.catalogue.database import Database
from storage.catalogue.status import Status
from storage.causes import Cause
from storage.disk.roots import Root
from storage.errors import CatalogueError
from storage.writing.at_risk import Risk
from storage.writing.catalogue_writer import CatalogueWriter
from storage.writing.disk_writer import DiskWriter
from storage.writing.open_segment import SegmentHandle

__all__ = ["Worker", "WorkerSettings", "audio_track"]

log = logging.getLogger(__name__)

# Cameras that are stopped or started without a look at anything else meanwhile.
_AT_ONCE: Final = 20
_REPORTS_A_SECOND: Final = 100
# Well below what the API takes for silence.
_LONGEST_ROUND: Final = 6
# So often a camera's status is written that is as it was; how far its footage reaches, with each report.
_STATUS_S: Final = 5.0
# Whatever there is in cycles goes at least so often: recording alone makes too little garbage to set the collector off
# (``__main__``).
_COLLECT_S: Final = 300.0
# So often it is asked who watches.
_WATCHED_S: Final = 0.5
# So often it is logged that a disk is too slow for what is promised of a power cut.
_LATE_LOGGED_S: Final = 300.0
# Of a camera of which nothing was read for so long the newest frames do not wait in memory for the next one: longer
# than any wait of one that sends a frame a second.
_KEPT_S: Final = 1.7
_PASSING: Final = (Cause.DISK_FULL, Cause.RECORDER_CRASHED, Cause.NO_CAPACITY)


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker must know. ``roots`` are (identity, path); ``slots_fd`` and ``fault_fd`` are shared memory for
    telling which camera's work a crash was in."""

    catalogue: str
    roots: list[tuple[str, str]]
    node: str
    segment_duration_us: int
    segment_bytes: int
    sync_interval_us: int
    slots_fd: int
    fault_fd: int


@dataclass(slots=True)
class _Idle:
    """A camera that must not record, why, and since when."""

    order: Order
    cause: Cause
    detail: Mapping[str, Any]
    since_us: int


class Worker:
    """The worker's cameras, disks and catalogue thread. ``say`` tells the supervisor something."""

    def __init__(self, settings: WorkerSettings, say: Callable[..., None]) -> None:
        self._settings = settings
        self._say = say
        self._database = Database(Path(settings.catalogue), durable=False)
        self._catalogue = CatalogueWriter(self._database)
        self._disks = Disks([self._writer(root) for root in settings.roots])
        self._cameras: dict[str, CameraRecorder] = {}
        self._orders: dict[str, Order] = {}
        self._idle: dict[str, _Idle] = {}
        self._tentative: set[str] = set()
        # What was last written of each camera's status, and when it is due again.
        self._written: dict[str, tuple[object, float]] = {}
        self._beats = 0
        self._turns = Turns()
        self._outages = Outages()
        self._encoding = Encoding()
        self._refusals = AudioRefusals()
        self.rounds: Rounds | None = None
        self._late_logged: dict[str, float] = {}

    def _writer(self, root: tuple[str, str]) -> DiskWriter:
        sync_interval_s = self._settings.sync_interval_us / 1e6
        writer = DiskWriter(Root(root[0], Path(root[1])), self._catalogue, sync_interval_s=sync_interval_s)
        writer.gathers = True
        return writer

    def round_ended(self) -> None:
        """To be called after each round of reading."""
        self._turns.round_ended(LATENESS.late_s)
        # Not only with the next report: as long as another worker records the camera as well, it takes all twice.
        for id_ in list(self._tentative):
            self._is_firm(id_, self._cameras[id_])

    def hand_over(self) -> None:
        """Lets the disks' threads write what this round of reading brought, while this thread waits for the next."""
        rounds = self.rounds
        for writer in self._disks.writers:
            if rounds is not None:
                writer.at_risk.unread_s = rounds.apart_s
            writer.hand_over()

    async def follow_viewers(self) -> None:
        """Asks again and again which cameras somebody watches, and is quick with those."""
        while True:
            await asyncio.sleep(_WATCHED_S)
            try:
                found = await asyncio.to_thread(self._watched)
            except (sqlite3.Error, CatalogueError) as error:
                # Recording waits for no catalogue; what was said last runs out.
                log.debug("it can't be known who watches: %s", error)
                found = frozenset()
            # All of them: a recorder may be another one than was told before.
            for id_, recorder in self._cameras.items():
                if recorder.is_quick != (id_ in found):
                    recorder.be_quick(id_ in found)

    def _watched(self) -> frozenset[str]:
        with self._database.read() as conn:
            return status.watched(conn, time.time_ns() // 1000)

    def start(self) -> None:
        """Starts the threads."""
        quiet_ffmpeg()
        LEDGER.open(self._database)
        self._catalogue.start()
        self._disks.start()

    def _pipeline(self, epoch: int, camera: RecordedCamera, handles: deque[SegmentHandle]) -> Pipeline:
        settings = self._settings
        return Pipeline(
            Identity(camera.id, settings.node, epoch),
            Cutter(camera.id, settings.segment_duration_us, settings.segment_bytes),
            self._disks,
            self._catalogue,
            audio=audio_track(camera, self._encoding, self._refusals),
            handles=handles,
        )

    async def obey(self, line: Line) -> None:
        """Does what a line says. A camera that it does not name is not touched."""
        for root in line.roots:
            if all(writer.root.id != root[0] for writer in self._disks.writers):
                await asyncio.to_thread(self._disks.add, self._writer(root))
        await self._end({id_: (_left(leaving), leaving is None) for id_, leaving in line.gone.items()})
        for id_ in line.gone:
            self._idle.pop(id_, None)
        ending: dict[str, tuple[Ended, bool]] = {}
        for id_, order in line.orders.items():
            recorder, old = self._cameras.get(id_), self._orders.get(id_)
            if recorder is None or old is None:
                continue
            if order.stopped is not None:
                ending[id_] = (Ended(Cause(order.stopped[0]), order.stopped[1]), False)
            elif (order.epoch, order.camera) != (old.epoch, old.camera):
                # How it is read changes with its epoch; between, what is known of that is refined.
                ending[id_] = (Ended(Cause.NOT_CONFIGURED, {"reason": "settings changed"}), False)
        await self._end(ending)
        for number, (id_, order) in enumerate(line.orders.items()):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            self._take(id_, order)

    async def _end(self, ending: Mapping[str, tuple[Ended, bool]]) -> None:
        """Ends cameras, each with its cause; silently those that another worker records."""
        leaving: list[CameraRecorder] = []
        silent: set[str] = set()
        if ending and self.rounds is not None:
            # Once for all of them: the time since the last round was recorded, and belongs to no decision.
            self.rounds.catch_up()
        for number, (id_, (ended, is_silent)) in enumerate(ending.items()):
            self._orders.pop(id_, None)
            self._written.pop(id_, None)
            self._tentative.discard(id_)
            recorder = self._cameras.pop(id_, None)
            self._refusals.forget(id_)
            if recorder is None:
                continue
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            recorder.stop(ended, silent=is_silent)
            leaving.append(recorder)
            if is_silent:
                silent.add(id_)
        await asyncio.gather(*(recorder.stopped() for recorder in leaving))
        # Their last words, and how far their segments reach.
        for recorder in leaving:
            if recorder.camera.id not in silent:
                self._catalogue.put_status(recorder.status(), recorder.grown())

    def _take(self, id_: str, order: Order) -> None:
        recorder = self._cameras.get(id_)
        old, self._orders[id_] = self._orders.get(id_), order
        if order.stopped is not None:
            self._rest(id_, order)
            return
        self._idle.pop(id_, None)
        if recorder is None:
            camera = recorded_from_wire(json.dumps(order.camera))
            logs.learn_secrets(camera.secrets)
            make = partial(self._pipeline, order.epoch)
            choice = SourceChoice(camera, order.reading, partial(self._say, camera=id_, epoch=order.epoch))
            recorder = CameraRecorder(
                camera, make, self._turns, self._outages, choice=choice, tentative=order.tentative
            )
            recorder.on_footage = self._on_footage
            self._cameras[id_] = recorder
            if order.tentative:
                self._tentative.add(id_)
            recorder.start()
        elif old is not None and old.tentative and not order.tentative:
            self._tentative.discard(id_)
            recorder.firm()

    def _rest(self, id_: str, order: Order) -> None:
        """Enters why a camera does not record. One that had no run has no other word, nor has one of a worker before
        this."""
        assert order.stopped is not None
        cause, detail = Cause(order.stopped[0]), order.stopped[1]
        at_us, node, epoch = time.time_ns() // 1000, self._settings.node, order.epoch
        before = self._idle.get(id_)
        since_us = before.since_us if before is not None and before.cause is cause else at_us
        self._idle[id_] = _Idle(order, cause, detail, since_us)
        self._catalogue.put(lambda conn: facts.set_cause(conn, id_, at_us, cause, detail, node=node, epoch=epoch))

    def _on_footage(self, camera: str) -> None:
        for other in self._outages.came(camera, time.monotonic()):
            if (recorder := self._cameras.get(other)) is not None:
                recorder.wake()

    def report(self, *, all_: bool = False) -> None:
        """Gives the catalogue cameras' statuses, and the supervisor the word that a tentative one records. Called every
        second. Of many cameras it is some each time, and each within ``_LONGEST_ROUND`` seconds: statuses of thousands
        cost more than recording them. Those that lie beside each other in the catalogue have one turn: a page is
        written whole. ``all_``: each now."""
        now_us, now_s = time.time_ns() // 1000, time.monotonic()
        count = len(self._cameras) + len(self._idle)
        turns = 1 if all_ else min(-(-count // _REPORTS_A_SECOND) or 1, _LONGEST_ROUND)
        self._beats += 1
        turn = self._beats % turns
        for number, (id_, idle) in enumerate(self._idle.items()):
            if number * turns // count != turn:
                continue
            # Waiting for space or for another attempt is not meant to last; a decision is.
            state = "waiting" if idle.cause in _PASSING else "off"
            self._catalogue.put_status(Status(id_, state, idle.since_us, idle.cause, idle.detail, updated_us=now_us))
        for number, (id_, recorder) in enumerate(self._cameras.items(), len(self._idle)):
            if number * turns // count != turn and not recorder.tentative:
                continue
            if now_s >= recorder.choice.poll_due_s:
                recorder.choice.poll(now_s)
            if self._is_firm(id_, recorder, tells_failure=True):
                self._report(recorder, now_s, always=all_)

    def _report(self, recorder: CameraRecorder, now_s: float, *, always: bool) -> None:
        now, id_ = recorder.status(), recorder.camera.id
        said = (now.state, now.since_us, now.cause, now.detail, now.init)
        before, due_s = self._written.get(id_, (None, 0.0))
        if always or said != before or now_s >= due_s:
            self._written[id_] = said, now_s + _STATUS_S
            self._catalogue.put_status(now, recorder.grown())
        else:
            self._catalogue.put_grown(id_, recorder.grown())

    def _is_firm(self, id_: str, recorder: CameraRecorder, *, tells_failure: bool = False) -> bool:
        """Whether a camera is this worker's alone, as one is from its first footage on; notifies the supervisor."""
        if not recorder.tentative:
            return True
        now = recorder.status()
        if now.state != "recording":
            if tells_failure and now.cause is not None:
                self._say(event="failed", camera=id_, epoch=self._orders[id_].epoch, cause=now.cause.value)
            return False
        self._tentative.discard(id_)
        recorder.firm()
        self._say(event="recording", camera=id_, epoch=self._orders[id_].epoch)
        return True

    def report_risks(self) -> None:
        """Tells the catalogue what a power cut would cost now, and sees to it that it costs little of cameras that send
        a frame now and then. Called every second."""
        unwritten: dict[DiskWriter | None, float] = {}
        before_s = time.monotonic() - _KEPT_S
        # Nearly all are asked at once.
        well: set[str] = set()
        for pool in self.rounds.pools if self.rounds is not None else ():
            oldest_us, quiet, cameras = pool.waiting(int(before_s * 1e6))
            well |= cameras - quiet
            if oldest_us is not None:
                unwritten[None] = min(oldest_us / 1e6, unwritten.get(None, math.inf))
        for id_, recorder in self._cameras.items():
            if id_ in well:
                continue
            found = recorder.unwritten
            if found is not None and found[1] <= before_s:
                recorder.keep(int(before_s * 1e6))
                found = recorder.unwritten
            if found is not None and found[1] < unwritten.get(found[0], math.inf):
                unwritten[found[0]] = found[1]
        # Where those will go whose run has not begun is not known, nor is it asked of the others: to any.
        nowhere = unwritten.pop(None, math.inf)
        risks: list[tuple[str, Risk]] = []
        for writer in self._disks.writers:
            since_s = min(unwritten.get(writer, math.inf), nowhere)
            risk = writer.at_risk.measure(None if since_s == math.inf else since_s)
            risks.append((writer.root.id, risk))
            self._log_late(writer, risk)
        self._catalogue.put_risks(risks, time.time_ns() // 1000)

    def _log_late(self, writer: DiskWriter, risk: Risk) -> None:
        now_s = time.monotonic()
        if risk.worst_s > risk.limit_s and now_s - self._late_logged.get(writer.root.id, -math.inf) >= _LATE_LOGGED_S:
            self._late_logged[writer.root.id] = now_s
            log.warning(
                "footage root %s: a power cut could have cost %.1f s within the last minutes,"
                " more than sync_interval (%.1f s): the last sync of the disk took %.1f s",
                writer.root.path,
                risk.worst_s,
                risk.limit_s,
                risk.sync_s,
            )

    async def stop(self) -> bool:
        """Closes every segment, within ``stop_s``; says whether all was written."""
        ended = Ended(Cause.SERVER_DOWN, {"reason": "stopped"})
        recorders = list(self._cameras.values())
        deadline = time.monotonic() + stop_s(len(recorders))
        self._disks.end_looking()
        self._encoding.end()
        # What the cameras had sent by now is footage too, and two turns of the loop read what is in no round.
        if self.rounds is not None:
            self.rounds.stop()
        for _ in range(2):
            await asyncio.sleep(0)
        for writer in self._disks.writers:
            writer.gathers = False

        def end_runs() -> None:
            for recorder in recorders:
                recorder.stop_run(ended)

        # In one thread's time: a jump to a thread and back for each of thousands takes longer than the work.
        await asyncio.to_thread(end_runs)
        for recorder in recorders:
            recorder.stop(ended)
        written = True
        for writer in self._disks.writers:
            written &= await asyncio.to_thread(writer.stop, max(0.1, deadline - time.monotonic()))
        self.report(all_=True)
        self.report_risks()
        written &= await asyncio.to_thread(self._catalogue.close, max(1.0, deadline - time.monotonic()))
        return written


def _left(leaving: Leaving | None) -> Ended:
    cause, detail = leaving if leaving is not None else (Cause.OVERLOAD, {"reason": "moved to another worker"})
    return Ended(Cause(cause), detail)


def _say(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def serve(settings: WorkerSettings) -> bool:
    """Runs a worker until it is told to end; says whether all was written."""
    loop = asyncio.get_running_loop()
    WORKING.open(settings.slots_fd, settings.fault_fd)
    worker = Worker(settings, _say)
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
            await worker.obey(msgspec.json.decode(line, type=Line))
        log.warning("the supervisor is gone: closing segments")
        ending.set()

    async def beat() -> None:
        collect_at = loop.time() + _COLLECT_S
        while True:
            worker.report()
            worker.report_risks()
            _say(event="beat")
            if loop.time() >= collect_at:
                collect_at = loop.time() + _COLLECT_S
                gc.collect()
            await asyncio.sleep(1.0)

    worker.rounds = Rounds(loop, hand_over=worker.hand_over, after=worker.round_ended)
    worker.rounds.start()
    _say(event="ready")
    tasks = [asyncio.create_task(each) for each in (obey(), beat(), worker.follow_viewers())]
    waiting = asyncio.create_task(ending.wait())
    done, _ = await asyncio.wait([*tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task in done and not task.cancelled() and (error := task.exception()) is not None:
            log.error(
                "the worker ends because of a fault, and another begins: report this, with these lines", exc_info=error
            )
        task.cancel()
    return await worker.stop()


def audio_track(camera: RecordedCamera, encoding: Encoding, refusals: AudioRefusals) -> AudioTrack | None:
    """One connection's audio, if it is wanted. What the camera calls it may be its own password."""
    if not camera.audio:
        return None
    return AudioTrack(camera.id, encoding, refusals, partial(_without, camera.secrets))


def _without(secrets: tuple[str, ...], text: str) -> str:
    return Redactor(secrets, hashes=True)(text)


def leave(code: int) -> None:
    """Ends the process although threads may sit in FFmpeg, waiting for a camera: everything of ours is written by
    now."""
    sys.stdout.flush()
    logging.shutdown()
    os._exit(code)
