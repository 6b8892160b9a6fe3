"""Routes of grants and roles: list, dry run, give, revoke."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec
from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody

from nvr.access import holders, rows
from nvr.access.effects import AccessEffects, effects, with_grant, with_labels
from nvr.access.errors import AccessError
from nvr.access.giving import WantedGrant, give, is_within, narrowed, take_back
from nvr.access.model import Grant
from nvr.access.roles import BUILT_IN, AccessAction
from nvr.api.access.bodies import GrantBody, NewGrant, grant_body, refused, wanted_of
from nvr.api.http.auth import principal_of, rights_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import delete, get, post
from nvr.api.http.services import Injected
from nvr.api.http.times import TIME_ERRORS, format_time
from nvr.texts import accepted, say
from storage.catalogue import selection
from storage.catalogue.selection import SelectionError
from storage.sentences import Sentence, sentence_of

__all__ = ["ROUTES"]

_ERRORS = ("invalid_request", "invalid_grant", "beyond_own_grants", "account_not_found", *TIME_ERRORS)


class Grants(msgspec.Struct):
    """Grants, the first given first."""

    grants: list[GrantBody]


class Taken(msgspec.Struct, forbid_unknown_fields=True):
    """Why a grant ends, if there is more to say."""

    reason: str = ""


class AccessChange(msgspec.Struct, forbid_unknown_fields=True):
    """What to try: a grant to give, one to revoke (its id), cameras with other labels (all that they would have)."""

    give: NewGrant | None = None
    revoke: str | None = None
    labels: dict[str, dict[str, str]] = {}


class HolderEffect(msgspec.Struct):
    """Whose sight changes, and by how many cameras; ``some`` of them."""

    name: str
    cameras: int
    some: list[str]


class GrantEffectsBody(msgspec.Struct):
    """``summary`` in words. ``cameras``: the query as it would be given, where a grant is tried, narrowed to what who
    gives it has themselves."""

    summary: str
    given: list[HolderEffect]
    taken: list[HolderEffect]
    cameras: str | None
    until: str | None


class NamedRoleBody(msgspec.Struct):
    """A role: a name for a set of actions."""

    name: str
    built_in: bool
    actions: list[AccessAction]


class Roles(msgspec.Struct):
    """All roles."""

    roles: list[NamedRoleBody]


class NewRole(msgspec.Struct, forbid_unknown_fields=True):
    """A role of one's own; one of this name is changed, for all who have it."""

    name: str
    actions: list[AccessAction]


@get("/api/access/mine", action="own", summary="One's own grants that are in force", answer=Grants)
def my_grants(request: ApiRequest, services: Injected) -> Response[bytes]:
    """What whoever asks may do, and why."""
    who, now_us = principal_of(request), services.now_us()
    names = {who.actor.person: who.name.partition(" (")[0]}
    return json_answer(request, Grants([grant_body(grant, names, now_us) for grant in who.rights.grants]))


@get(
    "/api/access/grants",
    action="people",
    scope="cameras",
    summary="Grants of everybody; of who administers some cameras, those of these",
    errors=["account_not_found"],
    answer=Grants,
    pool="heavy",
)
def list_grants(
    request: ApiRequest, services: Injected, holder: FromQuery[str | None] = None, revoked: FromQuery[bool] = False
) -> Response[bytes]:
    """With ``revoked``, those that were revoked too; of ``holder`` alone (a name or an id), if there is one."""
    rights, now_us = rights_of(request), services.now_us()
    with services.db.read() as conn:
        names = holders.names(conn)
        found = rows.every_grant(conn, revoked=revoked)
    mine = [grant for grant in found if is_within(grant, rights)]
    if holder is not None:
        mine = [grant for grant in mine if holder in (grant.holder, names.get(grant.holder))]
    return json_answer(request, Grants([grant_body(grant, names, now_us) for grant in mine]))


@post(
    "/api/access/grants",
    action="people",
    scope="cameras",
    summary="Give somebody rights: a role, with some cameras, some footage, until some time, for a reason",
    errors=_ERRORS,
    answer=GrantBody,
)
def give_grant(request: ApiRequest, services: Injected, data: JSONBody[NewGrant]) -> Response[bytes]:
    """Nobody gives more than they have themselves: who administers some cameras gives rights to those alone."""
    who, now_us = principal_of(request), services.now_us()
    with services.db.write() as conn:
        try:
            made = give(conn, wanted_of(conn, data), by=who.actor, at_us=now_us, giver=who.rights)
        except AccessError as error:
            raise refused(error) from None
        names = holders.names(conn)
    return json_answer(request, grant_body(made, names, now_us), status=201)


@post(
    "/api/access/grants/{grant:str}/revoke",
    action="people",
    scope="cameras",
    summary="Revoke a grant: what it lets anybody do ends within a second, running downloads too",
    errors=["invalid_request", "grant_not_found", "last_admin"],
    status=200,
    answer=GrantBody,
)
def revoke_grant(
    request: ApiRequest, services: Injected, grant: FromPath[str], data: JSONBody[Taken]
) -> Response[bytes]:
    """Its row stays, for the record."""
    who, now_us = principal_of(request), services.now_us()
    with services.db.write() as conn:
        try:
            ended = take_back(conn, grant, by=who.actor, at_us=now_us, reason=data.reason, giver=who.rights)
        except AccessError as error:
            raise refused(error) from None
        names = holders.names(conn)
    return json_answer(request, grant_body(ended, names, now_us))


