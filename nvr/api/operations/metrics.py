"""``/metrics`` for Prometheus: the health of recording, read from the catalogue when asked.

Label sets grow with cameras, roots and the fixed words of causes, alerts and nothing else.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from litestar import Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from nvr.alerting import deliveries
from nvr.alerting import rows as alerts
from nvr.alerting.clock import synchronised
from nvr.api.http.auth import is_admin
from nvr.api.http.respond import ApiRequest, encoded
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.api.operations.backup_metrics import backup_metrics
from nvr.api.operations.nodes import kept_fleet, node_metrics
from nvr.api.operations.server_metrics import server_metrics
from nvr.cameras.present import present
from storage.catalogue import audit, status
from storage.catalogue.counters import LEVELS, NAMES
from storage.causes import Cause
from storage.disk.roots import Root, is_mounted
from storage.retention.free_space import disks
from storage.writing import at_risk

__all__ = ["ROUTES"]

_STATES: Final = ("recording", "waiting", "off")


class _Recording(Collector):
    """One answer's worth of metrics."""

    def __init__(self, services: Services, *, whole: bool) -> None:
        self._services = services
        # Paths are for administrators.
        self._whole = whole

    def collect(self) -> Iterable[Metric]:
        """All metrics, from one snapshot of the catalogue."""
        services = self._services
        now_us = services.now_us()
        info = InfoMetricFamily("nvr", "The server")
        info.add_metric([], {"version": services.settings.version, "node": services.settings.node})
        yield info
        with services.db.read() as conn:
            yield from self._cameras(conn, now_us)
            yield from _catalogue(conn, services.settings.node, now_us)
            yield from self._at_risk(conn, now_us)
            yield from _messages(conn, whole=self._whole)
            yield from backup_metrics(conn, now_us)
            yield from node_metrics(kept_fleet(conn, services.settings), now_us)
        yield from self._machine()
        yield from server_metrics(services)

    def _cameras(self, conn: sqlite3.Connection, now_us: int) -> Iterable[Metric]:
        known = present(conn, now_us)
        found = status.list_all(conn)
        required = GaugeMetricFamily(
            "nvr_camera_required", "1: no order, window or schedule keeps it from being recorded", labels=["camera"]
        )
        began = GaugeMetricFamily(
            "nvr_camera_outage_start_timestamp_seconds",
            "Since when a camera that should be recorded is not; absent while it is, or need not be",
            labels=["camera"],
        )
        recording = GaugeMetricFamily("nvr_camera_recording", "1: footage is being written", labels=["camera"])
        age = GaugeMetricFamily(
            "nvr_camera_footage_age_seconds", "Time since the camera's last footage", labels=["camera"]
        )
        bitrate = GaugeMetricFamily("nvr_camera_bitrate_bits_per_second", "Measured bitrate", labels=["camera"])
        rate = GaugeMetricFamily("nvr_camera_frames_per_second", "Measured frame rate", labels=["camera"])
        states = dict.fromkeys(_STATES, 0)
        causes = dict.fromkeys(Cause, 0)
        for camera, standing in known.items():
            now = found.get(camera)
            is_recording = standing.is_recording
            recording.add_metric([camera], float(is_recording))
            required.add_metric([camera], float(standing.is_required))
            states["recording" if is_recording else "waiting" if standing.is_required else "off"] += 1
            if standing.is_down and standing.since_us is not None:
                began.add_metric([camera], standing.since_us / 1e6)
            if not is_recording and standing.cause is not None:
                causes[standing.cause] += 1
            if now is None:
                continue
            if now.recorded_until_us is not None:
                age.add_metric([camera], max(0, now_us - now.recorded_until_us) / 1e6)
            if is_recording and now.bitrate_bps is not None:
                bitrate.add_metric([camera], now.bitrate_bps)
            if is_recording and now.frame_rate is not None:
                rate.add_metric([camera], now.frame_rate)
        yield from (recording, required, began, age, bitrate, rate)
        yield from _counted([(camera, found[camera].counters) for camera in known if camera in found])
        cameras = GaugeMetricFamily("nvr_cameras", "Cameras by state", labels=["state"])
        for state, count in states.items():
            cameras.add_metric([state], count)
        yield cameras
        down = GaugeMetricFamily(
            "nvr_cameras_not_recording", "Cameras that are not recorded, by cause", labels=["cause"]
        )
        for cause, count in causes.items():
            down.add_metric([cause], count)
        yield down

    def _at_risk(self, conn: sqlite3.Connection, now_us: int) -> Iterable[Metric]:
        names = {identity: str(path) if self._whole else identity for identity, path in self._services.settings.roots}
        found = {names.get(root, root): risk for root, risk in at_risk.by_root(conn, now_us=now_us).items()}
        oldest = GaugeMetricFamily(
            "nvr_power_cut_seconds",
            "Age of the oldest frame, since it arrived, that a power cut would cost now",
            labels=["root"],
        )
        worst = GaugeMetricFamily(
            "nvr_power_cut_worst_seconds",
            "The greatest age that a frame had when it was safe on the disk, of the last five minutes",
            labels=["root"],
        )
        took = GaugeMetricFamily("nvr_sync_seconds", "How long the latest sync of footage took", labels=["root"])
        syncs = CounterMetricFamily("nvr_syncs", "Syncs of footage", labels=["root"])
        late = CounterMetricFamily(
            "nvr_syncs_late", "Syncs that ended when a frame was older than sync_interval", labels=["root"]
        )
        for root, risk in found.items():
            oldest.add_metric([root], risk.oldest_s)
            worst.add_metric([root], risk.worst_s)
            took.add_metric([root], risk.sync_s)
            syncs.add_metric([root], risk.syncs)
            late.add_metric([root], risk.late)
        yield from (oldest, worst, took, syncs, late)
        if found:
            yield GaugeMetricFamily(
                "nvr_power_cut_limit_seconds", "What a power cut may cost at most (sync_interval)",
                value=max(risk.limit_s for risk in found.values()),
            )  # fmt: skip
            yield GaugeMetricFamily(
                "nvr_power_cut_oldest_seconds", "nvr_power_cut_seconds of the root where it is greatest",
                value=max(risk.oldest_s for risk in found.values()),
            )  # fmt: skip

    def _machine(self) -> Iterable[Metric]:
        settings = self._services.settings
        roots = [Root(identity, Path(path)) for identity, path in settings.roots]
        there = GaugeMetricFamily("nvr_root_mounted", "1: the footage disk is there", labels=["root"])
        free = GaugeMetricFamily("nvr_root_free_bytes", "Free space of a footage disk", labels=["root"])
        floor = GaugeMetricFamily("nvr_root_floor_bytes", "Free space that retention keeps", labels=["root"])
        paths = {root.id: str(root.path) if self._whole else root.id for root in roots}
        for root in roots:
            there.add_metric([paths[root.id]], float(is_mounted(root)))
        for disk in disks(roots, settings.floor_bytes, settings.floor_fraction):
            free.add_metric([paths[disk.root]], disk.free_bytes)
            floor.add_metric([paths[disk.root]], disk.floor_bytes)
        yield from (there, free, floor)
        in_sync = synchronised()
        if in_sync is not None:
            yield GaugeMetricFamily("nvr_clock_synchronised", "1: the kernel says so", value=float(in_sync))


