"""The supervisor's side of a fleet of several machines: what it offers, and what it is told to record.

Imported only where ``[fleet]`` is configured. Invariant: a start does not wait for the coordinator for longer than
``_FIRST_S``; then it records what it recorded before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final, cast

from nvr import __version__
from nvr.config import CameraSettings, Config
from nvr.fleet.coordinator import Coordinator, open_coordinator
from nvr.fleet.membership import Membership
from nvr.fleet.model import BEAT_S, Assignment, Failover, Offer
from nvr.recorder.assignments import Leaving
from nvr.supervisor.balancing import HeldCameras, weight
from nvr.supervisor.fleet import Fleet
from nvr.supervisor.prepare import Prepared
from storage.causes import Cause

__all__ = ["Nodes", "held_cameras", "offer_of"]

log = logging.getLogger(__name__)

_FIRST_S: Final = 1.0
_OFFER_S: Final = 2.0
_ELSEWHERE: Final = "another node records it"
_FAILOVERS: Final = ("any", "site", "none")


def offer_of(camera: CameraSettings, bitrate_bps: int | None, *, failover: str, site: str) -> Offer:
    """What this node offers of a camera: labels ``failover`` and ``site`` come before its own settings."""
    labels = {name.lower(): value for name, value in camera.labels.items()}
    wanted = labels.get("failover", failover).lower()
    chosen = cast(Failover, wanted if wanted in _FAILOVERS else failover)
    return Offer(int(weight(bitrate_bps)), camera.priority, chosen, labels.get("site", site))


def held_cameras(mine: Mapping[str, int], assignments: Mapping[str, Assignment]) -> HeldCameras:
    """From what the fleet says."""
    others: dict[str, Leaving] = {}
    for id_, found in assignments.items():
        if id_ in mine:
            continue
        if found.node is None:
            cause = Cause.NO_CAPACITY if found.cause == "no_capacity" else Cause.NOT_CONFIGURED
            others[id_] = (cause.value, {})
        else:
            others[id_] = (Cause.NOT_CONFIGURED.value, {"reason": _ELSEWHERE, "node": found.node})
    return HeldCameras(mine, others)


class Nodes:
    """``fleet`` is this node's workers; ``on_change`` is called when they are to be given other cameras."""

    def __init__(self, config: Config, prepared: Prepared, fleet: Fleet, on_change: Callable[[], None]) -> None:
        self._settings = config.fleet
        self._fleet = fleet
        self._roots = prepared.roots
        self._on_change = on_change
        self._first: asyncio.Task[None] | None = None
        self._membership = Membership(self._open, prepared.database, prepared.node, __version__, self._changed)

    def _open(self) -> Coordinator:
        database, password = self._settings.database, self._settings.password
        assert database is not None
        return open_coordinator(database, None if password is None else password.reveal())

    def _changed(self) -> None:
        self._hold()
        self._on_change()

    def _hold(self) -> None:
        self._fleet.hold(held_cameras(self._membership.mine, self._membership.assignments))

    async def begin(self) -> None:
        """Asks what this node is to record, if there is an answer soon; else it is what it was."""
        self._hold()
        turn = asyncio.create_task(self._membership.turn(), name="fleet-first")
        done, _ = await asyncio.wait([turn], timeout=_FIRST_S)
        if not done:
            log.warning("the fleet's coordinator has not answered yet: recording begins as it was assigned before")
        # A turn that is under way is waited for by the first of ``run``.
        self._first = turn

    async def run(self) -> None:
        """Never ends. A fault in here must not end the server: recording goes on as it was assigned."""
        loop, due_s, offer_s = asyncio.get_running_loop(), 0.0, 0.0
        while True:
            try:
                if self._first is not None:
                    first, self._first = self._first, None
                    await first
                if loop.time() >= offer_s:
                    self._offer()
                    offer_s = loop.time() + _OFFER_S
                await self._membership.turn()
            except Exception:
                log.critical("this node's part in the fleet has a fault, and is tried again", exc_info=True)
            due_s = max(due_s + BEAT_S, loop.time())
            await asyncio.sleep(due_s - loop.time())

    def _offer(self) -> None:
        settings = self._settings
        known, rates = self._fleet.known()
        self._membership.offer(
            {
                id_: offer_of(camera, rates.get(id_), failover=settings.failover, site=settings.site)
                for id_, camera in known.items()
            },
            is_able=self._roots.is_able,
        )

    async def close(self) -> None:
        """Lets go of the coordinator."""
        await self._membership.close()
