"""What can go wrong with grants. ``code`` is the stable word that programs and the page go by."""

from __future__ import annotations

from typing import ClassVar

from storage.sentences import Sentence

__all__ = ["AccessError", "BeyondOwnGrants", "InvalidGrant", "LastAdministrator", "NoSuchGrant", "NoSuchHolder"]


class AccessError(Exception):
    """Base of the tree. Messages are for people and hold no secret."""

    code: ClassVar[str] = "access_error"

    def __init__(self, message: Sentence) -> None:
        super().__init__(message)


class InvalidGrant(AccessError):
    """A grant, a role or a closure that can't be as it was asked for."""

    code = "invalid_grant"


class NoSuchGrant(AccessError):
    """There is no such grant, role or closure, or it has ended."""

    code = "grant_not_found"


class NoSuchHolder(AccessError):
    """There is nobody of this name or id who could have grants."""

    code = "account_not_found"


class BeyondOwnGrants(AccessError):
    """Nobody gives what they have not themselves."""

    code = "beyond_own_grants"


class LastAdministrator(AccessError):
    """Without somebody who may do everything nobody could set up anything any more."""

    code = "last_admin"
