"""Routes of the network's evaluation and of the capacity planner."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path
from typing import Final, get_args

import msgspec
from litestar import Response
from litestar.params import FromQuery

from nvr.access.roles import AccessAction
from nvr.api.cameras.choosing import knowing, parse_where
from nvr.api.http.auth import rights_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import RANGE_ERRORS, format_time, parse_range, seconds
from nvr.api.reports.seen import seen_for
from nvr.network import figures
from nvr.network.capacity import OVERHEAD, CapacityPlan, NoBitrateError, plan, rates
from nvr.network.figures import NetworkPart, Step
from storage.catalogue import cameras as cameras_
from storage.catalogue.selection import Selection, select
from storage.disk.roots import Root
from storage.intervals import DAY_US
from storage.retention import forecast
from storage.retention.plan import disks
from storage.sentences import Sentence, sentence_of

__all__ = ["ROUTES"]

_LONGEST_US: Final = 93 * DAY_US
# A city's cameras hour by hour are a hundred thousand rows a day.
_LONGEST_HOURS_US: Final = 8 * DAY_US
_MOST_ROWS: Final = 200_000


class NetworkRow(msgspec.Struct, kw_only=True):
    """A camera's, or a label value's cameras', figures in a part of the range. ``group``: the id or the value; null:
    cameras without the label. ``bytes`` of footage; ``received_bytes`` came, and of these ``bitrate_bps`` is a camera's
    while it sent, ``carried_bps`` that of all together over the whole time. ``loss`` from 0 to 1. What was not measured
    is null. ``lost_frames`` are missing in the footage because of a loss, ``time_faults`` times that time stamps
    strayed, stepped or ran at a wrong rate, ``keyframe_most_us`` the largest distance of two keyframes that was seen.
    """

    group: str | None
    start: str
    end: str
    cameras: int
    recorded_s: float
    bytes: int
    received_bytes: int
    bitrate_bps: float | None
    carried_bps: float
    packets: int
    lost_packets: int
    loss: float | None
    damaged: int
    undecodable: int
    reconnects: int
    jitter_us: float | None
    jitter_most_us: int | None
    lost_frames: int
    time_faults: int
    keyframe_most_us: int | None


class NetworkReport(msgspec.Struct, kw_only=True):
    """Figures of whole hours that begin in the range."""

    start: str
    end: str
    as_of: str
    by: str
    step: str
    where: str
    zone: str
    rows: list[NetworkRow]


class PlanFigures(msgspec.Struct, kw_only=True):
    """``measured`` of the cameras have a bitrate of their own, the ``unknown`` count as their mean. ``disk_days``: how
    long the present disks last."""

    cameras: int
    measured: int
    unknown: int
    bitrate_bps: float
    bytes_a_day: float
    disk_bytes: float
    disk_days: float | None
    uplink_mbit_per_s: float
    cost_a_month: float | None


class CapacityPlanBody(msgspec.Struct, kw_only=True):
    """``now``: the chosen cameras as they are measured; null: none was. ``planned``: as it was asked for.
    ``capacity_bytes``: what footage may take of the disks that are there; null: none is. Costs in rupiah."""

    as_of: str
    where: str
    days: float
    overhead: float
    price_per_mbit: float | None
    capacity_bytes: int | None
    now: PlanFigures | None
    planned: PlanFigures


def _row(part: NetworkPart) -> NetworkRow:
    found = part.figures
    return NetworkRow(
        group=part.group,
        start=format_time(part.start_us),
        end=format_time(part.end_us),
        cameras=len(found.cameras),
        recorded_s=seconds(found.recorded_us),
        bytes=found.bytes,
        received_bytes=found.received_bytes,
        bitrate_bps=found.bitrate_bps,
        carried_bps=part.carried_bps,
        packets=found.packets,
        lost_packets=found.lost_packets,
        loss=found.loss,
        damaged=found.damaged,
        undecodable=found.undecodable,
        reconnects=found.reconnects,
        jitter_us=found.jitter_us,
        jitter_most_us=found.jitter_most_us if found.jitter_readings else None,
        lost_frames=found.lost_frames,
        time_faults=found.time_faults,
        keyframe_most_us=found.keyframe_most_us or None,
    )


@get(
    "/api/network",
    action="report",
    scope="cameras",
    summary="Bitrate, loss, reconnections and jitter per camera or label value over time",
    errors=["invalid_parameter", "invalid_selection", "busy", *RANGE_ERRORS],
    answer=NetworkReport,
    pool="heavy",
)
def network(
    request: ApiRequest,
    services: Injected,
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
    by: FromQuery[str] = "camera",
    step: FromQuery[str] = "total",
    where: FromQuery[str | None] = None,
) -> Response[bytes]:
    """What was measured of the chosen cameras."""
    kind = _step(step)
    asked = parse_range(start, end, longest_us=_LONGEST_HOURS_US if kind == "hour" else _LONGEST_US)
    chosen, now_us, zone = parse_where(where), services.now_us(), services.settings.zone
    if not by.strip():
        raise ApiError("invalid_parameter", Sentence("by must be camera or the name of a label, as in by=isp"))
    if not services.report_slots.acquire(blocking=False):
        raise ApiError(
            "busy", Sentence("other reports are being made: try again in a few seconds"), headers={"Retry-After": "3"}
        )
    try:
        with services.db.read() as conn, knowing():
            group_of = figures.groups(conn, by.strip(), chosen, seen_for(request, AccessAction.REPORT, asked).ids)
            edges = figures.edges(asked.start_us, asked.end_us, kind, zone)
            if len(set(group_of.values())) * (len(edges) - 1) > _MOST_ROWS:
                raise ApiError(
                    "range_too_long",
                    Sentence(
                        "that would be more than {most} rows: ask for less, or in several parts",
                        most=_MOST_ROWS,
                    ),
                )
            parts = figures.measure(conn, group_of, edges, now_us=now_us)
        body = NetworkReport(
            start=format_time(asked.start_us),
            end=format_time(asked.end_us),
            as_of=format_time(now_us),
            by=by.strip(),
            step=kind,
            where=chosen.text,
            zone=zone,
            rows=[_row(part) for part in parts],
        )
        return json_answer(request, body)
    finally:
        services.report_slots.release()


def _step(text: str) -> Step:
    for known in get_args(Step):
        if text == known:
            return known  # type: ignore[no-any-return]
    raise ApiError("invalid_parameter", Sentence("step must be one of {known}", known=", ".join(get_args(Step))))


@get(
    "/api/plan",
    action="report",
    scope="cameras",
    summary="Disk, uplink and rupiah a month for a number of cameras, a bitrate and days",
    errors=["invalid_parameter", "invalid_selection", "busy"],
    answer=CapacityPlanBody,
    pool="heavy",
)
def capacity_plan(
    request: ApiRequest,
    services: Injected,
    where: FromQuery[str | None] = None,
    cameras: FromQuery[str | None] = None,
    bitrate_bps: FromQuery[str | None] = None,
    days: FromQuery[str | None] = None,
    overhead: FromQuery[str | None] = None,
    price_per_mbit: FromQuery[str | None] = None,
) -> Response[bytes]:
    """As measured over the last seven days, and as asked for."""
    chosen, now_us = parse_where(where), services.now_us()
    count = _number("cameras", cameras, 0, 10_000_000)
    if count is not None and count != int(count):
        raise ApiError("invalid_parameter", Sentence("cameras must be a whole number"))
    rate_bps = _number("bitrate_bps", bitrate_bps, 1, 1e12)
    kept_days = _number("days", days, 0, 36_500)
    share = _number("overhead", overhead, 0, 10)
    price = _number("price_per_mbit", price_per_mbit, 0, 1e15)
    kept_days = 30.0 if kept_days is None else kept_days
    share = OVERHEAD if share is None else share
    price = float(services.settings.price_per_mbit) if price is None else price
    if not services.report_slots.acquire(blocking=False):
        raise ApiError(
            "busy", Sentence("other reports are being made: try again in a few seconds"), headers={"Retry-After": "3"}
        )
    try:
        seen = rights_of(request).cameras(AccessAction.REPORT).among
        ids, measured, capacity_bytes = _present(services, chosen, now_us, seen)
    finally:
        services.report_slots.release()

    def made(count: int | None, rate_bps: float | None) -> PlanFigures:
        sent = rates(ids, measured, bitrate_bps=rate_bps, count=count)
        return _figures(plan(sent, days=kept_days, overhead=share, price_per_mbit=price, capacity_bytes=capacity_bytes))

    try:
        planned = made(None if count is None else int(count), rate_bps)
    except NoBitrateError as error:
        raise ApiError(
            "invalid_parameter", Sentence("{error}, as in bitrate_bps=2000000", error=sentence_of(error))
        ) from None
    body = CapacityPlanBody(
        as_of=format_time(now_us),
        where=chosen.text,
        days=kept_days,
        overhead=share,
        price_per_mbit=price or None,
        capacity_bytes=capacity_bytes,
        now=made(None, None) if any(id_ in measured for id_ in ids) else None,
        planned=planned,
    )
    return json_answer(request, body)


def _present(
    services: Services, chosen: Selection, now_us: int, among: Collection[str] | None
) -> tuple[list[str], dict[str, float], int | None]:
    """The chosen cameras, the bitrates that are known, and what footage may take of the disks. With ``among``, as if
    there were these cameras alone, and nothing of the disks, which are everybody's."""
    settings = services.settings
    found = disks(
        [Root(identity, Path(path)) for identity, path in settings.roots], settings.floor_bytes, settings.floor_fraction
    )
    with services.db.read() as conn, knowing():
        known = [camera for camera in cameras_.list_all(conn) if among is None or camera.id in among]
        ids = [camera.id for camera in select(chosen, known)]
        measured = figures.known_rates(conn, now_us=now_us)
        recorded = int(conn.execute("SELECT coalesce(sum(bytes), 0) FROM span").fetchone()[0])
    if among is not None:
        return ids, {id_: rate for id_, rate in measured.items() if id_ in among}, None
    return ids, measured, forecast.capacity(found, recorded) if found else None


def _figures(made: CapacityPlan) -> PlanFigures:
    return PlanFigures(
        cameras=made.rates.cameras,
        measured=made.rates.measured,
        unknown=made.rates.unknown,
        bitrate_bps=made.rates.total_bps,
        bytes_a_day=made.bytes_a_day,
        disk_bytes=made.disk_bytes,
        disk_days=made.disk_days,
        uplink_mbit_per_s=made.uplink_bps / 1e6,
        cost_a_month=made.cost_a_month,
    )


def _number(name: str, text: str | None, least: float, most: float) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise ApiError(
            "invalid_parameter",
            Sentence("{name} must be a number from {least:g} to {most:g}", name=name, least=least, most=most),
        )
    return value


ROUTES = [network, capacity_plan]
