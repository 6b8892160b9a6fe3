"""What happens before anything is started: lock, catalogue, roots, reconciliation, cameras of the file, the first admin."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nvr import __version__
from nvr.accounts import ensure_first_admin
from nvr.config import Config
from nvr.supervisor.provision import provision
from storage import audit, node
from storage.backlog import Backlog
from storage.causes import Cause
from storage.database import Database
from storage.errors import RootError
from storage.node import Lock
from storage.reconcile import reconcile
from storage.roots import IDENTITY_FILE, Root, register

__all__ = ["Prepared", "now_us", "prepare"]

log = logging.getLogger(__name__)

# Recorders orphaned by a killed supervisor close their segments first: about ten seconds at most.
_LOCK_PATIENCE_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a prepared server has. ``first_password`` is the new admin's, if there was none; ``backlog`` holds unfinished segments that
    recording must not wait for."""

    database: Database
    lock: Lock
    roots: list[Root]
    node: str
    first_password: str | None
    backlog: Backlog


def now_us() -> int:
    """Microseconds, UTC, Unix epoch."""
    return time.time_ns() // 1000


def _open_roots(database: Database, paths: Sequence[Path]) -> list[Root]:
    """The roots that can be used. One whose disk is absent or wrong is left out, loudly: the other disks' cameras must not wait for it.

    Raises:
        RootError: none can be used.
    """
    roots: list[Root] = []
    refused: list[RootError] = []
    for path in paths:
        try:
            with database.write() as conn:
                found = register(conn, [path])[0]
        except RootError as error:
            log.critical("%s; it is left out until the next start", error)
            refused.append(error)
            continue
        if any(root.id == found.id for root in roots):
            raise RootError(f"footage root {path} carries the identity of another configured root: was a disk copied?")
        roots.append(found)
    if not roots:
        raise refused[0]
    return roots


def prepare(config: Config) -> Prepared:
    """Prepares a start.

    Raises:
        StorageError: a lock, the catalogue or a root is not to be had; nothing was changed.
    """
    began = time.monotonic()
    path = config.storage.catalogue
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = Lock([path.with_suffix(".lock")], patience_s=_LOCK_PATIENCE_S)
    try:
        database = Database(path)
        database.migrate()
        roots = _open_roots(database, config.storage.roots)
        with database.write() as conn:
            node_id = node.this_node(conn, config.server.node)
            alive_us = node.last_heartbeat(conn, node_id)
            epoch = node.next_epoch(conn)
        # Two servers with different catalogues must not share a root either.
        root_lock = Lock([root.path / IDENTITY_FILE for root in roots], patience_s=_LOCK_PATIENCE_S)
        lock.fds.extend(root_lock.fds)
        backlog = Backlog(database)
        report = reconcile(
            database,
            roots,
            node=node_id,
            epoch=epoch,
            cause=Cause.SERVER_DOWN,
            detail={"reason": "the server was killed, crashed or lost power"},
            alive_us=alive_us,
            now_us=now_us(),
            backlog=backlog,
        )
        with database.write() as conn:
            # To compare with: a log whose end was cut off shows nothing of it by itself.
            log.info("the audit log ends at %s", audit.head(conn))
            audit.enter(conn, "server_started", detail={"version": __version__, "node": node_id})
            provision(conn, config, node=node_id, epoch=epoch, now_us=now_us())
        password = ensure_first_admin(database)
    except BaseException:
        lock.release()
        raise
    log.info(
        "catalogue %s ready in %.2f s: %d segments adopted (%d bytes cut off), %d entered, %d missing, %d unlinked, %d left to adopt while "
        "recording",
        path,
        time.monotonic() - began,
        report.adopted,
        report.cut_bytes,
        report.entered,
        report.missing,
        report.unlinked,
        report.later,
    )
    for foreign in report.foreign[:20]:
        log.warning("%s is not a segment of this server; left alone", foreign)
    return Prepared(database, lock, roots, node_id, password, backlog)
