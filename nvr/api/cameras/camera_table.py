"""Routes of the table of cameras: export and import as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from litestar import Response
from litestar.params import FromQuery

from nvr.access.effects import effects, with_labels
from nvr.api.cameras.choosing import knowing, parse_where
from nvr.api.cameras.importing import done_or_planned, is_yes, table_text
from nvr.api.http.auth import require_proof, rights_of
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected, Services
from nvr.cameras import read, write
from nvr.texts import accepted, say
from storage.catalogue import cameras
from storage.catalogue.selection import select

if TYPE_CHECKING:
    from nvr.cameras import ImportPlan

__all__ = ["ROUTES"]

_LARGEST_TABLE_BYTES: Final = 20 << 20


class Imported(msgspec.Struct):
    """What an import does, or with ``dry_run`` would do. ``changed``: by camera, the names of what changes. ``sight``:
    in words, who sees which cameras by it, since labels decide."""

    dry_run: bool
    added: list[str]
    changed: dict[str, list[str]]
    unchanged: int
    sight: str


@get(
    "/api/camera-table",
    action="system",
    scope="fleet",
    summary="Cameras as a CSV file, without passwords unless they are asked for",
    errors=["invalid_selection", "invalid_parameter", "proof_needed"],
    media_type="text/csv",
    audit="cameras_exported",
    pool="heavy",
)
def export_cameras(
    request: ApiRequest, services: Injected, where: FromQuery[str | None] = None, passwords: FromQuery[str] = "no"
) -> Response[bytes]:
    """The cameras that ``where`` chooses, or all."""
    with_passwords = is_yes("passwords", passwords)
    if with_passwords:
        require_proof(request)
    query = parse_where(where)
    with services.db.read() as conn, knowing():
        rows = select(query, cameras.list_all(conn))
    text = write(rows, with_passwords=with_passwords)
    # The mark tells a spreadsheet that this is UTF-8.
    return Response(
        text.encode("utf-8-sig"),
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="cameras.csv"', "Cache-Control": "no-store"},
    )


@post(
    "/api/camera-table",
    action="system",
    scope="fleet",
    summary="Add and change cameras by a CSV file: the body is the file",
    errors=["invalid_table", "invalid_parameter", "too_large", "plan_changed"],
    status=200,
    answer=Imported,
    largest_body_bytes=_LARGEST_TABLE_BYTES,
)
async def import_cameras(request: ApiRequest, services: Injected, dry_run: FromQuery[str] = "no") -> Response[Imported]:
    """All of the file or, with one mistake in it, nothing."""
    is_dry = is_yes("dry_run", dry_run)
    done = await services.pools.heavy.run(_import, request, services, await request.body(), is_dry)
    return Response(done, status_code=200, headers={"Cache-Control": "no-store"})


def _import(request: ApiRequest, services: Services, data: bytes, dry_run: bool) -> Imported:
    # What checks settings is large.
    from nvr.cameras import import_table, plan_import

    table = read(table_text(data))

    def do() -> ImportPlan:
        return import_table(services.db, table, node=services.settings.node, at_us=services.now_us())

    plan = done_or_planned(services, lambda conn: plan_import(conn, table), do, dry_run=dry_run)
    changed = {id_: list(names) for id_, names in plan.changed.items()}
    before = rights_of(request).snapshot
    after = with_labels(before, {camera.id: camera.labels for camera in plan.wanted})
    sight = effects(before, after, services.now_us()).sentence()
    language = accepted(request.headers.get("accept-language", ""))
    return Imported(dry_run, list(plan.added), changed, plan.unchanged, say(sight, language))


ROUTES: list[object] = [export_cameras, import_cameras]
