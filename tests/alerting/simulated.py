"""A fleet and its alerts over simulated time, kept as the catalogue keeps them, and what people are told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from nvr.alerting.conditions import AlertKind
from nvr.alerting.lifecycle import Alert
from nvr.alerting.outages import OutageRules, step
from nvr.alerting.rows import AlertMember
from nvr.cameras.present import CameraNow
from storage.causes import Cause

__all__ = ["HOUR", "MINUTE", "Fleet", "S", "Told"]

S = 1_000_000
MINUTE = 60 * S
HOUR = 60 * MINUTE


@dataclass(frozen=True, slots=True)
class Told:
    """A message: when, of what, and which cameras it names as down and as well."""

    at_us: int
    event: str
    kind: AlertKind
    subject: str
    down: tuple[str, ...]
    well: tuple[str, ...]


class Fleet:
    """``state`` of a camera: ``well``, a cause of its outage, or one of a decision."""

    def __init__(
        self, labels: Mapping[str, Mapping[str, str]], *, by: Sequence[str] = ("isp",), from_: int = 5, now_us: int = 0
    ) -> None:
        self.labels = dict(labels)
        self.rules = OutageRules(by=by, from_=from_, after_us=5 * MINUTE, clear_us=MINUTE, started_us=0)
        self.now_us = now_us
        self.state: dict[str, tuple[str | Cause, int]] = dict.fromkeys(labels, ("well", 0))
        self.rows: dict[str, str] = {}
        self._read_already: dict[str, Alert] = {}
        self.told: list[Told] = []

    def set(self, state: str | Cause, *cameras: str) -> None:
        for camera in cameras:
            before, since_us = self.state[camera]
            # A change of cause does not begin an outage anew; a decision does.
            goes_on = _is_outage(before) and _is_outage(state)
            self.state[camera] = (state, since_us if goes_on else self.now_us)

    def remove(self, camera: str) -> None:
        del self.state[camera], self.labels[camera]

    def restart(self) -> None:
        self.rules = OutageRules(**{**asdict(self.rules), "started_us": self.now_us})

    @property
    def fleet(self) -> dict[str, CameraNow]:
        return {camera: _now(camera, state, since_us) for camera, (state, since_us) in self.state.items()}

    @property
    def alerts(self) -> list[Alert]:
        return [_read(text) for text in self.rows.values()]

    def _kept(self) -> list[Alert]:
        """As ``alerts``; what has not changed is not read again."""
        for id_, text in self.rows.items():
            if id_ not in self._read_already:
                self._read_already[id_] = _read(text)
        return list(self._read_already.values())

    @property
    def open(self) -> list[Alert]:
        return [alert for alert in self.alerts if alert.resolved_us is None]

    def look(self) -> None:
        """One look, from what is kept and from nothing else."""
        fleet = self.fleet
        recent = [a for a in self._kept() if a.resolved_us is None or self.now_us - a.resolved_us < HOUR]
        for change in step(recent, fleet, self.labels, self.rules, now_us=self.now_us):
            alert = change.alert
            self.rows[alert.id] = json.dumps(asdict(alert))
            self._read_already.pop(alert.id, None)
            if change.event is not None:
                down = tuple(sorted(m.camera for m in alert.members if m.well_us is None))
                well = tuple(sorted(m.camera for m in alert.members if m.well_us is not None))
                # Who is said to be down is; "over" is said of nobody who is; and there is something to say.
                assert all(fleet[camera].is_down for camera in down)
                assert not any(camera in fleet and fleet[camera].is_down for camera in well)
                assert bool(down) is (change.event != "resolved")
                self.told.append(Told(self.now_us, change.event, alert.kind, alert.subject, down, well))

    def run(self, us: int, *, every_us: int = 15 * S) -> None:
        """Time passes."""
        end_us = self.now_us + us
        while self.now_us < end_us:
            self.now_us = min(end_us, self.now_us + every_us)
            self.look()

    def forget_what_was_read(self) -> None:
        """The rows were changed by others."""
        self._read_already.clear()

    @property
    def events(self) -> list[tuple[str, str]]:
        return [(told.event, told.subject) for told in self.told]


def _is_outage(state: str | Cause) -> bool:
    return isinstance(state, Cause) and state not in (
        Cause.DISABLED, Cause.MAINTENANCE, Cause.SCHEDULE, Cause.NOT_CONFIGURED,
    )  # fmt: skip


def _now(camera: str, state: str | Cause, since_us: int) -> CameraNow:
    if state == "well":
        return CameraNow(0, camera, True, True)
    assert isinstance(state, Cause)
    return CameraNow(0, camera, _is_outage(state), False, since_us, state, {}, since_us if _is_outage(state) else None)


def _read(text: str) -> Alert:
    values = json.loads(text)
    values["kind"] = AlertKind(values["kind"])
    values["members"] = tuple(AlertMember(**member) for member in values["members"])
    values["cameras"] = tuple(values["cameras"])
    values["acknowledged"] = tuple(values["acknowledged"])
    return Alert(**values)
