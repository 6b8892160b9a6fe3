"""Routes of the table of cameras: export and import as CSV."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import Response
from litestar.params import FromQuery

from nvr.access.effects import effects, with_labels
from nvr.api.cameras.choosing import knowing, parse_where
from nvr.api.http.auth import rights_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected, Services
from nvr.cameras import LineError, OvertakenError, import_table, plan_import, read, write
from nvr.texts import accepted, say
from storage.catalogue import cameras
from storage.catalogue.selection import select
from storage.sentences import Sentence, sentence_of

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
    errors=["invalid_selection", "invalid_parameter"],
    media_type="text/csv",
    audit="cameras_exported",
    pool="heavy",
)
def export_cameras(
    services: Injected, where: FromQuery[str | None] = None, passwords: FromQuery[str] = "no"
) -> Response[bytes]:
    """The cameras that ``where`` chooses, or all."""
    if passwords not in ("yes", "no"):
        raise ApiError("invalid_parameter", Sentence("passwords must be yes or no"))
    query = parse_where(where)
    with services.db.read() as conn, knowing():
        rows = select(query, cameras.list_all(conn))
    text = write(rows, with_passwords=passwords == "yes")
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
    if dry_run not in ("yes", "no"):
        raise ApiError("invalid_parameter", Sentence("dry_run must be yes or no"))
    data = await request.body()
    done = await services.pools.heavy.run(_import, request, services, data, dry_run == "yes")
    if not done.dry_run and (done.added or done.changed):
        services.on_cameras_changed()
    return Response(done, status_code=200, headers={"Cache-Control": "no-store"})


def _import(request: ApiRequest, services: Services, data: bytes, dry_run: bool) -> Imported:
    try:
        table = read(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        wrong = LineError(line, "", Sentence("is not UTF-8 from here on: save the file as CSV UTF-8"))
        raise ApiError(
            "invalid_table", wrong.sentence, extra={"errors": [{"field": wrong.place, "message": wrong.message}]}
        ) from None
    if dry_run:
        with services.db.read() as conn:
            plan = plan_import(conn, table)
    else:
        try:
            plan = import_table(services.db, table, node=services.settings.node, at_us=services.now_us())
        except OvertakenError as error:
            services.on_cameras_changed()
            raise ApiError("plan_changed", sentence_of(error)) from None
    if plan.errors:
        found = [{"field": wrong.place, "message": wrong.message} for wrong in plan.errors]
        detail = Sentence(
            "{count} {count:mistake|mistakes}; nothing was changed. First: {first}",
            count=len(found),
            first=plan.errors[0].sentence,
        )
        raise ApiError("invalid_table", detail, extra={"errors": found})
    changed = {id_: list(names) for id_, names in plan.changed.items()}
    before = rights_of(request).snapshot
    after = with_labels(before, {camera.id: camera.labels for camera in plan.wanted})
    sight = effects(before, after, services.now_us()).sentence()
    language = accepted(request.headers.get("accept-language", ""))
    return Imported(dry_run, list(plan.added), changed, plan.unchanged, say(sight, language))


ROUTES: list[object] = [export_cameras, import_cameras]
