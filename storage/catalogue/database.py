"""The catalogue's database: connections, transactions, migrations.

SQLite in WAL mode. One write connection per process, used under a lock in short ``BEGIN IMMEDIATE`` transactions; one
read connection per thread, each use of which sees one snapshot. Invariant: nobody holds a write transaction while doing
anything but SQL.
"""

from __future__ import annotations

import fcntl
import gc
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.catalogue import audit, migrations
from storage.errors import CatalogueError
from storage.secrets.sealed_rows import scrub, seal_all
from storage.secrets.sealing import CatalogueConnection, Keys

__all__ = ["Database", "Holding", "alone_in", "next_rev"]

# How long a transaction waits for another process's. Theirs are milliseconds; a checkpoint on a slow disk may take
# longer.
_BUSY_TIMEOUT_MS = 15_000
# Words of routes and commands: there are some 80.
_MOST_KINDS = 200


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Waits until no other process prepares a catalogue in this folder: a command may be called while the server
    starts. The folder is locked and not the file: closing a descriptor of the file would take SQLite's own locks with
    it.

    Raises:
        OSError: the folder can't be opened.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@dataclass(slots=True)
class Holding:
    """How often one kind of work held the write lock, and for how long at most: by the clock, and of that
    in computing."""

    count: int = 0
    longest_s: float = 0.0
    longest_cpu_s: float = 0.0


class _Reader:
    """A thread's own connection: closed with the thread, which may have been one of thousands (a report has one)."""

    def __init__(self, conn: CatalogueConnection) -> None:
        self.conn = conn

    def __del__(self) -> None:
        self.conn.close()


