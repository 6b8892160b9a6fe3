"""The route that says whether the page shows the name of who is watching over a picture. It deters from filming a
screen; footage itself stays untouched."""

from __future__ import annotations

import msgspec
from litestar import Response
from litestar.params import FromPath

from nvr.api.http.auth import principal_of
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import get
from nvr.api.http.services import Injected
from storage.catalogue.selection import parse

__all__ = ["ROUTES"]

EVERYBODY = "*"


class NameOverPicture(msgspec.Struct):
    """``name``: what is to be shown over the picture, with the time; null: nothing."""

    name: str | None


@get(
    "/api/cameras/{camera:str}/name-over-picture",
    action="watch",
    scope="camera",
    summary="Whether the page shows who is watching over the camera's picture",
    answer=NameOverPicture,
)
def name_over_picture(request: ApiRequest, services: Injected, camera: FromPath[str]) -> Response[bytes]:
    """By the settings: for the roles by which whoever asks sees this camera, and for its labels."""
    who, settings = principal_of(request), services.settings
    snapshot, query = who.rights.snapshot, parse(settings.name_over_cameras)
    known = snapshot.cameras.get(camera)
    roles = {one.role for one in snapshot.grants_on(who.rights.holder, camera) if one.holds_at(who.rights.now_us)}
    shown = known is not None and query.has(known.id, known.labels)
    shown = shown and (EVERYBODY in settings.name_over_picture or not roles.isdisjoint(settings.name_over_picture))
    return json_answer(request, NameOverPicture(who.name if shown else None))


ROUTES: list[object] = [name_over_picture]
