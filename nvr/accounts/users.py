"""Users: adding, checking, changing and removing them. Every function is whole in itself, whether or not the server
runs."""

from __future__ import annotations

import re
import sqlite3
import time
from typing import Final

from nvr.access.administrators import somebody_administers
from nvr.access.roles import Role
from nvr.accounts import first, passwords, session_rows
from nvr.accounts import rows as accounts
from nvr.accounts.errors import BadCredentials, InvalidAccount, NoSuchAccount, UserExists, WeakPassword, no_login
from nvr.accounts.rows import User
from storage.catalogue import audit
from storage.catalogue.actors import is_reserved, is_service, new_service_id, new_user_id
from storage.catalogue.database import Database
from storage.sentences import Sentence

__all__ = [
    "check_name",
    "create_service",
    "create_user",
    "insert_user",
    "now_us",
    "remove_user",
    "set_password",
    "verify_password",
]

# No capitals, so that no two names differ only in them.
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}", re.ASCII)


def now_us() -> int:
    """The server's clock."""
    return time.time_ns() // 1000


def create_user(
    db: Database, name: str, password: str, role: Role | None, *, must_change: bool = False, at_us: int | None = None
) -> User:
    """Adds a user, with a role over every camera or without any grant. ``must_change``: somebody else knows the
    password, so that nothing can be done with it but to set another.

    Raises:
        InvalidAccount: the name can't be one.
        WeakPassword: the password can't be one.
        UserExists: the name is taken.
    """
    check_name(name)
    hash_ = passwords.hash_password(password, of=name)
    at = now_us() if at_us is None else at_us
    with db.write() as conn:
        try:
            return insert_user(conn, name, hash_, role, at, must_change=must_change)
        except ValueError:
            raise UserExists(Sentence("there is a user {name!r} already", name=name)) from None


def create_service(db: Database, name: str, role: Role | None, *, at_us: int | None = None) -> User:
    """Adds the account of a program (with tokens) or of a screen: nobody logs in to it, and it never approves nor gives
    rights.

    Raises:
        InvalidAccount: the name can't be one.
        UserExists: the name is taken.
    """
    check_name(name)
    with db.write() as conn:
        try:
            return insert_user(conn, name, "", role, now_us() if at_us is None else at_us, service=True)
        except ValueError:
            raise UserExists(Sentence("there is a user {name!r} already", name=name)) from None


def check_name(name: str) -> None:
    """Accepts or refuses the name of a new user.

    Raises:
        InvalidAccount: it can't be one.
    """
    if is_reserved(name):
        raise InvalidAccount(
            Sentence("{name!r} can't be a user name: it is kept for what is no person; use another", name=name)
        )
    if not _NAME.fullmatch(name):
        raise InvalidAccount(
            Sentence(
                "{name!r} can't be a user name; use 1 to 63 small letters, digits and . _ @ -, "
                "beginning with a letter or digit",
                name=name,
            )
        )


def insert_user(
    conn: sqlite3.Connection,
    name: str,
    hash_: str,
    role: Role | None,
    at_us: int,
    *,
    must_change: bool = False,
    service: bool = False,
) -> User:
    """Inserts a user whose name and password are good, within the transaction. ``service``: the account of a program or
    a screen. An empty hash is no password's.

    Raises:
        ValueError: there is one of this name.
    """
    id_ = new_service_id() if service else new_user_id()
    by = audit.actor_now()
    accounts.add_user(
        conn, id_=id_, name=name, password_hash=hash_, role=role, by=by, at_us=at_us, must_change=must_change
    )
    told = {"service": True} if service else {}
    audit.append(conn, "user_added", detail={"user": name, "id": id_, "role": role, **told})
    made = accounts.find_user(conn, name)
    assert made is not None
    return made


def verify_password(db: Database, name: str, password: str) -> User:
    """The user, if the password is theirs. About 50 ms of a core, for unknown users too.

    Raises:
        BadCredentials: it is not.
    """
    with db.read() as conn:
        user = accounts.find_user(conn, name)
        hash_ = None if user is None else accounts.password_hash(conn, user.id)
    if not passwords.matches(password, hash_) or user is None or hash_ is None:
        raise BadCredentials
    # A password of before a rule that refuses it can't be hashed anew; it goes on with its old hash.
    if passwords.is_outdated(hash_) and passwords.is_acceptable(password, of=name):
        new = passwords.hash_password(password, of=name)
        with db.write() as conn:
            if accounts.password_hash(conn, user.id) == hash_:
                accounts.set_password_hash(conn, user.id, new, must_change=user.must_change)
    return user


def set_password(
    db: Database, name: str, password: str, *, must_change: bool = False, keep_session: str | None = None
) -> None:
    """Sets a user's password and ends their sessions, but for the one with the hash ``keep_session``. The file with the
    first password goes with it. ``must_change``: as of ``create_user``.

    Raises:
        WeakPassword: the password can't be one, or must be changed and is the old one.
        NoSuchAccount: there is no such user.
        InvalidAccount: it is the account of a program or a screen.
    """
    hash_ = passwords.hash_password(password, of=name)
    with db.read() as conn:
        user = accounts.find_user(conn, name)
        old = (
            accounts.password_hash(conn, user.id) if user is not None and user.must_change and not must_change else None
        )
    if old is not None and passwords.matches(password, old):
        raise WeakPassword(Sentence("this password was made for you, and others may know it; choose one of your own"))
    with db.write() as conn:
        user = accounts.find_user(conn, name)
        if user is None:
            raise NoSuchAccount(Sentence("there is no user {name!r}", name=name))
        if is_service(user.id):
            raise InvalidAccount(no_login(name))
        accounts.set_password_hash(conn, user.id, hash_, must_change=must_change)
        session_rows.end_sessions_of(conn, user.id, keep=keep_session)
        audit.append(
            conn, "password_set", detail={"user": name, "id": user.id, **({"must_change": True} if must_change else {})}
        )
    first.forget(db.path, name)


def remove_user(db: Database, name: str, *, at_us: int | None = None) -> None:
    """Removes a user with their sessions and tokens. Somebody who is called so later is somebody else.

    Raises:
        NoSuchAccount: there is no such user.
        LastAdministrator: nobody else is an administrator.
    """
    with db.write() as conn:
        user = accounts.find_user(conn, name)
        if user is None:
            raise NoSuchAccount(Sentence("there is no user {name!r}", name=name))
        at = now_us() if at_us is None else at_us
        with somebody_administers(conn):
            ended = accounts.remove_user(conn, user.id, by=audit.actor_now(), at_us=at)
        audit.append(conn, "user_removed", detail={"user": name, "id": user.id, "tokens": ended})
    first.forget(db.path, name)
