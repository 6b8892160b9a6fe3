"""What routes that move cameras share: whether a camera may be moved, whose lease it is, and the question to the
process that moves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nvr.access.roles import AccessAction
from nvr.api.devices.ptz_bodies import PtzBody
from nvr.api.devices.routes import language_of
from nvr.api.http.auth import principal_of, rights_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest
from nvr.api.http.services import Services
from nvr.api.http.times import format_time
from nvr.devices.ptz.desk import PtzFailed
from nvr.devices.ptz.leases import PtzLease, PtzTakenError
from nvr.devices.ptz.places import NotMovable, find_place, priority_of
from nvr.texts import say
from storage.catalogue import audit
from storage.sentences import restored, sentence_of

__all__ = ["ask_camera", "check_movable", "enter_ptz", "halt_camera", "ptz_body", "take_lease"]


def _priority(request: ApiRequest, services: Services, camera: str) -> int:
    given = rights_of(request).on(camera, AccessAction.PTZ)
    return priority_of([grant.role for grant in given.grants], services.settings.ptz_priorities)


def check_movable(services: Services, camera: str) -> None:
    """Lets a camera through that may be moved.

    Raises:
        ApiError: ``ptz_off``.
    """
    with services.db.read() as conn:
        try:
            find_place(conn, camera, services.settings.ptz_cameras)
        except NotMovable as error:
            raise ApiError("ptz_off", sentence_of(error)) from None


def ptz_body(
    request: ApiRequest,
    services: Services,
    camera: str,
    *,
    why: str | None = None,
    told: Mapping[str, Any] | None = None,
) -> PtzBody:
    """How a camera is moved now. ``why``: why it can't be; ``told``: what the process said last."""
    now_us = services.now_us()
    lease = services.ptz.leases.of(camera, now_us)
    trouble = None if told is None else told.get("trouble")
    return PtzBody(
        movable=why is None,
        why=why,
        priority=_priority(request, services, camera),
        held_by=None if lease is None else lease.name,
        held_priority=None if lease is None else lease.priority,
        held_until=None if lease is None else format_time(lease.until_us),
        mine=lease is not None and lease.person == principal_of(request).actor.person,
        wishes=[] if lease is None else [wish.name for wish in lease.wished(now_us)],
        moving=services.ptz.is_moving(camera),
        trouble=None if trouble is None else say(restored(trouble), language_of(request)),
    )


async def enter_ptz(services: Services, action: str, camera: str, **detail: Any) -> None:
    """Enters in the audit log what is done next."""

    def enter() -> None:
        with services.db.write() as conn:
            audit.append(conn, action, camera=camera, detail=detail)

    await services.pools.changes.run(enter)


async def take_lease(request: ApiRequest, services: Services, camera: str, *, wishes: bool = False) -> PtzLease:
    """The lease of who asks; what whoever had it before moves is stopped.

    Raises:
        ApiError: ``ptz_off`` or ``ptz_taken``.
    """
    await services.pools.quick.run(check_movable, services, camera)
    who, now_us = principal_of(request).actor, services.now_us()
    priority = _priority(request, services, camera)
    leases = services.ptz.leases
    try:
        lease, before = leases.take(camera, who.person, who.name, priority, now_us)
    except PtzTakenError as error:
        if wishes:
            leases.wish(camera, who.person, who.name, priority, now_us)
        raise ApiError("ptz_taken", sentence_of(error)) from None
    if before is not None:
        await halt_camera(services, camera)
        await enter_ptz(services, "ptz_taken", camera, by=before.name, priority=priority, theirs=before.priority)
    return lease


async def halt_camera(services: Services, camera: str) -> Mapping[str, Any]:
    """Stops a camera, whatever moves it.

    Raises:
        ApiError: ``ptz_failed``.
    """
    services.ptz.halted(camera)
    told: Mapping[str, Any] = await ask_camera(services, camera, "stop")
    return told


async def ask_camera(services: Services, camera: str, do: str, **more: Any) -> Any:
    """What the process answers that moves cameras.

    Raises:
        ApiError: ``ptz_failed``.
    """
    try:
        return await services.ptz.ask(camera, do, **more)
    except PtzFailed as error:
        raise ApiError("ptz_failed", sentence_of(error)) from None
