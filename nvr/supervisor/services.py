"""The children that are not recorders: accounting, API and evidence. One that ends is started again; evidence when
there is something for it to do."""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
import time
from collections.abc import Callable
from typing import Any, Final

from nvr import __version__
from nvr.alerting.settings import to_wire
from nvr.backoff import Backoff
from nvr.cases import export_queue
from nvr.config import Config
from nvr.config.secret import REVEAL
from nvr.supervisor.child import STOP_S, Child
from nvr.supervisor.prepare import Prepared
from storage.errors import CatalogueError

__all__ = ["Service", "accounting", "api", "events", "evidence"]

log = logging.getLogger(__name__)

_WELL_AFTER_S: Final = 30.0
_WAITS: Final = Backoff(0.5, 30.0)
# What a child exits with if only a person can help: the port is taken, the settings are wrong. It is tried again all
# the same, and recording goes on without it.
_HOPELESS: Final = 3
_HOPELESS_WAIT_S: Final = 30.0
_EVIDENCE_STOP_S: Final = 3.0
# Devices are told that it is over.
_EVENTS_STOP_S: Final = 8.0
_LOOK_S: Final = 1.0
_IDLE_S: Final = 60.0
_HOUR_S: Final = 3600.0


class Service:
    """Keeps one child running. ``first`` makes its first line from the configuration. ``is_wanted``: of one that ends
    by itself when it has nothing to do, whether it has; asked again and again in a thread."""

    def __init__(
        self,
        name: str,
        module: str,
        config: Config,
        first: Callable[[Config], dict[str, Any]],
        on_line: Callable[[dict[str, Any]], None],
        *,
        is_wanted: Callable[[], bool] | None = None,
        stop_s: float = STOP_S,
    ) -> None:
        self.name = name
        self._is_wanted = is_wanted
        self._stop_s = stop_s
        self._module = module
        self._config = config
        self._first = first
        self._on_line = on_line
        self._child: Child | None = None
        self._stopping = False
        self.task: asyncio.Task[None]

    @property
    def config(self) -> Config:
        """The one that it is to work by now."""
        return self._config

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self._child is not None and self._child.running

    def start(self) -> None:
        """Starts keeping it."""
        self.task = asyncio.create_task(self._keep(), name=self.name)

    def configure(self, config: Config) -> None:
        """A new configuration: told to a running child, and to every later one."""
        self._config = config
        if self._child is not None:
            self._sending = asyncio.create_task(self._child.send(self._first(config)))

    async def _keep(self) -> None:
        in_a_row = 1
        is_hopeless = False
        while not self._stopping:
            await self._until_wanted()
            if self._stopping:
                return
            self._child = Child(self.name, self._module, self._first(self._config), on_line=self._on_line)
            await self._child.start()
            began = time.monotonic()
            code = await self._child.ended()
            if self._stopping:
                return
            if code == 0 and self._is_wanted is not None:
                in_a_row = 1
                continue
            if code == _HOPELESS:
                if not is_hopeless:
                    why = (
                        "see its message above; recording goes on,"
                        f" and it is tried again every {_HOPELESS_WAIT_S:.0f} s"
                    )
                    log.critical("%s can't be started: %s", self.name, why)
                is_hopeless = True
                await asyncio.sleep(_HOPELESS_WAIT_S)
                continue
            is_hopeless = False
            log.error("%s ended with code %d and is started again", self.name, code)
            in_a_row = 1 if time.monotonic() - began > _WELL_AFTER_S else in_a_row + 1
            await asyncio.sleep(_WAITS.after(in_a_row))

    async def _until_wanted(self) -> None:
        while self._is_wanted is not None:
            try:
                if await asyncio.to_thread(self._is_wanted):
                    return
            except (sqlite3.Error, CatalogueError) as error:
                log.error("whether %s has anything to do can't be looked up, will try again: %s", self.name, error)
            await asyncio.sleep(_LOOK_S)

    async def stop(self) -> None:
        """Ends the child."""
        self._stopping = True
        if self._child is not None:
            await self._child.stop(self._stop_s)
        self.task.cancel()


