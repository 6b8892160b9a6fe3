"""Screens on walls: a browser that stays logged in for months, lets nothing be done but watching live, and ends by
revocation.

A screen is let in by a code that an administrator makes and somebody types there. Invariants: a code is good once and
for a quarter of an hour; one screen of an account is logged in at a time.
"""

from __future__ import annotations

import hashlib
from typing import Final

from nvr.accounts import rows as accounts
from nvr.accounts import session_rows
from nvr.accounts.errors import BadProof, InvalidAccount, NoSuchAccount
from nvr.accounts.rows import User
from nvr.accounts.second_factors import recovery_codes
from storage.catalogue import audit
from storage.catalogue.actors import is_service
from storage.catalogue.database import Database
from storage.sentences import Sentence

__all__ = ["CODE_LASTS_US", "LONGEST_SCREEN_US", "SCREEN", "make_screen_code", "take_screen_code"]

SCREEN: Final = "screen"
"""The way in of a screen's session."""

LONGEST_SCREEN_US: Final = 366 * 86_400 * 1_000_000
CODE_LASTS_US: Final = 900 * 1_000_000


def _hash(code: str) -> str:
    plain = "".join(char for char in code.lower() if char.isalnum())[:64]
    return hashlib.sha256(f"screen:{plain}".encode("utf-8", "replace")).hexdigest()


def make_screen_code(db: Database, name: str, *, lasts_us: int, at_us: int) -> str:
    """Makes a code that lets a screen in as a service account, for so long; the codes of before are good for nothing.

    Raises:
        NoSuchAccount: there is no such account.
        InvalidAccount: it is a person's, or the time can't be.
    """
    if not 0 < lasts_us <= LONGEST_SCREEN_US:
        raise InvalidAccount(Sentence("a screen stays logged in for a year at most"))
    code = recovery_codes()[0]
    with db.write() as conn:
        user = accounts.find_user(conn, name)
        if user is None:
            raise NoSuchAccount(Sentence("there is no user {name!r}", name=name))
        if not is_service(user.id):
            raise InvalidAccount(Sentence("{name!r} is a person's: a screen has an account of its own", name=name))
        conn.execute("DELETE FROM screen_code WHERE user = ? OR until_us <= ?", (user.id, at_us))
        conn.execute(
            "INSERT INTO screen_code (hash, user, until_us, lasts_us) VALUES (?,?,?,?)",
            (_hash(code), user.id, at_us + CODE_LASTS_US, lasts_us),
        )
        audit.append(conn, "screen_code_made", detail={"user": name, "id": user.id, "lasts_us": lasts_us})
    return code


def take_screen_code(db: Database, code: str, *, at_us: int) -> tuple[User, int]:
    """The account that a code lets in to, and for how long; the screen that was logged in to it is not any more.

    Raises:
        BadProof: there is no such code, or not any more.
    """
    hash_ = _hash(code)
    with db.read() as conn:
        # Who guesses must not take the lock that recording waits for.
        known = conn.execute("SELECT 1 FROM screen_code WHERE hash = ?", (hash_,)).fetchone()
    if known is None:
        raise BadProof
    with db.write() as conn:
        row = conn.execute(
            "DELETE FROM screen_code WHERE hash = ? RETURNING user, until_us, lasts_us", (hash_,)
        ).fetchone()
        user = None if row is None else accounts.user_of_id(conn, row[0])
        if row is None or user is None or row[1] <= at_us:
            raise BadProof
        session_rows.end_sessions_of(conn, user.id)
        audit.append(conn, "screen_let_in", detail={"user": user.name, "id": user.id})
    return user, int(row[2])