class Database:
    """The catalogue at ``path``. With ``durable``, a committed transaction survives power loss; without, the last ones
    may be lost (never corrupted): right for what can be found again in the footage files."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        self.path = path
        self.keys = Keys(path)
        self._durable = durable
        self._lock = threading.Lock()
        # By the word of whoever acts; what the server does by itself is "server". Written under the lock.
        self.holdings: dict[str, Holding] = {}
        self._readers_lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._local = threading.local()
        # Held by their threads alone.
        self._readers: weakref.WeakSet[_Reader] = weakref.WeakSet()

    @property
    def readers(self) -> int:
        """How many threads have a connection of their own."""
        with self._readers_lock:
            return len(self._readers)

    def _connect(self) -> CatalogueConnection:
        try:
            # Never creates: a wrong path must not become an empty catalogue.
            conn = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=rw",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                factory=CatalogueConnection,
            )
            conn.keys = self.keys
            conn.row_factory = sqlite3.Row
            conn.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
            conn.execute("PRAGMA foreign_keys = ON")
            conn.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
            conn.execute("PRAGMA temp_store = MEMORY")
            conn.execute("PRAGMA cache_size = -32768")
        except sqlite3.Error as error:
            raise CatalogueError(f"catalogue {self.path} can't be opened: {error}") from error
        return conn

    def migrate(self) -> None:
        """Creates the catalogue if there is none, and brings its schema up to date.

        Raises:
            CatalogueError: it can't be opened, is not a catalogue, or is of a newer server.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():
                # Only its owner may read it: it holds hashes of passwords and tokens, and where cameras are.
                self.path.touch(mode=0o600)
            with self._lock, alone_in(self.path.parent):
                conn = self._write_connection()
                conn.execute("PRAGMA journal_mode = WAL")
                done = _steps_done(conn)
                if newer := set(done) - set(migrations.NAMES):
                    raise CatalogueError(
                        f"catalogue {self.path} was made by a newer server ({', '.join(sorted(newer))}): "
                        "run that version, or restore a copy made before the upgrade"
                    )
                if set(done) != set(migrations.NAMES):
                    _bring_up(conn)
                seal_all(conn, self.keys)
        except (sqlite3.Error, OSError) as error:
            raise CatalogueError(f"catalogue {self.path} can't be prepared: {error}") from error

    def scrub(self) -> str | None:
        """Once after the upgrade that sealed the cameras' secrets: leaves nothing of their plain text in the file. Says
        why it was not done; None: it was, now or before. Nobody else may use the catalogue meanwhile."""
        with self._lock:
            return scrub(self._write_connection(), self.path)

    def _write_connection(self) -> sqlite3.Connection:
        if self._writer is None:
            self._writer = self._connect()
        return self._writer

    @contextmanager
    def write(self, *, patience_s: float | None = None) -> Iterator[sqlite3.Connection]:
        """A write transaction: committed at the end of the block, rolled back if it raises. If somebody acts
        (``storage.catalogue.audit``), it holds an entry that says so. ``patience_s``: how long to wait for other
        writers, for what is as well written later; by default 15 s.

        Raises:
            sqlite3.OperationalError: other writers took longer.
        """
        if not self._lock.acquire(timeout=-1 if patience_s is None else patience_s):
            raise sqlite3.OperationalError("the catalogue is busy")
        try:
            conn = self._write_connection()
            self._begin(conn, patience_s)
            began_s, began_cpu_s = time.monotonic(), time.thread_time()
            # A collection of a large process takes a tenth of a second: not while others wait for the lock.
            collects = gc.isenabled()
            gc.disable()
            act = audit.current()
            entered = act is not None and act.entered
            try:
                yield conn
                audit.settle(conn)
                conn.execute("COMMIT")
            except BaseException:
                if act is not None:
                    act.entered = entered
                # After a full disk or an I/O error SQLite has rolled back by itself; after a COMMIT that was refused it
                # has not.
                if conn.in_transaction:
                    conn.execute("ROLLBACK")
                raise
            finally:
                if collects:
                    gc.enable()
                self._held("server" if act is None else act.action, began_s, began_cpu_s)
        finally:
            self._lock.release()

    def _held(self, work: str, began_s: float, began_cpu_s: float) -> None:
        if len(self.holdings) >= _MOST_KINDS:
            work = work if work in self.holdings else "others"
        holding = self.holdings.setdefault(work, Holding())
        holding.count += 1
        holding.longest_s = max(holding.longest_s, time.monotonic() - began_s)
        holding.longest_cpu_s = max(holding.longest_cpu_s, time.thread_time() - began_cpu_s)

    @staticmethod
    def _begin(conn: sqlite3.Connection, patience_s: float | None) -> None:
        if patience_s is None:
            conn.execute("BEGIN IMMEDIATE")
            return
        conn.execute(f"PRAGMA busy_timeout = {round(patience_s * 1000)}")
        try:
            conn.execute("BEGIN IMMEDIATE")
        finally:
            conn.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A read transaction of this thread: every query in the block sees the same state. Nesting is one
        transaction."""
        reader: _Reader | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = _Reader(self._connect())
            reader.conn.execute("PRAGMA query_only = ON")
            self._local.reader = reader
            # Not the writer's lock: it may be held for as long as another program writes.
            with self._readers_lock:
                self._readers.add(reader)
        conn = reader.conn
        if conn.in_transaction:
            yield conn
            return
        conn.execute("BEGIN")
        try:
            yield conn
        finally:
            if conn.in_transaction:
                try:
                    conn.execute("COMMIT")
                except sqlite3.DatabaseError:
                    # Of a file that is damaged: what was read was read, and the next one must start over.
                    if conn.in_transaction:
                        conn.execute("ROLLBACK")

    def finish(self) -> None:
        """Puts everything into the one file and closes it: for a catalogue that is to be moved."""
        with self._lock:
            self._write_connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.close()

    def close(self) -> None:
        """Closes every connection of this process. No thread may be using one."""
        with self._lock, self._readers_lock:
            for reader in self._readers:
                reader.conn.close()
            self._readers.clear()
            self._local = threading.local()
            if self._writer is not None:
                self._writer.close()
                self._writer = None


def _steps_done(conn: sqlite3.Connection) -> list[str]:
    """The names of the steps that made this catalogue's schema."""
    if conn.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone() is None:
        return []
    rows = conn.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = 'catalogue'")
    return [str(row[0]) for row in rows]


def _bring_up(conn: sqlite3.Connection) -> None:
    # Rarely needed, and long to import.
    import sqlite_utils

    migrations.migrations.apply(sqlite_utils.Database(conn))


def next_rev(conn: sqlite3.Connection) -> int:
    """The next revision: every change of a mutable row takes one, so that a reader can ask what changed since."""
    row = conn.execute("UPDATE meta SET value = value + 1 WHERE key = 'rev' RETURNING value").fetchone()
    return int(row[0])
