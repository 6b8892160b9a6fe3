"""Logging in to a camera over one connection: which challenges are answered, and what the ledger of logins is told of
it.

Invariant: a password goes out only as often as the ledger allows, never again after a fresh challenge was answered with
a refusal, and in plain text (Basic) only where the settings or the device's first accepted login say so.
"""

from __future__ import annotations

import re
from typing import Final

from nvr.config import RecordedCamera
from nvr.recorder.sources.rtp.errors import LoginError
from nvr.recorder.sources.rtsp.auth import Authenticator, choose, parse_challenges
from nvr.recorder.sources.rtsp.ledger import LEDGER, Ledger, account_of, words_until
from nvr.recorder.sources.rtsp.message import Message
from storage.catalogue.devices import Device
from storage.catalogue.logins import LoginAccount

__all__ = ["Login", "login_of"]

# Some devices say how many attempts are left: "You still have 5 attempt(s)".
_LEFT: Final = re.compile(r"(\d{1,3})\s*(?:more\s+)?(?:attempt|tries|times)", re.IGNORECASE)


def login_of(camera: RecordedCamera, wait_s: float, ledger: Ledger = LEDGER) -> Login | None:
    """The login of a camera's next connection; None if its settings name none. ``wait_s``: how long it may wait for its
    turn."""
    account = account_of(camera)
    if account is None or camera.username is None:
        return None
    password = camera.password.reveal() if camera.password is not None else ""
    return Login(Authenticator(camera.username, password), account, camera.id, camera.login, wait_s, ledger)


class Login:
    """The credentials of one camera on one connection. ``policy`` is the camera's setting ``login``."""

    def __init__(
        self, auth: Authenticator, account: LoginAccount, camera: str, policy: str, wait_s: float, ledger: Ledger
    ) -> None:
        self._auth = auth
        self._account = account
        self._camera = camera
        self._policy = policy
        self._wait_s = wait_s
        self._ledger = ledger
        # Set once the password was refused.
        self.refusal: LoginError | None = None
        self._known: Device | None = None
        self._sent = False
        self._open = False
        self._worked = False
        # An OPTIONS with a login was answered, whether or not the password was looked at: its nonce may be old since.
        self._served = False
        self._accepted = False
        self._renewed = False

    def header(self, method: str, uri: str) -> str | None:
        """The ``Authorization`` of a request, or None as long as nothing was asked for."""
        made = self._auth.header(method, uri)
        self._sent = made is not None
        return made

    def begin_request(self) -> None:
        """A new request, not one that is sent again."""
        self._renewed = False

    async def repeats(self, method: str, answer: Message) -> bool:
        """Takes an answer; says whether the request is to be sent again, with a login.

        Raises:
            LoginError: a login is wanted that may not be given, or can't.
        """
        if answer.status == 401:
            return await self._challenged(answer)
        if not self._sent:
            return False
        if answer.status == 403 and not self._worked:
            await self._refused(answer)
        elif 200 <= answer.status < 300 and method == "OPTIONS":
            self._served = True
        elif 200 <= answer.status < 300:
            # OPTIONS is answered by many without a look at the password.
            self._worked = True
            if method == "PLAY":
                self._take_accepted()
            elif self._accepted:
                self._ledger.works(self._account, self._camera)
        return False

    async def _challenged(self, answer: Message) -> bool:
        offers = parse_challenges(answer.all("www-authenticate"))
        if not self._sent:
            if choose(offers, basic=True) is None:
                raise LoginError("the camera asks for a login that is neither Basic nor Digest with MD5 or SHA-256")
            if not self._open:
                self._known = await self._ledger.begin(self._account, self._camera, self._wait_s)
                self._open = True
            had_digest = self._known is not None and self._known.scheme == "digest"
            basic = self._policy == "basic" or (self._policy == "auto" and not had_digest)
            chosen = choose(offers, basic=basic)
            if chosen is None:
                why = "it took a digest before" if had_digest else 'login = "digest" forbids that'
                raise LoginError(
                    f"the camera asks for its password in plain text (Basic), but {why};"
                    ' set login = "basic" if that is right'
                )
            self._auth.take(chosen)
            return True
        # What was sent is refused. Only a nonce that has served may be old; a fresh one that is refused says that the
        # password is wrong.
        chosen = choose(offers, basic=self._auth.scheme == "basic")
        served = self._worked or (self._served and chosen is not None and chosen.stale)
        if served and not self._renewed and chosen is not None:
            new = self._auth.take(chosen)
            if chosen.stale or (chosen.scheme == "digest" and new):
                self._renewed = True
                return True
        if not self._accepted:
            await self._refused(answer)
        return False

    async def _refused(self, answer: Message) -> None:
        if not self._open:
            return
        self._open = False
        text = answer.reason + " " + answer.body.decode("utf-8", "replace")
        left = int(match[1]) if (match := _LEFT.search(text)) else None
        entry = await self._ledger.refused(self._account, self._camera, left)
        self.refusal = LoginError(words_until(entry.next_us), entry.next_us)

    def _take_accepted(self) -> None:
        if not self._open:
            return
        self._open = False
        self._accepted = True
        is_known = self._known is not None and self._known.scheme is not None
        self._ledger.accepted(self._account, self._camera, None if is_known else self._auth.scheme)

    def close(self) -> None:
        """The connection is over: an attempt without an outcome is given back."""
        if self._open:
            self._open = False
            self._ledger.abandoned(self._account)
