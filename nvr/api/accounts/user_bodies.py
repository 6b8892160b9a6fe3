"""Users as they are answered."""

from __future__ import annotations

import msgspec

from nvr.access.roles import Role
from nvr.accounts.rows import User
from nvr.api.http.times import format_time
from storage.catalogue.actors import is_service

__all__ = ["UserBody", "user_body"]


class UserBody(msgspec.Struct):
    """A user. ``role``: the built-in one that they have over every camera and all footage, null if they have none; what
    else they may do is in their grants. ``id`` is never given again; ``made_by``: who added them, null if that is not
    known. ``must_change_password``: all that they can do is to set a password of their own. ``service``: the account of
    a program or a screen. ``seen``: their last login, or use of a token of theirs."""

    id: str
    name: str
    role: Role | None
    created: str
    made_by: str | None
    must_change_password: bool
    service: bool
    seen: str | None


def user_body(user: User) -> UserBody:
    """A user as they are answered."""
    return UserBody(
        user.id,
        user.name,
        user.role,
        format_time(user.created_us),
        user.made_by,
        user.must_change,
        is_service(user.id),
        None if user.seen_us is None else format_time(user.seen_us),
    )
