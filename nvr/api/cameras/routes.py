"""Routes of cameras: list, add, change, remove."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr import log as logs
from nvr.access.decide import Outcome
from nvr.access.roles import AccessAction
from nvr.api.cameras import status as fleet
from nvr.api.cameras.camera_settings import CameraChange, NewCamera, changed, checked, stored_settings
from nvr.api.cameras.choosing import planned
from nvr.api.http.auth import is_admin, require_proof, rights_of
from nvr.api.http.bodies import CameraBody, CameraList
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import delete, get, patch, post
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import format_time
from storage.catalogue import cameras
from storage.retention.policies import Rules, own_rules
from storage.sentences import Sentence

if TYPE_CHECKING:
    from nvr.config import CameraSettings

__all__ = ["ROUTES"]


def _body(request: ApiRequest, services: Services, camera: str) -> CameraBody:
    with services.db.read() as conn:
        found = fleet.camera_bodies(conn, now_us=services.now_us(), with_url=is_admin(request), camera=camera)
    if not found:
        raise no_camera(camera)
    return found[0]


@get(
    "/api/cameras",
    action="status",
    scope="cameras",
    summary="All cameras that are recorded, with their status",
    answer=CameraList,
)
def list_cameras(request: ApiRequest, services: Injected) -> Response[bytes]:
    """All cameras."""
    now_us = services.now_us()
    with services.db.read() as conn:
        bodies = fleet.camera_bodies(
            conn, now_us=now_us, with_url=is_admin(request), among=rights_of(request).cameras(AccessAction.STATUS).among
        )
    return json_answer(request, CameraList(as_of=format_time(now_us), cameras=bodies))


@get(
    "/api/cameras/{camera:str}",
    action="status",
    scope="camera",
    summary="One camera with its status",
    errors=["camera_not_found"],
    answer=CameraBody,
)
def one_camera(request: ApiRequest, services: Injected, camera: FromPath[str]) -> Response[bytes]:
    """One camera; a removed one is not found."""
    return json_answer(request, _body(request, services, camera))


@post(
    "/api/cameras",
    action="edit_cameras",
    scope="fleet",
    summary="Add a camera",
    errors=["invalid_request", "invalid_camera", "camera_exists"],
    answer=CameraBody,
)
def add_camera(request: ApiRequest, services: Injected, data: JSONBody[NewCamera]) -> Response[bytes]:
    """Adds a camera, or brings a removed one back with its history."""
    values: dict[str, Any] = {
        key: value
        for key, value in msgspec.structs.asdict(data).items()
        if value is not None and value is not msgspec.UNSET
    }
    camera = checked(values, Rules.from_wire(services.settings.retention))
    logs.learn_secrets(camera.secrets)
    with services.db.write() as conn:
        try:
            cameras.add(
                conn,
                camera=camera.id,
                name=camera.name,
                source="catalogue",
                settings=stored_settings(camera),
                labels=camera.labels,
                node=services.settings.node,
                epoch=0,  # no recorder has said anything of it yet
                at_us=services.now_us(),
            )
        except ValueError:
            raise ApiError("camera_exists", Sentence("there is a camera {id!r} already", id=camera.id)) from None
    services.on_cameras_changed()
    return json_answer(
        request,
        _body(request, services, camera.id),
        status=201,
        headers={"Location": services.url(f"/api/cameras/{camera.id}")},
    )


def _changeable(found: cameras.Camera | None, camera: str) -> cameras.Camera:
    if found is None or found.removed_us is not None:
        raise no_camera(camera)
    if found.source == "file":
        raise ApiError(
            "provisioned",
            Sentence(
                "camera {camera!r} comes from the configuration file: change it there and reload the server",
                camera=camera,
            ),
        )
    return found


@patch(
    "/api/cameras/{camera:str}",
    action="edit_cameras",
    scope="camera",
    summary="Change a camera",
    errors=["invalid_request", "invalid_camera", "camera_not_found", "provisioned", "plan_changed"],
    answer=CameraBody,
)
def change_camera(
    request: ApiRequest, services: Injected, camera: FromPath[str], data: JSONBody[CameraChange]
) -> Response[bytes]:
    """Changes what the body names and leaves the rest."""
    rules = Rules.from_wire(services.settings.retention)

    def plan(conn: sqlite3.Connection) -> CameraSettings:
        old = _changeable(cameras.find(conn, camera), camera)
        new = changed(old, data, rules, sees_passwords=is_admin(request))
        if dict(new.labels) != dict(old.labels) and not rights_of(request).everywhere(AccessAction.EDIT_CAMERAS):
            raise ApiError(
                "forbidden",
                Sentence("labels decide who sees a camera: only who edits every camera may change them"),
            )
        if own_rules(stored_settings(new)) != own_rules(old.settings):
            if rights_of(request).on(camera, AccessAction.RETENTION).outcome is not Outcome.ALLOWED:
                raise ApiError(
                    "forbidden",
                    Sentence("for how long a camera's footage is kept is for who decides on retention (retention)"),
                )
            require_proof(request)
        return new

    with planned(services.db, plan) as (conn, new):
        logs.learn_secrets(new.secrets)
        differs = cameras.change(
            conn,
            camera=camera,
            name=new.name,
            source="catalogue",
            settings=stored_settings(new),
            labels=new.labels,
        )
    if differs:
        services.on_cameras_changed()
    return json_answer(request, _body(request, services, camera))


@delete(
    "/api/cameras/{camera:str}",
    action="edit_cameras",
    scope="camera",
    summary="Stop recording a camera; its footage and history stay",
    errors=["camera_not_found", "provisioned"],
)
def remove_camera(services: Injected, camera: FromPath[str]) -> None:
    """Removes a camera from recording."""
    with services.db.write() as conn:
        _changeable(cameras.find(conn, camera), camera)
        cameras.remove(conn, camera, at_us=services.now_us())
    services.on_cameras_changed()


class Retried(msgspec.Struct):
    """``waited``: whether the camera's password, refused before, waited for that."""

    camera: str
    waited: bool


class Trusted(msgspec.Struct):
    """``known``: whether something else was known of the camera's device before."""

    camera: str
    known: bool


def _recorded(conn: sqlite3.Connection, camera: str) -> cameras.Camera:
    found = cameras.find(conn, camera)
    if found is None or found.removed_us is not None:
        raise no_camera(camera)
    return found


@post(
    "/api/cameras/{camera:str}/retry",
    action="edit_cameras",
    scope="camera",
    summary="Try a camera's password now, once, although the camera refused it",
    errors=["camera_not_found"],
    status=200,
    answer=Retried,
)
def retry_login(request: ApiRequest, services: Injected, camera: FromPath[str]) -> Response[bytes]:
    """Tries a login now."""
    with services.db.write() as conn:
        waited = cameras.retry_login(conn, _recorded(conn, camera))
    return json_answer(request, Retried(camera, waited))


@post(
    "/api/cameras/{camera:str}/trust",
    action="edit_cameras",
    scope="camera",
    summary="Accept the certificate, and the way to log in, that a camera shows now",
    errors=["camera_not_found"],
    status=200,
    answer=Trusted,
)
def trust_device(request: ApiRequest, services: Injected, camera: FromPath[str]) -> Response[bytes]:
    """Accepts what the camera shows."""
    with services.db.write() as conn:
        known = cameras.trust_device(conn, _recorded(conn, camera))
    return json_answer(request, Trusted(camera, known))


ROUTES = [list_cameras, one_camera, add_camera, change_camera, remove_camera, retry_login, trust_device]
