"""The route of the list of cameras: all of them once, then what changed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from litestar import Response
from litestar.params import FromQuery

from nvr.access.roles import AccessAction
from nvr.api.http.auth import rights_of
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get
from nvr.api.http.services import Injected
from nvr.api.http.times import format_time
from nvr.cameras.fleet_rows import FleetState, labels_of
from storage.causes import Cause, CauseClass

__all__ = ["ROUTES"]


class FleetCamera(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A camera in the list; what is left out is null, or false. ``state``: ``down`` should be recorded and is not,
    ``off`` need not be by a decision and is not. ``since``: where the outage or the decision began. ``letter``: of the
    order that it is under. ``live``: it has a stream of its own for walls."""

    id: str
    name: str
    labels: Mapping[str, str]
    state: FleetState
    cause: Cause | None = None
    class_: CauseClass | None = msgspec.field(name="class", default=None)
    since: str | None = None
    letter: str | None = None
    live: bool = False


class FleetList(msgspec.Struct):
    """``token``: what to ask with the next time. ``whole``: these are all cameras; else those that changed since, and
    in ``gone`` those that are there no more."""

    as_of: str
    token: str
    whole: bool
    cameras: list[FleetCamera]
    gone: list[str]


@get(
    "/api/fleet",
    action="status",
    scope="cameras",
    summary="The cameras as a list: all of them, or with after what changed since",
    answer=FleetList,
)
def fleet(request: ApiRequest, services: Injected, after: FromQuery[str | None] = None) -> Response[bytes]:
    """``after``: the ``token`` of the answer before. One of another time of the server, or of other rights, gets all
    cameras."""
    among = rights_of(request).cameras(AccessAction.STATUS).among
    with services.db.read() as conn:
        found = services.fleet_rows.changes(conn, services.now_us(), after, among)
    cameras = [
        FleetCamera(
            id=row.id,
            name=row.name,
            labels=labels_of(row),
            state=row.state,
            cause=row.cause,
            class_=row.cause_class,
            since=None if row.since_us is None else format_time(row.since_us),
            letter=row.letter,
            live=row.live,
        )
        for row in found.rows
    ]
    answer = FleetList(format_time(found.as_of_us), found.token, found.is_whole, cameras, found.gone)
    return json_answer(request, answer)


ROUTES: list[object] = [fleet]
