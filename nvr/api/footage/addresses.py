"""Routes of addresses for players that can't send a header: making, listing, revoking. What they show is in
``nvr.api.footage.watch``."""

from __future__ import annotations

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr.access.roles import AccessAction
from nvr.api.footage.clip_asked import LONGEST_CLIP_US
from nvr.api.http.auth import Principal, principal_of, require, require_all
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import delete, get, post
from nvr.api.http.services import Injected, Services
from nvr.api.http.times import RANGE_ERRORS, format_time, parse_range
from nvr.cases import addresses
from nvr.cases.addresses import Address, AddressState, Maker
from nvr.cases.errors import AddressError
from storage.sentences import Sentence, sentence_of

__all__ = ["ROUTES"]


class NewAddress(msgspec.Struct, forbid_unknown_fields=True):
    """Either ``live`` or a range, and for how long the address is to be good."""

    live: bool = False
    start: str | None = None
    end: str | None = None
    expires_s: int = 3600


class PlayerAddressBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """An address; ``start`` and ``end`` are null if it is for live view. ``state``: ``valid``, ``over``, ``revoked`` or
    ``ended`` (who made it is gone). ``path``, where its playlist is on this server, is answered once: when it is made.
    """

    id: str
    camera: str
    start: str | None
    end: str | None
    made_by: str
    made: str
    until: str
    state: AddressState
    used: str | None
    revoked: str | None
    revoked_by: str | None
    path: str | msgspec.UnsetType = msgspec.UNSET


class Addresses(msgspec.Struct):
    """One's own addresses, or to an administrator all."""

    addresses: list[PlayerAddressBody]


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else format_time(at_us)


def _body(address: Address) -> PlayerAddressBody:
    return PlayerAddressBody(
        id=address.id,
        camera=address.camera,
        start=_time(address.start_us),
        end=_time(address.end_us),
        made_by=address.made_by,
        made=format_time(address.made_us),
        until=format_time(address.until_us),
        state=address.state,
        used=_time(address.used_us),
        revoked=_time(address.revoked_us),
        revoked_by=address.revoked_by,
    )


def _maker(who: Principal) -> Maker:
    return Maker(who.actor, who.token)


@post(
    "/api/cameras/{camera:str}/addresses",
    action="watch",
    scope="camera",
    summary="Make an address by which a player that can't log in watches this camera",
    errors=["invalid_request", "invalid_address", "too_many_addresses", "camera_not_found", *RANGE_ERRORS],
    answer=PlayerAddressBody,
    proof="step_up",
)
def make_address(
    request: ApiRequest, services: Injected, camera: FromPath[str], data: JSONBody[NewAddress]
) -> Response[bytes]:
    """Live, or one range. It carries the rights of who makes it. The answer holds its path, this once."""
    if data.live == (data.start is not None or data.end is not None):
        raise ApiError("invalid_address", Sentence("say either live or start and end"))
    asked = None if data.live else parse_range(data.start, data.end, longest_us=LONGEST_CLIP_US)
    now_us = services.now_us()
    if asked is None:
        require(request, camera, AccessAction.LIVE)
    else:
        require_all(request, [camera], AccessAction.PLAYBACK, asked)
    # Far beyond what is allowed, but no number that the catalogue can't hold.
    until_us = now_us + min(max(data.expires_s, 0), 10**9) * 1_000_000
    with services.db.write() as conn:
        try:
            made, secret = addresses.make(
                conn,
                camera,
                start_us=None if asked is None else asked.start_us,
                end_us=None if asked is None else asked.end_us,
                until_us=until_us,
                maker=_maker(principal_of(request)),
                now_us=now_us,
            )
        except KeyError:
            raise no_camera(camera) from None
        except AddressError as error:
            raise ApiError(error.code, sentence_of(error)) from None
    body = _body(made)
    body.path = services.url(f"/api/watch/{secret}/{'live' if made.live else 'playlist'}.m3u8")
    return json_answer(request, body, status=201)


def _mine(services: Services, who: Principal) -> list[Address]:
    with services.db.read() as conn:
        found = addresses.list_all(conn, services.now_us())
    every = who.rights.everywhere(AccessAction.SYSTEM)
    return [address for address in found if every or address.is_of(_maker(who))]


@get("/api/addresses", action="own", summary="One's own addresses, or to an administrator all", answer=Addresses)
def list_addresses(request: ApiRequest, services: Injected) -> Response[bytes]:
    """The latest first, without their secrets; for a month after their end."""
    return json_answer(request, Addresses([_body(address) for address in _mine(services, principal_of(request))]))


@delete("/api/addresses/{address:str}", action="own", summary="Revoke an address", errors=["address_not_found"])
def revoke_address(request: ApiRequest, services: Injected, address: FromPath[str]) -> None:
    """One's own, or by an administrator any. It shows nothing from now on; what is being sent breaks off within a
    second."""
    who = principal_of(request)
    if not any(known.id == address for known in _mine(services, who)):
        raise ApiError("address_not_found", Sentence("there is no address {address!r} of yours", address=address))
    with services.db.write() as conn:
        addresses.revoke(conn, address, by=who.actor, now_us=services.now_us())


ROUTES: list[object] = [make_address, list_addresses, revoke_address]
