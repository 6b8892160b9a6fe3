"""The coordinator of several machines: a PostgreSQL database, version 15 or later, spoken to with psycopg.

Invariant: no call takes longer than ``_DEADLINE_S``, whatever the network or the server does: a connection that does
not answer is cut, and the next call makes another one. No lock outlives its transaction, and no transaction its
statements.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, LiteralString
from urllib.parse import urlsplit

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import TupleRow

from nvr.fleet import schema
from nvr.fleet.errors import FleetError, NotJoined, TakenOver, Unreachable
from nvr.fleet.model import NodeBeat, Offer, Picture, Standing, Transfer

__all__ = ["PostgresCoordinator"]

_DEADLINE_S: Final = 2.5
_LEAST_VERSION: Final = 150_000
# Of PostgreSQL's own schemas, so that the database may be one that has other tables.
_SCHEMA: Final = "nvr_fleet"
# Whoever plans takes it for its transaction; who does not get it leaves the planning to the other.
_PLANNING: Final = 7_310_021_001
_OPTIONS: Final = (
    f"-c search_path={_SCHEMA} -c statement_timeout=2000 -c lock_timeout=1500"
    " -c idle_in_transaction_session_timeout=3000"
)
# Who may connect to the database may read it all and plan; what a node says of itself only its own user says, who is
# called as in _OWN. The owner of the tables may do everything.
_OWN: Final = "current_user = 'nvr_' || {column}"
_RIGHTS: Final = (
    f"GRANT USAGE ON SCHEMA {_SCHEMA} TO PUBLIC",
    "GRANT SELECT, UPDATE ON fleet TO PUBLIC",
    "GRANT SELECT, INSERT, UPDATE ON assignment TO PUBLIC",
    "GRANT SELECT, INSERT, UPDATE ON node TO PUBLIC",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON offer TO PUBLIC",
    *(
        statement
        for table, column in (("node", "id"), ("offer", "node"))
        for statement in (
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"DROP POLICY IF EXISTS everybody_reads ON {table}",
            f"CREATE POLICY everybody_reads ON {table} FOR SELECT USING (true)",
            f"DROP POLICY IF EXISTS its_own ON {table}",
            f"CREATE POLICY its_own ON {table} USING ({_OWN.format(column=column)})",
        )
    ),
)
_NOW: Final = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_LOCK: Final = "SELECT pg_try_advisory_xact_lock(%s)"


def _sql(statement: str) -> LiteralString:
    """A statement of ``schema`` as the driver takes it."""
    return statement.replace("?", "%s")


def _line(error: Exception) -> str:
    return next(filter(None, (line.strip() for line in str(error).splitlines())), type(error).__name__)


def _cut(conn: AsyncConnection[TupleRow]) -> None:
    """Ends the connection's conversation: whoever waits for an answer is told that there is none."""
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(conn.fileno())) as held:
        held.shutdown(socket.SHUT_RDWR)


