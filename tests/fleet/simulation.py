"""A fleet in one thread, second by second: the product's own judgement (``Member``), a coordinator in memory, and
faults by chance. Deterministic by its seed.

It asserts as it goes, against plain rules that know nothing of how the product decides:

- no epoch of the fleet is given to a camera twice, and of two recorders' footage the later assignment's is the higher;
- a recorder stops a camera only after its node has read that another one has it;
- a node that never failed loses nothing as lost;
- when the faults are over, each camera for which there is room is recorded by one node, and no other.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from nvr.fleet.holdings import LEAVING_S, Holdings
from nvr.fleet.member import Member, offer_changes
from nvr.fleet.model import TTL_S, Assignment, FleetNode, Offer, Picture, Standing, Transfer, local_epoch

_FAULTS = ("kill", "kill", "freeze", "cut", "away", "drain", "leave", "join", "forget", "bitrate", "slow", "disk")
CALM_S = 2 * TTL_S + 20


class Away(Exception):
    """The coordinator can't be asked."""


@dataclass
class Memory:
    """What the coordinator holds."""

    nodes: dict[str, FleetNode] = field(default_factory=dict)
    assignments: dict[str, Assignment] = field(default_factory=dict)
    offers: dict[str, dict[str, Offer]] = field(default_factory=dict)
    epoch: int = 0
    rev: int = 0
    offers_rev: int = 0
    given: set[tuple[str, int]] = field(default_factory=set)
    made_s: dict[int, float] = field(default_factory=dict)

    def picture(self) -> Picture:
        return Picture(
            self.epoch, dict(self.nodes), self.rev, dict(self.assignments), self.offers_rev, dict(self.offers)
        )

    def propose(self, at_s: float, base: int, transfers: Sequence[Transfer]) -> bool:
        if base != self.epoch:
            return False
        self.epoch += 1
        self.made_s[self.epoch] = at_s
        self.rev += 1
        for each in transfers:
            assert (each.camera, self.epoch) not in self.given, "an epoch was given twice"
            self.given.add((each.camera, self.epoch))
            self.assignments[each.camera] = each.made(self.epoch)
        return True


@dataclass
class Machine:
    """One node. ``kept`` survives its death, ``member`` does not."""

    id: str
    member: Member | None = None
    kept: dict[str, Assignment] = field(default_factory=dict)
    kept_epoch: int = 0
    local_epoch: int = 1
    recording: dict[str, int] = field(default_factory=dict)
    given: dict[str, int] = field(default_factory=dict)
    is_frozen: bool = False
    is_cut: bool = False
    is_able: bool = True
    has_failed: bool = False
    phase_s: float = 0.0
    slow_turns: int = 0
    slow_s: float = -100.0
    starts: int = 0


