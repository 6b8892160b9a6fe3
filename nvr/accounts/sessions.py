"""Sessions and API tokens: random texts that stand for someone. Only their SHA-256 is kept; 256 random bits need no
slow hash."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from contextlib import suppress
from typing import Final

from nvr.access import rows as grants
from nvr.access.model import ALL_FOOTAGE, GrantedFootage
from nvr.access.roles import BUILT_IN, Role
from nvr.access.snapshot import AccessSnapshot, Rights
from nvr.accounts import rows as accounts
from nvr.accounts import session_rows
from nvr.accounts.errors import InvalidAccount, NoSuchAccount, no_login
from nvr.accounts.rows import Token, User
from nvr.accounts.screens import SCREEN
from nvr.accounts.session_rows import Session
from nvr.accounts.unused import check_used
from nvr.accounts.users import now_us
from storage.catalogue import audit
from storage.catalogue.actors import is_service, new_token_id
from storage.catalogue.database import Database
from storage.sentences import Sentence, sentence_of
from storage.texts import TextError, escaped, one_line

__all__ = [
    "IDLE_US",
    "LONGEST_US",
    "MOST_SESSIONS",
    "TOKEN_PREFIX",
    "authenticate_session",
    "authenticate_token",
    "create_session",
    "end_session",
    "end_session_by_id",
    "end_session_of_hash",
    "hash_of",
    "issue_token",
    "prove_session",
    "remove_token",
]

# A session ends after 12 h without a request, and 7 days after the login in any case.
IDLE_US: Final = 12 * 3600 * 1_000_000
LONGEST_US: Final = 7 * 86_400 * 1_000_000
# What was begun with a password waits so long for the second factor.
_WAITS_US: Final = 600 * 1_000_000
MOST_SESSIONS: Final = 200
"""Of one user at once: an account that a whole control room shares. Who logs in again and again fills no table."""

# Secret scanners find a token that was published by this.
TOKEN_PREFIX: Final = "nvr_"  # noqa: S105 - a prefix, no secret

_SECRET_BYTES: Final = 32
_LONGEST_AGENT: Final = 200
# A session's end and a token's last use are written at most this often, not with every request.
_NEWS_US: Final = 60 * 1_000_000
# What is noted on the way to an answer must not make anybody wait while another program has the catalogue.
_PATIENCE_S: Final = 0.05


def hash_of(secret: str) -> str:
    """Under which hash a session or token is kept."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def create_session(
    db: Database,
    user: User,
    *,
    at_us: int | None = None,
    address: str = "",
    agent: str = "",
    way: str = "password",
    waits: bool = False,
    factor: bool = False,
    proved_us: int | None = None,
    lasts_us: int | None = None,
    replaces: str | None = None,
    provider_session: str | None = None,
) -> str:
    """Begins a session of a user and returns the cookie's value. ``agent``: what the browser calls itself. Also removes
    sessions that are over, and of this user those beyond ``MOST_SESSIONS`` that would end first. ``way``: as of
    ``Session``. ``waits``: for the second factor, ten minutes at most, and is good for nothing else. ``factor``: one
    was given. ``lasts_us``: for how long, however it is used. ``proved_us``: when they proved who they are; None: now.
    ``replaces``: the value of the session that waited; it ends with it, in one step. ``provider_session``: what the
    provider by which they came calls it.

    Raises:
        NoSuchAccount: the user was removed meanwhile, or the session that waited is over.
        InvalidAccount: it is the account of a program or a screen, and not a screen that comes.
    """
    if is_service(user.id) and way != SCREEN:
        raise InvalidAccount(no_login(user.name))
    at = now_us() if at_us is None else at_us
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    proved = None if waits else at if proved_us is None else proved_us
    with db.write() as conn:
        session_rows.forget_expired_sessions(conn, now_us=at)
        if replaces is not None and not session_rows.end_waiting(conn, hash_of(replaces)):
            raise NoSuchAccount(Sentence("the session is over: log in again"))
        added = session_rows.add_session(
            conn,
            hash_=hash_of(secret),
            id_=new_token_id(),
            user=user.id,
            at_us=at,
            expires_us=at + (_WAITS_US if waits else lasts_us or IDLE_US),
            address=address,
            agent=escaped(agent[:_LONGEST_AGENT]),
            waits=waits,
            way=way,
            proved_us=proved,
            factor_us=proved if factor else None,
            provider_session=provider_session,
        )
        if not added:
            raise NoSuchAccount(Sentence("there is no user {name!r} any more", name=user.name))
        session_rows.forget_oldest_sessions(conn, user.id, keep=MOST_SESSIONS)
        if waits:
            audit.append(conn, "password_accepted", detail={"user": user.name})
        else:
            accounts.touch_user(conn, user.id, at_us=at)
            told = {} if way == "password" else {"way": way}
            audit.append(conn, "logged_in", detail={"user": user.name, **told})
    return secret


def prove_session(db: Database, secret: str, *, at_us: int, by_factor: bool) -> None:
    """Whoever has the session of this cookie's value proved anew who they are."""
    with db.write() as conn:
        session_rows.prove_session(conn, hash_of(secret), at_us=at_us, by_factor=by_factor)
        audit.append(conn, "proved", detail={"by": "second factor" if by_factor else "password"})


