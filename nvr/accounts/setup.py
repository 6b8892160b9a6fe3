"""The first user of a new server."""

from __future__ import annotations

from pathlib import Path

from nvr.access.roles import Role
from nvr.accounts import first, passwords
from nvr.accounts import rows as accounts
from nvr.accounts.users import insert_user, now_us
from storage.catalogue.database import Database

__all__ = ["ensure_first_admin"]


def ensure_first_admin(db: Database, *, must_change: bool = True) -> Path | None:
    """Makes the user ``admin`` with a random password if there is no user at all. Returns the file that holds it, None
    if there were users. With ``must_change`` nothing can be done with the password but to set another.

    Raises:
        OSError: the file can't be written; there is no user then.
    """
    with db.read() as conn:
        if accounts.users(conn):
            return None
    password = passwords.random_password()
    hash_ = passwords.hash_password(password)
    path = first.keep(db.path, password)
    with db.write() as conn:
        if accounts.users(conn):
            path.unlink(missing_ok=True)
            return None
        insert_user(conn, first.FIRST_ADMIN, hash_, Role.ADMIN, now_us(), must_change=must_change)
    return path
