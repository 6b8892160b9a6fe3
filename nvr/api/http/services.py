"""What the routes work with: the catalogue, the settings, the clock, and the word to the supervisor."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from nvr.access.roles import AccessAction
from nvr.access.snapshot import AccessSnapshots, Rights
from nvr.accounts import hash_of, session_rows
from nvr.accounts import rows as accounts
from nvr.api.http.allowance import Allowance
from nvr.api.http.answer_cache import KeptAnswers
from nvr.api.http.attempts import Attempts
from nvr.api.http.audited_looks import Views
from nvr.api.http.ceremonies import Ceremonies, RecentIds
from nvr.api.http.footage_leases import Leases
from nvr.api.http.pools import Pools, SharedCall, Shares
from nvr.api.http.refusals import Refusals
from nvr.api.http.settings import ApiSettings
from nvr.api.http.streams import OpenStreams
from nvr.cameras.fleet_rows import FleetRows
from nvr.devices.ptz.desk import PtzDesk
from nvr.federation.provider import Conversations
from nvr.log import PerMinute
from nvr.playback.activity_slices import ActivitySlices
from nvr.playback.hls.live import Live
from nvr.playback.index_cache import IndexCache
from nvr.playback.live.parts import LiveParts
from nvr.playback.live.streams import LiveStreams
from nvr.playback.still_process import StillProcess
from storage.catalogue import audit
from storage.catalogue.database import Database
from storage.sentences import Sentence

__all__ = ["Injected", "Services", "provide"]

log = logging.getLogger(__name__)

# Who watches health asks no sooner again.
_FRESH_S = 0.5
_CHANGEABLE = (
    "zone",
    "secure_cookies",
    "trusted_proxies",
    "hosts",
    "log_level",
    "retention",
    "second_person",
    "clips_need_request",
    "holds_share",
    "price_per_mbit",
    "streets",
    "public",
    "roots",
    "roots_away",
    "segment_us",
    "scan_networks",
    "scan_ports",
    "scan_rate",
    "scan_at_once",
    "follow_moves",
    "ptz_cameras",
    "ptz_priorities",
    "second_factor",
    "step_up_us",
    "expire_unused_us",
    "providers",
    "name_over_picture",
    "name_over_cameras",
)
_CHILD_ENDS_S = 5.0
_LEAST_CLIP_BYTES = 256 << 20
_PACKAGED_PAGE = Path(__file__).parents[2] / "web" / "dist"


def _wall_clock_us() -> int:
    return time.time_ns() // 1000


def _ended(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(_CHILD_ENDS_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


class Services:
    """One for the whole application."""

    def __init__(
        self,
        settings: ApiSettings,
        *,
        now_us: Callable[[], int] = _wall_clock_us,
        on_cameras_changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self.db = Database(Path(settings.catalogue))
        self.now_us = now_us
        self.on_cameras_changed = on_cameras_changed
        self._access = AccessSnapshots()
        self.attempts = Attempts()
        # Of second factors, by user alone: who has a password guesses codes from many addresses.
        self.factor_attempts = Attempts()
        # Apart: who opens a link that is over must not be kept from logging in.
        self.link_attempts = Attempts()
        # Apart: a player with an old token must not keep people of its office from logging in.
        self.token_attempts = Attempts()
        self.ceremonies = Ceremonies()
        self.conversations = Conversations()
        # What providers were told of once: ids of tokens that end sessions.
        self.logouts_seen = RecentIds(10_000)
        self.views = Views(self.db)
        self.page_folder = _PACKAGED_PAGE if settings.web_dist is None else Path(settings.web_dist)
        self.pools = Pools()
        self.health_reading = SharedCall(self.pools.health, _FRESH_S)
        # What a stranger's refusals may write into the audit log; what is beyond is a number in the next entry.
        self.failures_entered = PerMinute(60)
        self.links_refused_entered = PerMinute(60)
        self.refusals = Refusals()
        # The server says; an application without one (a test's) has none.
        self.connections: Callable[[], int] = lambda: 0
        # How often the event loop was late, and how long at most, in seconds.
        self.loop_late: Callable[[], tuple[int, float]] = lambda: (0, 0.0)
        self.streams = OpenStreams(self.db, self.pools.sending)
        self.indexes = IndexCache(self.db)
        self.live = Live(self.db, self.indexes, quick=settings.quick_live)
        self.live_streams = LiveStreams(self.db, self.indexes, log_level=settings.log_level)
        # A neighbourhood may have one address; a city's evening has more to say than this only when somebody plays.
        self.citizen_reports = Allowance(most_of_one=12, most=600, seconds=3600.0)
        self.live_parts = LiveParts(self.live_streams)
        self.activity = ActivitySlices(self.db, self.indexes)
        self.stills = StillProcess()
        self.leases = Leases(self.db, now_us, self.pools.entries)
        # Each is a process.
        self.probe_slots = asyncio.Semaphore(2)
        # Of searches for devices; each ends when its stdin is closed.
        self.children: set[subprocess.Popen[bytes]] = set()
        self._entering: set[asyncio.Future[None]] = set()
        self.ptz = PtzDesk(settings.catalogue, lambda: self.settings.log_level, self._on_dead_man)
        self.fleet_rows = FleetRows()
        self.public = KeptAnswers()
        self.pictures = KeptAnswers()
        self.report_slots = threading.BoundedSemaphore(2)
        # Those that were made and are being taken: files.
        self.reports_taken = Shares(24, 6, Sentence("other reports are not taken yet: load them, or try again later"))
        # What clips hold until they are loaded, however slowly: of files, a quarter of what this process may open.
        too_many = Sentence("too many clips are being loaded: load them one after the other, or shorter ones")
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4
        self.clip_files = Shares(files, files // 2, too_many)
        memory = max(_LEAST_CLIP_BYTES, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 8)
        self.clip_bytes = Shares(memory, memory // 2, too_many)

    async def end_children(self) -> None:
        """Ends the processes that were begun for requests, and waits for them."""
        await self.ptz.close()
        self.stills.close()
        await asyncio.to_thread(self.activity.close)
        for child in list(self.children):
            if child.stdin is not None:
                child.stdin.close()
        await asyncio.gather(*(asyncio.to_thread(_ended, child) for child in list(self.children)))

    def _on_dead_man(self, camera: str) -> None:
        """Enters that a camera was stopped because nobody said any more how it is to move."""
        lease = self.ptz.leases.of(camera, self.now_us())
        detail = {"by": "" if lease is None else lease.name, "why": "nothing more was heard of who moved it"}

        def enter() -> None:
            with audit.acting(None), self.db.write() as conn:
                audit.append(conn, "ptz_stopped", camera=camera, detail=detail)

        async def entered() -> None:
            try:
                await self.pools.entries.run(enter)
            except Exception:
                log.exception("that %s was stopped is not in the audit log", camera)

        task = asyncio.ensure_future(entered())
        self._entering.add(task)
        task.add_done_callback(self._entering.discard)

    @property
    def keys_folder(self) -> Path:
        """Where the keys of exports are, and their certificates."""
        return self.db.path.parent / "keys" if self.settings.keys is None else Path(self.settings.keys)

    @property
    def exports_folder(self) -> Path:
        """Where packages are."""
        return self.db.path.parent / "exports" if self.settings.exports is None else Path(self.settings.exports)

    def rights(
        self,
        holder: str,
        at_us: int,
        *,
        most: frozenset[AccessAction] | None = None,
        within: str | None = None,
    ) -> Rights:
        """What somebody may do at this moment; ``most`` and ``within``: what their token may do at most, as of
        ``Rights``. Reads the catalogue."""
        with self.db.read() as conn:
            return Rights(self._access.now(conn), holder, at_us, most, within)

    def renewed(self, session: str | None, token: str | None, before: Rights) -> Rights | None:
        """What somebody may do now who asked by a session's cookie or by a token of this id; None if that is over."""
        now_us = self.now_us()
        with self.db.read() as conn:
            if session is not None:
                found = session_rows.find_session(conn, hash_of(session))
                if found is None or found.expires_us <= now_us:
                    return None
            elif token is None or not accounts.has_token(conn, token, now_us=now_us):
                return None
            return Rights(self._access.now(conn), before.holder, now_us, before.most, before.within)

    def url(self, path: str) -> str:
        """A path of this server as those outside must ask for it."""
        return f"{self.settings.base_path}{path}"

    def configure(self, new: ApiSettings) -> None:
        """Takes what may change while it runs: zone, cookies, proxies, hosts, log level, retention, roots. The rest
        needs a new process."""
        old = self.settings
        self.settings = msgspec.structs.replace(old, **{name: getattr(new, name) for name in _CHANGEABLE})
        logging.getLogger().setLevel(new.log_level.upper())
        if self.settings != new:
            log.warning(
                "host, ports, certificate, base_path, catalogue and node take effect when the server is started again"
            )


async def provide(request: Request[Any, Any, Any]) -> Services:
    """The services of the application that was asked."""
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


Injected = NamedDependency[SkipValidation[Services]]
PROVIDED = {"services": Provide(provide)}
