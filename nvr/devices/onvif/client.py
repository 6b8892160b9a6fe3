"""The conversation with one device: first all that needs no login, then at most one login.

Invariant: a password goes out only as a digest, only after the device said that it wants one, only if the ledger of
logins (shared with whatever else logs in to the device) has room, and never again after it was refused. Nothing goes to
any other address than the one that was asked, whatever address the device names.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from nvr.devices.onvif.http_client import HttpAnswer, HttpConnection, HttpError
from nvr.devices.onvif.soap import SoapFault, answer_of, attempts_left, envelope, fault_of, request, username_token
from nvr.devices.onvif.xml_reader import XmlError, XmlNode
from nvr.recorder.sources.rtp.errors import LoginError
from nvr.recorder.sources.rtsp.auth import Authenticator, Challenge, choose, parse_challenges
from nvr.recorder.sources.rtsp.ledger import LEDGER, Ledger, words_until
from storage.catalogue.logins import LoginAccount

__all__ = ["Credentials", "DeviceClient", "DeviceError", "FaultError", "LoginWanted"]

_REFUSED: Final = (401, 403)


class DeviceError(Exception):
    """The device gave no answer that can be read; the message says why. ``connected``: whether it could be reached."""

    def __init__(self, message: str, *, connected: bool = True) -> None:
        super().__init__(message)
        self.connected = connected


class FaultError(DeviceError):
    """The device can't do what was asked, or does not want to."""


