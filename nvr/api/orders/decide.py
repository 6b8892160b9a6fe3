"""Entering and revoking a decision of any kind: planned outside of the write lock, carried out in slices."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from litestar import Response

from nvr.api.cameras.choosing import knowing, parse_where, planned
from nvr.api.http.auth import principal_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.services import Services
from nvr.api.orders.bodies import DirectiveBody, NewRevocation, body_of, known, optional_time
from nvr.cameras import Chosen
from nvr.orders import model as directives
from nvr.orders import register
from nvr.orders.carrying_out import carry_out
from nvr.orders.model import DirectiveError, DirectiveKind, Draft
from storage.catalogue import cameras
from storage.catalogue.selection import select
from storage.sentences import Sentence, sentence_of

__all__ = ["end_directive", "enter_directive"]


def enter_directive(
    request: ApiRequest, services: Services, plan: Callable[[sqlite3.Connection], tuple[Draft, Chosen]], now_us: int
) -> DirectiveBody:
    """Enters what ``plan`` says, for the cameras that it chooses.

    Raises:
        ApiError: ``invalid_directive``, or what ``plan`` raises.
    """
    with planned(services.db, plan) as (conn, (draft, found)):
        try:
            entered = register.add(
                conn, draft, found.ids, node_id=services.settings.node, by=principal_of(request).actor, now_us=now_us
            )
        except DirectiveError as error:
            raise ApiError("invalid_directive", sentence_of(error)) from None
    carry_out(services.db)
    with services.db.read() as conn:
        return body_of(conn, entered, now_us=now_us)


def end_directive(
    request: ApiRequest, services: Services, id_: str, kind: DirectiveKind, data: NewRevocation
) -> Response[bytes]:
    """Revokes a directive for the cameras that the body names, or for all that are left.

    Raises:
        ApiError: there is none of this kind and id, cameras are chosen in two ways, or it can't be revoked for them.
    """
    now_us = services.now_us()

    def plan(conn: sqlite3.Connection) -> list[str] | None:
        known(conn, id_, kind)
        if data.where is None:
            return data.cameras
        if data.cameras is not None:
            raise ApiError("invalid_selection", Sentence("choose cameras in one way: where or cameras"))
        left = {m.camera for m in directives.cameras_of(conn, id_) if m.revocation is None}
        with knowing():
            members = select(parse_where(data.where), cameras.list_all(conn, removed=True))
        return [camera.id for camera in members if camera.id in left]

    # What was entered just now is under it wholly.
    carry_out(services.db)
    with planned(services.db, plan) as (conn, wanted):
        try:
            register.revoke(
                conn,
                id_,
                reason=data.reason,
                letter=data.letter,
                letter_date=data.letter_date or None,
                approver=data.approver,
                start_us=optional_time("start", data.start),
                cameras=wanted,
                by=principal_of(request).actor,
                now_us=now_us,
            )
        except DirectiveError as error:
            raise ApiError("invalid_directive", sentence_of(error)) from None
    carry_out(services.db)
    with services.db.read() as conn:
        body = body_of(conn, known(conn, id_, kind), now_us=now_us)
    services.on_cameras_changed()
    return json_answer(request, body)
