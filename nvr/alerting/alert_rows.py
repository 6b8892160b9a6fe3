"""An alert as the catalogue keeps it, and back."""

from __future__ import annotations

from nvr.alerting import outages
from nvr.alerting.conditions import AlertKind
from nvr.alerting.lifecycle import Alert
from nvr.alerting.rows import AlertMember, AlertRow

__all__ = ["alert_of", "row_of"]


def alert_of(row: AlertRow) -> Alert:
    """The alert that a row is of."""
    members, told, told_us = row.members, row.told, row.told_us
    if not members and row.kind in outages.KINDS:
        # Of a version that did not keep them.
        members = tuple(AlertMember(camera, row.since_us, row.opened_us) for camera in row.cameras)
        told, told_us = len(members), row.opened_us
    return Alert(
        row.id,
        AlertKind(row.kind),
        row.subject,
        row.since_us,
        row.opened_us,
        row.resolved_us,
        row.flaps,
        row.cameras,
        row.detail,
        members,
        row.well_us,
        told,
        told_us,
        (row.acknowledged_us, row.acknowledged_by, row.note, row.acknowledged_by_id),
    )


def row_of(alert: Alert, now_us: int) -> AlertRow:
    """The row of an alert."""
    return AlertRow(
        alert.id,
        alert.kind,
        alert.subject,
        alert.since_us,
        alert.opened_us,
        now_us if alert.well_us is None and alert.resolved_us is None else alert.well_us or alert.resolved_us or now_us,
        alert.resolved_us,
        alert.flaps,
        alert.cameras,
        alert.detail,
        *alert.acknowledged,
        alert.members,
        alert.well_us,
        alert.told,
        alert.told_us,
    )
