"""Answering a camera's challenge: Basic (RFC 7617) and Digest (RFC 2617, 7616; MD5 and SHA-256, with and without
``qop=auth``). Pure but for the client nonce, which can be given.

Credentials are plain text, never percent-encoded: ``@ : / # %`` are characters like others. Invariant: nothing here
prints them.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Authenticator", "Challenge", "choose", "parse_challenges"]

_PARAMETER: Final = re.compile(r'([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SCHEME: Final = re.compile(r"(?:^|,)\s*(Basic|Digest)(?:\s+|$)", re.IGNORECASE)
# The stronger algorithm first; cameras that name none mean MD5.
_HASHES: Final = {"SHA-256": "sha256", "MD5": "md5"}
_LONGEST_HEADER: Final = 8192


@dataclass(frozen=True, slots=True)
class Challenge:
    """One offer of a ``WWW-Authenticate`` header. ``scheme`` is ``basic`` or ``digest``; names of ``parameters`` are in
    lower case."""

    scheme: str
    parameters: dict[str, str]

    @property
    def stale(self) -> bool:
        """Whether only the nonce was too old: the password may be right."""
        return self.parameters.get("stale", "").lower() == "true"

    @property
    def algorithm(self) -> str:
        """``MD5``, ``SHA-256`` or whatever else the camera names, in capitals."""
        return self.parameters.get("algorithm", "MD5").upper()


def parse_challenges(headers: Sequence[str]) -> list[Challenge]:
    """The Basic and Digest offers in all ``WWW-Authenticate`` headers, several of which may stand in one line."""
    found: list[Challenge] = []
    for header in headers:
        text = header[:_LONGEST_HEADER]
        # A scheme's name inside a quoted realm is no offer.
        quoted = [match.span() for match in re.finditer(r'"(?:[^"\\]|\\.)*"', text)]
        starts = [m for m in _SCHEME.finditer(text) if not any(a <= m.start(1) < b for a, b in quoted)]
        for number, match in enumerate(starts):
            end = starts[number + 1].start() if number + 1 < len(starts) else len(text)
            parameters = {
                name.lower(): re.sub(r"\\(.)", r"\1", in_quotes) if in_quotes else bare
                for name, in_quotes, bare in _PARAMETER.findall(text[match.end() : end])
            }
            found.append(Challenge(match[1].lower(), parameters))
    return found


@dataclass
class Authenticator:
    """The credentials of one camera, and the challenge in force on one connection."""

    username: str
    password: str = field(repr=False)
    make_cnonce: Callable[[], str] = field(default=lambda: secrets.token_hex(8), repr=False)
    _challenge: Challenge | None = field(default=None, repr=False)
    _uses: int = field(default=0, repr=False)

    def take(self, challenge: Challenge) -> bool:
        """From now on requests answer this challenge. Says whether it is another one than before."""
        before, self._challenge, self._uses = self._challenge, challenge, 0
        return before is None or challenge.parameters.get("nonce") != before.parameters.get("nonce")

    @property
    def scheme(self) -> str | None:
        """How the password goes out; None as long as it does not."""
        return None if self._challenge is None else self._challenge.scheme

    def header(self, method: str, uri: str) -> str | None:
        """The ``Authorization`` of a request, or None as long as nothing was asked for."""
        if self._challenge is None:
            return None
        if self._challenge.scheme == "basic":
            pair = f"{self.username}:{self.password}".encode()
            return "Basic " + base64.b64encode(pair).decode("ascii")
        return self._digest(self._challenge, method, uri)

    def _digest(self, challenge: Challenge, method: str, uri: str) -> str:
        given = challenge.parameters
        realm, nonce = given.get("realm", ""), given.get("nonce", "")
        name = _HASHES[challenge.algorithm]

        def digest(text: str) -> str:
            return hashlib.new(name, text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()

        first, second = digest(f"{self.username}:{realm}:{self.password}"), digest(f"{method}:{uri}")
        fields = [
            ("username", self.username),
            ("realm", realm),
            ("nonce", nonce),
            ("uri", uri),
        ]
        tail = ""
        if "auth" in [word.strip().lower() for word in given.get("qop", "").split(",")]:
            self._uses += 1
            count, cnonce = f"{self._uses:08x}", self.make_cnonce()
            response = digest(f"{first}:{nonce}:{count}:{cnonce}:auth:{second}")
            tail = f', qop=auth, nc={count}, cnonce="{cnonce}"'
        else:
            response = digest(f"{first}:{nonce}:{second}")
        text = ", ".join(f'{key}="{_quote(value)}"' for key, value in [*fields, ("response", response)])
        if "algorithm" in given:
            text += f", algorithm={challenge.algorithm}"
        if "opaque" in given:
            text += f', opaque="{_quote(given["opaque"])}"'
        return f"Digest {text}{tail}"


def choose(offers: Sequence[Challenge], *, basic: bool) -> Challenge | None:
    """The best of the offers that we speak: the stronger hash first, Basic last and only if it is allowed."""
    for algorithm in _HASHES:
        for offer in offers:
            if offer.scheme == "digest" and offer.algorithm == algorithm and _spoken(offer):
                return offer
    return next((offer for offer in offers if basic and offer.scheme == "basic"), None)


def _spoken(offer: Challenge) -> bool:
    qop = offer.parameters.get("qop")
    return qop is None or "auth" in [word.strip().lower() for word in qop.split(",")]


def _quote(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
