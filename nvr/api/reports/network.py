"""The route of the network's evaluation."""

from __future__ import annotations

from typing import Final, get_args

import msgspec
from litestar import Response
from litestar.params import FromQuery

from nvr.access.roles import AccessAction
from nvr.api.cameras.choosing import knowing, parse_where
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get
from nvr.api.http.services import Injected
from nvr.api.http.times import RANGE_ERRORS, format_time, parse_range, seconds
from nvr.api.reports.seen import seen_for
from nvr.network import figures
from nvr.network.figures import NetworkPart, Step
from storage.intervals import DAY_US
from storage.sentences import Sentence

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


ROUTES = [network]
