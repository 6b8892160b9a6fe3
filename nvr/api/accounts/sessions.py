"""Routes of sessions: where somebody is logged in, since when, and ending that."""

from __future__ import annotations

import msgspec
from litestar import Response
from litestar.params import FromPath, FromQuery

from nvr import accounts
from nvr.access.roles import AccessAction
from nvr.accounts import session_rows
from nvr.accounts.session_rows import Session
from nvr.api.accounts.theirs import administers, user_of
from nvr.api.http.auth import Principal, principal_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import delete, get
from nvr.api.http.services import Injected
from nvr.api.http.times import format_time
from storage.sentences import Sentence

__all__ = ["end_session", "list_sessions"]


class LoginSessionBody(msgspec.Struct):
    """A login. ``seen``: its last use, to the minute, and ``address`` where that came from; ``agent``: what the browser
    called itself. ``current``: the one that asks."""

    id: str
    user: str
    began: str
    seen: str | None
    until: str
    address: str
    agent: str
    current: bool


class LoginSessions(msgspec.Struct):
    """Somebody's sessions, the one that began last first."""

    sessions: list[LoginSessionBody]


def _body(session: Session, current: str | None) -> LoginSessionBody:
    return LoginSessionBody(
        session.id,
        session.user.name,
        format_time(session.created_us),
        None if session.seen_us is None else format_time(session.seen_us),
        format_time(session.expires_us),
        session.address,
        session.agent,
        session.id == current,
    )


def _check_may(who: Principal) -> None:
    """Where a user is logged in is theirs, not of a program that has a token of theirs.

    Raises:
        ApiError: ``invalid_request``: it is a token that asks.
    """
    if who.session is None and not who.rights.everywhere(AccessAction.PEOPLE):
        raise ApiError(
            "invalid_request", Sentence("sessions are for who is logged in, and for administrators of people")
        )


@get(
    "/api/sessions",
    action="own",
    summary="Where one is logged in; as an administrator of people, where a user is",
    errors=["invalid_request", "account_not_found"],
    answer=LoginSessions,
)
def list_sessions(request: ApiRequest, services: Injected, user: FromQuery[str | None] = None) -> Response[bytes]:
    """Of ``user``, or of whoever asks."""
    who = principal_of(request)
    _check_may(who)
    if user is not None and AccessAction.PEOPLE not in who.rights.actions:
        raise ApiError("forbidden", Sentence("only an administrator may see another one's sessions"))
    with services.db.read() as conn:
        mine = None if who.session is None else session_rows.find_session(conn, accounts.hash_of(who.session))
        found = None if user is None else user_of(conn, who, user)
        of = who.actor.person if found is None else found.id
        sessions = session_rows.sessions_of(conn, of, now_us=services.now_us())
    return json_answer(request, LoginSessions([_body(one, None if mine is None else mine.id) for one in sessions]))


@delete(
    "/api/sessions/{session:str}",
    action="own",
    summary="End a session: one's own, or as an administrator of people anyone's",
    errors=["invalid_request", "account_not_found"],
)
def end_session(request: ApiRequest, services: Injected, session: FromPath[str]) -> None:
    """Whoever has its cookie is logged out; what is being sent by it ends within a second."""
    who = principal_of(request)
    _check_may(who)
    with services.db.read() as conn:
        found = session_rows.find_session_by_id(conn, session)
        mine = found is not None and (found.user.id == who.actor.person or administers(conn, who, found.user))
    if not mine:
        raise ApiError("account_not_found", Sentence("there is no session {id!r}, or it is over", id=session))
    accounts.end_session_by_id(services.db, session)
