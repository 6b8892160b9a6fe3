"""The coordinator of servers on one machine: a SQLite file that they share.

Invariant: each call is one transaction.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from nvr.fleet import schema
from nvr.fleet.errors import NotJoined, TakenOver, Unreachable
from nvr.fleet.model import NodeBeat, Offer, Picture, Standing, Transfer

__all__ = ["EmbeddedCoordinator"]

T = TypeVar("T")
_BUSY_S: Final = 2.0


class EmbeddedCoordinator:
    """See ``Coordinator``. The file is made by ``prepare``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._conn: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    async def _do(self, work: Callable[[sqlite3.Connection], T], *, makes: bool = False) -> T:
        return await asyncio.to_thread(self._locked, work, makes)

    def _locked(self, work: Callable[[sqlite3.Connection], T], makes: bool) -> T:
        with self._lock:
            try:
                if self._conn is None:
                    self._conn = self._open(makes)
                self._conn.execute("BEGIN IMMEDIATE")
                try:
                    result = work(self._conn)
                except BaseException:
                    self._conn.execute("ROLLBACK")
                    raise
                self._conn.execute("COMMIT")
            except sqlite3.Error as error:
                self._drop()
                raise Unreachable(f"the fleet's file {self._path} can't be used: {error}") from error
            return result

    def _open(self, makes: bool) -> sqlite3.Connection:
        mode = "rwc" if makes else "rw"
        conn = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            timeout=_BUSY_S,
            check_same_thread=False,
        )
        if makes:
            # The group may run other nodes of this machine.
            self._path.chmod(0o660)
            conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA foreign_keys = ON")
        return conn

    def _drop(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    async def prepare(self) -> None:
        """See ``Coordinator``.

        Raises:
            FleetError: as there.
        """

        def work(conn: sqlite3.Connection) -> None:
            for statement in schema.TABLES:
                conn.execute(statement)
            _check_version(conn)

        await asyncio.to_thread(self._path.parent.mkdir, parents=True, exist_ok=True)
        await self._do(work, makes=True)

    async def join(self, node: str, site: str, capacity_bps: int | None) -> None:
        """See ``Coordinator``."""
        await self._do(lambda conn: conn.execute(schema.JOIN, (node, site, capacity_bps)).close())

    async def set_standing(self, node: str, standing: Standing) -> None:
        """See ``Coordinator``.

        Raises:
            NotJoined: as there.
        """
        if not await self._do(lambda conn: conn.execute(schema.STANDING, (standing, node)).fetchall()):
            raise NotJoined(node)

    async def claim(self, node: str, incarnation: str) -> None:
        """See ``Coordinator``.

        Raises:
            NotJoined: as there.
        """
        if not await self._do(lambda conn: conn.execute(schema.CLAIM, (incarnation, node)).fetchall()):
            raise NotJoined(node)

    async def beat(self, beat: NodeBeat) -> int:
        """See ``Coordinator``.

        Raises:
            NotJoined: as there.
            TakenOver: as there.
        """

        def work(conn: sqlite3.Connection) -> tuple[bool, str | None]:
            values = (beat.alive_us, beat.offset_us, beat.version, beat.is_able, beat.node, beat.incarnation)
            if conn.execute(schema.BEAT, values).fetchall():
                return True, None
            row = conn.execute("SELECT standing FROM node WHERE id = ?", (beat.node,)).fetchone()
            return False, None if row is None else row[0]

        is_done, standing = await self._do(work)
        if not is_done:
            raise NotJoined(beat.node) if standing in (None, "left") else TakenOver(beat.node)
        return time.time_ns() // 1000

    async def look(self, known: Picture) -> Picture:
        """See ``Coordinator``."""

        def work(conn: sqlite3.Connection) -> Picture:
            epoch, rev, offers_rev = _check_version(conn)
            found = replace(known, epoch=epoch, nodes=schema.nodes_of(conn.execute(schema.SEEN_NODES)))
            if rev != known.rev:
                assignments = schema.assignments_of(conn.execute(schema.SEEN_ASSIGNMENTS))
                found = replace(found, rev=rev, assignments=assignments)
            if offers_rev != known.offers_rev:
                found = replace(found, offers_rev=offers_rev, offers=schema.offers_of(conn.execute(schema.OFFERS)))
            return found

        return await self._do(work)

    async def offer(self, node: str, offers: Mapping[str, Offer], withdrawn: Collection[str]) -> None:
        """See ``Coordinator``."""

        def work(conn: sqlite3.Connection) -> None:
            conn.executemany(schema.OFFER, schema.offer_rows(node, offers.items()))
            conn.executemany(schema.WITHDRAW, [(node, camera) for camera in withdrawn])
            conn.execute(schema.OFFERED)

        await self._do(work)

    async def propose(self, base: int, transfers: Sequence[Transfer]) -> bool:
        """See ``Coordinator``."""

        def work(conn: sqlite3.Connection) -> bool:
            row = conn.execute(schema.ADVANCE, (base,)).fetchone()
            if row is None:
                return False
            conn.executemany(schema.ASSIGN, [schema.transfer_row(each, row[0]) for each in transfers])
            return True

        return await self._do(work)

    async def confirm(self, node: str, cameras: Mapping[str, int]) -> None:
        """See ``Coordinator``."""
        rows = [(camera, node, epoch) for camera, epoch in cameras.items()]

        def work(conn: sqlite3.Connection) -> None:
            conn.executemany(schema.CONFIRM, rows)
            conn.execute(schema.CONFIRMED)

        await self._do(work)

    async def close(self) -> None:
        """See ``Coordinator``."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._lock:
            self._drop()


def _check_version(conn: sqlite3.Connection) -> tuple[int, int, int]:
    version, *rest = conn.execute(schema.EPOCH).fetchone()
    schema.check_version(version)
    epoch, rev, offers_rev = rest
    return epoch, rev, offers_rev
