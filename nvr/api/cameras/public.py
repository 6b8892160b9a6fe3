"""Routes for citizens, without login: the status of public cameras and their last picture, only where the operator
switched that on.

They stay up when thousands watch: answers are made at most once in a few seconds, whoever asks, and may be kept by any
cache. Invariant: nothing is answered of a camera that is not labelled public, and no picture while its public view is
cut.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Response
from litestar.params import FromPath

from nvr.access.closures import closures
from nvr.access.model import Closure
from nvr.api.answers import page
from nvr.api.cameras.public_cuts import cut_view, list_cuts, restore_view
from nvr.api.cameras.public_words import public_state, public_text
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, Packed, packed
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import format_time
from nvr.cameras import public_view
from nvr.cameras.present import CameraNow, present
from nvr.playback.errors import PlaybackError
from nvr.playback.snapshot import snapshot
from storage.catalogue.segments import LAST_SPANS
from storage.causes import Cause
from storage.sentences import Sentence

__all__ = ["ROUTES", "public_camera_of"]

_FRESH_S: Final = 5
_PICTURE_FRESH_S: Final = 30
_HIDDEN_FRESH_S: Final = 1
_WIDTH: Final = 640


class OrderOfCamera(msgspec.Struct):
    """The order that switched a camera off."""

    letter: str
    letter_date: str | None
    expected_end: str | None


class PublicCamera(msgspec.Struct, kw_only=True):
    """``state`` is a named status: recording, disabled, maintenance, schedule, privacy, setup, network, camera or
    server; ``text`` says it by language. ``picture`` is the address of the last picture, from ``picture_time``; null
    where none may be shown or none is there. ``live``: of the live picture, an HLS playlist, where citizens may see it
    and it is being recorded."""

    id: str
    name: str
    district: str | None
    latitude: str | None
    longitude: str | None
    state: str
    since: str | None
    text: dict[str, str]
    order: OrderOfCamera | None
    picture: str | None
    picture_time: str | None
    live: str | None


class PublicCameras(msgspec.Struct):
    """All public cameras."""

    as_of: str
    zone: str
    cameras: list[PublicCamera]


# The last footage of a camera, from the ends of primary keys.
_CAMERAS: Final = f"""
SELECT c.id, c.name, c.labels, c.added_us, t.since_us,
  coalesce(json_extract(c.settings, '$.live_url'), '') <> '' OR NOT coalesce(json_extract(c.settings, '$.audio'), 0)
    AS is_silent,
  (SELECT max(end_us) FROM (SELECT end_us FROM span p WHERE p.camera = c.key
    ORDER BY p.start_us DESC LIMIT {LAST_SPANS})) AS last_us,
  (SELECT max(g.until_us) FROM growing g WHERE g.camera = c.key) AS growing_us
