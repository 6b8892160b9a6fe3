"""``nvr serve``: starts everything. What recorders wait for comes first: they are started before the rest of our own
code is read, and read theirs meanwhile."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nvr import log as logs
from nvr.config import Config, ConfigError, load
from nvr.config.last_good import keep
from nvr.supervisor.notify import ServiceManager
from nvr.supervisor.places import Places, open_places
from nvr.supervisor.worker_process import WorkerProcess
from storage.disk.files import accept_unsynced_folders
from storage.errors import StorageError

if TYPE_CHECKING:
    from nvr.supervisor.prepare import Prepared
    from nvr.supervisor.serving import Serving

__all__ = ["run"]

log = logging.getLogger(__name__)

_ADOPTION_S: Final = 5.0


def run(path: Path, *, demo: bool = False) -> int:
    """Runs the server until it is told to stop; returns the exit code. That of a ``demo`` shows its password."""
    manager = ServiceManager()
    try:
        config = load(path, strict=True)
    except ConfigError as error:
        logs.print_error(str(error))
        return 2
    logs.setup("supervisor", config.server.log_level, config.secrets)
    for warning in config.warnings:
        log.warning("%s", warning)
    accept_unsynced_folders(config.storage.unsynced_folders)
    try:
        places = open_places(config)
    except (StorageError, OSError) as error:
        log.critical("%s", error)
        return 1
    return asyncio.run(_serve(config, places, manager, demo=demo))


async def _serve(config: Config, places: Places, manager: ServiceManager, *, demo: bool) -> int:
    # They read their code while the catalogue is put in order.
    spares = [WorkerProcess(config, places.lock) for _ in range(config.server.worker_count)]
    try:
        await asyncio.gather(*(spare.child.start() for spare in spares))
    except OSError as error:
        log.critical("recorders can't be started: %s", error)
        places.give_up()
        return 1
    try:
        prepared, begin = await asyncio.to_thread(_prepare, config, places, demo=demo)
    except (StorageError, OSError) as error:
        log.critical("%s", error)
        await asyncio.gather(*(spare.stop() for spare in spares))
        return 1
    try:
        keep(config.path)
        _print_first_login(config.storage.catalogue, demo=demo)
        return await begin(config, prepared, manager, spares).serve()
    finally:
        # A disk that does not answer must not keep the server from ending; a file half adopted is begun again at the
        # next start.
        if prepared.backlog.stop(_ADOPTION_S):
            prepared.database.close()
        prepared.lock.release()


def _prepare(config: Config, places: Places, *, demo: bool) -> tuple[Prepared, type[Serving]]:
    # Only now, beside recorders that read theirs: it is as much code as what was read until here.
    from nvr.supervisor.prepare import prepare

    prepared = prepare(config, places=places, demo=demo)
    from nvr.supervisor.serving import Serving

    return prepared, Serving


def _print_first_login(catalogue: Path, *, demo: bool) -> None:
    """Where the first password is, as long as it was not changed. Not the password: what a service prints is kept in a
    journal that others read."""
    from nvr.accounts import first

    if demo and (password := first.read(catalogue)) is not None:
        print(f"First login: user {first.FIRST_ADMIN}, password {password}", flush=True)
    elif (path := first.path_of(catalogue)).exists():
        print(f"First login: user {first.FIRST_ADMIN}, its password is in {path}", flush=True)
