"""People with grants, for tests of what they see."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from nvr import accounts
from nvr.access import rows as grants
from nvr.access.decide import Decision, decide_on
from nvr.access.model import Closure, Grant, LabelledCamera
from nvr.access.roles import AccessAction, Role
from nvr.accounts import rows, sessions
from storage.catalogue.actors import SERVER_ACTOR
from storage.catalogue.database import Database
from storage.intervals import Interval

__all__ = ["bearer", "bearer_with", "decide", "give", "revoke"]


def decide(
    given: Collection[Grant],
    camera: LabelledCamera,
    closures: Collection[Closure],
    *,
    now_us: int,
    action: AccessAction,
    asked: Interval | None = None,
) -> Decision:
    """Decides on a camera by all of somebody's grants, whether or not they are of it."""
    mine = [grant for grant in given if grant.cameras.has(camera.id, camera.labels)]
    return decide_on(mine, closures, now_us=now_us, action=action, asked=asked)


def give(db: Database, name: str, role: str, cameras: str, *, at_us: int, **more: Any) -> Grant:
    """A grant for the user of this name, who is made if there is none: without a password, and without any other."""
    with db.write() as conn:
        if rows.find_user(conn, name) is None:
            rows.add_user(
                conn, id_=f"user-{name}", name=name, password_hash="none", role=None, by=SERVER_ACTOR, at_us=at_us
            )
        user = rows.find_user(conn, name)
        assert user is not None
        return grants.insert_grant(
            conn,
            holder=user.id,
            role=role,
            cameras=cameras,
            by=SERVER_ACTOR,
            at_us=at_us,
            reason="letter 12",
            **{"from_us": 0, **more},
        )


def revoke(db: Database, grant: Grant, *, at_us: int) -> None:
    """Revokes a grant, whatever it is."""
    with db.write() as conn:
        grants.revoke_grant(conn, grant.id, by=SERVER_ACTOR, at_us=at_us)


def bearer_with(db: Database, name: str, role: str, cameras: str, *, at_us: int, **more: Any) -> dict[str, str]:
    """Headers of a token of a user who has this grant."""
    made = give(db, name, role, cameras, at_us=at_us, **more)
    return bearer(db, made.holder, Role(role), at_us=at_us)


def bearer(db: Database, user: str, role: Role, *, at_us: int) -> dict[str, str]:
    """Headers of a token of the user of this id, which may do at most what a role may."""
    text, id_ = sessions.TOKEN_PREFIX + f"{user}-{role}", f"{user}-{role}"
    with db.write() as conn:
        rows.add_token(
            conn, id_=id_, hash_=accounts.hash_of(text), name="test", role=role, user=user, by=SERVER_ACTOR, at_us=at_us
        )
    return {"Authorization": f"Bearer {text}"}
