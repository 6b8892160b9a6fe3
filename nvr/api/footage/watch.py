"""Routes for whoever has an address with a secret in it: one camera, live or one range, without a login.

Playlists name everything relative to themselves, so that players carry the secret on. Invariants: what is not of the
address's camera and range is not answered; an address that is unknown, over, revoked or whose maker is gone is answered
alike, at each request and, while something is being sent, within a second; the secret is in no log, no error and
no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from litestar import Response
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response.base import ASGIResponse

from nvr.access.decide import Decision
from nvr.access.roles import BUILT_IN, AccessAction
from nvr.api.answers.sending import send
from nvr.api.footage.clip_asked import asked_of, given_of
from nvr.api.footage.clip_requests import check_clip
from nvr.api.footage.clips import clip_answer
from nvr.api.footage.playlists import PLAYLIST_TYPE, live_answer, picture_answer, recorded_answer
from nvr.api.footage.segments import AHEAD_US, LIVE_US, PRIVATE, check_bytes, gap_answer, init_answer, segment_media
from nvr.api.http.auth import address_of
from nvr.api.http.errors import ApiError
from nvr.api.http.permissions import refusal_of
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import parse_time
from nvr.cases import addresses
from nvr.cases.addresses import Address, AddressState
from nvr.playback.hls.names import GAP_NAME
from storage.catalogue import segments
from storage.catalogue.actors import of_address
from storage.catalogue.audit import Act
from storage.intervals import Interval
from storage.sentences import Sentence

__all__ = ["ROUTES", "still_good"]


_ERRORS: Final = (
    "address_not_valid", "camera_not_found", "forbidden", "outside_address", "outside_grant", "closed_for_privacy",
)  # fmt: skip


def _not_valid() -> ApiError:
    return ApiError(
        "address_not_valid", Sentence("this address shows nothing, or nothing any more: ask whoever gave it to you")
    )


def _open(
    request: ApiRequest, services: Services, secret: str, what: str, needed: AccessAction | None = None
) -> Address:
    """The address with this secret; its use is in the audit log. ``needed``: None for looking, live or back.

    Raises:
        ApiError: ``address_not_valid``, or what is answered to who made it, who may not do this.
    """
    now_us = services.now_us()
    with services.db.read() as conn:
        found = addresses.of_secret(conn, secret, now_us)
    if found is None:
        raise _not_valid()
    detail = {"address": found.id, "made_by": found.made_by, "what": what}
    act = Act(of_address(found.id), address_of(request), "address_used", now_us)
    if found.state is not AddressState.VALID:
        act.action, detail["what"] = "address_refused", str(found.state)
        # Who has an address that is over may ask from as many addresses as they like.
        is_known = services.views.goes_on(act, found.camera, detail, now_us)
        if not is_known and services.links_refused_entered.take() is not None:
            services.views.enter(act, found.camera, detail, now_us)
        raise _not_valid()
    given = _given(services, found, needed)
    if not given.allowed:
        raise refusal_of(given, found.made_by, found.camera, [needed or _looking(found)])
    detail["grant"] = given.grants[0].id
    if not services.views.goes_on(act, found.camera, detail, now_us):
        note: Callable[..., None] = lambda conn: addresses.used(conn, found.id, now_us=now_us)  # noqa: E731
        services.views.enter(act, found.camera, detail, now_us, also=note)
    return found


def _looking(address: Address) -> AccessAction:
    return AccessAction.LIVE if address.live else AccessAction.PLAYBACK


def _given(services: Services, address: Address, needed: AccessAction | None = None) -> Decision:
    """What its maker's grants give of it now."""
    most = None if address.role is None else BUILT_IN[address.role]
    rights = services.rights(address.made_by_id or "", services.now_us(), most=most, within=address.within)
    asked = None
    if address.start_us is not None and address.end_us is not None:
        asked = Interval(address.start_us, address.end_us)
    return rights.on(address.camera, needed or _looking(address), asked)


def still_good(services: Services, secret: str, needed: AccessAction | None = None) -> bool:
    """Whether the address is good still, and who made it may still do this."""
    with services.db.read() as conn:
        found = addresses.of_secret(conn, secret, services.now_us())
    return found is not None and found.state is AddressState.VALID and _given(services, found, needed).allowed


def _outside(why: Sentence) -> ApiError:
    return ApiError("outside_address", why)


def _shown(services: Services, address: Address) -> tuple[Interval, ...]:
    """What may be seen by it now."""
    if not address.live:
        return _given(services, address).ranges
    now_us = services.now_us()
    return (Interval(now_us - LIVE_US, now_us + AHEAD_US),)


def _range(address: Address) -> Interval:
    if address.start_us is None or address.end_us is None:
        raise _outside(Sentence("this address shows no recorded footage: it is for live view"))
    return Interval(address.start_us, address.end_us)


@get(
    "/api/watch/{secret:str}/playlist.m3u8",
    action="public",
    summary="The range of an address as an HLS playlist",
    errors=["no_footage", "footage_gone", "footage_damaged", "invalid_parameter", *_ERRORS],
    media_type=PLAYLIST_TYPE,
    pool="heavy",
)
def watch_recorded(
    request: ApiRequest, services: Injected, secret: FromPath[str], run: FromQuery[str | None] = None
) -> Response[bytes]:
    """As ``/api/cameras/{camera}/playlist.m3u8``."""
    address = _open(request, services, secret, "play")
    return recorded_answer(request, services, address.camera, _range(address), run, _given(services, address))


