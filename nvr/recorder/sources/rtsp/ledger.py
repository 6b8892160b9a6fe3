"""The ledger of logins and devices (``storage.catalogue.logins``, ``storage.catalogue.devices``) for a process that
connects to cameras.

A thread of its own asks the catalogue, all that waits at once: neither an event loop nor a reader of FFmpeg waits for a
disk. What is refused now is also kept in memory, so that a camera that must wait costs no question. Invariant: without
a catalogue, or while it can't be asked, a ledger in memory has the same rules for this process.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from nvr.config import RecordedCamera
from nvr.recorder.sources.rtp.errors import LoginError
from storage.catalogue import devices, logins
from storage.catalogue.database import Database
from storage.catalogue.devices import Device
from storage.catalogue.logins import LedgerEntry, LoginAccount, Standing
from storage.catalogue.migrations import m013_logins
from storage.errors import CatalogueError

__all__ = ["LEDGER", "Ledger", "account_of", "words_until"]

log = logging.getLogger(__name__)

# A person's "try now" and what other processes were refused are seen within this time.
_POLL_S: Final = 2.0
_FREE_S: Final = 1.0
_MOST_AT_ONCE: Final = 200
# And what takes longer goes on in another transaction, behind others': in a worker that is busy each statement waits
# for Python's lock.
_HELD_S: Final = 0.25
_OTHERS_S: Final = 0.12
# Attempts of other cameras of the same device are over in a round trip or two.
_RETRY_S: Final = 0.1
_LEAST_TIMES: Final = 8
# So long a search waits for others' attempts at the same host.
_PATIENCE_S: Final = 5.0

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], Any]


def account_of(camera: RecordedCamera) -> LoginAccount | None:
    """The account that a camera's settings name; None without a login."""
    if camera.username is None:
        return None
    password = camera.password.reveal() if camera.password is not None else ""
    return LoginAccount.of(logins.device_of(camera.url), camera.username, password)


