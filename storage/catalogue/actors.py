"""Who acts: a person, a token, a link's recipient, the command line, the server.

Invariant: an id is never given twice, and nothing is decided by a name. A name is for people, and may be somebody
else's tomorrow.

Ids are ``user-…``, ``service-…``, ``token-…``, ``link-…``, ``address-…`` with random digits, and the words of services:
``server``, ``command-line``, ``nobody``. A token of a user acts as ``user-…/token-…``: what comes before the stroke is
who answers for it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

__all__ = [
    "COMMAND_LINE_ID",
    "NOBODY",
    "RESERVED_NAMES",
    "SERVER_ACTOR",
    "Actor",
    "is_group",
    "is_person",
    "is_reserved",
    "is_service",
    "new_service_id",
    "new_token_id",
    "new_user_id",
    "of_address",
    "of_link",
    "of_token",
    "of_user",
]

_USER: Final = "user-"
_TOKEN: Final = "token-"  # noqa: S105 - a prefix of ids, no secret
_LINK: Final = "link-"
_ADDRESS: Final = "address-"
_GROUP: Final = "group-"
_SERVICE: Final = "service-"

COMMAND_LINE_ID: Final = "command-line"
"""Whoever may run commands on the server. The operating system says a name; who of them it was, this server can't know.
"""

RESERVED_NAMES: Final = frozenset(
    (
        "anonymous",
        "command-line",
        "commandline",
        "link",
        "nobody",
        "nvr",
        "public",
        "recipient",
        "retention",
        "server",
        "system",
        "token",
        "unknown",
    )
)
"""No user is called so: the log would read as if it had been someone else."""


def is_person(id_: str | None) -> bool:
    """Whether an id as rows keep it is a user's. None, not known, is nobody's."""
    return id_ is not None and id_.startswith(_USER)


def is_service(id_: str) -> bool:
    """Whether an id is that of an account of a program or a screen: no person answers for it."""
    return id_.startswith(_SERVICE)


def is_group(id_: str) -> bool:
    """Whether an id is a group's: it holds grants, and never acts."""
    return id_.startswith(_GROUP)


@dataclass(frozen=True, slots=True)
class Actor:
    """``id`` is for comparing, ``name`` for people."""

    id: str
    name: str

    @property
    def person(self) -> str:
        """The id of who answers for it: a user for their tokens, otherwise its own. This is what rows keep and checks
        compare."""
        return self.id.partition("/")[0]

    @property
    def is_person(self) -> bool:
        """Whether one known person answers for it: not so for the command line, for tokens made there, and for the
        server."""
        return is_person(self.person)


SERVER_ACTOR: Final = Actor("server", "server")
NOBODY: Final = Actor("nobody", "nobody")


def new_user_id() -> str:
    """An id for a new user."""
    return f"{_USER}{secrets.token_hex(8)}"


def new_service_id() -> str:
    """An id for a new account of a program or a screen."""
    return f"{_SERVICE}{secrets.token_hex(8)}"


def new_token_id() -> str:
    """An id for a new token, as lists show it."""
    return secrets.token_hex(8)


def of_user(id_: str, name: str) -> Actor:
    """A user, logged in."""
    return Actor(id_, name)


def of_token(id_: str, name: str, user_id: str | None, user_name: str | None) -> Actor:
    """A token: of its user, or of nobody in particular."""
    if user_id is None:
        return Actor(f"{_TOKEN}{id_}", f"token {name}")
    return Actor(f"{user_id}/{_TOKEN}{id_}", f"{user_name} (token {name})")


def of_link(id_: str, recipient: str) -> Actor:
    """Whoever opened a link; that it was its recipient can't be known."""
    return Actor(f"{_LINK}{id_}", f"recipient {recipient}")


def of_address(id_: str) -> Actor:
    """Whoever uses an address with a secret in it."""
    return Actor(f"{_ADDRESS}{id_}", f"address {id_}")


def is_reserved(name: str) -> bool:
    """Whether a user can't be called so."""
    return name in RESERVED_NAMES or name.startswith((_USER, _TOKEN, _LINK, _ADDRESS, _GROUP, _SERVICE))
