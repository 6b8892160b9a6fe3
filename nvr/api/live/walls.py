"""Routes of walls that people keep, and share with a role or with everyone."""

from __future__ import annotations

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr.access.roles import AccessAction, Role, nearest_role
from nvr.api.http.auth import principal_of, rights_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import delete, get, post
from nvr.api.http.services import Injected
from nvr.api.http.times import format_time
from nvr.cameras import walls
from nvr.cameras.walls import SavedWall
from storage.sentences import Sentence
from storage.texts import TextError, one_line

__all__ = ["ROUTES"]


class NewWall(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A wall to keep. ``wall``: the id of one's own that it takes the place of. ``shared``: empty for oneself alone,
    ``everyone``, or a role."""

    name: str
    cameras: list[str]
    places: int = 9
    shared: str = ""
    wall: str | None = None


class WallBody(msgspec.Struct, kw_only=True):
    """A wall. ``cameras``: those of it that one may see live. ``mine``: it is one's own, and may be changed."""

    id: str
    name: str
    cameras: list[str]
    places: int
    shared: str
    mine: bool
    owner: str
    changed: str


class Walls(msgspec.Struct):
    """One's own walls, and those that are shared with one."""

    walls: list[WallBody]


def _body(request: ApiRequest, wall: SavedWall) -> WallBody:
    seen = rights_of(request).cameras(AccessAction.LIVE)
    return WallBody(
        id=wall.id,
        name=wall.name,
        cameras=[camera for camera in wall.cameras if camera in seen],
        places=wall.places,
        shared=wall.shared,
        mine=wall.owner == principal_of(request).actor.person,
        owner=wall.owner_name,
        changed=format_time(wall.changed_us),
    )


@get(
    "/api/walls",
    action="live",
    scope="cameras",
    summary="One's own walls, and those that are shared with one",
    answer=Walls,
)
def list_walls(request: ApiRequest, services: Injected) -> Response[bytes]:
    """By name. One of somebody else's of which one may see no camera is not there."""
    role = nearest_role(rights_of(request).actions)
    with services.db.read() as conn:
        found = walls.walls_for(conn, principal_of(request).actor.person, role)
    bodies = [_body(request, wall) for wall in found]
    return json_answer(request, Walls([body for body in bodies if body.mine or body.cameras]))


@post(
    "/api/walls",
    action="live",
    scope="cameras",
    summary="Keep a wall, for oneself, for a role or for everyone",
    errors=["invalid_request", "not_found"],
    answer=WallBody,
)
def save_wall(request: ApiRequest, services: Injected, data: JSONBody[NewWall]) -> Response[bytes]:
    """A new one, or in the place of one's own."""
    who = principal_of(request).actor
    try:
        name = one_line("name", data.name)
    except TextError as error:
        raise ApiError("invalid_request", Sentence("{why}", why=str(error))) from None
    cameras = tuple(dict.fromkeys(data.cameras))
    if data.places not in walls.PLACES:
        raise ApiError("invalid_request", Sentence("places must be 1, 4, 9 or 16"))
    if not 0 < len(cameras) <= walls.MOST_CAMERAS:
        raise ApiError("invalid_request", Sentence("a wall has 1 to {most} cameras", most=walls.MOST_CAMERAS))
    if data.shared not in ("", walls.EVERYONE, *Role):
        raise ApiError("invalid_request", Sentence("shared must be empty, everyone, or the name of a role"))
    seen = rights_of(request).cameras(AccessAction.LIVE)
    if unseen := [camera for camera in cameras if camera not in seen]:
        raise ApiError("invalid_request", Sentence("there is no camera {camera!r}", camera=unseen[0]))
    with services.db.write() as conn:
        if data.wall is not None:
            old = walls.find_wall(conn, data.wall)
            if old is None or old.owner != who.person:
                raise ApiError("not_found", Sentence("there is no wall {wall!r} of yours", wall=data.wall))
        try:
            made = walls.save_wall(
                conn,
                wall=data.wall,
                name=name,
                cameras=cameras,
                places=data.places,
                shared=data.shared,
                by=who,
                at_us=services.now_us(),
            )
        except ValueError:
            raise ApiError(
                "invalid_request", Sentence("you keep {most} walls already: delete one", most=walls.MOST_OF_ONE)
            ) from None
    return json_answer(request, _body(request, made), status=201)


@delete(
    "/api/walls/{wall:str}", action="live", scope="cameras", summary="Delete a wall of one's own", errors=["not_found"]
)
def delete_wall(request: ApiRequest, services: Injected, wall: FromPath[str]) -> None:
    """Of others' an administrator may, too."""
    who = principal_of(request)
    with services.db.write() as conn:
        found = walls.find_wall(conn, wall)
        mine = found is not None and found.owner == who.actor.person
        if found is None or not (mine or (found.shared and who.rights.everywhere(AccessAction.SYSTEM))):
            raise ApiError("not_found", Sentence("there is no wall {wall!r} of yours", wall=wall))
        walls.delete_wall(conn, found)


ROUTES: list[object] = [list_walls, save_wall, delete_wall]
