"""Makes the exports that are queued, one after the other, and deletes those whose time is over.

Invariant: whatever ends this process, the next one goes on with what was running; nothing is begun that does not fit.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from nvr.cases import export_queue, exports, requests
from nvr.cases.exports import Export
from nvr.config import redact
from nvr.evidence.jobs.keeper import IntegrityKeeper
from nvr.evidence.jobs.priority import ExportPace
from nvr.evidence.making.package import make_package, remove_package
from nvr.evidence.making.planning import ExportPlan, package_name, plan_export, work_bytes
from nvr.evidence.package.request import ExportRequest, Unit
from nvr.evidence.seal.errors import Cancelled, EvidenceError
from nvr.evidence.seal.heads import HeadBook
from nvr.evidence.seal.keys import KeyFolder
from nvr.playback.index_cache import IndexCache
from storage.catalogue import audit
from storage.catalogue.database import Database
from storage.coverage.settled import unsettled
from storage.sentences import Sentence, quoted, sentence_of

__all__ = ["ExportSettings", "Exporter"]

log = logging.getLogger(__name__)

_POLL_S: Final = 0.5
_EXPIRY_S: Final = 60.0
_CHANGEABLE: Final = ("name", "zone", "budget_bytes", "keep_us", "rate_bytes_per_s", "segment_us")
# When an export begins is said anew only if it changed by this much.
_TOLD_AGAIN_US: Final = 2_000_000
# Planning reads the index of every segment: what has to wait is not planned again at every look.
_AGAIN_S: Final = 30.0
# What somebody who decided is at is left to them for as long.
_LEFT_US: Final = 60_000_000
# An export must not be what fills the disk that the catalogue is on.
_SPARE_BYTES: Final = 1 << 30


class ExportSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is told. Folders and the catalogue are paths; ``budget_bytes`` is for running and finished
    exports together; ``segment_us`` is how long segments are to be. ``idle_s``: after so long without work it ends;
    None: never."""

    catalogue: str
    keys: str
    exports: str
    name: str
    node: str
    zone: str
    version: str
    budget_bytes: int
    keep_us: int
    rate_bytes_per_s: int
    segment_us: int = 300_000_000
    idle_s: float | None = None
    log_level: str = "info"


