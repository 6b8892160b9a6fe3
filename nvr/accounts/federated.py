"""Who somebody is at an identity provider, and which user that is here.

Invariant: nobody becomes a user who is there already because a provider calls them so: a name is for people, and only
somebody here says that the two are one.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Final

from nvr.accounts import rows as accounts
from nvr.accounts.errors import InvalidAccount, NoSuchAccount, UserExists, no_login
from nvr.accounts.rows import User
from nvr.accounts.users import check_name, insert_user
from storage.catalogue import audit
from storage.catalogue.actors import is_service
from storage.catalogue.database import Database
from storage.sentences import Sentence

__all__ = ["add_federated", "end_sessions_of_provider", "link_user", "suggested_name", "user_at"]

_OTHERS: Final = re.compile(r"[^a-z0-9._@-]+")


def user_at(conn: sqlite3.Connection, provider: str, subject: str) -> User | None:
    """The user who is this at a provider."""
    row = conn.execute(
        "SELECT user FROM federated_login WHERE provider = ? AND subject = ?", (provider, subject)
    ).fetchone()
    return None if row is None else accounts.user_of_id(conn, row[0])


def suggested_name(said: object) -> str:
    """A user's name, of what a provider calls somebody."""
    text = said if isinstance(said, str) else ""
    return _OTHERS.sub("-", text.strip().lower()).strip("-._@")[:63]


def add_federated(conn: sqlite3.Connection, provider: str, subject: str, said: object, *, at_us: int) -> User:
    """Adds a user who logs in with a provider: without a password, and without any grant of their own.

    Raises:
        InvalidAccount: what the provider calls them can't be a name.
        UserExists: somebody is called so: ``link_user`` says that it is them.
    """
    name = suggested_name(said)
    check_name(name)
    try:
        user = insert_user(conn, name, "", None, at_us)
    except ValueError:
        raise UserExists(
            Sentence(
                "there is a user {name!r} already: an administrator says whether that is you (nvr users link)",
                name=name,
            )
        ) from None
    _add(conn, user, provider, subject, at_us)
    return user


def link_user(db: Database, name: str, provider: str, subject: str, *, at_us: int) -> None:
    """Says that a user is this at a provider; whoever was it before is not any more, and
    their sessions by it end.

    Raises:
        NoSuchAccount: there is no such user.
        InvalidAccount: the subject can't be one, or the user is a program or a screen.
    """
    if not 0 < len(subject) <= 255 or not subject.isprintable():
        raise InvalidAccount(Sentence("a subject is what the provider calls somebody (sub): one line"))
    with db.write() as conn:
        user = accounts.find_user(conn, name)
        if user is None:
            raise NoSuchAccount(Sentence("there is no user {name!r}", name=name))
        if is_service(user.id):
            raise InvalidAccount(no_login(user.name))
        conn.execute(
            "DELETE FROM session WHERE way = ? AND user IN"
            " (SELECT user FROM federated_login WHERE provider = ? AND subject = ?)",
            (provider, provider, subject),
        )
        conn.execute("DELETE FROM federated_login WHERE provider = ? AND subject = ?", (provider, subject))
        _add(conn, user, provider, subject, at_us)


def _add(conn: sqlite3.Connection, user: User, provider: str, subject: str, at_us: int) -> None:
    conn.execute(
        "INSERT INTO federated_login (provider, subject, user, made_us) VALUES (?,?,?,?)",
        (provider, subject, user.id, at_us),
    )
    detail = {"user": user.name, "id": user.id, "provider": provider, "subject": subject}
    audit.append(conn, "user_linked", detail=detail)


def end_sessions_of_provider(conn: sqlite3.Connection, provider: str, subject: str | None, session: str | None) -> int:
    """Ends the sessions that began with a provider: that one (what the provider calls it), or all of somebody; returns
    how many."""
    if session is None and subject is None:
        return 0
    query = "DELETE FROM session WHERE way = :provider"
    # A session's name is one person's, whoever the subject is linked to by now.
    if session is not None:
        query += " AND provider_session = :session"
    else:
        query += " AND user IN (SELECT user FROM federated_login WHERE provider = :provider AND subject = :subject)"
    ended = conn.execute(query, {"provider": provider, "session": session, "subject": subject}).rowcount
    audit.append(conn, "provider_logged_out", detail={"provider": provider, "sessions": ended})
    return ended
