"""The server once recorders are there: keeps all of it running, follows what changes, ends it in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nvr import log as logs
from nvr.config import Config, ConfigError, load
from nvr.config.last_good import keep
from nvr.supervisor.fleet import Fleet
from nvr.supervisor.notify import ServiceManager
from nvr.supervisor.prepare import Prepared, now_us
from nvr.supervisor.provision import provision
from nvr.supervisor.services import Service, accounting, api, events, evidence
from nvr.supervisor.worker_process import WorkerProcess
from storage.catalogue import audit, node
from storage.disk.roots import Root
from storage.errors import StorageError

if TYPE_CHECKING:
    from nvr.supervisor.nodes import Nodes

__all__ = ["Serving"]

log = logging.getLogger(__name__)

_HEARTBEAT_S: Final = 1.0
# Longer than recorders take to begin, but on a machine where people would rather have the page than nothing.
_FIRST_S: Final = 3.0
# How often roots are asked for that have not been heard of.
_HUNG_LOOK_S: Final = 5.0
_SERVER_LIVE: Final = ("secure_cookies", "trusted_proxies", "hosts")


class Serving:
    """All that goes on. ``spares``: recorders that were started ahead."""

    def __init__(
        self, config: Config, prepared: Prepared, manager: ServiceManager, spares: Sequence[WorkerProcess]
    ) -> None:
        self._config = config
        self._prepared = prepared
        self._manager = manager
        self._fleet = Fleet(config, prepared, on_beat=manager.beat, spares=spares)
        self._services: list[Service] = [
            accounting(config, prepared, self._on_disk_full),
            api(config, prepared, self._on_cameras_changed),
            evidence(config, prepared),
            events(config),
        ]
        self._ending = asyncio.Event()
        self._reload = asyncio.Event()
        self._nodes: Nodes | None = None
        if config.fleet.database is not None:
            from nvr.supervisor.nodes import Nodes

            self._nodes = Nodes(config, prepared, self._fleet, self._reload.set)
        self._reloading = False
        self._code = 0

    async def serve(self) -> int:
        """Until it is told to stop; returns the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ending.set)
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
        if self._nodes is not None:
            await self._nodes.begin()
        await self._fleet.start()
        # Recording comes first: until cameras are asked, nothing else takes a core.
        begun = [asyncio.create_task(self._fleet.begun()), asyncio.create_task(self._ending.wait())]
        await asyncio.wait(begun, timeout=_FIRST_S, return_when=asyncio.FIRST_COMPLETED)
        for task in begun:
            task.cancel()
        self._prepared.backlog.start()
        for service in self._services:
            service.start()
        self._manager.ready(f"recording; {len(self._config.cameras)} cameras in the file")
        tasks = [
            asyncio.create_task(self._beat(), name="heartbeat"),
            asyncio.create_task(self._follow_changes(), name="changes"),
            asyncio.create_task(self._follow_roots(), name="roots"),
            asyncio.create_task(self._fleet.follow_decisions(), name="decisions"),
        ]
        if self._nodes is not None:
            tasks.append(asyncio.create_task(self._nodes.run(), name="nodes"))
        waiting = [*tasks, *(service.task for service in self._services), asyncio.create_task(self._ending.wait())]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if not task.cancelled() and (error := task.exception()) is not None:
                log.critical("the server ends, report this, with these lines: %s", error, exc_info=error)
                self._code = 1
        log.info("stopping")
        self._manager.stopping()
        for task in tasks:
            task.cancel()
        # Recorders are told first, and have the higher priority: their segments count.
        await asyncio.gather(self._fleet.stop(), *(service.stop() for service in self._services))
        if self._nodes is not None:
            await self._nodes.close()
        with contextlib.suppress(sqlite3.Error):
            self._write_heartbeat()
            with self._prepared.database.write() as conn:
                audit.append(conn, "server_stopped")
        log.info("stopped")
        return self._code

    def _on_hangup(self) -> None:
        self._manager.reloading()
        if self._read_again():
            # Over when each camera is as the file says.
            self._reloading = True
            self._reload.set()
        else:
            self._manager.ready("recording; the configuration stays as it was, see the log")

    def _read_again(self) -> bool:
        try:
            config = load(self._config.path, strict=True)
        except ConfigError as error:
            log.error("the configuration stays as it was: %s", error)
            return False
        # Names and proxies are taken at once: who is locked out must not have to interrupt recording.
        server = self._config.server.model_copy(update={key: getattr(config.server, key) for key in _SERVER_LIVE})
        # More disks are taken up at once; what else has changed waits for a start.
        new_roots = [root for root in config.storage.roots if root not in self._config.storage.roots]
        storage = self._config.storage.model_copy(update={"roots": (*self._config.storage.roots, *new_roots)})
        for root in new_roots:
            log.info("footage root %s is new, and is taken up when it can be used", root)
            self._prepared.roots.add(root)
        for section, now in (("server", server), ("storage", storage), ("fleet", self._config.fleet)):
            if getattr(config, section) != now:
                log.warning("[%s] has changed: that takes effect at the next start", section)
        keep(self._config.path)
        logs.learn_secrets(config.secrets)
        # What needs a restart stays as it was, or the next comparison would not tell.
        self._config = config.model_copy(update={"server": server, "storage": storage, "fleet": self._config.fleet})
        try:
            with self._prepared.database.write() as conn:
                epoch = node.next_epoch(conn)
                audit.append(conn, "configuration_read", detail={"cameras": len(config.cameras)})
            provision(self._prepared.database, config, node=self._prepared.node, epoch=epoch, now_us=now_us())
        except sqlite3.Error as error:
            log.error("the cameras of the file can't be entered, and stay as they were: %s", error)
            return False
        for service in self._services:
            service.configure(self._config)
        log.info("configuration read again: %d cameras in the file", len(config.cameras))
        return True

    def _on_cameras_changed(self) -> None:
        self._reload.set()

    def _on_disk_full(self, stopped: list[str]) -> None:
        self._fleet.pause(stopped)
        self._reload.set()

    async def _follow_changes(self) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            reloading, self._reloading = self._reloading, False
            await self._fleet.assign()
            if reloading:
                self._manager.ready(f"recording; {len(self._config.cameras)} cameras in the file")

    async def _follow_roots(self) -> None:
        """Footage roots go and come while the server runs."""
        loop = asyncio.get_running_loop()
        news: asyncio.Queue[tuple[Path, Root | None]] = asyncio.Queue()
        roots = self._prepared.roots

        def tell(path: Path, root: Root | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is gone, and the server with it
                loop.call_soon_threadsafe(news.put_nowait, (path, root))

        roots.watch(tell)
        while True:
            try:
                path, root = await asyncio.wait_for(news.get(), _HUNG_LOOK_S)
            except TimeoutError:
                for hung in roots.silent():
                    roots.lose(hung, f"footage root {hung}: its disk does not answer", tell)
                continue
            if root is not None and path in roots.away:
                try:
                    await self._fleet.add_root(root)
                except (sqlite3.Error, OSError, StorageError) as error:
                    log.error("footage root %s can't be taken up yet: %s", path, error)
                    continue
                roots.came(path)
            elif root is not None:
                continue
            for service in self._services:
                service.configure(self._config)

    async def _beat(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._write_heartbeat)
            except sqlite3.Error as error:
                log.error("the heartbeat can't be written: %s", error)
            await asyncio.sleep(_HEARTBEAT_S)

    def _write_heartbeat(self) -> None:
        with self._prepared.database.write() as conn:
            node.heartbeat(conn, self._prepared.node, now_us())
