"""Second factors: setting them up, taking what they say, recovery codes, and starting over without them.

Invariants: a seed is kept sealed, and answered once, when it is made; a code, and a recovery code, is good once; with
somebody's first factor their other sessions end, so that none goes on that was begun without.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import sqlite3
from typing import Final

from nvr.accounts import factor_rows, session_rows
from nvr.accounts import rows as accounts
from nvr.accounts.errors import BadProof, InvalidFactor, NoSuchAccount, no_login
from nvr.accounts.factor_rows import Factor, FactorKind
from nvr.accounts.rows import User
from storage.catalogue import audit
from storage.catalogue.actors import is_service
from storage.catalogue.database import Database
from storage.secrets.sealing import KeyLost, keys_of
from storage.sentences import Sentence, sentence_of
from storage.texts import TextError, one_line

__all__ = [
    "MOST_FACTORS",
    "add_confirmed",
    "begin_totp",
    "check_code",
    "check_room",
    "confirm_totp",
    "factor_name",
    "hash_of_code",
    "new_factor_id",
    "new_recovery_codes",
    "recovery_codes",
    "remove_factor",
    "reset_factors",
    "take_recovery_code",
]

MOST_FACTORS: Final = 10
"""Of one user."""

_STEP_S: Final = 30
# A clock may be half a minute off, and typing takes as long.
_STEPS: Final = (-1, 0, 1)
_CODES: Final = 10
_CODE_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_LONGEST_NAME: Final = 60


def new_factor_id() -> str:
    """An id for a new one."""
    return f"factor-{secrets.token_hex(8)}"


def factor_name(text: str) -> str:
    """What a user calls a factor, as it is kept.

    Raises:
        InvalidFactor: it can't be.
    """
    try:
        return one_line(Sentence("the name"), text, longest=_LONGEST_NAME)
    except TextError as error:
        raise InvalidFactor(sentence_of(error)) from None


def check_room(user: User, known: list[Factor]) -> None:
    """Lets somebody have one more.

    Raises:
        InvalidFactor: they have as many as there may be; or it is a program's account, or a screen's, which would be
            a login of its own.
    """
    if is_service(user.id):
        raise InvalidFactor(no_login(user.name))
    if len(known) >= MOST_FACTORS:
        raise InvalidFactor(Sentence("{most} second factors are the most: remove one first", most=MOST_FACTORS))


def begin_totp(db: Database, user: User, name: str, *, issuer: str, at_us: int) -> tuple[Factor, str, str]:
    """Begins to set up an app that makes codes; returns the factor, which counts as none yet, its seed in base32 and
    the address (``otpauth:``) that apps read as a QR code. What was begun before is forgotten.

    Raises:
        InvalidFactor: the name can't be, or there are too many.
    """
    import pyotp

    name = factor_name(name)
    seed = str(pyotp.random_base32())
    factor = Factor(new_factor_id(), user.id, FactorKind.TOTP, name, at_us)
    with db.write() as conn:
        for old in factor_rows.factors_of(conn, user.id, being_set_up=True):
            if old.confirmed_us is None:
                factor_rows.forget_factor(conn, old.id)
        check_room(user, factor_rows.factors_of(conn, user.id))
        sealed = json.dumps(keys_of(conn).seal(f"factor {factor.id}", {"password": seed}))
        factor_rows.add_factor(conn, factor, sealed=sealed)
        audit.append(conn, "factor_begun", detail={"user": user.name, "factor": factor.id, "kind": factor.kind})
    return factor, seed, str(pyotp.TOTP(seed).provisioning_uri(name=user.name, issuer_name=issuer))


def _taken_step(db: Database, factor: Factor, code: str, at_us: int) -> int | None:
    """The time step whose code this is; None if it is of none that is near."""
    import pyotp

    try:
        with db.read() as conn:
            opened = keys_of(conn).open(f"factor {factor.id}", json.loads(factor_rows.sealed_of(conn, factor.id)))
    except KeyLost:
        # The key of what is sealed here is another one: a recovery code, or an administrator, lets in.
        return None
    totp, now = pyotp.TOTP(str(opened["password"])), at_us // 1_000_000 // _STEP_S
    # All of them, whichever it is: what it took says nothing.
    found = [now + step for step in _STEPS if hmac.compare_digest(str(totp.generate_otp(now + step)), code)]
    return found[-1] if found else None


def _plain(code: str) -> str:
    return "".join(code.split())[:64].encode("ascii", "replace").decode()


def confirm_totp(
    db: Database, user: User, id_: str, code: str, *, at_us: int, session: str | None, codes: list[str]
) -> bool:
    """Lets a factor count whose app says the right code. With the first one, ``codes`` become the user's recovery
    codes, and their sessions but the one with the hash ``session`` end; says whether it was.

    Raises:
        NoSuchAccount: there is none to be confirmed.
        BadProof: the code is another.
    """
    with db.read() as conn:
        every = factor_rows.factors_of(conn, user.id, being_set_up=True)
    factor = next((one for one in every if one.id == id_ and one.confirmed_us is None), None)
    if factor is None:
        raise NoSuchAccount(Sentence("there is no second factor {id!r} of yours to be confirmed", id=id_))
    step = _taken_step(db, factor, _plain(code), at_us)
    if step is None:
        raise BadProof
    with db.write() as conn:
        if not factor_rows.take_step(conn, id_, step, at_us=at_us):
            raise BadProof
        return add_confirmed(conn, user, factor, at_us=at_us, session=session, codes=codes)


def add_confirmed(
    conn: sqlite3.Connection, user: User, factor: Factor, *, at_us: int, session: str | None, codes: list[str]
) -> bool:
    """Within a transaction: a factor counts from now on. As ``confirm_totp``."""
    first = not factor_rows.factors_of(conn, user.id)
    factor_rows.confirm_factor(conn, factor.id, at_us=at_us)
    if first:
        factor_rows.add_recovery_codes(conn, user.id, [hash_of_code(user.id, code) for code in codes], at_us=at_us)
        session_rows.end_sessions_of(conn, user.id, keep=session)
    if session is not None:
        session_rows.prove_session(conn, session, at_us=at_us, by_factor=True)
    audit.append(conn, "factor_added", detail={"user": user.name, "factor": factor.id, "kind": factor.kind})
    return first


def check_code(db: Database, user: User, code: str, *, at_us: int) -> None:
    """Takes a code of one of the user's apps, once.

    Raises:
        BadProof: it is none that is good now.
    """
    with db.read() as conn:
        apps = [one for one in factor_rows.factors_of(conn, user.id) if one.kind is FactorKind.TOTP]
    steps = [(one, _taken_step(db, one, _plain(code), at_us)) for one in apps]
    for factor, step in steps:
        if step is None:
            continue
        with db.write() as conn:
            if factor_rows.take_step(conn, factor.id, step, at_us=at_us):
                audit.append(conn, "proved", detail={"user": user.name, "factor": factor.id, "kind": factor.kind})
                return
    raise BadProof


def hash_of_code(user: str, code: str) -> str:
    """Under which hash a recovery code of the user of this id is kept: of 79 random bits, so that it needs no slow one.
    How it is spaced and written makes no difference."""
    plain = "".join(char for char in code.lower() if char.isalnum())[:64]
    return hashlib.sha256(f"{user}:{plain}".encode("utf-8", "replace")).hexdigest()


def recovery_codes() -> list[str]:
    """New ones, such as ``k7mw-p3hx-qrvd-9tne``."""
    return [
        "-".join("".join(secrets.choice(_CODE_ALPHABET) for _ in range(4)) for _ in range(4)) for _ in range(_CODES)
    ]


def new_recovery_codes(db: Database, user: User, *, at_us: int) -> list[str]:
    """Replaces the user's recovery codes; those that they had are good for nothing any more.

    Raises:
        InvalidFactor: they have no second factor in whose place a code would be.
    """
    codes = recovery_codes()
    with db.write() as conn:
        if not factor_rows.factors_of(conn, user.id):
            raise InvalidFactor(Sentence("set up a second factor first: recovery codes stand in for one"))
        factor_rows.add_recovery_codes(conn, user.id, [hash_of_code(user.id, code) for code in codes], at_us=at_us)
        audit.append(conn, "recovery_codes_made", detail={"user": user.name, "count": len(codes)})
    return codes


def take_recovery_code(db: Database, user: User, code: str) -> None:
    """Takes a recovery code, which is none any more then.

    Raises:
        BadProof: it is none.
    """
    hash_ = hash_of_code(user.id, code)
    with db.read() as conn:
        # Who guesses must not take the lock that recording waits for.
        known = conn.execute("SELECT 1 FROM recovery_code WHERE hash = ? AND user = ?", (hash_, user.id)).fetchone()
    if known is None:
        raise BadProof
    with db.write() as conn:
        if not factor_rows.take_recovery_code(conn, user.id, hash_):
            raise BadProof
        left = factor_rows.count_recovery_codes(conn, user.id)
        audit.append(conn, "recovery_code_used", detail={"user": user.name, "left": left})


def remove_factor(db: Database, user: User, id_: str, *, is_required: bool) -> None:
    """Removes a factor of the user's; with the last one their recovery codes go. ``is_required``: they need one.

    Raises:
        NoSuchAccount: there is none of this id.
        InvalidFactor: it is the last, and they need one.
    """
    with db.write() as conn:
        every = factor_rows.factors_of(conn, user.id, being_set_up=True)
        factor = next((one for one in every if one.id == id_), None)
        if factor is None:
            raise NoSuchAccount(Sentence("there is no second factor {id!r} of yours", id=id_))
        others = [one for one in every if one.id != id_ and one.confirmed_us is not None]
        if is_required and factor.confirmed_us is not None and not others:
            raise InvalidFactor(Sentence("a role of yours needs a second factor: set up another one first"))
        factor_rows.forget_factor(conn, id_)
        if not others:
            factor_rows.forget_factors(conn, user.id)
        audit.append(conn, "factor_removed", detail={"user": user.name, "factor": id_, "kind": factor.kind})


def reset_factors(db: Database, name: str) -> int:
    """Removes all factors and recovery codes of somebody who lost them, and ends their sessions; returns how many
    factors there were. Who is to do that has made sure whom they do it for.

    Raises:
        NoSuchAccount: there is no such user.
    """
    with db.write() as conn:
        user = accounts.find_user(conn, name)
        if user is None:
            raise NoSuchAccount(Sentence("there is no user {name!r}", name=name))
        count = factor_rows.forget_factors(conn, user.id)
        session_rows.end_sessions_of(conn, user.id)
        audit.append(conn, "factors_reset", detail={"user": name, "id": user.id, "count": count})
    return count
