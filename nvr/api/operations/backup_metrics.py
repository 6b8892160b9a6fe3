"""Metrics of backups: how old the last one is, and whether the last drill could restore it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric

from nvr.backups.state import read_state

__all__ = ["backup_metrics"]


def backup_metrics(conn: sqlite3.Connection, now_us: int) -> Iterable[Metric]:
    """Nothing of what there never was."""
    state = read_state(conn)
    if state.made_us is not None:
        age_s = (now_us - state.made_us) / 1e6
        yield GaugeMetricFamily("nvr_backup_age_seconds", "Age of the last backup", value=age_s)
        yield GaugeMetricFamily("nvr_backup_bytes", "Bytes of the last backup", value=state.made_bytes)
    if state.made_us is not None or state.failed is not None:
        failed = state.failed is not None
        yield GaugeMetricFamily("nvr_backup_failed", "1: the last attempt at a backup failed", value=int(failed))
    if state.drilled_us is not None:
        age_s = (now_us - state.drilled_us) / 1e6
        yield GaugeMetricFamily("nvr_backup_drill_age_seconds", "Age of the last drill of a backup", value=age_s)
        passed = state.drill_failed is None
        yield GaugeMetricFamily(
            "nvr_backup_drill_passed",
            "1: the last drill restored the backup and noticed damaged ones",
            value=int(passed),
        )
