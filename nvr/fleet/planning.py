"""Which node is to get which camera. Pure.

Invariants: no camera leaves a node that is alive, a member, and knows it, but for balance or for want of room for a
more important one; none is without a node that some living member could record within its capacity and the camera's
failover; a node of which it is not known whether it lives keeps what it has and gets nothing, and as long as there is
one, cameras that nobody ever had wait.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from nvr.fleet.model import Assignment, FleetNode, NodeCause, Offer, Transfer
from nvr.fleet.observation import Health

__all__ = ["MOST_MOVING", "plan"]

MOST_MOVING: Final = 16
"""Cameras that change their node at a time although they are recorded: each is recorded twice meanwhile."""
# Uneven by so much of the mean before anything moves, and by so much when enough has moved.
_BEGIN: Final = 0.25
_ENOUGH: Final = 0.10
_NEGLIGIBLE_BPS: Final = 40_000_000
# What a node without a limit is compared by.
_UNLIMITED_BPS: Final = 10_000_000_000


@dataclass(slots=True)
class _Node:
    node: FleetNode
    cameras: dict[str, Offer] = field(default_factory=dict)
    load_bps: int = 0

    def room(self, offer: Offer) -> bool:
        limit = self.node.capacity_bps
        return limit is None or self.load_bps + offer.bitrate_bps <= limit

    def share(self, more_bps: int = 0) -> float:
        return (self.load_bps + more_bps) / (self.node.capacity_bps or _UNLIMITED_BPS)

    def add(self, camera: str, offer: Offer) -> None:
        self.cameras[camera] = offer
        self.load_bps += offer.bitrate_bps

    def drop(self, camera: str) -> Offer:
        offer = self.cameras.pop(camera)
        self.load_bps -= offer.bitrate_bps
        return offer


@dataclass(frozen=True, slots=True)
class _Need:
    """A camera that needs a node, and why it has none."""

    camera: str
    cause: NodeCause
    previous: str | None = None
    lost_us: int | None = None


class _Plan:
    def __init__(
        self,
        nodes: Mapping[str, FleetNode],
        health: Mapping[str, Health],
        offers: Mapping[str, Mapping[str, Offer]],
        now: Mapping[str, Assignment],
    ) -> None:
        self._nodes, self._health, self._offers, self._now = nodes, health, offers, now
        self._usable = {
            id_: _Node(node)
            for id_, node in sorted(nodes.items())
            if node.standing == "member" and node.is_able and health.get(id_) == "alive"
        }
        self._made: dict[str, Transfer] = {}
        # Else the first node that starts would be given everything.
        self._is_settled = all(
            health.get(id_, "unknown") != "unknown" for id_, node in nodes.items() if node.standing == "member"
        )

    def transfers(self, *, balance: bool, most_moving: int) -> list[Transfer]:
        needs, leaving = self._sort()
        self._place(needs)
        moving = sum(1 for each in self._now.values() if each.is_planned and not each.has_footage)
        for camera in leaving[: max(0, most_moving - moving)]:
            self._move(camera)
        if balance and self._is_settled and not needs and not leaving and moving < most_moving:
            self._balance(most_moving - moving)
        return [self._made[camera] for camera in sorted(self._made)]

    def _sort(self) -> tuple[list[_Need], list[str]]:
        """What needs a node, and what is to leave one that drains."""
        needs: list[_Need] = []
        leaving: list[str] = []
        known = {id_ for offers in self._offers.values() for id_ in offers}
        for camera in self._now.keys() - known:
            if self._now[camera].cause != "not_offered":
                # It was removed everywhere.
                self._made[camera] = Transfer(camera, None, "not_offered", self._now[camera].node)
        for camera in sorted(known):
            found = self._now.get(camera)
            holder = None if found is None or found.node is None else self._nodes.get(found.node)
            if found is None:
                if self._is_settled:
                    needs.append(_Need(camera, "first"))
            elif found.node is None:
                # It was nobody's for want of room, and still is, or it is the one that lost it that counts.
                needs.append(_Need(camera, "first", found.previous))
            elif holder is None or holder.standing == "left":
                needs.append(_Need(camera, "left", found.node))
            elif self._health.get(holder.id) == "dead":
                if self._failover(camera, holder.id) != "none":
                    needs.append(_Need(camera, "node_lost", holder.id, holder.alive_us))
            elif self._health.get(holder.id) == "alive":
                offer = self._offers.get(holder.id, {}).get(camera)
                if offer is None:
                    needs.append(_Need(camera, "not_offered", holder.id))
                elif not holder.is_able:
                    if offer.failover != "none":
                        needs.append(_Need(camera, "unable", holder.id))
                elif holder.standing == "draining":
                    leaving.append(camera)
                else:
                    self._usable[holder.id].add(camera, offer)
        return needs, leaving

    def _failover(self, camera: str, holder: str) -> str:
        offer = self._offers.get(holder, {}).get(camera)
        return "any" if offer is None else offer.failover

    def _candidates(self, camera: str) -> list[tuple[_Node, Offer]]:
        """Nodes that may record the camera. One with failover ``site`` is recorded at its site alone."""
        found = []
        for id_, node in self._usable.items():
            offer = self._offers.get(id_, {}).get(camera)
            if offer is not None and (offer.failover != "site" or offer.site == node.node.site):
                found.append((node, offer))
        return found

    def _place(self, needs: Collection[_Need]) -> None:
        """The most important first, the heaviest of those first; what is displaced is less important, and waits its
        turn."""
        queue: list[tuple[int, int, str, _Need]] = []

        def push(need: _Need, candidates: list[tuple[_Node, Offer]]) -> None:
            offer = candidates[0][1] if candidates else Offer(0)
            heapq.heappush(queue, (-offer.priority, -offer.bitrate_bps, need.camera, need))

        for need in needs:
            push(need, self._candidates(need.camera))
        while queue:
            need = heapq.heappop(queue)[-1]
            candidates = self._candidates(need.camera)
            with_room = [(node, offer) for node, offer in candidates if node.room(offer)]
            if not with_room:
                with_room, displaced = self._displace(candidates)
                for camera, previous in displaced:
                    push(_Need(camera, "displaced", previous), self._candidates(camera))
            if with_room:
                node, offer = min(with_room, key=lambda pair: (pair[0].share(pair[1].bitrate_bps), pair[0].node.id))
                node.add(need.camera, offer)
                self._give(need, node.node.id, need.cause)
            elif candidates and need.cause != "unable":
                self._give(need, None, "no_capacity")
            # Else nobody that lives may have it, or its own node knows better why it is not recorded: it stays.

    def _give(self, need: _Need, node: str | None, cause: NodeCause) -> None:
        found = self._now.get(need.camera)
        is_same = found is not None and found.node == node and (node is not None or found.cause == cause)
        if is_same:
            self._made.pop(need.camera, None)
        else:
            self._made[need.camera] = Transfer(need.camera, node, cause, need.previous, need.lost_us)

    def _displace(
        self, candidates: list[tuple[_Node, Offer]]
    ) -> tuple[list[tuple[_Node, Offer]], list[tuple[str, str]]]:
        """Makes room on one of the nodes by taking the least important from it, if they are less important."""
        for node, offer in sorted(candidates, key=lambda pair: (pair[0].share(), pair[0].node.id)):
            limit = node.node.capacity_bps
            if limit is None or offer.bitrate_bps > limit:
                continue
            lesser = sorted(
                (camera for camera, other in node.cameras.items() if other.priority < offer.priority),
                key=lambda camera: (node.cameras[camera].priority, -node.cameras[camera].bitrate_bps, camera),
            )
            excess_bps = node.load_bps + offer.bitrate_bps - limit
            taken: list[str] = []
            for camera in lesser:
                if excess_bps <= 0:
                    break
                taken.append(camera)
                excess_bps -= node.cameras[camera].bitrate_bps
            if excess_bps > 0:
                continue
            for camera in taken:
                node.drop(camera)
            return [(node, offer)], [(camera, node.node.id) for camera in taken]
        return [], []

    def _move(self, camera: str) -> None:
        """Off a node that drains, to one that has room; without one it stays."""
        with_room = [(node, offer) for node, offer in self._candidates(camera) if node.room(offer)]
        if with_room:
            node, offer = min(with_room, key=lambda pair: (pair[0].share(pair[1].bitrate_bps), pair[0].node.id))
            node.add(camera, offer)
            self._made[camera] = Transfer(camera, node.node.id, "drained", self._now[camera].node)

    def _balance(self, most: int) -> None:
        """From the node that carries clearly more than the others to the one that carries least. Each move makes the
        busiest one's share less."""
        limit = _BEGIN
        for _ in range(most):
            nodes = list(self._usable.values())
            if len(nodes) < 2:
                return
            source = max(nodes, key=lambda node: (node.share(), node.node.id))
            target = min(nodes, key=lambda node: (node.share(), node.node.id))
            mean = sum(node.share() for node in nodes) / len(nodes)
            uneven = source.share() - mean
            if uneven <= limit * mean or uneven * (source.node.capacity_bps or _UNLIMITED_BPS) <= _NEGLIGIBLE_BPS:
                return
            known = self._offers.get(target.node.id, {})
            fitting = [
                camera
                for camera, offer in source.cameras.items()
                if camera not in self._made
                and self._now[camera].has_footage
                and offer.failover != "none"
                and (theirs := known.get(camera)) is not None
                and (theirs.failover != "site" or theirs.site == target.node.site)
                and target.room(theirs)
                and target.share(theirs.bitrate_bps) <= source.share(-offer.bitrate_bps)
            ]
            if not fitting:
                return
            camera = max(fitting, key=lambda id_: (source.cameras[id_].bitrate_bps, id_))
            source.drop(camera)
            target.add(camera, known[camera])
            self._made[camera] = Transfer(camera, target.node.id, "balanced", source.node.id)
            limit = _ENOUGH


def plan(
    nodes: Mapping[str, FleetNode],
    health: Mapping[str, Health],
    offers: Mapping[str, Mapping[str, Offer]],
    now: Mapping[str, Assignment],
    *,
    balance: bool = False,
    most_moving: int = MOST_MOVING,
) -> list[Transfer]:
    """What is to change, given who lives and who has what. ``balance``: also move what is recorded, if one carries
    clearly more than the others. Empty if nothing has to change; what it returns, once it holds, changes nothing more
    but for balance."""
    return _Plan(nodes, health, offers, now).transfers(balance=balance, most_moving=most_moving)
