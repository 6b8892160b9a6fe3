"""Routes that make cameras of found devices: by a list, a pattern, or a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from litestar import Response
from litestar.params import FromQuery, JSONBody

from nvr.api.cameras.importing import done_or_planned, is_yes, refusal, table_text
from nvr.api.devices.routes import find
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import post
from nvr.api.http.services import Injected, Services
from nvr.devices import adding, rows
from nvr.devices.adding import Wanted
from nvr.devices.table import read_table
from storage.sentences import Sentence, sentence_of

if TYPE_CHECKING:
    from nvr.cameras import ImportPlan

__all__ = ["ROUTES"]

_LARGEST_TABLE_BYTES: Final = 20 << 20


class DeviceAsCamera(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A device that is to become a camera; ``source``: which of its pictures, if it has several."""

    device: str
    camera: str
    source: str = ""
    name: str = ""
    labels: dict[str, str] = {}


class DevicesToAdd(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Devices that are to become cameras: each with its id (``cameras``), or ``devices`` (none: every one) with ids by
    ``pattern`` and the same ``labels``. ``username`` and ``password``: for devices that no login was accepted by."""

    cameras: list[DeviceAsCamera] = []
    devices: list[str] = []
    pattern: str | None = None
    labels: dict[str, str] = {}
    username: str | None = None
    password: str | None = None
    dry_run: bool = False


class DevicesAdded(msgspec.Struct):
    """The ids of the cameras that were added, or with ``dry_run`` would be."""

    dry_run: bool
    added: list[str]


def _wanted(services: Services, data: DevicesToAdd) -> list[Wanted]:
    if data.pattern is None:
        return [
            Wanted(number, one.device, one.camera, one.source, one.name, one.labels)
            for number, one in enumerate(data.cameras, 1)
        ]
    with services.db.read() as conn:
        found = [find(conn, device) for device in data.devices] if data.devices else rows.devices(conn)
        recorded, taken = adding.recorded_by(conn, found), adding.all_ids(conn)
    try:
        return adding.by_pattern(found, data.pattern, data.labels, recorded=recorded, taken=taken)
    except adding.PatternError as error:
        raise ApiError("invalid_request", sentence_of(error)) from None


def _added(services: Services, wanted: Sequence[Wanted], login: tuple[str, str] | None, dry_run: bool) -> DevicesAdded:
    def do() -> ImportPlan:
        return adding.add(services.db, wanted, login=login, node=services.settings.node, at_us=services.now_us())

    plan = done_or_planned(services, lambda conn: adding.plan(conn, wanted, login=login), do, dry_run=dry_run)
    return DevicesAdded(dry_run, list(plan.added))


@post(
    "/api/devices/add",
    action="edit_cameras",
    scope="fleet",
    summary="Make cameras of devices: all of them or, with one mistake, none",
    errors=["invalid_request", "invalid_table", "device_not_found", "plan_changed"],
    status=200,
    answer=DevicesAdded,
    pool="heavy",
)
def add_devices(request: ApiRequest, services: Injected, data: JSONBody[DevicesToAdd]) -> Response[bytes]:
    """Adds cameras."""
    if bool(data.cameras) == (data.pattern is not None):
        raise ApiError("invalid_request", Sentence("give cameras, or a pattern"))
    login = (data.username, data.password or "") if data.username is not None else None
    return json_answer(request, _added(services, _wanted(services, data), login, data.dry_run))


@post(
    "/api/device-table",
    action="edit_cameras",
    scope="fleet",
    summary="Make cameras of the devices in a CSV file that have an id in its column camera",
    errors=["invalid_table", "invalid_parameter", "too_large", "plan_changed"],
    status=200,
    answer=DevicesAdded,
    largest_body_bytes=_LARGEST_TABLE_BYTES,
)
async def import_devices(request: ApiRequest, services: Injected, dry_run: FromQuery[str] = "no") -> Response[bytes]:
    """All of the file or, with one mistake in it, nothing."""
    is_dry, data = is_yes("dry_run", dry_run), await request.body()

    def add() -> DevicesAdded:
        wanted, errors = read_table(table_text(data))
        if errors:
            raise refusal(errors)
        return _added(services, wanted, None, is_dry)

    return json_answer(request, await services.pools.heavy.run(add))


ROUTES: list[object] = [add_devices, import_devices]
