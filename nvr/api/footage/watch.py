"""Routes for whoever has an address with a secret in it: one camera, live or one range, without a login.

Playlists name everything relative to themselves, so that players carry the secret on. Invariants: what is not of the
address's camera and range is not answered; an address that is unknown, over, revoked or whose maker is gone is answered
alike, at each request and, while something is being sent, within half a second; the secret is in no log, no error and
no answer.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Final

from litestar import Response
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response.base import ASGIResponse

from nvr.accounts.rows import Role
from nvr.api.answers.ranges import select
from nvr.api.answers.sending import Sendable, send
from nvr.api.footage.clip_requests import check_clip
from nvr.api.footage.clips import asked_of, clip_answer
from nvr.api.footage.playlists import PLAYLIST_TYPE, live_answer, picture_answer, recorded_answer
from nvr.api.footage.segments import PRIVATE, gap_answer, init_answer, segment_media
from nvr.api.http.auth import address_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import get
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import parse_time
from nvr.cases import addresses
from nvr.cases.addresses import Address, AddressState
from nvr.playback.hls.names import GAP_NAME
from nvr.playback.within import bytes_within
from storage.catalogue import segments
from storage.catalogue.actors import of_address
from storage.catalogue.audit import Act
from storage.intervals import Interval
from storage.sentences import Sentence

__all__ = ["ROUTES"]

# Of live: what its playlist holds, also where keyframes are far apart.
_LIVE_US: Final = 120 * 1_000_000
_AHEAD_US: Final = 60 * 1_000_000
_LOOKED_AT_EVERY_S: Final = 0.5
# What is handed on is out of our hands: little at a time.
_PIECE_BYTES: Final = 64 << 10

_ERRORS: Final = ("address_not_valid", "forbidden", "outside_address")


def _not_valid() -> ApiError:
    return ApiError(
        "address_not_valid", Sentence("this address shows nothing, or nothing any more: ask whoever gave it to you")
    )


def _open(request: ApiRequest, services: Services, secret: str, what: str, needed: Role = Role.VIEWER) -> Address:
    """The address with this secret; its use is in the audit log.

    Raises:
        ApiError: ``address_not_valid``, or ``forbidden``: who made it may not do this.
    """
    now_us = services.now_us()
    with services.db.read() as conn:
        found = addresses.of_secret(conn, secret, now_us)
    if found is None:
        raise _not_valid()
    detail = {"address": found.id, "made_by": found.made_by, "what": what}
    act = Act(of_address(found.id), address_of(request), "address_used", now_us)
    if found.state is not AddressState.VALID or found.role is None:
        act.action, detail["what"] = "address_refused", str(found.state)
        # Who has an address that is over may ask from as many addresses as they like.
        is_known = services.views.goes_on(act, found.camera, detail, now_us)
        if not is_known and services.links_refused_entered.take() is not None:
            services.views.enter(act, found.camera, detail, now_us)
        raise _not_valid()
    if not found.role.allows(needed):
        raise ApiError(
            "forbidden",
            Sentence("this needs the role {needed}; who made the address is {role}", needed=needed, role=found.role),
        )
    if not services.views.goes_on(act, found.camera, detail, now_us):
        note: Callable[..., None] = lambda conn: addresses.used(conn, found.id, now_us=now_us)  # noqa: E731
        services.views.enter(act, found.camera, detail, now_us, also=note)
    return found


def _check(services: Services, secret: str, needed: Role = Role.VIEWER) -> None:
    """Looks again.

    Raises:
        ApiError: ``address_not_valid``: not any more, or who made it may not do this any more.
    """
    with services.db.read() as conn:
        found = addresses.of_secret(conn, secret, services.now_us())
    if found is None or found.state is not AddressState.VALID or found.role is None or not found.role.allows(needed):
        raise _not_valid()


class _Watched:
    """Something that is sent for as long as the address is good."""

    def __init__(self, file: Sendable, check: Callable[[], Awaitable[None]]) -> None:
        self._file = file
        self._check = check

    @property
    def size(self) -> int:
        """In bytes."""
        return self._file.size

    async def chunks(self, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        """The bytes, in small pieces."""
        looked_s = time.monotonic()
        async for chunk in self._file.chunks(first, last):
            for at in range(0, len(chunk), _PIECE_BYTES):
                if time.monotonic() - looked_s >= _LOOKED_AT_EVERY_S:
                    # The answer breaks off: half of it must not pass for all.
                    await self._check()
                    looked_s = time.monotonic()
                yield chunk[at : at + _PIECE_BYTES]

    def close(self) -> None:
        """Closes its files."""
        self._file.close()


def _outside(why: Sentence) -> ApiError:
    return ApiError("outside_address", why)


def _shown(services: Services, address: Address) -> Interval:
    """What may be seen by it now."""
    if address.start_us is not None and address.end_us is not None:
        return Interval(address.start_us, address.end_us)
    now_us = services.now_us()
    return Interval(now_us - _LIVE_US, now_us + _AHEAD_US)


def _range(address: Address) -> Interval:
    if address.start_us is None or address.end_us is None:
        raise _outside(Sentence("this address shows no recorded footage: it is for live view"))
    return Interval(address.start_us, address.end_us)


@get(
    "/api/watch/{secret:str}/playlist.m3u8",
    role="public",
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
    return recorded_answer(request, services, address.camera, _range(address), run)


@get(
    "/api/watch/{secret:str}/live.m3u8",
    role="public",
    summary="The live view of an address as a low-latency HLS playlist",
    errors=["camera_not_found", "invalid_parameter", "not_live", "live_too_far_ahead", "footage_damaged", *_ERRORS],
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
    await services.pools.strangers.run(_check, services, secret)
    return answer


@get(
    "/api/watch/{secret:str}/segments/{name:str}",
    role="public",
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
    try:
        within = bytes_within(media.segment, media.index, shown.start_us, shown.end_us)
        selected = None if within is None else select(request.headers, size=media.size, etag=media.etag)
        if within is None or selected is None or selected.first < within[0] or selected.last > within[1]:
            raise _outside(
                Sentence("this address does not show these bytes: ask for those that its playlist names, by Range")
            )
    except BaseException:
        media.close()
        raise
    watched = _Watched(media, lambda: services.pools.sending.run(_check, services, secret))
    return send(request, watched, etag=media.etag, media_type="video/mp4", headers=PRIVATE)


@get(
    "/api/watch/{secret:str}/inits/{name:str}",
    role="public",
    summary="What makes the fragments of an address decodable",
    errors=["init_not_found", "range_not_satisfiable", *_ERRORS],
    media_type="video/mp4",
)
def watch_init(request: ApiRequest, services: Injected, secret: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """As ``/api/cameras/{camera}/inits/{name}``, if footage of the address needs it."""
    address = _open(request, services, secret, "play")
    shown = _shown(services, address)
    with services.db.read() as conn:
        if not segments.needs_init(conn, address.camera, shown.start_us, shown.end_us, name.removesuffix(".mp4")):
            raise ApiError("init_not_found", Sentence("there is no such init"))
    return init_answer(request, services, name)


@get(
    "/api/watch/{secret:str}/clip.mp4",
    role="public",
    summary="The range of an address as one MP4; by the rights of who made it (investigator)",
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
    address = await services.pools.strangers.run(_open, request, services, secret, "clip", Role.INVESTIGATOR)
    asked = asked_of(address.camera, _range(address), gaps, so_far, run)
    await services.pools.quick.run(check_clip, services, None, address.camera, asked.start_us, asked.end_us, None)
    try:
        return await clip_answer(
            request,
            services,
            address.camera,
            asked,
            sent=lambda clip: _Watched(
                clip, lambda: services.pools.sending.run(_check, services, secret, Role.INVESTIGATOR)
            ),
        )
    except ApiError as error:
        # Where the parts are for those who are logged in.
        raise ApiError(error.code, error.sentence, headers=error.headers) from None


@get(
    "/api/watch/{secret:str}/snapshot.jpg",
    role="public",
    summary="A picture of an address: at a time of its range, or the last one of live view",
    errors=[
        "camera_not_found",
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
    return await picture_answer(services, address.camera, at_us, width)


ROUTES: list[object] = [watch_recorded, watch_live, watch_segment, watch_init, watch_clip, watch_picture]
