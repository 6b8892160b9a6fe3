"""Basic and Digest authentication of requests, the server's side (RFC 2617 and 7616, as RTSP cameras use them)."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from .message import DemoRequest

_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}


class LoginVerdict(Enum):
    """What the credentials of a request are worth."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    STALE = "stale"


@dataclass
class Auth:
    """Who may connect, and what is asked of them.

    `scheme` both offers Digest first, then Basic. With `nonce_uses` a nonce is good for that many requests and is then
    refused as stale with a new one, as some cameras do.
    """

    username: str
    password: str
    scheme: Literal["basic", "digest", "both"] = "digest"
    algorithm: Literal["MD5", "SHA-256"] = "MD5"
    qop: bool = True
    realm: str = "camera"
    nonce_uses: int | None = None
    _nonces: dict[str, int] = field(default_factory=dict, repr=False)

    def challenges(self, *, stale: bool = False) -> list[tuple[str, str]]:
        """WWW-Authenticate headers of a 401."""
        headers: list[tuple[str, str]] = []
        if self.scheme in ("digest", "both"):
            nonce = secrets.token_hex(16)
            self._nonces[nonce] = 0
            value = f'Digest realm="{self.realm}", nonce="{nonce}"'
            # Old cameras name no algorithm for MD5; many clients know no other, so it is named only when needed.
            value += "" if self.algorithm == "MD5" else f", algorithm={self.algorithm}"
            value += ', qop="auth"' if self.qop else ""
            value += ", stale=true" if stale else ""
            headers.append(("WWW-Authenticate", value))
        if self.scheme in ("basic", "both"):
            headers.append(("WWW-Authenticate", f'Basic realm="{self.realm}"'))
        return headers

    def judge(self, request: DemoRequest) -> LoginVerdict:
        """Check a request's Authorization header."""
        kind, _, rest = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic" and self.scheme != "digest":
            return self._basic(rest)
        if kind.lower() == "digest" and self.scheme != "basic":
            return self._digest(request.method, rest)
        return LoginVerdict.REFUSED

    def _basic(self, encoded: str) -> LoginVerdict:
        try:
            given = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            return LoginVerdict.REFUSED
        wanted = f"{self.username}:{self.password}".encode()
        return LoginVerdict.ACCEPTED if hmac.compare_digest(given, wanted) else LoginVerdict.REFUSED

    def _digest(self, method: str, rest: str) -> LoginVerdict:
        given = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}
        nonce = given.get("nonce", "")
        first = self._hash(f"{self.username}:{self.realm}:{self.password}")
        second = self._hash(f"{method}:{given.get('uri', '')}")
        if given.get("qop") == "auth":
            middle = f"{nonce}:{given.get('nc', '')}:{given.get('cnonce', '')}:auth"
        else:
            middle = nonce
        wanted = self._hash(f"{first}:{middle}:{second}")
        right = given.get("username") == self.username and hmac.compare_digest(
            given.get("response", "").encode(), wanted.encode()
        )
        if not right:
            return LoginVerdict.REFUSED
        uses = self._nonces.get(nonce)
        if uses is None or (self.nonce_uses is not None and uses >= self.nonce_uses):
            self._nonces.pop(nonce, None)
            return LoginVerdict.STALE
        self._nonces[nonce] = uses + 1
        return LoginVerdict.ACCEPTED

    def _hash(self, text: str) -> str:
        return hashlib.new(_HASHES[self.algorithm], text.encode(), usedforsecurity=False).hexdigest()