def _retention(config: Config, prepared: Prepared) -> dict[str, Any]:
    """What retention must know, wherever it is planned."""
    return {
        "roots": [[root.id, str(root.path)] for root in prepared.roots.opened],
        "floor_bytes": config.storage.free_space_floor.fixed_bytes,
        "floor_fraction": float(config.storage.free_space_floor.percent) / 100,
        "retention": config.retention.rules.to_wire(),
        "holds_share": config.evidence.holds_share,
    }


def _acme(config: Config) -> dict[str, Any]:
    acme = config.acme
    return {
        "folder": str(config.tls_folder),
        "names": list(acme.names),
        "directory": acme.directory,
        "email": acme.email,
        "ca_file": None if acme.ca is None else str(acme.ca),
        "dns_hook": list(acme.dns_hook),
        "dns_wait_us": acme.dns_wait_us,
    }


def _backup(config: Config) -> dict[str, Any]:
    backup = config.backup
    return {
        "folder": None if backup.folder is None else str(backup.folder),
        "every_us": backup.every_us,
        "keep": backup.keep,
        "drill_every_us": backup.drill_every_us,
        "passphrase": None if backup.passphrase is None else backup.passphrase.reveal(),
        "config": str(config.path),
        "keys": str(config.keys_folder),
        "s3": backup.s3,
        "s3_endpoint": backup.s3_endpoint,
        "s3_region": backup.s3_region,
        "s3_access_key": backup.s3_access_key,
        "s3_secret_key": None if backup.s3_secret_key is None else backup.s3_secret_key.reveal(),
        "s3_keep": backup.s3_keep,
    }


def accounting(config: Config, prepared: Prepared, on_disk_full: Callable[[list[str]], None]) -> Service:
    """The housekeeping process: retention. ``on_disk_full`` hears which cameras must pause."""
    started_us = time.time_ns() // 1000

    def first(now: Config) -> dict[str, Any]:
        return {
            "log_level": now.server.log_level,
            "catalogue": str(now.storage.catalogue),
            "scrub_bytes_per_s": now.storage.scrub_rate,
            "move_bytes_per_s": now.storage.move_rate,
            "alerts": to_wire(now.alerts, now.server.zone),
            "certificate": None if now.server.certificate is None else str(now.server.certificate),
            "key": None if now.server.key is None else str(now.server.key),
            "started_us": started_us,
            "devices": {
                "networks": list(now.devices.networks),
                "ports": list(now.devices.ports),
                "rate": now.devices.rate,
                "at_once": now.devices.at_once,
                "follow_moves": now.devices.follow_moves,
            },
            "backup": _backup(now),
            "acme": _acme(now),
            **_retention(now, prepared),
        }

    def on_line(line: dict[str, Any]) -> None:
        if line.get("event") == "disk_full":
            on_disk_full(line["stopped"])

    return Service("accounting", "nvr.housekeeping", config, first, on_line)