def authenticate_session(db: Database, secret: str, *, at_us: int | None = None, address: str = "") -> Session | None:
    """The session of a cookie's value, prolonged by its use, from this address; None if there is none or it is over."""
    at = now_us() if at_us is None else at_us
    hash_ = hash_of(secret)
    with db.read() as conn:
        session = session_rows.find_session(conn, hash_)
    if session is None or session.expires_us <= at:
        return None
    if session.waits:
        return session
    # A screen's ends when it was said to.
    until = session.expires_us if session.way == SCREEN else min(at + IDLE_US, session.created_us + LONGEST_US)
    if until - session.expires_us >= _NEWS_US or at - (session.seen_us or 0) >= _NEWS_US:
        # A full disk must not lock anybody out of what they could see without a write.
        with suppress(sqlite3.OperationalError), db.write(patience_s=_PATIENCE_S) as conn:
            session_rows.extend_session(conn, hash_, expires_us=until, seen_us=at, address=address)
    return session


def end_session(db: Database, secret: str) -> None:
    """Ends the session of a cookie's value, if there is one."""
    end_session_of_hash(db, hash_of(secret))


def end_session_of_hash(db: Database, hash_: str) -> None:
    """The same, of the hash of a cookie's value."""
    with db.write() as conn:
        session_rows.end_session(conn, hash_)
        audit.append(conn, "logged_out")


def end_session_by_id(db: Database, id_: str) -> None:
    """Ends a session as lists show it: whoever has its cookie is logged out.

    Raises:
        NoSuchAccount: there is none.
    """
    with db.write() as conn:
        session = session_rows.find_session_by_id(conn, id_)
        if session is None:
            raise NoSuchAccount(Sentence("there is no session {id!r}, or it is over", id=id_))
        session_rows.end_session_by_id(conn, id_)
        audit.append(conn, "session_ended", detail={"session": id_, "user": session.user.name, "id": session.user.id})


def issue_token(
    db: Database,
    name: str,
    role: Role,
    *,
    user: str | None = None,
    at_us: int | None = None,
    ends_us: int | None = None,
    cameras: str | None = None,
    footage: GrantedFootage = ALL_FOOTAGE,
) -> tuple[Token, str]:
    """Makes an API token of the user of this id, or of nobody in particular; returns its row and its text, which can't
    be had again. ``ends_us``: None for as long as nobody removes it. With ``cameras``, a label query, it may do what
    its role says with those and this ``footage`` alone, and no more than its user: it holds a grant of its own.

    Raises:
        InvalidAccount: the name is empty, too long or not printable, it would end before now, or the user may do less
            than the token should.
        InvalidGrant: the query or the footage can't be.
        NoSuchAccount: there is no such user.
    """
    try:
        name = one_line(Sentence("a token's name"), name)
    except TextError as error:
        raise InvalidAccount(
            Sentence("{error}: say what the token is for, in one line of 1 to 200 characters", error=sentence_of(error))
        ) from None
    text, id_ = TOKEN_PREFIX + secrets.token_urlsafe(_SECRET_BYTES), new_token_id()
    at = now_us() if at_us is None else at_us
    if ends_us is not None and ends_us <= at:
        raise InvalidAccount(Sentence("the token would end before now"))
    with db.write() as conn:
        by = audit.actor_now()
        added = accounts.add_token(
            conn,
            id_=id_,
            hash_=hash_of(text),
            name=name,
            role=role,
            user=user,
            by=by,
            at_us=at,
            ends_us=ends_us,
            limited=cameras is not None,
        )
        if not added:
            raise NoSuchAccount(Sentence("there is no such user any more"))
        made = accounts.find_token(conn, hash_of(text))
        assert made is not None
        if user is not None and not BUILT_IN[role] <= Rights(AccessSnapshot.read(conn), user, at).actions:
            raise InvalidAccount(
                Sentence(
                    "{user} may do less than {wanted}: their token can't be that", user=made.user_name, wanted=role
                )
            )
        told: dict[str, object] = {} if ends_us is None else {"ends_us": ends_us}
        if cameras is not None:
            grant = grants.insert_grant(
                conn, holder=f"token-{id_}", role=role, cameras=cameras, footage=footage, by=by, at_us=at,
                until_us=ends_us, reason=f"the token {name}",
            )  # fmt: skip
            told |= {"grant": grant.id, "cameras": grant.cameras.text[:1000]}
        detail = {"token": id_, "name": name, "role": role, "user": made.user_id, **told}
        audit.append(conn, "token_made", detail=detail)
    return made, text


def authenticate_token(
    db: Database, text: str, *, at_us: int | None = None, address: str = "", expire_unused_us: int | None = None
) -> Token | None:
    """The token of this bearer text, its use from this address noted; None if there is none, or it has ended.
    ``expire_unused_us``: after how long an account that nobody uses is over.

    Raises:
        AccountExpired: that of its user is.
    """
    if not text.startswith(TOKEN_PREFIX):
        return None
    at = now_us() if at_us is None else at_us
    with db.read() as conn:
        token = accounts.find_token(conn, hash_of(text))
        if token is not None and token.ends_us is not None and token.ends_us <= at:
            return None
        if token is not None and token.user_name is not None and expire_unused_us is not None:
            user = accounts.find_user(conn, token.user_name)
            if user is not None:
                check_used(conn, user, after_us=expire_unused_us, at_us=at)
    if token is not None and at - (token.last_used_us or 0) >= _NEWS_US:
        with suppress(sqlite3.OperationalError), db.write(patience_s=_PATIENCE_S) as conn:
            accounts.touch_token(conn, token.id, at_us=at, address=address)
            if token.user_id is not None:
                accounts.touch_user(conn, token.user_id, at_us=at)
    return token


def remove_token(db: Database, id_: str) -> None:
    """Removes a token: whoever bears it is refused from now on.

    Raises:
        NoSuchAccount: there is no such token.
    """
    with db.write() as conn:
        if not accounts.remove_token(conn, id_, by=audit.actor_now(), at_us=now_us()):
            raise NoSuchAccount(Sentence("there is no token {id!r}", id=id_))
        audit.append(conn, "token_removed", detail={"token": id_})
