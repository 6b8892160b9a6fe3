"""The route of the capacity planner: disks, uplink and rupiah, for cameras as they are measured and as asked for."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path

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
from nvr.api.http.times import format_time
from nvr.network import figures
from nvr.network.capacity import OVERHEAD, CapacityPlan, NoBitrateError, plan, rates
from storage.catalogue import cameras as cameras_
from storage.catalogue.selection import Selection, select
from storage.disk.roots import Root
from storage.retention import forecast
from storage.retention.free_space import disks
from storage.sentences import Sentence, sentence_of

__all__ = ["ROUTES"]


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


ROUTES = [capacity_plan]
