"""What footage goes, and why: pure decisions over a state that is read only as far as they need.

Judged by a segment's **end**: a segment goes when all of it is past its time. A camera's oldest go first; between
cameras, whichever's next segment ends first. Invariants: nothing goes that no rule names; a rule names no more than it
needs; growing and held segments never go; what is younger than ``min_age`` goes for ``max_age`` alone; what is leased
(``storage.retention.leases``) waits, but for free space and never an hour past ``max_age``.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from storage.catalogue.segments import Key
from storage.retention import holds
from storage.retention.holds import Ranges
from storage.retention.policies import Policy

__all__ = [
    "MAX_AGE",
    "MAX_BYTES",
    "SPACE",
    "Candidate",
    "Deletion",
    "Disk",
    "Footage",
    "Policy",
    "RetentionPlan",
    "Shortfall",
    "plan",
]

MAX_AGE: Final = "max_age"
MAX_BYTES: Final = "max_bytes"
SPACE: Final = "free_space_floor"

_NEVER_US: Final = 1 << 62
LEASED_PAST_AGE_US: Final = 3_600_000_000
"""So long footage that is being read may outlast its ``max_age``."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A closed segment as the planner sees it."""

    key: Key
    end_us: int
    bytes: int
    root: str


@dataclass(frozen=True, slots=True)
class Disk:
    """A root's disk: bytes free, how many must stay free, and bytes in all (0: not known)."""

    root: str
    free_bytes: int
    floor_bytes: int
    total_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Deletion:
    """A segment to go, and the rule that says so: ``MAX_AGE``, ``MAX_BYTES`` or ``SPACE``."""

    candidate: Candidate
    rule: str


@dataclass(frozen=True, slots=True)
class Shortfall:
    """So many bytes are missing on a root to its floor, and all that is left there is protected."""

    root: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Footage:
    """A camera's footage. ``segments``: its closed segments by start, read only as far as needed; those that are sure
    to be protected may be left out, and ``overdue`` says how many of these are held past ``max_age``. ``leases``: what
    is being read. ``bytes``: of all its closed segments, ``held_bytes``: of those that holds keep, which take no room
    of ``max_bytes``. ``garbage``: by root, bytes that are given up already and still on the disk."""

    camera: str
    policy: Policy
    segments: Iterable[Candidate] = field(default=())
    bytes: int = 0
    holds: Ranges = field(default=())
    garbage: Mapping[str, int] = field(default_factory=dict)
    overdue: int = 0
    leases: Ranges = field(default=())
    held_bytes: int = 0

    @property
    def beyond(self) -> int:
        """Bytes that the camera has beyond its ``max_bytes`` because of holds."""
        most = self.policy.max_bytes
        return 0 if most is None else max(0, min(self.held_bytes, self.bytes - most))


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """``deletions``, oldest end first. ``shortfalls``: floors that can't be reached. ``overdue``: held segments past
    their ``max_age``. ``beyond``: by camera, the bytes that it has beyond its ``max_bytes`` because of holds.
    ``complete`` is false if there is more to delete than was asked for; then nothing is said of floors."""

    deletions: Sequence[Deletion]
    shortfalls: Sequence[Shortfall]
    overdue: int
    complete: bool
    beyond: Mapping[str, int] = field(default_factory=dict)


