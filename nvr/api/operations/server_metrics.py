"""Metrics of the API's own process: what it refused, how it stands with connections, who held the catalogue's lock."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from nvr.api.http.services import Services

__all__ = ["server_metrics"]


def server_metrics(services: Services) -> Iterable[Metric]:
    """Of this process, since it started."""
    refused = CounterMetricFamily(
        "nvr_api_refused", "Requests and connections that were refused, by code", labels=["code"]
    )
    for code, count in sorted(services.refusals.counts().items()):
        refused.add_metric([code], count)
    yield refused
    yield GaugeMetricFamily("nvr_api_connections", "Connections of clients now", value=services.connections())
    held = sum(1 for _ in Path("/proc/self/fd").iterdir())
    yield GaugeMetricFamily("nvr_api_descriptors", "Open descriptors of the API's process", value=held)
    late, longest_s = services.loop_late()
    yield CounterMetricFamily("nvr_api_loop_late", "How often the event loop was over 200 ms late", value=late)
    yield GaugeMetricFamily("nvr_api_loop_late_longest_seconds", "Its longest delay, since the start", value=longest_s)
    waiting = GaugeMetricFamily("nvr_api_work", "Work of requests under way or waiting now, by kind", labels=["kind"])
    waited = GaugeMetricFamily(
        "nvr_api_work_wait_longest_seconds", "How long it waited for a thread at most, since the start", labels=["kind"]
    )
    took = GaugeMetricFamily(
        "nvr_api_work_longest_seconds", "How long a thread was at it at most, since the start", labels=["kind"]
    )
    for pool in services.pools.all():
        waiting.add_metric([pool.name], pool.count)
        waited.add_metric([pool.name], pool.longest_wait_s)
        took.add_metric([pool.name], pool.longest_s)
    yield from (waiting, waited, took)
    holds = CounterMetricFamily("nvr_write_locks", "How often the catalogue's write lock was held", labels=["work"])
    longest = GaugeMetricFamily("nvr_write_lock_longest_seconds", "How long at most, since the start", labels=["work"])
    for work, holding in sorted(services.db.holdings.copy().items()):
        holds.add_metric([work], holding.count)
        longest.add_metric([work], holding.longest_s)
    yield from (holds, longest)
