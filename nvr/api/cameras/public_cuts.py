"""Routes that cut a camera's public view, and bring it back."""

from __future__ import annotations

import msgspec
from litestar.params import FromPath, JSONBody

from nvr.access.roles import AccessAction
from nvr.api.http.auth import principal_of, rights_of
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import get, post
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import format_time
from nvr.cameras import public_view
from nvr.cameras.public_view import CutError, PublicCut
from storage.sentences import sentence_of

__all__ = ["CutBody", "Cuts", "Why", "cut_view", "list_cuts", "restore_view"]


class CutBody(msgspec.Struct):
    """A camera whose public view is cut."""

    camera: str
    since: str
    reason: str
    by: str


class Cuts(msgspec.Struct):
    """All cuts in force."""

    cuts: list[CutBody]


class Why(msgspec.Struct, forbid_unknown_fields=True):
    """The reason, for the record."""

    reason: str


@get("/api/public-cuts", action="status", scope="cameras", summary="Cameras whose public view is cut now", answer=Cuts)
def list_cuts(request: ApiRequest, services: Injected) -> Cuts:
    """All cuts in force."""
    seen = rights_of(request).cameras(AccessAction.STATUS)
    with services.db.read() as conn:
        return Cuts([_cut(cut) for cut in public_view.cuts(conn).values() if cut.camera in seen])


def _cut(cut: PublicCut) -> CutBody:
    return CutBody(cut.camera, format_time(cut.since_us), cut.reason, cut.by)


@post(
    "/api/cameras/{camera:str}/public-cut",
    action="cut_public",
    scope="camera",
    summary="Cut a camera's public view at once; recording goes on",
    errors=["invalid_request", "invalid_cut", "camera_not_found"],
    answer=CutBody,
)
def cut_view(request: ApiRequest, services: Injected, camera: FromPath[str], data: JSONBody[Why]) -> CutBody:
    """Caches in between may show its last answer for as long as they were allowed to: seconds."""
    with services.db.write() as conn:
        try:
            made = public_view.cut(
                conn, camera, reason=data.reason, by=principal_of(request).actor, now_us=services.now_us()
            )
        except KeyError:
            raise no_camera(camera) from None
        except CutError as error:
            raise ApiError("invalid_cut", sentence_of(error)) from None
    _forget(services)
    return _cut(made)


@post(
    "/api/cameras/{camera:str}/public-cut/end",
    action="orders",
    scope="camera",
    summary="Let citizens see the camera again",
    errors=["invalid_request", "invalid_cut", "camera_not_found"],
    status=204,
)
def restore_view(request: ApiRequest, services: Injected, camera: FromPath[str], data: JSONBody[Why]) -> None:
    """Ends the cut."""
    with services.db.write() as conn:
        try:
            public_view.restore(
                conn, camera, reason=data.reason, by=principal_of(request).actor, now_us=services.now_us()
            )
        except KeyError:
            raise no_camera(camera) from None
        except CutError as error:
            raise ApiError("invalid_cut", sentence_of(error)) from None
    _forget(services)


def _forget(services: Services) -> None:
    services.public.forget()
    services.live_parts.forget()
    services.pictures.forget()
