"""What happens before anything is recorded, while recorders read their code: reconciliation, cameras of the file, the
first admin."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from nvr import __version__
from nvr.access.administrators import administrators
from nvr.accounts import ensure_first_admin
from nvr.config import Config
from nvr.supervisor.places import Places, open_places
from nvr.supervisor.provision import provision
from nvr.supervisor.roots import Roots
from storage.catalogue import audit, node
from storage.catalogue.database import Database
from storage.catalogue.node import Lock
from storage.causes import Cause
from storage.integrity import schema as schema_check
from storage.recovery.at_start import reconcile
from storage.recovery.backlog import Backlog
from storage.retention import confirmations
from storage.writing import at_risk

__all__ = ["Prepared", "now_us", "prepare"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a prepared server has. ``backlog`` holds unfinished segments that recording must not wait for."""

    database: Database
    lock: Lock
    roots: Roots
    node: str
    backlog: Backlog


def now_us() -> int:
    """Microseconds, UTC, Unix epoch."""
    return time.time_ns() // 1000


def _place_holder(config: Config) -> None:
    """A certificate to begin with, where an authority is to give one: the page is there at once."""
    if not config.acme.names:
        return
    from nvr.tls.acme_folder import AcmeFolder

    try:
        if AcmeFolder(config.tls_folder).place_holder(config.acme.names, config.evidence.name):
            log.warning("until %s has given a certificate, the page shows one of its own", config.acme.directory)
    except OSError as error:
        # Recording goes on without a page.
        log.error("%s: %s", error.filename, error.strerror)


def prepare(config: Config, *, places: Places | None = None, demo: bool = False) -> Prepared:
    """Prepares a start in these places. Of a ``demo`` the first password is one to go on with.

    Raises:
        StorageError: as ``open_places``; or what was found there can't be dealt with.
    """
    began = time.monotonic()
    places = places or open_places(config)
    database, lock, roots = places.database, places.lock, places.roots
    try:
        with database.write() as conn:
            node_id = node.this_node(conn, config.server.node)
            alive_us = node.last_heartbeat(conn, node_id)
            at_risk.forget_all(conn)
            epoch = node.next_epoch(conn)
        backlog = Backlog(database)
        report = reconcile(
            database,
            roots.opened,
            node=node_id,
            epoch=epoch,
            cause=Cause.SERVER_DOWN,
            detail={"reason": "the server was killed, crashed or lost power"},
            alive_us=alive_us,
            now_us=now_us(),
            backlog=backlog,
        )
        with database.read() as conn:
            for told in schema_check.differences(conn):
                log.critical(
                    "the catalogue's schema was changed behind the server's back: %s;"
                    " keep a copy of it, and find out who did it",
                    told,
                )
        with database.write() as conn:
            if confirmations.forget_if_restored(conn, alive_us):
                log.warning(
                    "footage is newer than the catalogue: it is a backup,"
                    " so retention takes no rule and no floor for confirmed"
                )
            # To compare with: a log whose end was cut off shows nothing of it by itself.
            log.info("the audit log ends at %s", audit.head(conn))
            audit.append(conn, "server_started", detail={"version": __version__, "node": node_id})
        provision(database, config, node=node_id, epoch=epoch, now_us=now_us())
        ensure_first_admin(database, must_change=not demo)
        _place_holder(config)
        with database.read() as conn:
            if not administrators(conn):
                log.warning(
                    "nobody administers everything: nvr access grant USER admin --cameras '*' --reason … makes one"
                )
    except BaseException:
        places.give_up()
        raise
    log.info(
        "catalogue %s ready in %.2f s: %d segments adopted (%d bytes cut off), %d entered, %d missing, %d unlinked, "
        "%d left to adopt while recording",
        database.path,
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
    return Prepared(database, lock, roots, node_id, backlog)