class LoginWanted(DeviceError):
    """The device answers this only with a login. ``offers``: those of HTTP."""

    def __init__(self, offers: list[Challenge]) -> None:
        super().__init__("the device wants a login")
        self.offers = offers


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account to log in with; ``account`` is how the ledger knows it at this device."""

    username: str
    password: str = field(repr=False)
    account: LoginAccount


class DeviceClient:
    """Asks one device. ``offset_s``: how far its clock is ahead of ours; None as long as nobody knows."""

    def __init__(
        self, connection: HttpConnection, *, ledger: Ledger = LEDGER, now: Callable[[], float] = time.time
    ) -> None:
        self.connection = connection
        self.offset_s: float | None = None
        self.offers_basic = False
        # How the password went out, once it was accepted: "digest" (HTTP) or "wsse".
        self.login: str | None = None
        # Whether the password was refused.
        self.refused = False
        self._ledger = ledger
        self._now = now
        self._credentials: Credentials | None = None
        self._auth: Authenticator | None = None

    async def ask(self, path: str, namespace: str, operation: str, *values: str, header: str = "") -> XmlNode:
        """The answer to a question, with the login if one was accepted before. ``header``: XML of ours for the header
        of the message.

        Raises:
            LoginWanted: without one there is no answer.
            FaultError: the device says that it can't.
            DeviceError: there is no answer that can be read.
        """
        body = request(namespace, operation, *values)
        answer = await self._send(path, body, header)
        found, fault = _read(answer)
        if not _refuses(answer, fault):
            return _result(answer, found, fault)
        offers = parse_challenges(answer.every("www-authenticate"))
        self.offers_basic |= any(offer.scheme == "basic" for offer in offers)
        if self.login is None:
            raise LoginWanted(offers)
        # A nonce that has served may be old; anything else is a matter of rights, and nothing that another attempt
        # would change.
        renewed = choose(offers, basic=False) if self._auth is not None else None
        if self._auth is not None and renewed is not None and self._auth.take(renewed):
            answer = await self._send(path, body, header)
            found, fault = _read(answer)
        if _refuses(answer, fault):
            raise FaultError("the account may not ask this")
        return _result(answer, found, fault)

    async def ask_openly(self, path: str, namespace: str, operation: str) -> XmlNode:
        """The answer to a question that goes out without a login, whether or not there is one.

        Raises:
            FaultError: the device says that it can't, or not so.
            DeviceError: there is no answer that can be read.
        """
        answer = await self._send(path, request(namespace, operation), openly=True)
        found, fault = _read(answer)
        if fault is None and answer.status in _REFUSED:
            raise FaultError("the device wants a login")
        return _result(answer, found, fault)

    async def log_in(
        self,
        credentials: Credentials,
        wanted: LoginWanted,
        path: str,
        namespace: str,
        operation: str,
        *values: str,
        header: str = "",
    ) -> XmlNode:
        """Asks the question again that was answered with ``wanted``, with a login: once.

        Raises:
            LoginError: it may not be tried, can't be, or was refused.
            DeviceError: there is no answer that can be read.
        """
        chosen = choose(wanted.offers, basic=False)
        if chosen is None and self.offset_s is None:
            raise LoginError("the device does not say what its clock shows, without which it takes no login")
        await self._ledger.begin_first(credentials.account, credentials.password)
        is_open = True
        self._credentials = credentials
        if chosen is not None:
            self._auth = Authenticator(credentials.username, credentials.password)
            self._auth.take(chosen)
        body = request(namespace, operation, *values)
        # Over a new connection: what went out over one that the device was closing would have to go out again.
        self.connection.close()
        try:
            answer = await self._send(path, body, header)
            found, fault = _read(answer)
            if _refuses(answer, fault) and self._auth is not None:
                again = choose(parse_challenges(answer.every("www-authenticate")), basic=False)
                if again is not None and again.stale and self._auth.take(again):
                    answer = await self._send(path, body, header)
                    found, fault = _read(answer)
            if _refuses(answer, fault):
                is_open = False
                self.refused = True
                left = attempts_left(
                    fault.reason if fault is not None else answer.body[:2000].decode("utf-8", "replace")
                )
                entry = await self._ledger.refused(credentials.account, "", left)
                raise LoginError(words_until(entry.next_us), entry.next_us)
            result = _result(answer, found, fault)
            is_open = False
            self.login = "digest" if self._auth is not None else "wsse"
            self._ledger.accepted(credentials.account, "", None)
            return result
        finally:
            if is_open:
                self._ledger.abandoned(credentials.account)
            if self.login is None:
                self._credentials = self._auth = None

    async def _send(self, path: str, body: str, header: str = "", *, openly: bool = False) -> HttpAnswer:
        try:
            return await self._sent(path, body, header, openly)
        except HttpError as error:
            if not error.was_idle:
                raise DeviceError(str(error), connected=error.connected) from None
        try:
            return await self._sent(path, body, header, openly)
        except HttpError as error:
            raise DeviceError(str(error), connected=error.connected) from None

    async def _sent(self, path: str, body: str, header: str, openly: bool) -> HttpAnswer:
        headers: tuple[tuple[str, str], ...] = ()
        security = ""
        if openly:
            pass
        elif self._auth is not None:
            made = self._auth.header("POST", path)
            headers = (("Authorization", made),) if made is not None else ()
        elif self._credentials is not None:
            security = username_token(
                self._credentials.username,
                self._credentials.password,
                nonce=secrets.token_bytes(16),
                at_s=self._now() + (self.offset_s or 0.0),
            )
        return await self.connection.post(path, envelope(body, security + header), headers)

    def close(self) -> None:
        """Ends the connection, and forgets the login."""
        self.connection.close()
        self._credentials = self._auth = None


def _read(answer: HttpAnswer) -> tuple[XmlNode | None, SoapFault | None]:
    try:
        found = answer_of(answer.body)
    except XmlError:
        return None, None
    return found, fault_of(found)


def _refuses(answer: HttpAnswer, fault: SoapFault | None) -> bool:
    return answer.status in _REFUSED or (fault is not None and fault.refuses)


def _result(answer: HttpAnswer, found: XmlNode | None, fault: SoapFault | None) -> XmlNode:
    if fault is not None:
        raise FaultError(f"the device answers {fault.code or 'a fault'}: {fault.reason}")
    if found is None:
        try:
            answer_of(answer.body)
        except XmlError as error:
            if answer.status != 200:
                raise DeviceError(f"the device answers {answer.status}") from None
            raise DeviceError(str(error)) from None
    if found is None or not 200 <= answer.status < 300:
        raise DeviceError(f"the device answers {answer.status}")
    return found
