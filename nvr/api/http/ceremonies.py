"""What a login begins in one request and ends in another: the challenge of a passkey, the way to an identity provider
and back.

Nothing is kept for strangers: a cookie holds a random seed, of which all that has to come back, or to be known again,
is made with a key of this process. Invariants: what was begun ends in the browser that began it, for what it was begun
for, within ``LASTS_US``, and once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

__all__ = ["LASTS_US", "Ceremonies", "Ceremony", "RecentIds"]

LASTS_US: Final = 600 * 1_000_000
_MOST_TAKEN: Final = 10_000
_SEED_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class Ceremony:
    """One that was begun at ``begun_us``. ``session``: the hash of the session that the browser had then, empty for
    none; another site that leads back here does not bring its cookie along."""

    seed: str
    begun_us: int
    key: bytes
    session: str = ""

    def secret(self, name: str) -> bytes:
        """32 bytes that nobody else knows, the same for one name each time."""
        return hmac.new(self.key, f"{name}\0{self.seed}".encode(), hashlib.sha256).digest()

    def text(self, name: str) -> str:
        """As ``secret``, in base64url."""
        return base64.urlsafe_b64encode(self.secret(name)).decode().rstrip("=")


class RecentIds:
    """Ids of what is good once, the last ``most`` of them; safe to use from several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, id_: object) -> bool:
        return id_ in self._ids

    def take(self, id_: str) -> bool:
        """Takes one; False if it was taken before."""
        with self._lock:
            if id_ in self._ids:
                return False
            self._ids[id_] = None
            if len(self._ids) > self._most:
                self._ids.popitem(last=False)
        return True


class Ceremonies:
    """Those of all; safe to use from several threads. They end with the process."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._taken = RecentIds(_MOST_TAKEN)

    def begin(self, purpose: str, of: str, *, now_us: int, session: str = "") -> tuple[str, Ceremony]:
        """Begins one for something, of somebody or something; returns what the cookie holds. ``session``: as of
        ``Ceremony``, in hexadecimal digits."""
        seed = secrets.token_urlsafe(_SEED_BYTES)
        mac = self._mac(purpose, of, now_us, seed, session)
        cookie = ".".join(part for part in (str(now_us), seed, mac, session) if part)
        return cookie, Ceremony(seed, now_us, self._key, session)

    def find(self, cookie: str, purpose: str, of: str, *, now_us: int) -> Ceremony | None:
        """The one that a cookie holds; None if it is none, was begun for something else, is over or was taken."""
        begun, _, rest = cookie.partition(".")
        seed, _, rest = rest.partition(".")
        mac, dot, session = rest.partition(".")
        if not (begun.isascii() and begun.isdigit() and len(begun) <= 20 and mac.isascii()):
            return None
        if dot and not session:
            return None
        begun_us = int(begun)
        if not hmac.compare_digest(self._mac(purpose, of, begun_us, seed, session), mac):
            return None
        if not 0 <= now_us - begun_us <= LASTS_US or seed in self._taken:
            return None
        return Ceremony(seed, begun_us, self._key, session)

    def take(self, ceremony: Ceremony) -> bool:
        """Ends it; False if it was before."""
        return self._taken.take(ceremony.seed)

    def _mac(self, purpose: str, of: str, begun_us: int, seed: str, session: str) -> str:
        text = f"{purpose}\0{of}\0{begun_us}\0{seed}\0{session}".encode("utf-8", "surrogateescape")
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()