class Exporter:
    """The one who makes exports. ``ending`` ends it within a block of a few megabytes."""

    def __init__(
        self,
        settings: ExportSettings,
        ending: threading.Event,
        *,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._settings = settings
        self._ending = ending
        self._now_us = now_us
        self._database = Database(Path(settings.catalogue))
        self._cache = IndexCache(self._database, most_samples=500_000)
        self._folder = Path(settings.exports)
        keys = KeyFolder(Path(settings.keys), settings.name)
        self.keeper = IntegrityKeeper(self._database, HeadBook(self._folder, keys), keys, now_us)
        self._expired_at = -_EXPIRY_S
        # Waiting exports: when they were last planned, and how much was kept then.
        self._waiting: dict[str, tuple[float, int]] = {}

    def configure(self, new: ExportSettings) -> None:
        """Takes what may change while it runs: name, zone, budget, keep, rate, length of segments. Folders take effect
        at the next start."""
        changed = {name: getattr(new, name) for name in _CHANGEABLE}
        self._settings = msgspec.structs.replace(self._settings, **changed)

    def run(self) -> None:
        """Works until told to end, or until there was nothing to do for long enough."""
        with self._database.write() as conn:
            exports.put_back(conn)
        self._clean()
        worked_s = time.monotonic()
        while not self._ending.is_set() and not self._is_idle(worked_s):
            try:
                if time.monotonic() - self._expired_at >= _EXPIRY_S:
                    self._expired_at = time.monotonic()
                    self.expire()
                requests.release_holds(self._database, closed_before_us=self._now_us() - _LEFT_US)
                if self.work():
                    worked_s = time.monotonic()
                    continue
            except (sqlite3.Error, OSError) as error:
                log.error("exports could not go on, will try again: %s", error)
            self._ending.wait(_POLL_S)
        self._database.close()

    def _is_idle(self, since_s: float) -> bool:
        idle_s = self._settings.idle_s
        if idle_s is None or time.monotonic() - since_s < idle_s or not self.keeper.has_looked.is_set():
            return False
        with self._database.read() as conn:
            return not export_queue.is_any_work(conn, self._now_us() - self._settings.keep_us)

    def work(self) -> bool:
        """Makes the first queued export that fits; whether there was one."""
        with self._database.read() as conn:
            waiting = exports.queued(conn)
            kept = exports.bytes_kept(conn)
        for job in waiting:
            if not job.is_held and self._now_us() - job.requested_us > _LEFT_US:
                # Whoever queued it did not come to that.
                export_queue.hold_all(self._database, job.id)
                return True
            if not job.is_held:
                continue
            planned_at, kept_then = self._waiting.get(job.id, (-_AGAIN_S, kept))
            if kept_then == kept and time.monotonic() - planned_at < _AGAIN_S:
                continue
            request = ExportRequest.from_json(job.request)
            if not self._is_over(job, request):
                continue
            try:
                if job.attempts >= exports.MOST_ATTEMPTS:
                    raise EvidenceError(
                        Sentence("it was begun {count} times and never ended: the log may say why", count=job.attempts)
                    )
                plan = plan_export(self._database, self._cache, request, now_us=self._now_us())
                obstacle = self._obstacle(plan, kept)
            except EvidenceError as error:
                self._fail(job, error)
                return True
            if obstacle is not None:
                self._waiting[job.id] = (time.monotonic(), kept)
                with self._database.write() as conn:
                    exports.wait(conn, job.id, obstacle)
                continue
            self._waiting.pop(job.id, None)
            self._make(job, plan)
            return True
        return False

    def _is_over(self, job: Export, request: ExportRequest) -> bool:
        """Whether the range is over; if not, the export's row says when it is expected to be."""
        with self._database.read() as conn:
            found = unsettled(
                conn,
                request.cameras,
                request.end_us,
                now_us=self._now_us(),
                segment_us=self._settings.segment_us,
            )
        if found is None:
            return True
        if job.begins_us is None or abs(job.begins_us - found.until_us) >= _TOLD_AGAIN_US:
            with self._database.write() as conn:
                exports.wait(conn, job.id, None, found.until_us)
        return False

    def _obstacle(self, plan: ExportPlan, kept: int) -> Sentence | None:
        """Why it can't be begun now. Raises ``EvidenceError`` if it never can."""
        need, budget = plan.bytes, self._settings.budget_bytes
        if need > budget:
            raise EvidenceError(
                Sentence(
                    "it needs {need} bytes, more than the budget of all exports, which is {budget}:"
                    " ask for less at once",
                    need=need,
                    budget=budget,
                )
            )
        if kept + need > budget:
            return Sentence(
                "it needs {need} bytes and {free} of the budget are free: it waits for older exports to expire",
                need=need,
                free=budget - kept,
            )
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        free = shutil.disk_usage(self._folder).free
        if free < need + _SPARE_BYTES:
            return Sentence("it needs {need} bytes and the disk has {free} free: it waits", need=need, free=free)
        return None

    def _make(self, job: Export, plan: ExportPlan) -> None:
        settings = self._settings
        with self._database.write() as conn:
            if not exports.begin(conn, job.id, work_bytes(plan), self._now_us()):
                return
            head = audit.head(conn)
        # As it is signed and kept, if it can be.
        head = self.keeper.note(f"export {job.id}") or head
        plan = replace(plan, request=replace(plan.request, audit_head=str(head)))
        log.info("export %s: %d files, %d bytes", job.id, len(plan.files), plan.bytes)
        told = _Told(self._database, job.id, self._ending, ExportPace(settings.rate_bytes_per_s, self._ending))
        destination = self._folder / package_name(plan.request)
        # A crash between the package's name and its row: it is made again, since nobody has it.
        shutil.rmtree(destination, ignore_errors=True)
        try:
            signer = KeyFolder(Path(settings.keys), settings.name).ensure()
            unit = Unit(settings.name, settings.node, settings.zone, settings.version)
            package = make_package(plan, self._cache, signer, unit, destination, progress=told)
        except Cancelled:
            if self._ending.is_set():
                with self._database.write() as conn:
                    exports.put_back(conn, job.id)
            else:
                remove_package(destination)
            return
        except (EvidenceError, OSError) as error:
            self._fail(job, error)
            remove_package(destination)
            return
        files = [(entry.name, entry.size, entry.crc32) for entry in package.entries]
        with self._database.write() as conn:
            is_done = exports.finish(
                conn,
                job.id,
                folder=destination.name,
                files=files,
                warnings=package.warnings,
                now_us=self._now_us(),
            )
        if not is_done:
            remove_package(destination)
        for warning in package.warnings:
            log.warning("export %s: %s", job.id, warning)

    def _fail(self, job: Export, error: Exception) -> None:
        reason = _redacted(quoted(str(error.strerror or error)) if isinstance(error, OSError) else sentence_of(error))
        log.error("export %s can't be made: %s", job.id, reason)
        with self._database.write() as conn:
            exports.fail(conn, job.id, reason, self._now_us())

    def expire(self) -> None:
        """Deletes what is finished for longer than it is kept. The row says so first: nobody is offered what is half
        deleted."""
        before_us = self._now_us() - self._settings.keep_us
        with self._database.read() as conn:
            found = exports.overdue(conn, before_us)
        for job in found:
            with self._database.write() as conn:
                exports.expire(conn, job.id)
            if job.folder is not None:
                remove_package(self._folder / job.folder)
            log.info("export %s has expired and is deleted", job.id)

    def _clean(self) -> None:
        """Removes what exports left that have ended, if a crash came between their row and their folder. Folders that
        no row knows stay: after the catalogue was rebuilt they are finished packages."""
        with self._database.read() as conn:
            ended = [job for job in exports.list_all(conn, -1) if not job.is_open and job.state != "done"]
        for job in ended:
            remove_package(self._folder / package_name(ExportRequest.from_json(job.request)))


def _redacted(sentence: Sentence) -> Sentence:
    return sentence.given(
        **{
            name: _redacted(value)
            if isinstance(value, Sentence)
            else redact(value)
            if isinstance(value, str)
            else value
            for name, value in sentence.values.items()
        }
    )


class _Told:
    """Hears of progress: keeps the pace, notes it once a second, and ends what is not wanted any more."""

    def __init__(self, database: Database, id_: str, ending: threading.Event, pace: ExportPace) -> None:
        self._database, self._id, self._ending, self._pace = database, id_, ending, pace
        self._done = 0
        self._noted = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        count, self._done = done - self._done, done
        self._pace(max(count, 0))
        if self._ending.is_set():
            raise Cancelled
        now = time.monotonic()
        if now - self._noted >= 1.0:
            self._noted = now
            with self._database.write() as conn:
                if not exports.progress(conn, self._id, done):
                    raise Cancelled
