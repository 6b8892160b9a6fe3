"""Entering and revoking a decision of any kind: planned outside of the write lock, carried out in slices."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from litestar import Response

from nvr.access.roles import AccessAction
from nvr.api.cameras.choosing import knowing, parse_where, planned
from nvr.api.http.auth import principal_of, rights_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.services import Services
from nvr.api.orders.bodies import DirectiveBody, NewRevocation, body_of, known, no_directive, optional_time, seen_body
from nvr.cameras import Chosen
from nvr.orders import model as directives
from nvr.orders import register
from nvr.orders.carrying_out import carry_out
from nvr.orders.model import DirectiveError, DirectiveKind, Draft
from storage.catalogue import cameras
from storage.catalogue.selection import select
from storage.sentences import Sentence, listed, sentence_of

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
        # Whoever enters one chose it, and all of its cameras.
        return body_of(conn, entered, now_us=now_us)


def end_directive(
    request: ApiRequest, services: Services, id_: str, kind: DirectiveKind, data: NewRevocation
) -> Response[bytes]:
    """Revokes a directive for the cameras that the body names, or for all that are left.

    Raises:
        ApiError: there is none of this kind and id, cameras are chosen in two ways, or it can't be revoked for them.
    """
    now_us, among = services.now_us(), rights_of(request).cameras(AccessAction.ORDERS).among

    def plan(conn: sqlite3.Connection) -> list[str] | None:
        known(conn, id_, kind)
        members = directives.cameras_of(conn, id_)
        mine = [member for member in members if among is None or member.camera in among]
        if not mine:
            raise no_directive(id_, kind)
        left = {member.camera for member in mine if member.revocation is None}
        if data.where is None:
            if data.cameras is None:
                # Of who decides orders of some cameras: for all of theirs that are left.
                return None if len(mine) == len(members) else sorted(left)
            others = sorted(set(data.cameras) - {member.camera for member in mine})
            if among is not None and others:
                raise ApiError(
                    "invalid_selection", Sentence("there are no cameras {unknown}", unknown=listed(others, 20))
                )
            return data.cameras
        if data.cameras is not None:
            raise ApiError("invalid_selection", Sentence("choose cameras in one way: where or cameras"))
        with knowing():
            every = [row for row in cameras.list_all(conn, removed=True) if among is None or row.id in among]
            found = select(parse_where(data.where), every)
        return [camera.id for camera in found if camera.id in left]

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
        body = seen_body(conn, known(conn, id_, kind), among, now_us=now_us)
        assert body is not None
    services.on_cameras_changed()
    return json_answer(request, body)
