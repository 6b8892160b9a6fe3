"""What can go wrong with accounts. ``code`` is the stable word that programs and the page go by."""

from __future__ import annotations

from typing import ClassVar

from storage.sentences import Sentence

__all__ = [
    "AccountError",
    "AccountExpired",
    "BadCredentials",
    "BadProof",
    "InvalidAccount",
    "InvalidFactor",
    "NoSuchAccount",
    "UserExists",
    "WeakPassword",
    "no_login",
]


class AccountError(Exception):
    """Base of the tree. Messages are for people and hold no secret."""

    code: ClassVar[str] = "account_error"


class BadCredentials(AccountError):
    """Wrong user name or password: never says which."""

    code = "bad_credentials"

    def __init__(self) -> None:
        super().__init__(Sentence("the user name or the password is wrong"))


class BadProof(AccountError):
    """Not what proves who somebody is: a code that is wrong or was used, another passkey, a recovery code that is none
    any more. Never says which."""

    code = "bad_proof"

    def __init__(self) -> None:
        super().__init__(Sentence("this does not prove who you are: the code is wrong, over, or was used before"))


class AccountExpired(AccountError):
    """Nobody used the account for so long that it is over."""

    code = "account_expired"


class InvalidFactor(AccountError):
    """A second factor that can't be set up, or can't be removed."""

    code = "invalid_factor"


class InvalidAccount(AccountError):
    """A name or role that can't be."""

    code = "invalid_account"


class WeakPassword(AccountError):
    """A password that is too short, too long or too common."""

    code = "weak_password"


class UserExists(AccountError):
    """The name is taken."""

    code = "user_exists"


class NoSuchAccount(AccountError):
    """There is no such user or token."""

    code = "account_not_found"


def no_login(name: str) -> Sentence:
    """Why an account that is a program's or a screen's has no password, factor or provider."""
    return Sentence("{name!r} is a program's or a screen's: nobody logs in to it", name=name)
