"""All that rights depend on, as it is in the catalogue, kept until it changes; and a person's rights by it.

Invariant: what is answered is by the catalogue's state of the moment that was asked: one number (``rows.revision``) is
read each time, and with another one everything is read anew.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from nvr.access import closures, groups, rows
from nvr.access.decide import Decision, both, decide_on
from nvr.access.model import Closure, Grant, LabelledCamera
from nvr.access.roles import NOT_FOR_SERVICES, AccessAction
from storage.catalogue.actors import is_group, is_service
from storage.catalogue.selection import Selection
from storage.intervals import Interval

__all__ = ["AccessSnapshot", "AccessSnapshots", "Rights", "Sight"]

# Decisions of so many pairs of a person and a camera are remembered.
_MOST_REMEMBERED: Final = 100_000


class AccessSnapshot:
    """As of one revision. Nothing in it changes, but what is remembered of it."""

    def __init__(
        self,
        revision: int,
        cameras: Mapping[str, LabelledCamera],
        grants: Iterable[Grant],
        shut: Iterable[Closure],
        members: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        """``members``: the groups of each user who is in some."""
        self.revision = revision
        self.cameras = cameras
        self.ids = frozenset(cameras)
        self._some_labels: Mapping[str, str] = next((camera.labels for camera in cameras.values()), {})
        by_holder: defaultdict[str, list[Grant]] = defaultdict(list)
        for grant in grants:
            by_holder[grant.holder].append(grant)
        self.members = members or {}
        self._held = {holder: tuple(found) for holder, found in by_holder.items()}
        # A group's are those of its members.
        self._grants = {holder: found for holder, found in self._held.items() if not is_group(holder)}
        for user, theirs in self.members.items():
            if given := [grant for group in sorted(theirs) for grant in self._held.get(group, ())]:
                self._grants[user] = (*self._grants.get(user, ()), *given)
        by_camera: defaultdict[str, list[Closure]] = defaultdict(list)
        for one in shut:
            by_camera[one.camera].append(one)
        self._closures = {camera: tuple(found) for camera, found in by_camera.items()}
        self._chosen: dict[str, frozenset[str]] = {}
        self._on: dict[tuple[str, str], tuple[Grant, ...]] = {}

    @classmethod
    def read(cls, conn: sqlite3.Connection) -> AccessSnapshot:
        """What the catalogue says now. Removed cameras are in it: their footage is there."""
        cameras = {
            str(row["id"]): LabelledCamera(row["id"], json.loads(row["labels"]))
            for row in conn.execute("SELECT id, labels FROM camera")
        }
        members = groups.members_by_user(conn)
        return cls(rows.revision(conn), cameras, rows.every_grant(conn), closures.closures(conn), members)

    def grants(self, holder: str) -> Sequence[Grant]:
        """Somebody's, their groups' too, or a group's, in force or not yet or not any more."""
        found = self._grants.get(holder)
        return self._held.get(holder, ()) if found is None else found

    def holders(self) -> Iterable[str]:
        """Everybody who has a grant, by themselves or by a group."""
        return self._grants

    def all_grants(self) -> list[Grant]:
        """Each grant once."""
        return [grant for found in self._held.values() for grant in found]

    def closures(self, camera: str) -> Sequence[Closure]:
        """Those of a camera, in force or not."""
        return self._closures.get(camera, ())

    def grants_on(self, holder: str, camera: str) -> tuple[Grant, ...]:
        """Those of somebody's grants that choose a camera, whatever the time."""
        found = self._on.get((holder, camera))
        if found is not None:
            return found
        known = self.cameras.get(camera)
        # What is not there is looked at as what is hidden, and neither is remembered: how long it takes says nothing.
        labels = self._some_labels if known is None else known.labels
        found = tuple(grant for grant in self.grants(holder) if grant.cameras.has(camera, labels))
        if known is None or not found:
            return ()
        if len(self._on) >= _MOST_REMEMBERED:
            self._on = {}
        self._on[holder, camera] = found
        return found

    def chosen(self, query: Selection) -> frozenset[str]:
        """The cameras of a query."""
        found = self._chosen.get(query.text)
        if found is None:
            found = frozenset(camera.id for camera in self.cameras.values() if query.has(camera.id, camera.labels))
            self._chosen[query.text] = found
        return found


