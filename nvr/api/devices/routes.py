"""Routes of devices: the table, as JSON and CSV, and following those that moved."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr.access.roles import AccessAction
from nvr.api.devices.bodies import DeviceBody, DeviceList, device_body
from nvr.api.http.auth import rights_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected
from nvr.devices import adding, moves, rows
from nvr.devices.events.choosing import states
from nvr.devices.rows import FoundDevice
from nvr.devices.table import write_table
from nvr.texts import accepted
from storage.sentences import Sentence, sentence_of

__all__ = ["ROUTES", "find"]

_LARGEST_TABLE_BYTES: Final = 20 << 20
_LONGEST: Final = 63


def language_of(request: ApiRequest) -> str:
    """The language that the request asks for."""
    return accepted(request.headers.get("accept-language", ""))


def find(conn: sqlite3.Connection, device: str) -> FoundDevice:
    """The device of this id.

    Raises:
        ApiError: there is none.
    """
    found = rows.find_device(conn, device)
    if found is None:
        raise _no_device(device)
    return found


def _no_device(device: str) -> ApiError:
    return ApiError("device_not_found", Sentence("there is no device {device!r}", device=device[:_LONGEST]))


def _bodies(conn: sqlite3.Connection, found: Sequence[FoundDevice], language: str) -> list[DeviceBody]:
    by_device: dict[str, list[str]] = {}
    for camera, device in sorted(rows.bindings(conn).items()):
        by_device.setdefault(device, []).append(camera)
    recorded, asked = adding.recorded_by(conn, found), states(conn)
    return [device_body(one, by_device.get(one.id, []), recorded, asked, language) for one in found]


@get(
    "/api/devices",
    action="edit_cameras",
    scope="fleet",
    summary="All devices that were found in networks, with what is wrong about them",
    answer=DeviceList,
    errors=[],
    pool="heavy",
)
def list_devices(request: ApiRequest, services: Injected) -> Response[bytes]:
    """All devices."""
    with services.db.read() as conn:
        bodies = _bodies(conn, rows.devices(conn), language_of(request))
    return json_answer(request, DeviceList(bodies))


@get(
    "/api/devices/{device:str}",
    action="edit_cameras",
    scope="fleet",
    summary="One device",
    errors=["device_not_found"],
    answer=DeviceBody,
)
def one_device(request: ApiRequest, services: Injected, device: FromPath[str]) -> Response[bytes]:
    """One device."""
    with services.db.read() as conn:
        body = _bodies(conn, [find(conn, device)], language_of(request))[0]
    return json_answer(request, body)


@get(
    "/api/device-table",
    action="edit_cameras",
    scope="fleet",
    summary="Devices as a CSV file, a line a picture, without secrets",
    errors=[],
    media_type="text/csv",
    audit="devices_exported",
    pool="heavy",
)
def export_devices(request: ApiRequest, services: Injected) -> Response[bytes]:
    """All devices."""
    with services.db.read() as conn:
        found = rows.devices(conn)
        text = write_table(found, adding.recorded_by(conn, found), language_of(request))
    return Response(
        text.encode("utf-8-sig"),
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="devices.csv"', "Cache-Control": "no-store"},
    )


class MoveBody(msgspec.Struct):
    """A camera whose device was found at ``to``, and which is recorded from ``recorded_from``. ``is_fixed``: the
    configuration file says so, and has to be changed."""

    camera: str
    device: str
    recorded_from: str
    to: str
    is_fixed: bool


class MoveList(msgspec.Struct):
    """Cameras whose devices are elsewhere."""

    moves: list[MoveBody]


def _move_body(one: moves.DeviceMove) -> MoveBody:
    return MoveBody(one.camera, one.device, one.old, one.new, one.is_fixed)


@get(
    "/api/device-moves",
    action="edit_cameras",
    scope="fleet",
    summary="Cameras whose devices were found at another address than they are recorded from",
    errors=[],
    answer=MoveList,
    pool="heavy",
)
def list_moves(request: ApiRequest, services: Injected) -> Response[bytes]:
    """Proposals; nothing is changed."""
    with services.db.read() as conn:
        found = [_move_body(one) for one in moves.proposals(conn)]
    return json_answer(request, MoveList(found))


@post(
    "/api/cameras/{camera:str}/follow",
    action="edit_cameras",
    scope="camera",
    summary="Record a camera from where its device was found",
    errors=["not_moved"],
    status=200,
    answer=MoveBody,
)
def follow_device(request: ApiRequest, services: Injected, camera: FromPath[str]) -> Response[bytes]:
    """Changes the camera's address."""
    with services.db.write() as conn:
        try:
            done = moves.move(conn, camera)
        except moves.MoveError as error:
            raise ApiError("not_moved", sentence_of(error)) from None
    services.on_cameras_changed()
    return json_answer(request, _move_body(done))


class DeviceOfCamera(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The device that a camera is from now on."""

    device: str


@post(
    "/api/cameras/{camera:str}/device",
    action="edit_cameras",
    scope="camera",
    summary="Say that a camera is another device from now on: after it was replaced",
    errors=["device_not_found", "camera_not_found", "invalid_request"],
    status=200,
    answer=DeviceBody,
)
def replace_device(
    request: ApiRequest, services: Injected, camera: FromPath[str], data: JSONBody[DeviceOfCamera]
) -> Response[bytes]:
    """Binds a camera to a device. Who edits some cameras binds to devices of these alone: others are not there."""
    seen = rights_of(request).cameras(AccessAction.EDIT_CAMERAS)
    with services.db.write() as conn:
        device = find(conn, data.device)
        bound = [one for one, other in rows.bindings(conn).items() if other == device.id]
        if not seen.everything and not (bound and all(one in seen for one in bound)):
            raise _no_device(data.device)
        try:
            moves.replace_device(conn, camera, device.id)
        except moves.MoveError as error:
            raise ApiError("camera_not_found", sentence_of(error)) from None
        body = _bodies(conn, [device], language_of(request))[0]
    return json_answer(request, body)


class DeviceRetried(msgspec.Struct):
    """``waited``: whether a login had been refused."""

    device: str
    waited: bool


@post(
    "/api/devices/{device:str}/retry",
    action="edit_cameras",
    scope="fleet",
    summary="Let the next search try a login, once, at a device that refused one",
    errors=["device_not_found"],
    status=200,
    answer=DeviceRetried,
)
def retry_device(request: ApiRequest, services: Injected, device: FromPath[str]) -> Response[bytes]:
    """Frees a login."""
    with services.db.write() as conn:
        waited = moves.retry_logins(conn, find(conn, device))
    return json_answer(request, DeviceRetried(device, waited))


ROUTES: list[object] = [
    list_devices,
    one_device,
    export_devices,
    list_moves,
    follow_device,
    replace_device,
    retry_device,
]