FROM camera c LEFT JOIN status t ON t.camera = c.key WHERE c.removed_us IS NULL ORDER BY c.id"""


def _list_all(conn: sqlite3.Connection, now_us: int, base_path: str) -> list[PublicCamera]:
    now, cuts = present(conn, now_us), public_view.cuts(conn)
    shut = [one for one in closures(conn) if one.holds_at(now_us)]
    found = []
    for row in conn.execute(_CAMERAS):
        labels = json.loads(row["labels"])
        if public_view.is_public(labels):
            hidden = [cuts[row["id"]].since_us] if row["id"] in cuts else []
            hidden += [one.since_us for one in shut if one.camera == row["id"] and _takes(one, row)]
            found.append(_body(row, labels, now[row["id"]], min(hidden, default=None), base_path))
    return found


def _takes(one: Closure, row: sqlite3.Row) -> bool:
    """Whether what is closed for privacy is the last picture of a camera."""
    return one.range.start_us < _last(row) <= one.range.end_us


def _last(row: sqlite3.Row) -> int:
    return max(row["last_us"] or 0, row["growing_us"] or 0)


def _body(
    row: sqlite3.Row, labels: Mapping[str, str], now: CameraNow, hidden_us: int | None, base_path: str
) -> PublicCamera:
    """``hidden_us``: since when its public view is cut, or closed for privacy."""
    # A decision says why before the recorder has heard of it; maintenance, only why there is no picture.
    records = now.is_recording and now.cause in (None, Cause.MAINTENANCE)
    since_us: int | None = (row["since_us"] if records else now.since_us) or row["added_us"]
    detail: Mapping[str, Any] = now.detail or {} if not now.is_required and not records else {}
    name = public_state("recording" if records else "waiting", None if records else now.cause, now.detail or {})
    if hidden_us is not None:
        name, since_us, detail = "privacy", hidden_us, {}
    last_us = _last(row)
    shows = public_view.shows_picture(labels) and hidden_us is None and last_us > 0
    # No sound for citizens: a stream for watching has none.
    live = public_view.shows_live(labels) and name == "recording" and hidden_us is None and row["is_silent"]
    order = None
    if name == "disabled":
        order = OrderOfCamera(str(detail.get("letter", "")), detail.get("letter_date"), detail.get("expected_end"))
    return PublicCamera(
        id=row["id"],
        name=row["name"],
        district=labels.get("district"),
        latitude=labels.get("latitude"),
        longitude=labels.get("longitude"),
        state=name,
        since=None if since_us is None else format_time(since_us),
        text=public_text(name, detail),
        order=order,
        picture=f"{base_path}/api/public/cameras/{row['id']}/picture.jpg" if shows else None,
        picture_time=format_time(last_us) if shows else None,
        live=f"{base_path}/api/public/cameras/{row['id']}/live.m3u8" if live else None,
    )


def _check_on(services: Services) -> None:
    if not services.settings.public:
        raise ApiError("public_off", Sentence("this server has no public page"))


def _kept(services: Services) -> dict[str, Any]:
    """Every public camera and its answer, by id; under the empty id, all together."""
    now_us = services.now_us()

    def make() -> dict[str, Any]:
        with services.db.read() as conn:
            found = _list_all(conn, now_us, services.settings.base_path)
        every = PublicCameras(format_time(now_us), services.settings.zone, found)
        answers: dict[str, Any] = {camera.id: camera for camera in found}
        answers[""] = packed(msgspec.json.encode(every))
        return answers

    kept: dict[str, Any] = services.public.get("", now_us, _FRESH_S, make)
    return kept


def _answer(request: ApiRequest, made: Packed, media_type: str) -> Response[bytes]:
    # Words may be shown while the server is away; a picture must be gone soon after its view was cut.
    stale = "must-revalidate" if media_type == "image/jpeg" else "stale-while-revalidate=60, stale-if-error=3600"
    return made.answer(request, media_type, {"Cache-Control": f"public, max-age={_FRESH_S}, {stale}"})


@get(
    "/api/public/cameras",
    action="public",
    summary="The status of every public camera, for citizens",
    errors=["public_off"],
    answer=PublicCameras,
)
def public_cameras(request: ApiRequest, services: Injected) -> Response[bytes]:
    """All public cameras."""
    _check_on(services)
    made: Any = _kept(services)[""]
    return _answer(request, made, "application/json")


def public_camera_of(services: Services, camera: str) -> PublicCamera:
    """What citizens are told of a camera, at most some seconds old, but for a cut of its view.

    Raises:
        ApiError: ``public_off``.
    """
    _check_on(services)
    found: Any = _kept(services).get(camera) if camera else None
    if found is None:
        # Whether there is such a camera is nobody's business.
        raise ApiError("public_off", Sentence("there is no such camera on the public page"))
    assert isinstance(found, PublicCamera)
    return found


@get(
    "/api/public/cameras/{camera:str}",
    action="public",
    summary="The status of a public camera, for citizens",
    errors=["public_off"],
    answer=PublicCamera,
)
def public_camera(request: ApiRequest, services: Injected, camera: FromPath[str]) -> Response[bytes]:
    """One public camera."""
    return _answer(request, packed(msgspec.json.encode(public_camera_of(services, camera))), "application/json")


@get(
    "/api/public/cameras/{camera:str}/picture.jpg",
    action="public",
    summary="The last picture of a public camera that may show it",
    errors=["public_off", "no_footage"],
    media_type="image/jpeg",
)
async def public_picture(request: ApiRequest, services: Injected, camera: FromPath[str]) -> Response[bytes]:
    """At most one is decoded for a camera in half a minute."""
    kept = await services.pools.strangers.run(_kept_picture, services, camera)
    if kept is None:
        # Only who must have one decoded waits in the line of those who are logged in.
        kept = await services.pools.pictures.run(_picture, services, camera)
    body, at = kept
    answer = _answer(request, packed(body, worth_it=False), "image/jpeg")
    answer.headers["X-Frame-Time"] = at
    return answer


def _kept_picture(services: Services, camera: str) -> tuple[bytes, str] | None:
    """The picture, if it was decoded lately and may still be shown."""
    if public_camera_of(services, camera).picture is None:
        raise ApiError("no_footage", Sentence("this camera shows no picture now; its status says why"))
    kept: tuple[bytes, str] | None = services.pictures.peek(camera, services.now_us(), _PICTURE_FRESH_S)
    return kept


def _picture(services: Services, camera: str) -> tuple[bytes, str]:
    if public_camera_of(services, camera).picture is None:
        raise ApiError("no_footage", Sentence("this camera shows no picture now; its status says why"))

    def make() -> tuple[bytes, str]:
        with services.db.read() as conn:
            row = conn.execute(f"SELECT last_us, growing_us FROM ({_CAMERAS}) WHERE id = ?", (camera,)).fetchone()
        try:
            found = snapshot(
                services.db,
                services.indexes,
                camera,
                _last(row) - 1,
                width=_WIDTH,
            )
        except PlaybackError:
            raise ApiError("no_footage", Sentence("there is no picture of this camera now")) from None
        return found.jpeg, format_time(found.frame_time_us)

    made: tuple[bytes, str] = services.pictures.get(camera, services.now_us(), _PICTURE_FRESH_S, make)
    return made


class PublicHidden(msgspec.Struct):
    """Public cameras of which no picture may be shown any more, whatever was said of them before."""

    as_of: str
    hidden: list[str]


@get(
    "/api/public/hidden",
    action="public",
    summary="Public cameras whose pictures have to be taken off the screen",
    errors=["public_off"],
    answer=PublicHidden,
)
def public_hidden(request: ApiRequest, services: Injected) -> Response[bytes]:
    """Small, so that every screen can ask each second: a cut is on all of them within two, through a cache too."""
    _check_on(services)
    now_us = services.now_us()

    def make() -> Packed:
        with services.db.read() as conn:
            found = _list_all(conn, now_us, services.settings.base_path)
        hidden = [camera.id for camera in found if camera.state == "privacy"]
        return packed(msgspec.json.encode(PublicHidden(format_time(now_us), hidden)))

    made: Packed = services.public.get("hidden", now_us, _HIDDEN_FRESH_S, make)
    headers = {"Cache-Control": f"public, max-age={_HIDDEN_FRESH_S}, must-revalidate"}
    return made.answer(request, "application/json", headers)


@get(
    "/embed", action="public", summary="The page for citizens, within another", media_type="text/html", in_schema=False
)
def embedded_page(request: ApiRequest, services: Injected) -> Response[bytes]:
    """Only pages that the configuration names may show it."""
    answer = page.index_file(request, services)
    allowed = services.settings.public_embed
    if services.settings.public and allowed:
        # What this says of frames goes before X-Frame-Options (CSP 3, frame-ancestors).
        answer.headers["Content-Security-Policy"] = page.policy_for_frames(allowed)
    return answer


@get("/public", action="public", summary="The page for citizens", media_type="text/html", in_schema=False)
def public_page(request: ApiRequest, services: Injected) -> Response[bytes]:
    """The same page as ``/``, which sees by its address that it is asked by a citizen; where there is none, it says
    so."""
    return page.index_file(request, services)


ROUTES: list[object] = [
    public_cameras,
    public_camera,
    public_picture,
    public_hidden,
    public_page,
    embedded_page,
    list_cuts,
    cut_view,
    restore_view,
]
