"""What a provider's signed tokens say, and whether that is for us, from it, and now. Pure.

Invariants: a signature is by a key of the provider's, by an algorithm with a public key; nothing of a token that fails
one check is used.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from typing import Any, Final

__all__ = ["ALGORITHMS", "LOGOUT_EVENT", "TokenRefused", "check_id_token", "check_logout_token", "texts_of"]

ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
)
"""Those with a public key: by the others whoever knows our secret could say anything."""

LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"

# Clocks of two machines.
_LEEWAY_S: Final = 60
_LONGEST_SUBJECT: Final = 255
# OpenID Connect Back-Channel Logout 1.0, 2.4: at most two minutes is what it asks; clocks again.
_LOGOUT_LASTS_S: Final = 300


class TokenRefused(Exception):
    """What is wrong with a token; for the log."""


def _check_common(claims: Mapping[str, Any], issuer: str, client: str) -> None:
    if claims.get("iss") != issuer:
        raise TokenRefused("it is another issuer's")
    audience = claims.get("aud")
    every = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    if client not in every:
        raise TokenRefused("it is for another client")
    if (len(every) > 1 or "azp" in claims) and claims.get("azp") != client:
        raise TokenRefused("it was given to another client")


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(f"it has no {name}")
    return value


def check_id_token(
    claims: Mapping[str, Any], *, issuer: str, client: str, nonce: str, now_s: float, fresh_since_s: float | None = None
) -> tuple[str, float | None]:
    """Who logged in (``sub``), and when they proved it there (``auth_time``), if it says so. ``fresh_since_s``: they
    must have proved it since then (OpenID Connect Core 1.0, 3.1.3.7).

    Raises:
        TokenRefused: it is not for us, not from it, not of this login, or not of now.
    """
    _check_common(claims, issuer, client)
    if _number(claims, "exp") <= now_s - _LEEWAY_S:
        raise TokenRefused("it is over")
    if _number(claims, "iat") > now_s + _LEEWAY_S:
        raise TokenRefused("it is of a later time")
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise TokenRefused("it is of another login")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise TokenRefused("it does not say who logged in")
    at = None if "auth_time" not in claims else _number(claims, "auth_time")
    if fresh_since_s is not None and (at is None or at < fresh_since_s - _LEEWAY_S):
        raise TokenRefused("they did not prove anew who they are")
    return subject, None if at is None else min(at, now_s)


def check_logout_token(
    claims: Mapping[str, Any], *, issuer: str, client: str, now_s: float
) -> tuple[str | None, str | None, str]:
    """Whose sessions end (``sub``), or which (``sid``), and the token's own id (OpenID Connect Back-Channel Logout 1.0,
    2.6).

    Raises:
        TokenRefused: it is none, not for us, not from it, or not of now.
    """
    _check_common(claims, issuer, client)
    events = claims.get("events")
    if not isinstance(events, dict) or LOGOUT_EVENT not in events:
        raise TokenRefused("it is no logout")
    if "nonce" in claims:
        raise TokenRefused("it is of a login")
    issued = _number(claims, "iat")
    if not now_s - _LOGOUT_LASTS_S <= issued <= now_s + _LEEWAY_S:
        raise TokenRefused("it is of another time")
    if "exp" in claims and _number(claims, "exp") <= now_s - _LEEWAY_S:
        raise TokenRefused("it is over")
    subject, session, id_ = (claims.get(name) for name in ("sub", "sid", "jti"))
    if not isinstance(id_, str) or not 0 < len(id_) <= _LONGEST_SUBJECT:
        raise TokenRefused("it has no id")
    said = [one for one in (subject, session) if one is not None]
    if not said or not all(isinstance(one, str) and 0 < len(one) <= _LONGEST_SUBJECT for one in said):
        raise TokenRefused("it does not say whose sessions end")
    return subject, session, id_


def texts_of(value: object, known: Collection[str]) -> list[str]:
    """Of what a claim lists (texts, or one), those that are known."""
    every = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return sorted({one for one in every if isinstance(one, str)} & set(known))