class _Camera:
    """One camera's part of a plan under way."""

    def __init__(self, footage: Footage, now_us: int) -> None:
        self.footage = footage
        policy = footage.policy
        self.due_us = -1 if policy.max_age_us is None else now_us - policy.max_age_us
        self.young_us = _NEVER_US if policy.min_age_us is None else now_us - policy.min_age_us
        # What is held takes no room: or a hold near the limit would cost everything that the camera recorded since.
        self.excess = 0 if policy.max_bytes is None else footage.bytes - footage.held_bytes - policy.max_bytes
        self.overdue = footage.overdue
        self._kept: list[Candidate] = []
        self._leased: list[Candidate] = []
        self._rest = iter(footage.segments)

    def by_rules(self) -> Iterator[Deletion]:
        """What ``max_age`` and ``max_bytes`` name. What goes for its age counts for ``max_bytes`` too, wherever it
        stands."""
        if self.due_us < 0 and self.excess <= 0:
            return
        mature: list[Candidate] = []
        mature_bytes = 0
        for candidate in self._rest:
            if not self._is_held(candidate):
                if candidate.end_us <= self.due_us:
                    self.excess -= candidate.bytes
                    if self._is_leased(candidate) and candidate.end_us > self.due_us - LEASED_PAST_AGE_US:
                        self._leased.append(candidate)
                    else:
                        yield Deletion(candidate, MAX_AGE)
                elif candidate.end_us <= self.young_us:
                    mature.append(candidate)
                    mature_bytes += candidate.bytes
            # Later ones begin later: none of them is due, and enough are found or none may go.
            start_us = candidate.key.start_us
            if start_us > self.due_us and (mature_bytes >= self.excess or start_us > self.young_us):
                break
        for number, candidate in enumerate(mature):
            if self.excess <= 0:
                self._kept = mature[number:]
                return
            # A leased one counts as gone, since it soon will be: nothing younger goes in its place.
            self.excess -= candidate.bytes
            if self._is_leased(candidate):
                self._leased.append(candidate)
            else:
                yield Deletion(candidate, MAX_BYTES)

    def _is_leased(self, candidate: Candidate) -> bool:
        leases = self.footage.leases
        return bool(leases) and holds.touches(candidate.key.start_us, candidate.end_us, leases)

    def _is_held(self, candidate: Candidate) -> bool:
        if not self.footage.holds or not holds.touches(candidate.key.start_us, candidate.end_us, self.footage.holds):
            return False
        self.overdue += candidate.end_us <= self.due_us
        return True

    def for_space(self) -> Iterator[Candidate]:
        """What may go for free space, by start; what is leased last, but it goes: recording comes first."""
        for candidate in itertools.chain(self._kept, self._more()):
            if self._is_leased(candidate):
                self._leased.append(candidate)
            else:
                yield candidate
        yield from self._leased

    def _more(self) -> Iterator[Candidate]:
        for candidate in self._rest:
            if candidate.key.start_us > self.young_us:
                return
            if candidate.end_us <= self.young_us and not self._is_held(candidate):
                yield candidate


def plan(footage: Iterable[Footage], disks_: Iterable[Disk], *, now_us: int, most: int | None = None) -> RetentionPlan:
    """The deletions that the rules ask for now; ``most`` bounds them. Pure, but that it reads ``Footage.segments`` as
    it goes."""
    cameras: list[_Camera] = []
    deletions: list[Deletion] = []
    freed: dict[str, int] = {}
    complete = True
    for entry in footage:
        for root, bytes_ in entry.garbage.items():
            # A disk that refuses to unlink is not helped by giving up more and more.
            freed[root] = freed.get(root, 0) + bytes_
        camera = _Camera(entry, now_us)
        cameras.append(camera)
        for deletion in camera.by_rules():
            if most is not None and len(deletions) >= most:
                complete = False
                break
            deletions.append(deletion)
            freed[deletion.candidate.root] = freed.get(deletion.candidate.root, 0) + deletion.candidate.bytes
        if not complete:
            break
    shortfalls: list[Shortfall] = []
    if complete:
        short = {disk.root: disk.floor_bytes - disk.free_bytes - freed.get(disk.root, 0) for disk in disks_}
        short = {root: bytes_ for root, bytes_ in short.items() if bytes_ > 0}
        complete = _for_space(cameras, short, deletions, most)
        if complete:
            shortfalls = [Shortfall(root, bytes_) for root, bytes_ in sorted(short.items()) if bytes_ > 0]
    deletions.sort(key=lambda deletion: (deletion.candidate.end_us, deletion.candidate.key.camera))
    beyond = {camera.footage.camera: camera.footage.beyond for camera in cameras if camera.footage.beyond}
    return RetentionPlan(deletions, shortfalls, sum(camera.overdue for camera in cameras), complete, beyond)


def _for_space(cameras: Sequence[_Camera], short: dict[str, int], deletions: list[Deletion], most: int | None) -> bool:
    """Takes the oldest of the fleet until no root is ``short`` (which is counted down); says whether ``most`` allowed
    all."""
    wanted = {root for root, bytes_ in short.items() if bytes_ > 0}
    if not wanted:
        return True
    streams = [camera.for_space() for camera in cameras]
    heap: list[tuple[int, int, Candidate]] = []
    for number, stream in enumerate(streams):
        _push(heap, number, stream)
    while heap and wanted:
        _, number, candidate = heap[0]
        if candidate.root in wanted:
            if most is not None and len(deletions) >= most:
                return False
            deletions.append(Deletion(candidate, SPACE))
            short[candidate.root] -= candidate.bytes
            if short[candidate.root] <= 0:
                wanted.discard(candidate.root)
        heapq.heappop(heap)
        _push(heap, number, streams[number])
    return True


def _push(heap: list[tuple[int, int, Candidate]], number: int, stream: Iterator[Candidate]) -> None:
    candidate = next(stream, None)
    if candidate is not None:
        heapq.heappush(heap, (candidate.end_us, number, candidate))
