"""Routes of API tokens: list them, make one, revoke one."""

from __future__ import annotations

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr import accounts
from nvr.access.model import ALL_FOOTAGE
from nvr.access.roles import AccessAction, Role
from nvr.accounts import rows
from nvr.accounts.rows import Token
from nvr.api.http.auth import principal_of, rights_of
from nvr.api.http.errors import ApiError
from nvr.api.http.footage_words import FootageBody, footage_of
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import delete, get, post
from nvr.api.http.services import Injected
from nvr.api.http.times import TIME_ERRORS, format_time, parse_time
from storage.catalogue.actors import is_service
from storage.sentences import Sentence

__all__ = ["NewToken", "TokenBody", "Tokens", "add_token", "list_tokens", "remove_token"]


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    """A token to make; ``name`` says what it is for. ``until``: absent: until it is removed. With ``cameras`` (a label
    query as of grants) it may do what its role says with those and ``footage`` alone, and no more than its user.
    ``service``: whose it is, the account of a program; absent: whoever makes it."""

    name: str
    role: Role
    until: str | None = None
    cameras: str | None = None
    footage: FootageBody | None = None
    service: str | None = None


class TokenBody(msgspec.Struct, omit_defaults=True):
    """A token. ``user``: whose it is, with whom it ends; null: of nobody in particular, made at the command line or
    before this was kept. ``made_by``: null if that is not known. ``limited``: it may do no more than the grants that it
    holds itself (``/api/access/grants?holder=token-…``). ``last_address``: from where it was last used. ``token``, its
    text, is answered once: when it is made."""

    id: str
    name: str
    role: Role
    created: str
    last_used: str | None
    last_address: str | None
    until: str | None
    limited: bool
    user: str | None
    made_by: str | None
    token: str | msgspec.UnsetType = msgspec.UNSET


class Tokens(msgspec.Struct):
    """Tokens, the oldest first."""

    tokens: list[TokenBody]


def _token_body(token: Token) -> TokenBody:
    return TokenBody(
        token.id,
        token.name,
        token.role,
        format_time(token.created_us),
        None if token.last_used_us is None else format_time(token.last_used_us),
        token.last_address or None,
        None if token.ends_us is None else format_time(token.ends_us),
        token.limited,
        token.user_name,
        token.made_by,
    )


@get(
    "/api/tokens",
    action="people",
    scope="cameras",
    summary="API tokens: all, or of who administers some cameras their own",
    answer=Tokens,
)
def list_tokens(request: ApiRequest, services: Injected) -> Tokens:
    """Oldest first, without their texts; those that have ended, too, until they are removed."""
    who = principal_of(request)
    everybody = who.rights.everywhere(AccessAction.PEOPLE)
    with services.db.read() as conn:
        found = rows.tokens(conn)
    return Tokens([_token_body(token) for token in found if everybody or token.user_id == who.actor.person])


@post(
    "/api/tokens",
    action="people",
    scope="cameras",
    summary="Make an API token",
    errors=["invalid_request", "invalid_account", "invalid_grant", "account_not_found", *TIME_ERRORS],
    answer=TokenBody,
)
def add_token(request: ApiRequest, services: Injected, data: JSONBody[NewToken]) -> Response[TokenBody]:
    """It belongs to whoever makes it (or to a program's account), counts as them, can do no more than they may, and
    ends with them. The answer holds the token's text, this once."""
    who = principal_of(request)
    everybody = who.rights.everywhere(AccessAction.PEOPLE)
    user = who.actor.person if who.actor.is_person else None
    if user is None and not everybody:
        raise ApiError("forbidden", Sentence("a token of nobody in particular is made by who administers every camera"))
    if data.service is not None:
        if not everybody:
            raise ApiError("forbidden", Sentence("only an administrator may make tokens of a program's account"))
        with services.db.read() as conn:
            service = rows.find_user(conn, data.service)
        if service is None or not is_service(service.id):
            raise ApiError("account_not_found", Sentence("there is no program's account {name!r}", name=data.service))
        user = service.id
    if data.footage is not None and data.cameras is None:
        raise ApiError("invalid_grant", Sentence("say with which cameras: footage alone bounds nothing"))
    token, text = accounts.issue_token(
        services.db,
        data.name,
        data.role,
        user=user,
        at_us=services.now_us(),
        ends_us=None if data.until is None else parse_time("until", data.until),
        cameras=data.cameras,
        footage=ALL_FOOTAGE if data.footage is None else footage_of(data.footage),
    )
    body = _token_body(token)
    body.token = text
    return Response(body, status_code=201, headers={"Cache-Control": "no-store"})


@delete(
    "/api/tokens/{token:str}",
    action="people",
    scope="cameras",
    summary="Remove an API token",
    errors=["account_not_found"],
)
def remove_token(request: ApiRequest, services: Injected, token: FromPath[str]) -> None:
    """Whoever bears it is refused from now on. Who administers some cameras removes their own."""
    with services.db.read() as conn:
        found = next((one for one in rows.tokens(conn) if one.id == token), None)
    mine = found is not None and found.user_id == principal_of(request).actor.person
    if not mine and not rights_of(request).everywhere(AccessAction.PEOPLE):
        raise ApiError("account_not_found", Sentence("there is no token {id!r}", id=token))
    accounts.remove_token(services.db, token)