def words_until(until_us: int) -> str:
    """Why a camera is not asked, for its cause."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until_us / 1e6))
    return f"the password was refused: it is not tried before {at}, unless it is changed or somebody asks for it"


def _now_us() -> int:
    return time.time_ns() // 1000


class Ledger:
    """What this process knows of logins."""

    def __init__(self, now_us: Callable[[], int] = _now_us) -> None:
        self._now_us = now_us
        self._database: Database | None = None
        self._memory: sqlite3.Connection | None = None
        self._failed = False
        self._questions: queue.SimpleQueue[tuple[Operation, concurrent.futures.Future[Any]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._troubled: dict[LoginAccount, LedgerEntry] = {}
        # Questions whose turn was over.
        self._left: list[tuple[Operation, concurrent.futures.Future[Any]]] = []

    def open(self, database: Database) -> None:
        """From now on the catalogue has the ledger. Reads it: not for an event loop that records."""
        self._database = database
        self._refresh()
        # Its thread looks from now on.
        self._ask(lambda conn: None)

    def close(self) -> None:
        """Answers what was asked, and lets the catalogue go."""
        self._ask(lambda conn: None).result()
        self._database = self._memory = None
        self._troubled = {}

    # What may be asked without waiting
    # -----------------------------------------------------------------------------------

    def standing(self, camera: RecordedCamera) -> Standing:
        """Whether a camera may log in, as far as this process knows; at most ``_POLL_S`` old."""
        account = account_of(camera)
        entry = self._troubled.get(account) if account is not None else None
        return Standing("go") if entry is None else logins.standing(entry, camera.id, self._now_us())

    def works(self, account: LoginAccount, camera: str) -> None:
        """The device has just taken the account's password from this camera, in a session that stands."""
        entry = self._troubled.get(account)
        if entry is not None and camera not in entry.cameras and camera not in entry.proved:
            self._ask(lambda conn: logins.prove(conn, account, camera))

    async def free(self, camera: RecordedCamera) -> None:
        """Waits until a camera may log in."""
        while self.standing(camera).state == "blocked":  # noqa: ASYNC110 - it is another thread, or the time, that changes it
            await asyncio.sleep(_FREE_S)

    # What waits
    # ------------------------------------------------------------------------------------------------------------

    async def begin(self, account: LoginAccount, camera: str, wait_s: float) -> Device | None:
        """Enters an attempt, waiting for those of the device's other cameras; what is known of the device.

        Raises:
            LoginError: it may not be made.
        """

        def enter(conn: sqlite3.Connection) -> tuple[Device | None, Standing]:
            return devices.find(conn, account.device), logins.begin(conn, account, camera, now_us=self._now_us())

        deadline = time.monotonic() + wait_s
        times = 0
        while True:
            asked = self._ask(enter)
            try:
                answer: tuple[Device | None, Standing] = await asyncio.shield(asyncio.wrap_future(asked))
            except asyncio.CancelledError:
                asked.add_done_callback(lambda done: self._given_up(account, done))
                raise
            known, found = answer
            if found.state == "go":
                return known
            if found.state == "blocked":
                raise LoginError(words_until(found.until_us), found.until_us)
            # Of a loop that is late hardly a question was asked in that time.
            times += 1
            if time.monotonic() >= deadline and times >= _LEAST_TIMES:
                raise LoginError("other cameras of the same device are still logging in")
            await asyncio.sleep(_RETRY_S)

    async def begin_first(self, account: LoginAccount, password: str) -> Device | None:
        """As ``begin``, for a search: only the first attempt with this password at this host.

        Raises:
            LoginError: it may not be made.
        """

        def enter(conn: sqlite3.Connection) -> tuple[Device | None, Standing]:
            known = devices.find(conn, account.device)
            return known, logins.begin_first(conn, account, password, now_us=self._now_us())

        deadline = time.monotonic() + _PATIENCE_S
        while True:
            known, found = await self._answer(enter)
            if found.state == "go":
                return known
            if found.state == "blocked":
                raise LoginError(words_until(found.until_us), found.until_us)
            if time.monotonic() >= deadline:
                raise LoginError("somebody else is logging in to the same device")
            await asyncio.sleep(_RETRY_S)

    def _given_up(self, account: LoginAccount, done: concurrent.futures.Future[tuple[Device | None, Standing]]) -> None:
        if done.exception() is None and done.result()[1].state == "go":
            self.abandoned(account)

    async def refused(self, account: LoginAccount, camera: str, left: int | None) -> LedgerEntry:
        """The attempt failed."""
        return await self._answer(lambda conn: logins.refused(conn, account, camera, now_us=self._now_us(), left=left))

    def accepted(self, account: LoginAccount, camera: str, scheme: str | None) -> None:
        """The attempt succeeded. ``scheme``: how the password went out, if that was not known of the device."""

        def enter(conn: sqlite3.Connection) -> None:
            logins.accepted(conn, account, camera)
            if scheme is not None:
                devices.learn(conn, account.device, scheme=scheme)

        self._ask(enter)

    def abandoned(self, account: LoginAccount) -> None:
        """The attempt has no outcome."""
        self._ask(lambda conn: logins.abandoned(conn, account))

    async def learn_certificate(self, device: str, certificate: str) -> Device:
        """Enters a device's certificate, unless one is known; what counts."""
        return await self._answer(lambda conn: devices.learn(conn, device, certificate=certificate))

    async def offered(self, device: str, certificate: str | None, camera: str) -> None:
        """A device showed another certificate than the known one, or (None) the known one again."""
        await self._answer(lambda conn: devices.offered(conn, device, certificate, camera, now_us=self._now_us()))

    # The thread
    # --------------------------------------------------------------------------------------------------------------

    async def _answer(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        # A question that was put is answered, whatever becomes of who asked.
        answer: T = await asyncio.shield(asyncio.wrap_future(self._ask(operation)))
        return answer

    def _ask(self, operation: Operation) -> concurrent.futures.Future[Any]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._questions.put((operation, future))
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
                self._thread.start()
        return future

    def _run(self) -> None:
        while True:
            batch = self._next()
            if not batch:
                self._refresh()
                continue
            try:
                outcomes = self._apply([operation for operation, _ in batch])
            except Exception as error:
                outcomes = [error] * len(batch)
            self._refresh()
            self._left = batch[len(outcomes) :]
            for (_, future), outcome in zip(batch, outcomes, strict=False):
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)
            if self._left:
                time.sleep(_OTHERS_S)

    def _next(self) -> list[tuple[Operation, concurrent.futures.Future[Any]]]:
        """What waits to be answered, in one transaction: thousands of cameras may begin at one moment."""
        batch, self._left = self._left, []
        try:
            if not batch:
                batch.append(self._questions.get(timeout=None if self._database is None else _POLL_S))
            while len(batch) < _MOST_AT_ONCE:
                batch.append(self._questions.get_nowait())
        except queue.Empty:
            pass
        return batch

    def _apply(self, operations: list[Operation]) -> list[Any]:
        """What the first of these return, one at least."""
        if self._database is not None:
            try:
                results: list[Any] = []
                with self._database.write() as conn:
                    until_s = time.monotonic() + _HELD_S
                    for operation in operations:
                        results.append(operation(conn))
                        if time.monotonic() >= until_s:
                            break
                self._failed = False
                return results
            except (sqlite3.Error, CatalogueError) as error:
                if not self._failed:
                    self._failed = True
                    log.error("the ledger of logins can't be asked, counting in memory: %s", error)
        conn = self._in_memory()
        with conn:
            return [operation(conn) for operation in operations]

    def _in_memory(self) -> sqlite3.Connection:
        if self._memory is None:
            self._memory = sqlite3.connect(":memory:", check_same_thread=False)
            self._memory.row_factory = sqlite3.Row
            self._memory.executescript(m013_logins.SQL)
        return self._memory

    def _refresh(self) -> None:
        found: list[LedgerEntry] = []
        if self._database is not None:
            try:
                with self._database.read() as conn:
                    found += logins.troubled(conn)
            except (sqlite3.Error, CatalogueError):
                return
        if self._memory is not None:
            found += logins.troubled(self._memory)
        self._troubled = {entry.account: entry for entry in found}


LEDGER: Final = Ledger()
"""The process's."""
