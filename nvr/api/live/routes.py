"""The route of walls: live pictures of up to 16 cameras in one answer, for as long as somebody looks.

Invariant: each camera is asked for as by itself, and each look is in the audit log once; what ends somebody's right to
one of them ends the answer, and the page asks anew for the others. A camera that an order or a schedule has switched
off is not connected to for watching either.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import AsyncIterator
from typing import Final

from litestar.params import FromQuery
from litestar.response.streaming import ASGIStreamingResponse

from nvr.access.roles import AccessAction
from nvr.access.snapshot import Rights
from nvr.api.http.auth import address_of, needs, principal_of, still_may
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.permissions import refusal_of
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.orders.in_force import in_force
from nvr.playback.live.channel import LiveViewer
from nvr.playback.live.streams import WatchedCamera
from storage.catalogue import cameras
from storage.catalogue.audit import Act
from storage.causes import Cause
from storage.secrets.sealing import SEALED
from storage.sentences import Sentence

__all__ = ["ROUTES", "watched_cameras"]

MESSAGES_TYPE: Final = "application/vnd.nvr.live"

_MOST_CAMERAS: Final = 16
# A page that is left open must not hold an answer for ever.
_LONGEST_S: Final = 3_600
_OFF: Final = (Cause.DISABLED, Cause.SCHEDULE)


@get(
    "/api/live",
    action="live",
    scope="cameras",
    summary="Live pictures of up to 16 cameras in one answer: messages of fragments, as they come",
    errors=["camera_not_found", "closed_for_privacy", "invalid_parameter", "missing_parameter"],
    media_type=MESSAGES_TYPE,
)
async def live_wall(
    request: ApiRequest,
    services: Injected,
    camera: FromQuery[list[str] | None] = None,
    main: FromQuery[list[str] | None] = None,
    seconds: FromQuery[int] = 0,
) -> ASGIStreamingResponse:
    """Messages (docs/reference/http.md), each camera's from its last keyframe on, for so many ``seconds`` (at most
    3,600; then ask anew). Of cameras with a ``live_url`` that stream is read, through one connection however many
    watch; of others, and of those that ``main`` names, what is being recorded."""
    chosen = list(dict.fromkeys(camera or ()))
    if not chosen:
        raise ApiError("missing_parameter", Sentence("camera is missing: name one at least"))
    if len(chosen) > _MOST_CAMERAS:
        raise ApiError("invalid_parameter", Sentence("at most {most} cameras at once", most=_MOST_CAMERAS))
    if not 0 <= seconds <= _LONGEST_S:
        raise ApiError("invalid_parameter", Sentence("seconds must be from 0 to {most}", most=_LONGEST_S))
    for one in chosen:
        _require_live(request, one)
    watched = await services.pools.quick.run(watched_cameras, services, chosen, frozenset(main or ()))
    for one in chosen:
        await _enter(request, services, one)
    headers = {"Cache-Control": "private, no-store", "X-Accel-Buffering": "no"}
    return ASGIStreamingResponse(
        iterator=_sent(request, services, watched, seconds), media_type=MESSAGES_TYPE, headers=headers
    )  # fmt: skip


def _require_live(request: ApiRequest, camera: str) -> None:
    """Now, and at each moment while it is sent: live is another moment each time."""
    who = principal_of(request)

    def check(rights: Rights) -> None:
        decision = rights.on(camera, AccessAction.LIVE)
        if not decision.allowed:
            raise refusal_of(decision, who.name, camera, [AccessAction.LIVE])

    check(who.rights)
    needs(request, check)


def watched_cameras(services: Services, chosen: list[str], main: frozenset[str] = frozenset()) -> list[WatchedCamera]:
    """What is read of these cameras: their stream for watching, or, of those without and of ``main``, what is recorded.

    Raises:
        ApiError: ``camera_not_found``.
    """
    found = []
    with services.db.read() as conn:
        off = _switched_off(conn, services.now_us())
        for one in chosen:
            row = cameras.find(conn, one)
            if row is None or row.removed_us is not None:
                raise no_camera(one)
            settings = None
            if one not in main and one not in off and row.settings.get("live_url") and row.locked is None:
                from nvr.config import CameraSettings, to_wire

                kept = {key: value for key, value in row.settings.items() if key != SEALED}
                camera = CameraSettings.model_validate({**kept, "id": row.id, "name": row.name}).for_watching
                settings = None if camera is None else json.loads(to_wire(camera))
            found.append(WatchedCamera(one, settings))
    return found


def _switched_off(conn: sqlite3.Connection, now_us: int) -> frozenset[str]:
    """Cameras that nobody connects to now, by a decision: neither to record them nor to look."""
    decided = in_force(conn, now_us)
    return frozenset(camera for camera, by in decided.items() if any(one.cause in _OFF for one in by))


def _may_go_on(request: ApiRequest, services: Services, live: frozenset[str]) -> bool:
    if not still_may(request):
        return False
    with services.db.read() as conn:
        return live.isdisjoint(_switched_off(conn, services.now_us()))


async def _enter(request: ApiRequest, services: Services, camera: str) -> None:
    now_us = services.now_us()
    act = Act(principal_of(request).actor, address_of(request), "live", now_us)
    if not services.views.goes_on(act, camera, {}, now_us):
        await services.pools.entries.run(services.views.enter, act, camera, {}, now_us)


async def _sent(
    request: ApiRequest, services: Services, watched: list[WatchedCamera], seconds: int
) -> AsyncIterator[bytes]:
    viewer = LiveViewer()
    live = frozenset(one.camera for one in watched if one.settings is not None)
    with (
        services.streams.sending(lambda: _may_go_on(request, services, live)) as sending,
        services.live_streams.watching(viewer, watched),
    ):
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            piece = await viewer.take(left_s)
            sending.check()
            yield piece


ROUTES: list[object] = [live_wall]
