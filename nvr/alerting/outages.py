"""Alerts of cameras that are down, alone or as groups: when they are opened, what is told of them in between, and when
they are over. Pure.

A group that is open keeps its cameras until the last of them is recorded, need not be, or is named as still down: then
the group is over (``parted``), and each of those has an alert of its own, of which nobody is notified again. In between
people are notified of a group only when half of those that they know of are well, or half as many again are down, and
not more often than every ten minutes.

Invariants: a camera is in at most one open alert; one that has been down for long is in exactly one; ``resolved`` is
never said while a camera of the alert is down; nothing is ever opened for a camera that need not be recorded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from nvr.alerting.conditions import AlertKind
from nvr.alerting.folding import Group, belongs, fold
from nvr.alerting.lifecycle import Alert, Change, Event, hold_us, new_id, newest
from nvr.alerting.rows import AlertMember
from nvr.cameras.present import CameraNow
from storage.causes import Cause

__all__ = ["KINDS", "OutageRules", "step"]

KINDS: Final = (AlertKind.CAMERA_DOWN, AlertKind.CAMERAS_DOWN)
# Cameras behind one cable are missed one after the other, within seconds: one by itself waits a little longer, so that
# the group comes first.
_GROUP_FIRST_US: Final = 15_000_000
# Less is no part of an outage yet.
_SHORTLY_US: Final = 30_000_000
# So many times the number that makes a group are one, whatever part of the whole they are.
_MANY: Final = 10
# A group takes in what goes down within this time of the last that it took in: later it is news.
_JOINS_US: Final = 1_800_000_000
# A group must have stayed as it is for so long before people are notified of how it stands.
_SETTLED_US: Final = 600_000_000


@dataclass(frozen=True, slots=True)
class OutageRules:
    """The settings: labels to fold by, from how many cameras on; how long a camera must be down (``after_us``) or well
    (``clear_us``). ``started_us``: when the server started; what it did not watch does not count as lasting."""

    by: Sequence[str]
    from_: int
    after_us: int
    clear_us: int
    started_us: int = 0


def step(
    alerts: Iterable[Alert],
    fleet: Mapping[str, CameraNow],
    labels: Mapping[str, Mapping[str, str]],
    rules: OutageRules,
    *,
    now_us: int,
) -> list[Change]:
    """What changes. ``alerts``: those of ``KINDS`` that are open, and those that ended within the last hour. ``fleet``:
    every camera that is not removed."""
    known = [alert for alert in alerts if alert.kind in KINDS]
    work = _Step(known, fleet, labels, rules, now_us)
    work.take_in()
    work.fold()
    work.open_alone()
    work.settle()
    before = {alert.id: alert for alert in known}
    return [
        Change(alert, work.events.get(id_))
        for id_, alert in work.changed.items()
        if alert != before.get(id_) or id_ in work.events
    ]


class _Step:
    """One step. ``open`` are the alerts as they stand, by id; ``changed`` all that were, with those that ended
    meanwhile."""

    def __init__(
        self,
        known: Sequence[Alert],
        fleet: Mapping[str, CameraNow],
        labels: Mapping[str, Mapping[str, str]],
        rules: OutageRules,
        now_us: int,
    ) -> None:
        self.fleet, self.rules, self.now_us = fleet, rules, now_us
        self.labels = {id_: labels.get(id_, {}) for id_, camera in fleet.items() if camera.is_required}
        self.ended = newest(known, now_us=now_us)
        self.open = {alert.id: self._seen(alert) for alert in known if alert.resolved_us is None}
        self.changed: dict[str, Alert] = dict(self.open)
        self.events: dict[str, Event] = {}
        self.down = {id_: camera for id_, camera in fleet.items() if camera.is_down}

    def take_in(self) -> None:
        """What goes down with a group that has just been opened is the group's."""
        for group in list(self._groups()):
            joined_us = max((m.joined_us for m in group.members), default=0)
            if self.now_us - joined_us <= _JOINS_US:
                self._join(group, [id_ for id_ in self._free() if self._lasts(id_) and self._belongs(group, id_)])

    def fold(self) -> None:
        """Cameras that have lasted, alone or not told yet, and that share something."""
        by, from_ = self.rules.by, self.rules.from_
        free = [*self._alone(), *(id_ for id_ in self._free() if self._lasts(id_))]
        grouped = [m.camera for group in self._groups() for m in group.members if m.well_us is None]
        self._group(fold(self._causes(free), self.labels, by=by, from_=from_, grouped=grouped))
        # So many at once that nobody would read a message each, though they are a small part of whatever they share.
        new = self._causes(id_ for id_ in self._free() if self._lasts(id_))
        self._group(fold(new, self.labels, by=by, from_=_MANY * from_, share=False))

    def _group(self, found: Iterable[Group]) -> None:
        for group in found:
            known = next((alert for alert in self._groups() if alert.subject == group.subject), None)
            if known is None:
                known = self._opened(AlertKind.CAMERAS_DOWN, group.subject, group.cameras)
                # Those that went down a moment later are down all the same: people are told how many it is.
                shortly_us = min(self.rules.after_us, _SHORTLY_US)
                others = [id_ for id_ in self._free() if self._lasts(id_, shortly_us) and self._belongs(known, id_)]
                known = self._join(known, others)
                self._emit(known, "opened")
            self._join(known, group.cameras)

    def open_alone(self) -> None:
        """Those that are left, each by itself. One that seems to be part of a group whose other cameras have not lasted
        yet waits for it, but not for ever."""
        free = {id_: self.down[id_].cause for id_ in self._free()}
        coming = {
            id_ for group in fold(free, self.labels, by=self.rules.by, from_=self.rules.from_) for id_ in group.cameras
        }
        for id_ in list(free):
            after_us = self.rules.after_us * (2 if id_ in coming else 1) + _GROUP_FIRST_US
            if self._lasts(id_, after_us):
                self._emit(self._opened(AlertKind.CAMERA_DOWN, id_, (id_,)), "opened")

    def settle(self) -> None:
        """What is over, and what people should know of groups."""
        for alert in list(self.open.values()):
            down = [m for m in alert.members if m.well_us is None]
            if not down:
                well_us = max((m.well_us for m in alert.members if m.well_us is not None), default=self.now_us)
                if self.now_us - well_us >= hold_us(self.rules.clear_us, alert.flaps):
                    ended = replace(alert, resolved_us=well_us, well_us=well_us, detail=self._with_reasons(alert))
                    self._end(ended, "resolved")
                elif alert.well_us != well_us:
                    self._set(replace(alert, well_us=well_us))
            elif alert.kind is AlertKind.CAMERAS_DOWN and alert.id not in self.events:
                self._report(alert, down)

    def _with_reasons(self, alert: Alert) -> dict[str, Any]:
        """The detail, with why those that need not be recorded any more need not."""
        reasons = Counter[str]()
        for member in alert.members:
            if not member.is_required:
                camera = self.fleet.get(member.camera)
                reasons[Cause.NOT_CONFIGURED if camera is None or camera.cause is None else camera.cause] += 1
        return (
            {**alert.detail, "ended": {str(cause): n for cause, n in reasons.most_common()}}
            if reasons
            else dict(alert.detail)
        )

    def _report(self, group: Alert, down: Sequence[AlertMember]) -> None:
        patience_us = hold_us(_SETTLED_US, group.flaps)
        if self.now_us - (group.told_us or 0) < patience_us:
            return
        # A camera that comes and goes keeps a group from settling: it changes nothing.
        changed_us = max(m.well_us if m.well_us is not None else max(m.since_us, m.joined_us) for m in group.members)
        told = max(group.told, 1)
        if len(down) >= told + max(self.rules.from_, told // 2):
            self._emit(replace(group, flaps=group.flaps + 1), "changed")
        elif 2 * len(down) <= told and self.now_us - changed_us >= patience_us:
            if len(down) >= self.rules.from_:
                self._emit(group, "changed")
            else:
                self._part(group, down)

    def _part(self, group: Alert, down: Sequence[AlertMember]) -> None:
        self._end(replace(group, resolved_us=self.now_us, well_us=None), "parted")
        for member in down:
            alert = self._opened(AlertKind.CAMERA_DOWN, member.camera, (member.camera,))
            self._set(replace(alert, told=1, told_us=self.now_us, acknowledged=group.acknowledged))

    # What there is.

    def _groups(self) -> Iterator[Alert]:
        return (alert for alert in list(self.open.values()) if alert.kind is AlertKind.CAMERAS_DOWN)

    def _alone(self) -> dict[str, Alert]:
        return {alert.subject: alert for alert in self.open.values() if alert.kind is AlertKind.CAMERA_DOWN}

    def _free(self) -> list[str]:
        taken = {m.camera for alert in self.open.values() for m in alert.members}
        return [id_ for id_ in self.down if id_ not in taken]

    def _causes(self, cameras: Iterable[str]) -> dict[str, Cause | None]:
        return {id_: self.down[id_].cause for id_ in cameras if id_ in self.down}

    def _lasts(self, camera: str, after_us: int | None = None) -> bool:
        since_us = max(self._since(self.down[camera]), self.rules.started_us)
        return self.now_us - since_us >= (self.rules.after_us if after_us is None else after_us)

    def _since(self, camera: CameraNow) -> int:
        return self.now_us if camera.since_us is None else camera.since_us

    def _belongs(self, group: Alert, camera: str) -> bool:
        return belongs(group.subject, self.labels.get(camera, {}), self.down[camera].cause)

    # What becomes of it.

    def _seen(self, alert: Alert) -> Alert:
        """The alert with what is so of its cameras now."""
        return self._counted(replace(alert, members=tuple(self._member(m) for m in alert.members)))

    def _member(self, member: AlertMember) -> AlertMember:
        camera = self.fleet.get(member.camera)
        if camera is not None and camera.is_down:
            return replace(member, since_us=self._since(camera), well_us=None, is_required=True)
        is_required = camera is not None and (camera.is_required or camera.is_recording)
        if member.well_us is not None:
            # A clock that was set back does not make it well in the future. What left and is recorded has come back
            # after all.
            return replace(
                member, well_us=min(member.well_us, self.now_us), is_required=member.is_required or is_required
            )
        return replace(member, well_us=self.now_us, is_required=is_required)

    def _counted(self, alert: Alert) -> Alert:
        """The alert with what follows from its members."""
        down = [m for m in alert.members if m.well_us is None]
        if not down:
            return alert
        causes = Counter(
            camera.cause.value for m in down if (camera := self.fleet.get(m.camera)) and camera.cause is not None
        )
        if alert.kind is AlertKind.CAMERA_DOWN:
            detail: dict[str, Any] = {"cause": next(iter(causes))} if causes else {}
            footage_us = self.fleet[down[0].camera].footage_us
            if footage_us is not None and footage_us < down[0].since_us:
                detail["footage_us"] = footage_us
            since_us = down[0].since_us
        else:
            total = sum(
                belongs(alert.subject, own, self.fleet[id_].cause if self.fleet[id_].is_down else None)
                for id_, own in self.labels.items()
            )
            detail = {"down": len(down), "of": max(total, len(down)), "causes": dict(causes.most_common())}
            # When it began, though that camera may be back.
            since_us = min([alert.since_us, *(m.since_us for m in down)])
        return replace(
            alert, since_us=since_us, cameras=tuple(sorted(m.camera for m in down)), detail=detail, well_us=None
        )

    def _new_members(self, cameras: Iterable[str]) -> tuple[AlertMember, ...]:
        return tuple(AlertMember(id_, self._since(self.down[id_]), self.now_us) for id_ in cameras)

    def _opened(self, kind: AlertKind, subject: str, cameras: Sequence[str]) -> Alert:
        before = self.ended.pop((kind, subject), None)
        for id_ in cameras:
            self._fold_away(id_, subject, kind)
        members = self._new_members(cameras)
        since_us = min(m.since_us for m in members)
        if before is not None:
            alert = replace(
                before, since_us=since_us, members=members, resolved_us=None, flaps=before.flaps + 1, told=0
            )
        else:
            alert = Alert(new_id(), kind, subject, since_us, self.now_us, members=members)
        return self._set(self._counted(alert))

    def _join(self, group: Alert, cameras: Iterable[str]) -> Alert:
        group = self.open[group.id]
        members = {m.camera for m in group.members}
        new = [id_ for id_ in cameras if id_ not in members]
        if not new:
            return group
        for id_ in new:
            self._fold_away(id_, group.subject, AlertKind.CAMERAS_DOWN)
        return self._set(self._counted(replace(group, members=(*group.members, *self._new_members(new)))))

    def _fold_away(self, camera: str, subject: str, kind: AlertKind) -> None:
        """An alert of a camera that becomes part of a group ends, and nobody is told: the group tells."""
        alone = self._alone().get(camera)
        if alone is not None and kind is AlertKind.CAMERAS_DOWN:
            detail = {**alone.detail, "folded_into": subject}
            self._end(replace(alone, resolved_us=self.now_us, detail=detail), None)

    def _emit(self, alert: Alert, event: Event) -> None:
        down = sum(m.well_us is None for m in alert.members)
        self._set(replace(alert, told=down, told_us=self.now_us))
        self.events[alert.id] = event

    def _set(self, alert: Alert) -> Alert:
        self.open[alert.id] = self.changed[alert.id] = alert
        return alert

    def _end(self, alert: Alert, event: Event | None) -> None:
        del self.open[alert.id]
        self.changed[alert.id] = alert
        if event is not None:
            self.events[alert.id] = event
