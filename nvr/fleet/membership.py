"""This node's part in the fleet: it beats, looks, plans, and keeps what it learned. All I/O of it is here.

Invariant: nothing here stops a camera but an assignment that was read; whatever fails is tried again at the next beat,
and recording does not wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from nvr.fleet import kept
from nvr.fleet.coordinator import Coordinator
from nvr.fleet.errors import FleetError, NotJoined, TakenOver, Unreachable
from nvr.fleet.holdings import Holdings
from nvr.fleet.member import Member, MemberOutcome, offer_changes
from nvr.fleet.model import Assignment, NodeBeat, Offer, Picture
from nvr.fleet.seen import KeptNode, keep_nodes
from storage.catalogue import status
from storage.catalogue.database import Database
from storage.errors import CatalogueError

__all__ = ["Membership"]

log = logging.getLogger(__name__)

# How often footage is asked for that the others wait for, and that they only like to know of.
_CONFIRM_S: Final = 1.0
_CONFIRM_LATER_S: Final = 10.0
_KEEP_NODES_S: Final = 1.0
CLOCK_OFF_US: Final = 500_000


class Membership:
    """``node`` in the fleet whose coordinator ``opens`` makes. ``on_change`` is called when a camera is another node's
    than before."""

    def __init__(
        self,
        opens: Callable[[], Coordinator],
        database: Database,
        node: str,
        version: str,
        on_change: Callable[[], None],
    ) -> None:
        """Reads what was kept.

        Raises:
            sqlite3.Error: it can't be read.
        """
        self._opens = opens
        self._coordinator: Coordinator | None = None
        self._database = database
        self._node = node
        self._version = version
        self._on_change = on_change
        with database.read() as conn:
            epoch, known = kept.read_assignments(conn)
        self._member = Member(node, Holdings(node, known, epoch))
        self._picture = Picture()
        self._incarnation = secrets.token_hex(8)
        self._is_claimed = False
        self._offset_us: int | None = None
        # None: not known yet.
        self._offers: Mapping[str, Offer] | None = None
        self._is_able = True
        self._unkept: dict[str, Assignment] = {}
        self._is_changed = False
        self._confirm_at_s = 0.0
        self._nodes_at_s = 0.0
        self._trouble: str | None = None
        self._is_clock_off = False

    # What it knows ---------------------------------------------------------------------------------------------------

    @property
    def assignments(self) -> Mapping[str, Assignment]:
        """Of all cameras, as seen last."""
        return self._member.holdings.known

    @property
    def mine(self) -> Mapping[str, int]:
        """The cameras that this node records, each with the epoch of the fleet under which it was given it."""
        return self._member.holdings.mine

    def offer(self, offers: Mapping[str, Offer], *, is_able: bool = True) -> None:
        """This node could record these cameras from now on, and no others; ``is_able``: it has a disk to record to."""
        self._offers, self._is_able = offers, is_able

    # Beats -----------------------------------------------------------------------------------------------------------

    async def turn(self) -> None:
        """One beat, to be made every ``BEAT_S``: what is new is kept, and told."""
        try:
            await self._ask()
        except (FleetError, ValueError) as error:
            # A coordinator that knows less than this node is no coordinator.
            self._member.failed()
            if self._member.alone(time.monotonic()):
                self._on_change()
            await self._in_trouble(error)
        except (sqlite3.Error, CatalogueError) as error:
            # What could not be kept is not acted on, and waits for the next turn.
            await self._in_trouble(error)
        else:
            if self._trouble is not None:
                log.warning("the fleet's coordinator answers again")
                self._trouble = None

    async def _in_trouble(self, error: Exception) -> None:
        text = str(error)
        if text != self._trouble:
            what = "recording goes on as it was assigned" if isinstance(error, Unreachable) else "nothing is stopped"
            log.error("%s; %s", text, what)
            self._trouble = text
        await self._keep_nodes(asked=False)

    async def _ask(self) -> None:
        now_s = time.monotonic()
        coordinator = self._coordinator = self._coordinator or self._opens()
        try:
            if not self._is_claimed:
                await coordinator.claim(self._node, self._incarnation)
                self._is_claimed = True
            await self._beat(coordinator)
        except (NotJoined, TakenOver) as error:
            self._is_claimed = self._is_claimed and isinstance(error, TakenOver)
            # What it had may be others' by now.
            await self._look(coordinator, now_s)
            raise
        outcome = await self._look(coordinator, now_s)
        await self._offer(coordinator)
        await self._confirm(coordinator, now_s)
        if outcome.transfers and await coordinator.propose(self._picture.epoch, outcome.transfers):
            log.info("%d cameras change their node", len(outcome.transfers))
            # Who is to have them is read at once, not after another second.
            await self._look(coordinator, time.monotonic())

    async def _beat(self, coordinator: Coordinator) -> None:
        began_us = time.time_ns() // 1000
        beat = NodeBeat(self._node, self._incarnation, began_us, self._offset_us, self._version, self._is_able)
        theirs_us = await coordinator.beat(beat)
        self._offset_us = (began_us + time.time_ns() // 1000) // 2 - theirs_us
        is_off = abs(self._offset_us) > CLOCK_OFF_US
        if is_off and not self._is_clock_off:
            log.error(
                "this node's clock is %.1f s off the coordinator's: footage of two nodes will not fit together;"
                " let both follow one time service",
                self._offset_us / 1e6,
            )
        self._is_clock_off = is_off

    async def _look(self, coordinator: Coordinator, now_s: float) -> MemberOutcome:
        picture = self._picture = await coordinator.look(self._picture)
        outcome = self._member.looked(now_s, picture)
        self._unkept |= outcome.news
        self._is_changed |= outcome.is_changed
        if self._unkept:
            await asyncio.to_thread(self._keep, picture.epoch, dict(self._unkept))
            self._unkept.clear()
        if self._is_changed:
            self._is_changed = False
            self._on_change()
        await self._keep_nodes(asked=True)
        return outcome

    async def _offer(self, coordinator: Coordinator) -> None:
        if self._offers is None:
            return
        offered = self._picture.offers.get(self._node, {})
        changed, withdrawn = offer_changes(offered, self._offers)
        if changed or withdrawn:
            await coordinator.offer(self._node, changed, withdrawn)

    async def _confirm(self, coordinator: Coordinator, now_s: float) -> None:
        """Says of which cameras there is footage: who gives one up waits for that."""
        holdings = self._member.holdings
        waiting = {id_: found for id_, found in holdings.known.items() if holdings.unconfirmed(id_)}
        if not waiting or now_s < self._confirm_at_s:
            return
        is_awaited = any(found.is_planned for found in waiting.values())
        self._confirm_at_s = now_s + (_CONFIRM_S if is_awaited else _CONFIRM_LATER_S)
        there = await asyncio.to_thread(self._recording, waiting.keys())
        if there:
            await coordinator.confirm(self._node, {id_: waiting[id_].epoch for id_ in there})

    # What is kept ----------------------------------------------------------------------------------------------------

    def _recording(self, ids: Collection[str]) -> list[str]:
        with self._database.read() as conn:
            return [id_ for id_, now in status.list_all(conn).items() if id_ in ids and now.state == "recording"]

    def _keep(self, epoch: int, news: Mapping[str, Assignment]) -> None:
        with self._database.write() as conn:
            kept.keep_assignments(conn, epoch, news, here=self._node, now_us=time.time_ns() // 1000)

    async def _keep_nodes(self, *, asked: bool) -> None:
        now_s = time.monotonic()
        if now_s < self._nodes_at_s:
            return
        self._nodes_at_s = now_s + _KEEP_NODES_S
        try:
            await asyncio.to_thread(self._write_nodes, asked)
        except (sqlite3.Error, CatalogueError) as error:
            log.error("what is seen of the fleet can't be kept: %s", error)

    def _write_nodes(self, asked: bool) -> None:
        picture, nodes = self._picture, []
        carried: dict[str, tuple[int, int]] = {}
        for id_, found in picture.assignments.items():
            if found.node is not None:
                cameras, bps = carried.get(found.node, (0, 0))
                offer = picture.offers.get(found.node, {}).get(id_)
                carried[found.node] = cameras + 1, bps + (0 if offer is None else offer.bitrate_bps)
        for id_, each in picture.nodes.items():
            cameras, bps = carried.get(id_, (0, 0))
            about = (each.capacity_bps, bps, each.alive_us, each.offset_us, each.version)
            nodes.append(KeptNode(id_, each.site, each.standing, self._member.health(id_), cameras, *about))
        with self._database.write() as conn:
            keep_nodes(
                conn,
                nodes,
                asked_us=time.time_ns() // 1000 if asked else None,
                trouble=None if asked else self._trouble,
            )

    async def close(self) -> None:
        """Lets go of the coordinator."""
        if self._coordinator is not None:
            await self._coordinator.close()
