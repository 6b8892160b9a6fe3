"""This machine in the catalogue: its name, its heartbeat, and the epochs it hands out; and the lock that keeps it the
only one."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from storage.errors import StorageError

__all__ = ["Lock", "heartbeat", "is_held", "last_heartbeat", "next_epoch", "raise_epoch", "this_node"]


def this_node(conn: sqlite3.Connection, wanted: str | None) -> str:
    """This node's id: the configured one, the one used before, or a new random one."""
    row = conn.execute("SELECT value FROM meta WHERE key = 'node'").fetchone()
    node = wanted or (row[0] if row else secrets.token_hex(3))
    conn.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('node', ?)", (node,))
    conn.execute("INSERT OR IGNORE INTO node (id) VALUES (?)", (node,))
    return str(node)


def next_epoch(conn: sqlite3.Connection) -> int:
    """A new epoch, higher than all before: for each start of a recorder worker."""
    return int(conn.execute("UPDATE meta SET value = value + 1 WHERE key = 'epoch' RETURNING value").fetchone()[0])


def raise_epoch(conn: sqlite3.Connection, least: int) -> None:
    """From now on no epoch is given below ``least``."""
    conn.execute("UPDATE meta SET value = max(CAST(value AS INTEGER), ?) WHERE key = 'epoch'", (least,))


def heartbeat(conn: sqlite3.Connection, node: str, at_us: int) -> None:
    """The server was alive at ``at_us``."""
    conn.execute("UPDATE node SET watermark_us = ? WHERE id = ?", (at_us, node))


def last_heartbeat(conn: sqlite3.Connection, node: str) -> int | None:
    """When the server was last known to be alive."""
    row = conn.execute("SELECT watermark_us FROM node WHERE id = ?", (node,)).fetchone()
    return None if row is None else row[0]


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES):
            raise
        # Of a disk that went read-only: a lock needs no more than that.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def is_held(path: Path) -> bool:
    """Whether a server, or recorders that it left, hold the lock of this file now."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


class Lock:
    """Keeps a second server out of the same catalogue and roots. Recorders inherit its descriptors, so it is free only
    when the last of them has gone."""

    def __init__(self, paths: Sequence[Path], *, patience_s: float = 10.0) -> None:
        """Takes a lock on each file, made if need be.

        Raises:
            StorageError: another server holds one after ``patience_s`` seconds.
        """
        self.fds: list[int] = []
        deadline = time.monotonic() + patience_s
        try:
            for path in paths:
                fd = _open(path)
                self.fds.append(fd)
                self._take(fd, path, deadline)
        except BaseException:
            self.release()
            raise

    def _take(self, fd: int, path: Path, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise StorageError(
                        f"{path} is locked: another server records into this place; stop it first"
                    ) from None
                # A server that was just killed leaves recorders which close their segments: wait for them.
                time.sleep(0.05)
            else:
                return

    def release(self) -> None:
        """Lets go; recorders that inherited it still hold it."""
        for fd in self.fds:
            os.close(fd)
        self.fds.clear()