@dataclass(frozen=True, slots=True)
class Sight:
    """Which cameras somebody may do something with. ``everything``: all that there are, and all that come."""

    everything: bool
    ids: frozenset[str]

    @property
    def among(self) -> frozenset[str] | None:
        """The cameras; None: all."""
        return None if self.everything else self.ids

    def __contains__(self, camera: object) -> bool:
        return camera in self.ids


class Rights:
    """What somebody may do at a moment. ``most``: what a token of theirs, or a screen, may do at most; ``within``:
    whose grants it must be within as well, those of a token that holds some itself."""

    def __init__(
        self,
        snapshot: AccessSnapshot,
        holder: str,
        now_us: int,
        most: frozenset[AccessAction] | None = None,
        within: str | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.holder = holder
        self.now_us = now_us
        if is_service(holder):
            most = (frozenset(AccessAction) if most is None else most) - NOT_FOR_SERVICES
        if within is not None:
            # Who gives rights gives what they have themselves: that is not told of two sets of grants.
            most = (frozenset(AccessAction) if most is None else most) - {AccessAction.PEOPLE}
        self.most = most
        self._within = None if within is None else Rights(snapshot, within, now_us, most)

    @property
    def within(self) -> str | None:
        """Whose grants it must be within as well."""
        return None if self._within is None else self._within.holder

    @property
    def grants(self) -> list[Grant]:
        """Those in force."""
        return [self._limited(grant) for grant in self.snapshot.grants(self.holder) if grant.holds_at(self.now_us)]

    def _limited(self, grant: Grant) -> Grant:
        if self.most is None or grant.actions <= self.most:
            return grant
        return replace(grant, actions=grant.actions & self.most)

    @property
    def actions(self) -> frozenset[AccessAction]:
        """What they may do with some camera."""
        mine = frozenset(action for grant in self.grants for action in grant.actions)
        return mine if self._within is None else mine & self._within.actions

    def on(
        self, camera: str, action: AccessAction, asked: Interval | None = None, *, window_us: int | None = None
    ) -> Decision:
        """Whether they may do this with a camera, or with a time of it; ``window_us`` as of ``decide_on``."""
        mine = [self._limited(grant) for grant in self.snapshot.grants_on(self.holder, camera)]
        shut = self.snapshot.closures(camera)
        decision = decide_on(mine, shut, now_us=self.now_us, action=action, asked=asked, window_us=window_us)
        if self._within is None or not decision.allowed:
            return decision
        return both(decision, self._within.on(camera, action, asked, window_us=window_us))

    def cameras(self, *actions: AccessAction) -> Sight:
        """The cameras with which they may do one of these."""
        if self._within is not None:
            # One by one: what the one gives of one action and the other of another is neither.
            whole = Rights(self.snapshot, self.holder, self.now_us, self.most)
            each = [(whole.cameras(action), self._within.cameras(action)) for action in actions]
            everything = any(a.everything and b.everything for a, b in each)
            return Sight(everything, frozenset().union(*(a.ids & b.ids for a, b in each)))
        able = [grant for grant in self.grants if not grant.actions.isdisjoint(actions)]
        if any(not grant.cameras.terms for grant in able):
            return Sight(True, self.snapshot.ids)
        chosen = [self.snapshot.chosen(grant.cameras) for grant in able]
        return Sight(False, frozenset().union(*chosen))

    def everywhere(self, action: AccessAction) -> bool:
        """Whether they may do this with every camera and all footage: what concerns the server as a whole."""
        if self._within is not None and not self._within.everywhere(action):
            return False
        return any(action in grant.actions and grant.is_of_all for grant in self.grants)


class AccessSnapshots:
    """The snapshot of now. One for a process; any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: AccessSnapshot | None = None

    def now(self, conn: sqlite3.Connection) -> AccessSnapshot:
        """As the catalogue is in this connection's transaction."""
        last = self._last
        if last is not None and last.revision == rows.revision(conn):
            return last
        with self._lock:
            last = self._last
            if last is None or last.revision != rows.revision(conn):
                last = AccessSnapshot.read(conn)
                self._last = last
            return last
