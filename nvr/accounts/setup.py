"""The first administrator of a server."""

from __future__ import annotations

from pathlib import Path

from nvr.access.administrators import administrators
from nvr.access.roles import Role
from nvr.accounts import first, passwords
from nvr.accounts import rows as accounts
from nvr.accounts.users import insert_user, now_us
from storage.catalogue.database import Database

__all__ = ["ensure_first_admin"]


def ensure_first_admin(db: Database, *, must_change: bool = True) -> Path | None:
    """Makes the user ``admin`` with a random password if nobody administers everything, though there be users.
    Returns the file that holds it, None if somebody does, or if ``admin`` is somebody who does not. With
    ``must_change`` nothing can be done with the password but to set another.

    Raises:
        OSError: the file can't be written; there is no user then.
    """
    with db.read() as conn:
        if administrators(conn) or accounts.find_user(conn, first.FIRST_ADMIN) is not None:
            return None
    password = passwords.random_password()
    hash_ = passwords.hash_password(password)
    path = first.keep(db.path, password)
    with db.write() as conn:
        if administrators(conn) or accounts.find_user(conn, first.FIRST_ADMIN) is not None:
            path.unlink(missing_ok=True)
            return None
        insert_user(conn, first.FIRST_ADMIN, hash_, Role.ADMIN, now_us(), must_change=must_change)
    return path