def api(config: Config, prepared: Prepared, on_cameras_changed: Callable[[], None]) -> Service:
    """The API process."""

    def first(now: Config) -> dict[str, Any]:
        return {
            "catalogue": str(now.storage.catalogue),
            "node": prepared.node,
            "host": now.server.host,
            "port": now.server.port,
            "certificate": None if now.server.certificate is None else str(now.server.certificate),
            "key": None if now.server.key is None else str(now.server.key),
            "redirect_port": now.server.redirect_port,
            "challenges": str(now.tls_folder / "challenges") if now.acme.names else None,
            "hsts_s": now.hsts_s,
            "zone": now.server.zone,
            "secure_cookies": now.server.secure_cookies,
            "base_path": now.server.base_path,
            "trusted_proxies": list(now.server.trusted_proxies),
            "hosts": list(now.server.hosts),
            "quick_live": now.server.quick_live,
            "second_person": now.evidence.second_person,
            "clips_need_request": now.evidence.clips_need_request,
            "second_factor": list(now.login.second_factor),
            "step_up_us": now.login.step_up_us,
            "expire_unused_us": now.login.expire_unused_us,
            "name_over_picture": list(now.login.name_over_picture),
            "name_over_cameras": now.login.name_over_cameras,
            "providers": [one.model_dump(mode="json", context=REVEAL) for one in now.providers],
            "keys": str(now.keys_folder),
            "exports": str(now.exports_folder),
            "name": now.evidence.name,
            "scan_networks": list(now.devices.networks),
            "scan_ports": list(now.devices.ports),
            "scan_rate": now.devices.rate,
            "scan_at_once": now.devices.at_once,
            "follow_moves": now.devices.follow_moves,
            "ptz_cameras": now.ptz.cameras,
            "ptz_priorities": dict(now.ptz.priorities),
            "log_level": now.server.log_level,
            "roots_away": len(prepared.roots.away),
            "price_per_mbit": now.network.price_per_mbit,
            "streets": None if now.map.streets is None else str(now.map.streets),
            "public": now.public.enabled,
            "public_embed": list(now.public.embed),
            "segment_us": now.storage.segment_duration_us,
            "in_fleet": now.fleet.database is not None,
            **_retention(now, prepared),
        }

    def on_line(line: dict[str, Any]) -> None:
        if line.get("event") == "cameras_changed":
            on_cameras_changed()
        elif line.get("ready"):
            host = f"[{config.server.host}]" if ":" in config.server.host else config.server.host
            log.info("page at %s://%s:%s%s/", config.server.scheme, host, line["port"], config.server.base_path)

    return Service("api", "nvr.api", config, first, on_line)


def events(config: Config) -> Service:
    """The process that asks devices for their events, while any are wanted."""

    def first(now: Config) -> dict[str, Any]:
        return {
            "catalogue": str(now.storage.catalogue),
            "kinds": {kind: query for kind, query in now.events.kinds.items() if query},
            "rate": now.events.rate,
            "log_level": now.server.log_level,
        }

    made = Service(
        "events",
        "nvr.devices.events",
        config,
        first,
        lambda line: None,
        is_wanted=lambda: any(made.config.events.kinds.values()),
        stop_s=_EVENTS_STOP_S,
    )
    return made


def evidence(config: Config, prepared: Prepared) -> Service:
    """The process that makes exports, while there are any: it would take as much memory as a recorder."""

    def first(now: Config) -> dict[str, Any]:
        return {
            "catalogue": str(now.storage.catalogue),
            "keys": str(now.keys_folder),
            "exports": str(now.exports_folder),
            "name": now.evidence.name,
            "node": prepared.node,
            "zone": now.server.zone,
            "version": __version__,
            "budget_bytes": now.evidence.budget,
            "keep_us": now.evidence.keep_us,
            "rate_bytes_per_s": now.evidence.rate,
            "segment_us": now.storage.segment_duration_us,
            "idle_s": _IDLE_S,
            "log_level": now.server.log_level,
        }

    started_s = -math.inf

    def is_wanted() -> bool:
        nonlocal started_s
        now_s = time.monotonic()
        with prepared.database.read() as conn:
            found = export_queue.is_any_work(conn, time.time_ns() // 1000 - config.evidence.keep_us)
        # Every hour it looks whether anything was changed behind the server's back.
        if found or now_s - started_s >= _HOUR_S:
            started_s = now_s
            return True
        return False

    # Of the idle class: on a busy machine it would not get round to its end, and keep the next start from recording. An
    # export that is killed is begun anew.
    return Service(
        "evidence",
        "nvr.evidence",
        config,
        first,
        lambda line: None,
        is_wanted=is_wanted,
        stop_s=_EVIDENCE_STOP_S,
    )
