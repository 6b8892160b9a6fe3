"""Routes of API tokens: list them, make one, revoke one."""

from __future__ import annotations

import msgspec
from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr import accounts
from nvr.access.roles import Role
from nvr.accounts import rows
from nvr.accounts.rows import Token
from nvr.api.http.auth import principal_of
from nvr.api.http.respond import ApiRequest
from nvr.api.http.routing import delete, get, post
from nvr.api.http.services import Injected
from nvr.api.http.times import format_time

__all__ = ["NewToken", "TokenBody", "Tokens", "add_token", "list_tokens", "remove_token"]


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    """A token to make; ``name`` says what it is for."""

    name: str
    role: Role


class TokenBody(msgspec.Struct, omit_defaults=True):
    """A token. ``user``: whose it is, with whom it ends; null: of nobody in particular, made at the command line or
    before this was kept. ``made_by``: null if that is not known. ``token``, its text, is answered once: when it is
    made."""

    id: str
    name: str
    role: Role
    created: str
    last_used: str | None
    user: str | None
    made_by: str | None
    token: str | msgspec.UnsetType = msgspec.UNSET


class Tokens(msgspec.Struct):
    """All tokens."""

    tokens: list[TokenBody]


def _token_body(token: Token) -> TokenBody:
    last_used = None if token.last_used_us is None else format_time(token.last_used_us)
    return TokenBody(
        token.id, token.name, token.role, format_time(token.created_us), last_used, token.user_name, token.made_by
    )


@get("/api/tokens", action="people", scope="fleet", summary="All API tokens", answer=Tokens)
def list_tokens(services: Injected) -> Tokens:
    """All tokens, oldest first, without their texts."""
    with services.db.read() as conn:
        return Tokens([_token_body(token) for token in rows.tokens(conn)])


@post(
    "/api/tokens",
    action="people",
    scope="fleet",
    summary="Make an API token",
    errors=["invalid_request", "invalid_account"],
    answer=TokenBody,
)
def add_token(request: ApiRequest, services: Injected, data: JSONBody[NewToken]) -> Response[TokenBody]:
    """It belongs to whoever makes it, counts as them and ends with them. The answer holds the token's text, this
    once."""
    who = principal_of(request).actor
    user = who.person if who.is_person else None
    token, text = accounts.issue_token(services.db, data.name, data.role, user=user, at_us=services.now_us())
    body = _token_body(token)
    body.token = text
    return Response(body, status_code=201, headers={"Cache-Control": "no-store"})


@delete(
    "/api/tokens/{token:str}",
    action="people",
    scope="fleet",
    summary="Remove an API token",
    errors=["account_not_found"],
)
def remove_token(services: Injected, token: FromPath[str]) -> None:
    """Whoever bears it is refused from now on."""
    accounts.remove_token(services.db, token)
