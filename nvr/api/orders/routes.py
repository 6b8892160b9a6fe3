"""Routes of administrative orders: list, dry run, enter, revoke.

Invariant: nothing is entered but what the dry run showed, whose hash its confirmer names.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Final

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr.access.roles import AccessAction
from nvr.api.cameras.choosing import chosen
from nvr.api.http.auth import rights_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected
from nvr.api.http.times import TIME_ERRORS, format_time, seconds
from nvr.api.orders.bodies import (
    DirectiveBody,
    NewOrder,
    NewRevocation,
    known,
    no_directive,
    optional_time,
    seen_body,
)
from nvr.api.orders.decide import end_directive, enter_directive
from nvr.cameras import Chosen
from nvr.network import capacity as planning
from nvr.orders import model as directives
from nvr.orders.impact import impact, plan_hash
from nvr.orders.model import DirectiveError, DirectiveKind, Draft, check
from storage.sentences import Sentence, sentence_of

__all__ = ["ROUTES"]

# A city's cameras by their ids, each of up to 63 letters.
LARGEST_ORDER_BYTES: Final = 4 << 20
_ORDER_ERRORS: Final = ("invalid_request", "invalid_directive", "invalid_selection", *TIME_ERRORS)
_LONGEST_NAME: Final = 200


class Orders(msgspec.Struct):
    """All orders."""

    as_of: str
    orders: list[DirectiveBody]


class TouchedHold(msgspec.Struct):
    """A hold whose camera would not be recorded in its range."""

    id: str
    camera: str
    reason: str


class TouchedCase(msgspec.Struct):
    """An open case that asks for footage of a time that the order takes."""

    id: str
    number: str


class OrderPreview(msgspec.Struct, kw_only=True):
    """What an order would do. ``camera_hours``: coverage lost until the end; null without one. ``recording``: how many
    record now. ``mbit_per_s``: what cameras send that no other order has off already, as the planner counts it:
    ``measured`` of them have a rate of their own, the ``unknown`` count as the mean of those; null where none is known.
    ``uplink_mbit_per_s``: with what the way adds. Costs in rupiah; null where ``[network] price_per_mbit`` is not set,
    or no rate is known. ``cost_saved``: until the end."""

    as_of: str
    plan_hash: str
    cameras: list[str]
    start: str
    until: str | None
    camera_hours: float | None
    camera_hours_a_day: float
    disabled_before: int
    other_orders: list[str]
    holds: list[TouchedHold]
    cases: list[TouchedCase]
    recording: int
    measured: int
    unknown: int
    mbit_per_s: float | None
    uplink_mbit_per_s: float | None
    cost_a_month: float | None
    cost_saved: float | None


@get("/api/orders", action="status", scope="cameras", summary="All orders, the latest first", answer=Orders)
def list_orders(request: ApiRequest, services: Injected) -> Response[bytes]:
    """All orders, those that are over too."""
    now_us = services.now_us()
    with services.db.read() as conn:
        among = rights_of(request).cameras(AccessAction.STATUS).among
        every = directives.list_all(conn, [DirectiveKind.ORDER])
        found = [seen_body(conn, order, among, now_us=now_us) for order in every]
    return json_answer(request, Orders(format_time(now_us), [body for body in found if body is not None]))


@get(
    "/api/orders/{order:str}",
    action="status",
    scope="cameras",
    summary="An order with its cameras",
    errors=["directive_not_found"],
    answer=DirectiveBody,
)
def one_order(request: ApiRequest, services: Injected, order: FromPath[str]) -> Response[bytes]:
    """One order."""
    with services.db.read() as conn:
        found = known(conn, order, DirectiveKind.ORDER)
        among = rights_of(request).cameras(AccessAction.STATUS).among
        body = seen_body(conn, found, among, now_us=services.now_us(), members=True)
    if body is None:
        raise no_directive(order, DirectiveKind.ORDER)
    return json_answer(request, body)


def _draft(
    conn: sqlite3.Connection, data: NewOrder, among: Collection[str] | None, now_us: int, *, signed: bool
) -> tuple[Draft, Chosen, str]:
    """The order, its cameras, and the plan's hash. Not ``signed``: its letter may be missing.

    Raises:
        ApiError: what is wrong with it.
    """
    found = chosen(conn, data, among)
    name = data.attachment_name.strip()[-_LONGEST_NAME:] if data.attachment and data.attachment_name else None
    draft = Draft(
        kind=DirectiveKind.ORDER,
        reason=data.reason,
        letter=data.letter.strip(),
        letter_date=data.letter_date or None,
        approver=data.approver.strip(),
        start_us=now_us if not data.start else (optional_time("start", data.start) or 0),
        end_us=optional_time("end", data.end),
        expected_end_us=optional_time("expected_end", data.expected_end),
        local_copy_until_us=optional_time("local_copy_until", data.local_copy_until),
        selection=found.how,
        attachment=data.attachment or None,
        attachment_name=name,
    )
    try:
        check(draft, signed=signed)
    except DirectiveError as error:
        raise ApiError("invalid_directive", sentence_of(error)) from None
    return draft, found, plan_hash(draft, found.ids, start_is_now=not data.start)


@post(
    "/api/orders/preview",
    action="orders",
    scope="cameras",
    summary="What an order would do: cameras, coverage lost, holds touched, bandwidth and cost saved",
    errors=_ORDER_ERRORS,
    status=200,
    answer=OrderPreview,
    largest_body_bytes=LARGEST_ORDER_BYTES,
    pool="heavy",
)
def preview_order(request: ApiRequest, services: Injected, data: JSONBody[NewOrder]) -> Response[bytes]:
    """Changes nothing. Who decides orders of some cameras chooses among those. Texts of the letter may be empty here:
    what an order does is looked at before it is signed. What is entered needs them, and the hash of a dry run that had
    them."""
    now_us, among = services.now_us(), rights_of(request).cameras(AccessAction.ORDERS).among
    with services.db.read() as conn:
        draft, found, hash_ = _draft(conn, data, among, now_us, signed=False)
        result = impact(conn, draft, found.ids, now_us=now_us)
    price, sent, saved_bits = services.settings.price_per_mbit, result.sent, result.saved_bits
    body = OrderPreview(
        as_of=format_time(now_us),
        plan_hash=hash_,
        cameras=list(result.cameras),
        start=format_time(draft.start_us),
        until=None if result.until_us is None else format_time(result.until_us),
        camera_hours=None if result.lost_us is None else seconds(result.lost_us) / 3600,
        camera_hours_a_day=24.0 * (len(result.cameras) - result.disabled_before),
        disabled_before=result.disabled_before,
        other_orders=list(result.other_directives),
        holds=[TouchedHold(hold.id, hold.camera, hold.reason) for hold in result.holds],
        cases=[TouchedCase(case.id, case.number) for case in result.cases],
        recording=result.recording,
        measured=0 if sent is None else sent.measured,
        unknown=result.unknown,
        mbit_per_s=None if sent is None else sent.total_bps / 1e6,
        uplink_mbit_per_s=None if sent is None else sent.total_bps * (1 + planning.OVERHEAD) / 1e6,
        cost_a_month=None if sent is None else planning.cost_a_month(sent.total_bps, price),
        # From now on: what is past was paid.
        cost_saved=None if saved_bits is None else planning.cost_a_month(saved_bits / (planning.MONTH_US / 1e6), price),
    )
    return json_answer(request, body)


@post(
    "/api/orders",
    action="orders",
    scope="cameras",
    summary="Enter an order, as its dry run showed it",
    errors=[*_ORDER_ERRORS, "plan_changed"],
    answer=DirectiveBody,
    largest_body_bytes=LARGEST_ORDER_BYTES,
)
def enter_order(request: ApiRequest, services: Injected, data: JSONBody[NewOrder]) -> Response[bytes]:
    """Takes effect at its start, by itself."""
    now_us, among = services.now_us(), rights_of(request).cameras(AccessAction.ORDERS).among

    def plan(conn: sqlite3.Connection) -> tuple[Draft, Chosen]:
        draft, found, hash_ = _draft(conn, data, among, now_us, signed=True)
        if data.plan_hash != hash_:
            raise ApiError(
                "plan_changed",
                Sentence("the order, or the cameras it chooses, are not those of the dry run: look at it again"),
            )
        return draft, found

    body = enter_directive(request, services, plan, now_us)
    services.on_cameras_changed()
    return json_answer(request, body, status=201)


@post(
    "/api/orders/{order:str}/revoke",
    action="orders",
    scope="cameras",
    summary="Revoke an order, as a whole or for some of its cameras",
    errors=[*_ORDER_ERRORS, "directive_not_found"],
    status=200,
    answer=DirectiveBody,
    largest_body_bytes=LARGEST_ORDER_BYTES,
)
def revoke_order(
    request: ApiRequest, services: Injected, order: FromPath[str], data: JSONBody[NewRevocation]
) -> Response[bytes]:
    """The order stays, and links to what revoked it. Who decides orders of some cameras revokes it for those."""
    return end_directive(request, services, order, DirectiveKind.ORDER, data)


ROUTES: list[object] = [
    list_orders,
    one_order,
    preview_order,
    enter_order,
    revoke_order,
]