def _tried(wanted: WantedGrant, actions: frozenset[AccessAction], now_us: int) -> Grant:
    return Grant(
        "grant-tried",
        wanted.holder,
        wanted.role,
        actions,
        selection.parse(wanted.cameras, longest=rows.LONGEST_QUERY),
        wanted.footage,
        min(now_us, wanted.from_us or now_us),
        wanted.until_us,
        wanted.reason,
        wanted.sees_closed,
    )


@post(
    "/api/access/preview",
    action="people",
    scope="cameras",
    summary="Who would see what if a grant were given or revoked, or cameras had other labels; changes nothing",
    errors=[*_ERRORS, "grant_not_found", "invalid_selection"],
    status=200,
    answer=GrantEffectsBody,
    pool="heavy",
)
def preview_access(request: ApiRequest, services: Injected, data: JSONBody[AccessChange]) -> Response[bytes]:
    """Of cameras that whoever asks sees."""
    rights, now_us = rights_of(request), services.now_us()
    before = rights.snapshot
    after, wanted = before, None
    with services.db.read() as conn:
        names = holders.names(conn)
        try:
            if data.give is not None:
                known = rows.roles(conn)
                wanted = narrowed(wanted_of(conn, data.give), rights, known)
                after = with_grant(after, _tried(wanted, known[wanted.role], now_us))
        except AccessError as error:
            raise refused(error) from None
        except SelectionError as error:
            raise ApiError("invalid_selection", sentence_of(error)) from None
    if data.revoke is not None:
        after = with_grant(after, without={data.revoke})
    if data.labels:
        after = with_labels(after, data.labels)
    found = _seen(effects(before, after, now_us), rights.cameras(AccessAction.PEOPLE).among)
    body = GrantEffectsBody(
        say(found.sentence(), accepted(request.headers.get("accept-language", ""))),
        _effects(found.given, names),
        _effects(found.taken, names),
        None if wanted is None else wanted.cameras,
        None if wanted is None or wanted.until_us is None else format_time(wanted.until_us),
    )
    return json_answer(request, body)


def _seen(found: AccessEffects, among: frozenset[str] | None) -> AccessEffects:
    if among is None:
        return found
    return replace(
        found,
        given={who: mine for who, cameras in found.given.items() if (mine := cameras & among)},
        taken={who: mine for who, cameras in found.taken.items() if (mine := cameras & among)},
    )


def _effects(of: Mapping[str, frozenset[str]], names: Mapping[str, str]) -> list[HolderEffect]:
    return [
        HolderEffect(names.get(holder, holder), len(cameras), sorted(cameras)[:20])
        for holder, cameras in sorted(of.items(), key=lambda one: names.get(one[0], one[0]))
    ]


@get("/api/access/roles", action="people", scope="cameras", summary="Roles: built in and of one's own", answer=Roles)
def list_roles(request: ApiRequest, services: Injected) -> Response[bytes]:
    """With what they may do."""
    with services.db.read() as conn:
        found = rows.roles(conn)
    bodies = [NamedRoleBody(name, name in BUILT_IN, sorted(actions)) for name, actions in sorted(found.items())]
    return json_answer(request, Roles(bodies))


@post(
    "/api/access/roles",
    action="people",
    scope="fleet",
    summary="Make a role of one's own, or change it",
    errors=["invalid_request", "invalid_grant", "beyond_own_grants"],
    answer=NamedRoleBody,
)
def save_role(request: ApiRequest, services: Injected, data: JSONBody[NewRole]) -> Response[bytes]:
    """A role may not say more than whoever makes it may do."""
    who = principal_of(request)
    wanted = frozenset(data.actions)
    if not all(who.rights.everywhere(action) for action in wanted):
        raise ApiError("beyond_own_grants", Sentence("nobody gives more than they have themselves"))
    with services.db.write() as conn:
        try:
            rows.save_role(conn, data.name, wanted, by=who.actor, at_us=services.now_us())
        except AccessError as error:
            raise refused(error) from None
    return json_answer(request, NamedRoleBody(data.name.strip(), False, sorted(wanted)), status=201)


@delete(
    "/api/access/roles/{name:str}",
    action="people",
    scope="fleet",
    summary="Remove a role of one's own: grants of it give nothing any more",
    errors=["grant_not_found"],
)
def remove_role(services: Injected, name: FromPath[str]) -> None:
    """Built-in ones stay."""
    with services.db.write() as conn:
        try:
            rows.remove_role(conn, name, at_us=services.now_us())
        except AccessError as error:
            raise refused(error) from None


ROUTES: list[object] = [
    my_grants,
    list_grants,
    give_grant,
    revoke_grant,
    preview_access,
    list_roles,
    save_role,
    remove_role,
]
