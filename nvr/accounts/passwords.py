"""Passwords: what makes one acceptable, hashing with Argon2id, and random ones that a person can type.

Invariant: a password exists only as an argument; what is kept is its Argon2 hash.
"""

from __future__ import annotations

import re
import secrets
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn_rs_py import zxcvbn

from nvr.accounts.errors import WeakPassword
from storage.sentences import Sentence

__all__ = [
    "LEAST_CHARACTERS",
    "check_password",
    "hash_password",
    "is_acceptable",
    "is_outdated",
    "matches",
    "random_password",
]

LEAST_CHARACTERS: Final = 10
# Nobody types more; hashing megabytes would let a login be an attack.
_MOST_CHARACTERS: Final = 1024
# Found with fewer tries it is one of the common ones, or made of them: lists of leaked passwords are longer. As a power
# of ten.
_LEAST_GUESSES_LOG10: Final = 6.0
# What whoever guesses the password of this very server tries first.
_OUR_WORDS: Final = (
    "nvr",
    "cctv",
    "camera",
    "kamera",
    "admin",
    "administrator",
    "rekaman",
    "sandi",
    "rahasia",
    "semarang",
)
# Its work grows faster than the text; what is hard to guess by its beginning is hard to guess.
_MOST_WEIGHED: Final = 100

# The library's defaults are RFC 9106's low-memory profile: 64 MiB and about 50 ms of a core.
_HASHER: Final = PasswordHasher()

# No letter or digit that looks like another one.
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"


def check_password(password: str, *, of: str = "") -> None:
    """Accepts or refuses a new password of the user of this name.

    Raises:
        WeakPassword: shorter than ``LEAST_CHARACTERS``, absurdly long, or among the first million that somebody would
            try.
    """
    if len(password) < LEAST_CHARACTERS:
        raise WeakPassword(
            Sentence(
                "the password has {count} characters; use at least {least} (a few words do well)",
                count=len(password),
                least=LEAST_CHARACTERS,
            )
        )
    if len(password) > _MOST_CHARACTERS:
        raise WeakPassword(
            Sentence(
                "the password is longer than {most} characters; use a shorter one",
                most=_MOST_CHARACTERS,
            )
        )
    weighed = zxcvbn(password[:_MOST_WEIGHED].encode("utf-8", "replace").decode(), [*_OUR_WORDS, *_words(of)])
    if weighed.guesses_log10 < _LEAST_GUESSES_LOG10:
        raise WeakPassword(
            Sentence(
                "the password is one of the first that are tried: common, or made of common parts; use a few words"
            )
        )


def _words(name: str) -> list[str]:
    return [name, *re.split(r"[._@-]+", name)] if name else []


def is_acceptable(password: str, *, of: str = "") -> bool:
    """Whether ``check_password`` accepts it."""
    try:
        check_password(password, of=of)
    except WeakPassword:
        return False
    return True


def hash_password(password: str, *, of: str = "") -> str:
    """The Argon2id hash of an acceptable password, with its salt and parameters.

    Raises:
        WeakPassword: as ``check_password``.
    """
    check_password(password, of=of)
    return _HASHER.hash(password)


@cache
def _nobodys_hash() -> str:
    return _HASHER.hash(secrets.token_hex(16))


def matches(password: str, hash_: str | None) -> bool:
    """Whether the password has this hash. None (an unknown user) takes as long as a wrong password does."""
    if len(password) > _MOST_CHARACTERS:
        password = ""
    try:
        _HASHER.verify(hash_ or _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return hash_ is not None


def is_outdated(hash_: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(hash_)


def random_password() -> str:
    """A random password of 99 bits that can be read out and typed: ``k7mwp-3hxqr-vd9tn-e2ysa``."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