def _counted(found: Sequence[tuple[str, Mapping[str, int]]]) -> Iterable[Metric]:
    """What recorders count (storage/catalogue/counters.py): sums as counters, which begin anew with a recorder, levels
    as gauges; times in seconds."""
    for name, what in NAMES.items():
        base, factor = (f"{name.removesuffix('_us')}_seconds", 1e-6) if name.endswith("_us") else (name, 1)
        help_ = f"{what[:1].upper()}{what[1:]}".removesuffix(", microseconds").replace("Microseconds", "Seconds")
        kind = GaugeMetricFamily if name in LEVELS else CounterMetricFamily
        metric = kind(f"nvr_camera_{base}", help_, labels=["camera"])
        for camera, counters in found:
            metric.add_metric([camera], counters.get(name, 0) * factor)
        yield metric


def _catalogue(conn: sqlite3.Connection, node: str, now_us: int) -> Iterable[Metric]:
    beat = conn.execute("SELECT watermark_us FROM node WHERE id = ?", (node,)).fetchone()
    if beat is not None and beat[0] is not None:
        yield GaugeMetricFamily(
            "nvr_heartbeat_age_seconds", "Time since the supervisor's heartbeat", value=max(0, now_us - beat[0]) / 1e6
        )
    unknown = conn.execute("SELECT count(*) FROM fact WHERE cause = ?", (Cause.UNKNOWN,)).fetchone()[0]
    yield GaugeMetricFamily(
        "nvr_unknown_causes",
        "Facts recorded with cause unknown; gaps without a fact are not counted here",
        value=unknown,
    )
    garbage = conn.execute("SELECT count(*), coalesce(sum(bytes), 0) FROM garbage").fetchone()
    yield GaugeMetricFamily("nvr_garbage_files", "Files to be removed", value=garbage[0])
    yield GaugeMetricFamily("nvr_garbage_bytes", "Their bytes", value=garbage[1])
    open_ = GaugeMetricFamily("nvr_alerts_open", "Open alerts by kind", labels=["kind"])
    kinds: dict[str, int] = {}
    for row in alerts.list_all(conn, open_only=True, limit=100_000):
        kinds[row.kind] = kinds.get(row.kind, 0) + 1
    for kind, count in sorted(kinds.items()):
        open_.add_metric([kind], count)
    yield open_
    yield GaugeMetricFamily("nvr_audit_entries", "Entries of the audit log", value=audit.head(conn).seq)


def _messages(conn: sqlite3.Connection, *, whole: bool) -> Iterable[Metric]:
    """How it goes with those who get messages about alerts. Addresses are for administrators: others see a number."""
    waiting = GaugeMetricFamily("nvr_alert_messages_waiting", "Messages not delivered yet", labels=["recipient"])
    failing = GaugeMetricFamily(
        "nvr_alert_recipient_failing", "1: the last attempt to deliver failed", labels=["recipient"]
    )
    accepted = GaugeMetricFamily(
        "nvr_alert_message_accepted_timestamp_seconds", "When a message was last accepted", labels=["recipient"]
    )
    dropped = CounterMetricFamily(
        "nvr_alert_messages_dropped", "Messages given up: too many, too old, or refused", labels=["recipient"]
    )
    for number, one in enumerate(deliveries.recipients(conn), 1):
        name = one.id if whole or ":" not in one.id else f"{one.id.partition(':')[0]}:{number}"
        waiting.add_metric([name], one.waiting)
        failing.add_metric([name], float(one.failing_since_us is not None))
        dropped.add_metric([name], one.dropped)
        if one.accepted_us is not None:
            accepted.add_metric([name], one.accepted_us / 1e6)
    yield from (waiting, failing, accepted, dropped)


@get(
    "/metrics",
    action="status",
    scope="fleet",
    summary="Metrics for Prometheus",
    media_type=CONTENT_TYPE_LATEST,
    in_schema=False,
    pool="metrics",
)
def metrics(request: ApiRequest, services: Injected) -> Response[bytes]:
    """In the text format; Prometheus sends an API token (``authorization`` in its scrape configuration)."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Recording(services, whole=is_admin(request)))
    return encoded(request, generate_latest(registry), CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


ROUTES = [metrics]