class Simulation:
    """One run."""

    def __init__(self, seed: int) -> None:
        self.random = rnd = random.Random(seed)
        self.memory = Memory()
        self.is_away = False
        self.has_grown = False
        self.now_s = 0.0
        sites = ["north", "south"]
        self.machines = [Machine(f"n{i}", phase_s=rnd.random()) for i in range(rnd.randint(2, 4))]
        cameras = [f"c{i}" for i in range(rnd.randint(1, 6))]
        bitrates = {camera: rnd.choice([1, 2, 4]) * 1_000_000 for camera in cameras}
        tight = rnd.random() < 0.4
        for machine in self.machines:
            site = rnd.choice(sites)
            capacity = rnd.randint(1, 10) * 1_000_000 if tight else None
            self.memory.nodes[machine.id] = FleetNode(machine.id, site, capacity)
        self.wanted = {
            machine.id: {
                camera: Offer(
                    bitrates[camera],
                    rnd.randint(0, 2),
                    rnd.choice(["any", "any", "any", "site", "none"]),
                    self.memory.nodes[machine.id].site,
                )
                for camera in cameras
                if rnd.random() < 0.85
            }
            for machine in self.machines
        }
        # Of two recorders' footage of a camera, the epochs: as (fleet's, footage's).
        self.footage: dict[str, dict[int, tuple[str, int]]] = {}
        for machine in self.machines:
            self.start(machine)

    # Nodes -----------------------------------------------------------------------------------------------------------

    def start(self, machine: Machine) -> None:
        machine.member = Member(machine.id, Holdings(machine.id, machine.kept, machine.kept_epoch))
        machine.starts += 1
        machine.recording, machine.given = {}, {}
        machine.local_epoch += 1
        self.apply(machine)

    def kill(self, machine: Machine) -> None:
        machine.member, machine.recording, machine.given, machine.is_frozen = None, {}, {}, False
        machine.has_failed = True

    def turn(self, machine: Machine) -> None:
        """One beat, as ``Membership`` does it."""
        member = machine.member
        if member is None or machine.is_frozen:
            return
        if machine.slow_turns:
            machine.slow_turns -= 1
            return
        try:
            self._ask(machine, member)
        except Away:
            member.failed()
            member.alone(self.now_s)
            self.apply(machine)

    def _ask(self, machine: Machine, member: Member) -> None:
        memory = self.memory
        if self.is_away or machine.is_cut:
            raise Away
        mine = memory.nodes[machine.id]
        if mine.standing != "left":
            token = (str(machine.starts), mine.token[1] + 1)
            alive_us = int(self.now_s * 1e6)
            memory.nodes[machine.id] = replace(mine, token=token, alive_us=alive_us, is_able=machine.is_able)
        picture = self._look(machine, member)
        changed, withdrawn = offer_changes(memory.offers.get(machine.id, {}), self.wanted[machine.id])
        if changed or withdrawn:
            now = {id_: o for id_, o in memory.offers.get(machine.id, {}).items() if id_ not in withdrawn} | changed
            memory.offers[machine.id] = now
            memory.offers_rev += 1
        for camera, since in machine.recording.items():
            found = memory.assignments.get(camera)
            # A first keyframe takes up to two seconds.
            is_due = self.now_s - since > 1.0 + self.random.random()
            if found is not None and found.node == machine.id and not found.has_footage and is_due:
                memory.assignments[camera] = replace(found, has_footage=True)
                memory.rev += 1
        if self._transfers and self.random.random() < 0.9:
            self.check_planned(machine, picture, self._transfers)
            if memory.propose(self.now_s, picture.epoch, self._transfers):
                self._look(machine, member)

    def _look(self, machine: Machine, member: Member) -> Picture:
        picture = self.memory.picture()
        outcome = member.looked(self.now_s, picture)
        machine.kept = dict(member.holdings.known)
        machine.kept_epoch = picture.epoch
        machine.local_epoch = max(machine.local_epoch, local_epoch(picture.epoch))
        self._transfers = outcome.transfers
        self.apply(machine)
        return picture

    def apply(self, machine: Machine) -> None:
        """The recorders do as the node holds; each camera that is given anew gets an epoch for its footage."""
        assert machine.member is not None
        holdings = machine.member.holdings
        # What was removed here nobody records here.
        mine = {id_: epoch for id_, epoch in holdings.mine.items() if id_ in self.wanted[machine.id]}
        for camera in list(machine.recording):
            if camera not in self.wanted[machine.id]:
                del machine.recording[camera], machine.given[camera]
            elif camera not in mine:
                found = holdings.known[camera]
                assert found.node != machine.id and found.epoch > machine.given[camera], (
                    f"{machine.id} stopped {camera} although nobody else has it"
                )
                assert (
                    found.has_footage
                    or not found.is_planned
                    or self.now_s - self.memory.made_s[found.epoch] > LEAVING_S - 0.001
                ), f"{machine.id} stopped {camera} before {found.node} had footage of it"
                del machine.recording[camera], machine.given[camera]
        for camera, epoch in mine.items():
            if machine.given.get(camera) != epoch:
                machine.local_epoch += 1
                self.records(camera, machine.id, epoch, machine.local_epoch)
                machine.recording[camera], machine.given[camera] = self.now_s, epoch

    def records(self, camera: str, node: str, epoch: int, footage_epoch: int) -> None:
        known = self.footage.setdefault(camera, {})
        assert footage_epoch not in known or known[footage_epoch] == (node, epoch), (
            "an epoch of footage was given twice"
        )
        for other_epoch, (other, other_fleet) in known.items():
            if other != node:
                assert other_fleet != epoch, "two nodes were given one epoch"
                assert (other_epoch < footage_epoch) == (other_fleet < epoch), "the earlier assignment's footage counts"
        known[footage_epoch] = (node, epoch)

    def check_planned(self, machine: Machine, picture: Picture, transfers: Sequence[Transfer]) -> None:
        for each in transfers:
            if each.cause == "node_lost":
                lost = next(other for other in self.machines if other.id == each.previous)
                assert lost.has_failed, f"{lost.id} never failed, and {machine.id} takes it for lost"

    # Faults ----------------------------------------------------------------------------------------------------------

    def fault(self) -> None:
        rnd = self.random
        machine = rnd.choice(self.machines)
        what = rnd.choice(_FAULTS)
        if what == "kill":
            self.kill(machine) if machine.member is not None else self.start(machine)
        elif what == "freeze":
            machine.is_frozen, machine.has_failed = not machine.is_frozen, True
        elif what == "cut":
            machine.is_cut, machine.has_failed = not machine.is_cut, True
        elif what == "disk":
            machine.is_able = not machine.is_able
        elif what == "slow":
            # Held up, but for less than it takes to be lost.
            if self.now_s - machine.slow_s > 2 * TTL_S:
                machine.slow_turns, machine.slow_s = rnd.randint(1, 3), self.now_s
        elif what == "away":
            self.is_away = not self.is_away
        elif what in ("drain", "leave", "join"):
            standings: Mapping[str, Standing] = {"drain": "draining", "leave": "left", "join": "member"}
            self.memory.nodes[machine.id] = replace(self.memory.nodes[machine.id], standing=standings[what])
            # Who had left did not beat.
            machine.has_failed |= what == "join"
        elif what == "forget" and self.wanted[machine.id]:
            del self.wanted[machine.id][rnd.choice(sorted(self.wanted[machine.id]))]
        elif what == "bitrate":
            self.has_grown = True
            for camera, offer in self.wanted[machine.id].items():
                if rnd.random() < 0.5:
                    self.wanted[machine.id][camera] = replace(offer, bitrate_bps=offer.bitrate_bps * 2)

    def mend(self) -> None:
        self.is_away = False
        for machine in self.machines:
            machine.is_frozen = machine.is_cut = False
            machine.is_able = True
            if machine.member is None and self.random.random() < 0.5:
                self.start(machine)

    # A run -----------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        faults_s = self.random.uniform(5, 25)
        while self.now_s < faults_s:
            self.second()
            if self.random.random() < 0.25:
                self.fault()
        self.mend()
        until_s = self.now_s + CALM_S
        while self.now_s < until_s:
            self.second()
        self.check_calm()

    def second(self) -> None:
        begin_s = self.now_s
        for machine in sorted(self.machines, key=lambda each: each.phase_s):
            self.now_s = begin_s + machine.phase_s
            self.turn(machine)
        self.now_s = begin_s + 1.0

    def check_calm(self) -> None:
        """Who lives records what is its own; what nobody records has no room anywhere."""
        memory = self.memory
        usable = {
            machine.id
            for machine in self.machines
            if machine.member is not None and memory.nodes[machine.id].standing == "member"
        }
        recorders: dict[str, list[str]] = {}
        for machine in self.machines:
            for camera in machine.recording:
                recorders.setdefault(camera, []).append(machine.id)
        loads = dict.fromkeys(usable, 0)
        for camera, found in memory.assignments.items():
            offered = memory.offers.get(found.node or "", {}).get(camera)
            if found.node in usable and offered is not None:
                loads[found.node] += offered.bitrate_bps
        for node, load_bps in loads.items():
            capacity = memory.nodes[node].capacity_bps
            assert self.has_grown or capacity is None or load_bps <= capacity, f"{node} has more than it has room for"
        for camera in sorted({id_ for offers in self.wanted.values() for id_ in offers}):
            by, found = recorders.get(camera, []), memory.assignments.get(camera)
            assert len(by) <= 1, f"{camera} is recorded by {by}"
            if by:
                continue
            for node in usable:
                offer = memory.offers.get(node, {}).get(camera)
                if offer is None or (offer.failover == "site" and offer.site != memory.nodes[node].site):
                    continue
                if found is not None and found.node is not None and found.node not in usable:
                    held = memory.offers.get(found.node, {}).get(camera)
                    if held is not None and held.failover == "none":
                        continue
                capacity = memory.nodes[node].capacity_bps
                assert capacity is not None, f"{camera} has nobody, and {node} has no limit"
                lesser = sum(
                    known.bitrate_bps
                    for other, known in memory.offers[node].items()
                    if memory.assignments[other].node == node and known.priority < offer.priority
                )
                assert loads[node] - lesser + offer.bitrate_bps > capacity, f"{camera} has nobody, and {node} has room"