@get(
    "/api/watch/{secret:str}/live.m3u8",
    action="public",
    summary="The live view of an address as a low-latency HLS playlist",
    errors=["invalid_parameter", "not_live", "live_too_far_ahead", "footage_damaged", *_ERRORS],
    media_type=PLAYLIST_TYPE,
)
async def watch_live(
    request: ApiRequest,
    services: Injected,
    secret: FromPath[str],
    msn: Annotated[str | None, QueryParameter(name="_HLS_msn")] = None,
    part: Annotated[str | None, QueryParameter(name="_HLS_part")] = None,
) -> Response[bytes]:
    """As ``/api/cameras/{camera}/live.m3u8``."""
    address = await services.pools.strangers.run(_open, request, services, secret, "play")
    if not address.live:
        raise _outside(Sentence("this address shows no live view: it is for a range"))
    answer = await live_answer(request, services, address.camera, msn, part)
    # It may have waited.
    if not await services.pools.strangers.run(still_good, services, secret):
        raise _not_valid()
    return answer


@get(
    "/api/watch/{secret:str}/segments/{name:str}",
    action="public",
    summary="Recorded bytes that a playlist of an address names",
    errors=["segment_not_found", "range_not_satisfiable", "footage_damaged", *_ERRORS],
    media_type="video/mp4",
)
def watch_segment(request: ApiRequest, services: Injected, secret: FromPath[str], name: FromPath[str]) -> ASGIResponse:
    """A ``Range`` of a segment's file; of the file, only what shows the address's range."""
    address = _open(request, services, secret, "play")
    if name == GAP_NAME:
        return gap_answer(request)
    shown = _shown(services, address)
    media = segment_media(services, address.camera, name)
    check_bytes(
        request,
        media,
        shown,
        lambda: _outside(
            Sentence("this address does not show these bytes: ask for those that its playlist names, by Range")
        ),
    )
    return send(
        request,
        media,
        etag=media.etag,
        media_type="video/mp4",
        headers=PRIVATE,
        still=lambda: still_good(services, secret),
    )


@get(
    "/api/watch/{secret:str}/inits/{name:str}",
    action="public",
    summary="What makes the fragments of an address decodable",
    errors=["init_not_found", "range_not_satisfiable", *_ERRORS],
    media_type="video/mp4",
)
def watch_init(request: ApiRequest, services: Injected, secret: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """As ``/api/cameras/{camera}/inits/{name}``, if footage of the address needs it."""
    address = _open(request, services, secret, "play")
    shown = _shown(services, address)
    with services.db.read() as conn:
        sha256 = name.removesuffix(".mp4")
        if not any(segments.needs_init(conn, address.camera, *part, sha256) for part in shown):
            raise ApiError("init_not_found", Sentence("there is no such init"))
    return init_answer(request, services, name)


@get(
    "/api/watch/{secret:str}/clip.mp4",
    action="public",
    summary="The range of an address as one MP4; by the rights of who made it (clip)",
    errors=[
        "approval_needed",
        "no_footage",
        "footage_gone",
        "footage_damaged",
        "clip_too_long",
        "gap_too_long",
        "range_not_over",
        "several_inits",
        "invalid_parameter",
        "range_not_satisfiable",
        *_ERRORS,
    ],
    media_type="video/mp4",
)
async def watch_clip(
    request: ApiRequest,
    services: Injected,
    secret: FromPath[str],
    gaps: FromQuery[str] = "collapse",
    so_far: FromQuery[bool] = False,
    run: FromQuery[str | None] = None,
) -> ASGIResponse:
    """As ``/api/cameras/{camera}/clip.mp4``."""
    address = await services.pools.strangers.run(_open, request, services, secret, "clip", AccessAction.CLIP)
    given = await services.pools.strangers.run(_given, services, address, AccessAction.CLIP)
    asked, cut = given_of(address.camera, asked_of(address.camera, _range(address), gaps, so_far, run), given)
    await services.pools.quick.run(check_clip, services, None, address.camera, asked.start_us, asked.end_us, None)
    try:
        return await clip_answer(
            request,
            services,
            address.camera,
            asked,
            still=lambda: still_good(services, secret, AccessAction.CLIP),
            more=cut,
        )
    except ApiError as error:
        # Where the parts are for those who are logged in.
        raise ApiError(error.code, error.sentence, headers=error.headers) from None


@get(
    "/api/watch/{secret:str}/snapshot.jpg",
    action="public",
    summary="A picture of an address: at a time of its range, or the last one of live view",
    errors=[
        "no_footage",
        "footage_gone",
        "footage_damaged",
        "invalid_parameter",
        "naive_time",
        "invalid_time",
        "time_out_of_range",
        *_ERRORS,
    ],
    media_type="image/jpeg",
)
async def watch_picture(
    request: ApiRequest,
    services: Injected,
    secret: FromPath[str],
    at: FromQuery[str | None] = None,
    width: FromQuery[str | None] = None,
) -> Response[bytes]:
    """As ``/api/cameras/{camera}/snapshot.jpg``; of a range without ``at``, its first picture."""
    address = await services.pools.strangers.run(_open, request, services, secret, "snapshot")
    at_us = None if at is None else parse_time("at", at)
    if address.live and at_us is not None:
        raise _outside(Sentence("this address shows no recorded footage: it is for live view"))
    if not address.live:
        asked = _range(address)
        at_us = asked.start_us if at_us is None else at_us
        if not asked.start_us <= at_us < asked.end_us:
            raise _outside(Sentence("this address does not show this time"))

    def check(at_us: int) -> None:
        if not address.live and not any(a <= at_us < b for a, b in _shown(services, address)):
            raise _outside(Sentence("this address does not show this time"))

    return await picture_answer(services, address.camera, at_us, width, check)


ROUTES: list[object] = [watch_recorded, watch_live, watch_segment, watch_init, watch_clip, watch_picture]
