"""Routes of bookmarks: moments of footage with a note, for who may play that footage."""

from __future__ import annotations

import msgspec
from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody

from nvr.access.roles import AccessAction
from nvr.api.footage.tiles import chosen_cameras
from nvr.api.http.auth import principal_of, require, rights_of
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.permissions import cuts_headers
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import delete, get, post
from nvr.api.http.services import Injected
from nvr.api.http.times import LONGEST_RANGE_US, RANGE_ERRORS, TIME_ERRORS, format_time, parse_range, parse_time
from nvr.cases import bookmarks
from nvr.cases.bookmarks import Bookmark, BookmarkError
from storage.intervals import Interval
from storage.sentences import Sentence, sentence_of

__all__ = ["ROUTES"]


class NewBookmark(msgspec.Struct, forbid_unknown_fields=True):
    """A moment, ISO 8601 with a zone, and what is noted of it."""

    at: str
    note: str


class BookmarkBody(msgspec.Struct, kw_only=True):
    """A moment of a camera with a note. ``mine``: whoever asks may remove it."""

    id: str
    camera: str
    at: str
    note: str
    made_by: str
    made: str
    mine: bool


class Bookmarks(msgspec.Struct):
    """By time."""

    bookmarks: list[BookmarkBody]


def _body(request: ApiRequest, one: Bookmark) -> BookmarkBody:
    who = principal_of(request)
    return BookmarkBody(
        id=one.id,
        camera=one.camera,
        at=format_time(one.at_us),
        note=one.note,
        made_by=one.made_by,
        made=format_time(one.made_us),
        mine=one.made_by_id == who.actor.person or who.rights.everywhere(AccessAction.SYSTEM),
    )


def _is_shown(request: ApiRequest, one: Bookmark) -> bool:
    return rights_of(request).on(one.camera, AccessAction.PLAYBACK, Interval(one.at_us, one.at_us + 1)).allowed


@get(
    "/api/bookmarks",
    action="playback",
    scope="cameras",
    summary="The bookmarks of up to 16 cameras in a range",
    errors=["camera_not_found", "closed_for_privacy", "outside_grant", "invalid_parameter", *RANGE_ERRORS],
    answer=Bookmarks,
)
def list_bookmarks(
    request: ApiRequest,
    services: Injected,
    camera: FromQuery[list[str] | None] = None,
    start: FromQuery[str | None] = None,
    end: FromQuery[str | None] = None,
) -> Response[bytes]:
    """Of the footage that who asks may play, at most 2,000. ``X-Cut`` says what of which camera was not granted."""
    asked = parse_range(start, end, longest_us=LONGEST_RANGE_US)
    chosen = chosen_cameras(camera)
    given = {one: require(request, one, AccessAction.PLAYBACK, asked) for one in chosen}
    with services.db.read() as conn:
        found = bookmarks.between(conn, chosen, *asked)
    shown = Bookmarks([_body(request, one) for one in found if _is_shown(request, one)])
    return json_answer(request, shown, headers=cuts_headers(asked, given))


@post(
    "/api/cameras/{camera:str}/bookmarks",
    action="playback",
    scope="camera",
    summary="Mark a moment of a camera's footage with a note",
    errors=["invalid_request", "invalid_bookmark", "camera_not_found", *TIME_ERRORS],
    answer=BookmarkBody,
)
def make_bookmark(
    request: ApiRequest, services: Injected, camera: FromPath[str], data: JSONBody[NewBookmark]
) -> Response[bytes]:
    """Everybody who may play that moment sees it."""
    at_us = parse_time("at", data.at)
    require(request, camera, AccessAction.PLAYBACK, Interval(at_us, at_us + 1))
    with services.db.write() as conn:
        try:
            made = bookmarks.make(
                conn, camera, at_us, data.note, by=principal_of(request).actor, now_us=services.now_us()
            )
        except KeyError:
            raise no_camera(camera) from None
        except BookmarkError as error:
            raise ApiError("invalid_bookmark", sentence_of(error)) from None
    return json_answer(request, _body(request, made), status=201)


@delete(
    "/api/bookmarks/{bookmark:str}",
    action="playback",
    scope="cameras",
    summary="Remove a bookmark",
    errors=["bookmark_not_found"],
)
def remove_bookmark(request: ApiRequest, services: Injected, bookmark: FromPath[str]) -> None:
    """One's own, or by an administrator any."""
    with services.db.read() as conn:
        found = bookmarks.find(conn, bookmark)
    if found is None or not _is_shown(request, found) or not _body(request, found).mine:
        raise ApiError("bookmark_not_found", Sentence("there is no bookmark {bookmark!r} of yours", bookmark=bookmark))
    with services.db.write() as conn:
        bookmarks.remove(conn, bookmark, by=principal_of(request).actor, now_us=services.now_us())


ROUTES: list[object] = [list_bookmarks, make_bookmark, remove_bookmark]
