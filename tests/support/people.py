"""Who acts in tests."""

from __future__ import annotations

from nvr import accounts
from nvr.accounts import rows
from nvr.accounts.rows import Role
from storage.catalogue.actors import SERVER_ACTOR, Actor
from storage.catalogue.database import Database

__all__ = ["create_token", "person", "token_of"]


def person(name: str) -> Actor:
    """A user of this name, for what needs no row of theirs."""
    return Actor(f"user-{name}", name)


def create_token(db: Database, name: str, role: Role, *, user: str | None = None, at_us: int | None = None) -> str:
    """The text of a new token that does not end by itself."""
    return accounts.issue_token(db, name, role, user=user, at_us=at_us)[1]


def token_of(db: Database, name: str, role: Role, *, token: str = "test", at_us: int = 0) -> str:
    """The text of a token of the user of this name, who is made if there is none; without a password, which would take
    a while."""
    with db.write() as conn:
        if rows.find_user(conn, name) is None:
            rows.add_user(
                conn, id_=f"user-{name}", name=name, password_hash="none", role=role, by=SERVER_ACTOR, at_us=at_us
            )
        user = rows.find_user(conn, name)
    assert user is not None
    return create_token(db, token, role, user=user.id, at_us=at_us)