class PostgresCoordinator:
    """See ``Coordinator``. ``url``: without a password, which is given apart."""

    def __init__(self, url: str, password: str | None = None) -> None:
        self._url = url
        self._password = password
        self._conn: AsyncConnection[TupleRow] | None = None
        self._lock = asyncio.Lock()
        parts = urlsplit(url)
        self._place = f"PostgreSQL at {parts.hostname or 'this machine'}"

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[AsyncCursor[TupleRow]]:
        """A cursor for one call.

        Raises:
            Unreachable: the database does not answer, or not as it should.
        """
        async with self._lock:
            try:
                async with asyncio.timeout(_DEADLINE_S):
                    conn = self._conn = self._conn if self._conn is not None else await self._connect()
                timer = asyncio.get_running_loop().call_later(_DEADLINE_S, _cut, conn)
                try:
                    async with conn.cursor() as cursor:
                        yield cursor
                finally:
                    timer.cancel()
            except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
                raise FleetError(f"{self._place} has no fleet yet: run nvr node join") from None
            except psycopg.errors.InsufficientPrivilege as error:
                raise FleetError(f"{self._place} does not let this user do that: {_line(error)}") from None
            except TimeoutError:
                await self._drop()
                raise Unreachable(f"{self._place} does not answer") from None
            except (psycopg.Error, OSError) as error:
                await self._drop()
                raise Unreachable(f"{self._place} can't be asked: {_line(error)}") from None
            except asyncio.CancelledError:
                # Somewhere in a conversation: it can't be used any more.
                await self._drop()
                raise

    async def _connect(self) -> AsyncConnection[TupleRow]:
        conn = await AsyncConnection.connect(
            self._url,
            autocommit=True,
            password=self._password,
            connect_timeout=2,
            tcp_user_timeout=3000,
            application_name="nvr",
            options=_OPTIONS,
            # Plans of a few short statements; a server behind a pooler keeps none.
            prepare_threshold=None,
        )
        if conn.info.server_version < _LEAST_VERSION:
            await conn.close()
            raise FleetError(f"{self._place} is older than version 15: upgrade it")
        return conn

    async def _drop(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await conn.close()

    async def prepare(self) -> None:
        """See ``Coordinator``.

        Raises:
            FleetError: as there.
        """
        async with self._asked() as cursor, cursor.connection.transaction():
            # Two nodes that join at once would both make it.
            await cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_PLANNING,))
            await cursor.execute("SELECT to_regclass('fleet') IS NOT NULL")
            if await cursor.fetchone() == (False,):
                await cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
                for statement in (*map(_sql, schema.TABLES), *_RIGHTS):
                    await cursor.execute(statement)
            await _check_version(cursor)

    async def join(self, node: str, site: str, capacity_bps: int | None) -> None:
        """See ``Coordinator``."""
        async with self._asked() as cursor:
            await cursor.execute(_sql(schema.JOIN), (node, site, capacity_bps))

    async def set_standing(self, node: str, standing: Standing) -> None:
        """See ``Coordinator``.

        Raises:
            NotJoined: as there.
        """
        await self._its_own(node, schema.STANDING, (standing, node))

    async def claim(self, node: str, incarnation: str) -> None:
        """See ``Coordinator``.

        Raises:
            NotJoined: as there.
        """
        await self._its_own(node, schema.CLAIM, (incarnation, node))

    async def _its_own(self, node: str, statement: str, values: tuple[Any, ...]) -> None:
        """A statement about the row of a node, which must be there."""
        async with self._asked() as cursor:
            await cursor.execute(_sql(statement), values)
            if await cursor.fetchone() is not None:
                return
            await cursor.execute("SELECT standing, current_user FROM node WHERE id = %s", (node,))
            row = await cursor.fetchone()
        if row is None or row[0] == "left":
            raise NotJoined(node)
        raise FleetError(f"{self._place}: its user {row[1]} does not speak for node {node}; run this on that node")

    async def beat(self, beat: NodeBeat) -> int:
        """See ``Coordinator``.

        Raises:
            NotJoined: as there.
            TakenOver: as there.
        """
        values = (beat.alive_us, beat.offset_us, beat.version, beat.is_able, beat.node, beat.incarnation)
        async with self._asked() as cursor:
            await cursor.execute(_sql(schema.BEAT), values)
            if await cursor.fetchone() is not None:
                await cursor.execute(_NOW)
                row = await cursor.fetchone()
                assert row is not None
                return int(row[0])
            await cursor.execute("SELECT standing FROM node WHERE id = %s", (beat.node,))
            row = await cursor.fetchone()
        raise NotJoined(beat.node) if row is None or row[0] == "left" else TakenOver(beat.node)

    async def look(self, known: Picture) -> Picture:
        """See ``Coordinator``."""
        async with self._asked() as cursor, cursor.connection.transaction():
            await cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            epoch, rev, offers_rev = await _check_version(cursor)
            await cursor.execute(schema.SEEN_NODES)
            found = replace(known, epoch=epoch, nodes=schema.nodes_of(await cursor.fetchall()))
            if rev != known.rev:
                await cursor.execute(schema.SEEN_ASSIGNMENTS)
                found = replace(found, rev=rev, assignments=schema.assignments_of(await cursor.fetchall()))
            if offers_rev != known.offers_rev:
                await cursor.execute(schema.OFFERS)
                found = replace(found, offers_rev=offers_rev, offers=schema.offers_of(await cursor.fetchall()))
            return found

    async def offer(self, node: str, offers: Mapping[str, Offer], withdrawn: Collection[str]) -> None:
        """See ``Coordinator``."""
        async with self._asked() as cursor, cursor.connection.transaction():
            await cursor.executemany(_sql(schema.OFFER), schema.offer_rows(node, offers.items()))
            await cursor.executemany(_sql(schema.WITHDRAW), [(node, camera) for camera in withdrawn])
            await cursor.execute(schema.OFFERED)

    async def propose(self, base: int, transfers: Sequence[Transfer]) -> bool:
        """See ``Coordinator``."""
        async with self._asked() as cursor, cursor.connection.transaction():
            await cursor.execute(_LOCK, (_PLANNING,))
            locked = await cursor.fetchone()
            if locked is None or not locked[0]:
                return False
            await cursor.execute(_sql(schema.ADVANCE), (base,))
            row = await cursor.fetchone()
            if row is None:
                return False
            rows = [schema.transfer_row(each, int(row[0])) for each in transfers]
            await cursor.executemany(_sql(schema.ASSIGN), rows)
            return True

    async def confirm(self, node: str, cameras: Mapping[str, int]) -> None:
        """See ``Coordinator``."""
        async with self._asked() as cursor, cursor.connection.transaction():
            rows = [(camera, node, epoch) for camera, epoch in cameras.items()]
            await cursor.executemany(_sql(schema.CONFIRM), rows)
            await cursor.execute(schema.CONFIRMED)

    async def close(self) -> None:
        """See ``Coordinator``."""
        async with self._lock:
            await self._drop()


async def _check_version(cursor: AsyncCursor[TupleRow]) -> tuple[int, int, int]:
    await cursor.execute(schema.EPOCH)
    row = await cursor.fetchone()
    if row is None:
        raise FleetError("the fleet's tables are empty: run nvr node join")
    schema.check_version(row[0])
    return row[1], row[2], row[3]
