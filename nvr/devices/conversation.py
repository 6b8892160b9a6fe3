"""An open conversation with a device that is known: where its services are, and a login, once.

Invariant: nothing goes to any other address than the device's own, and a refused login is not tried again
(``nvr.devices.onvif.client``).
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Final

from nvr.config import Redactor
from nvr.devices.accounts import KnownLogin, credentials_at
from nvr.devices.onvif.client import Credentials, DeviceClient, DeviceError, FaultError, LoginWanted
from nvr.devices.onvif.http_client import HttpConnection
from nvr.devices.onvif.reading import ServiceAddress, clean, read_clock, read_services
from nvr.devices.onvif.soap import DEVICE
from nvr.devices.onvif.xml_reader import XmlNode
from nvr.devices.rows import FoundDevice
from nvr.recorder.sources.rtp.errors import LoginError
from nvr.recorder.sources.rtsp.ledger import LEDGER, Ledger
from storage.sentences import Sentence, sentence_of

__all__ = ["ConversationError", "DeviceConversation", "DeviceRefusal", "credentials_of"]

_ANSWER_S: Final = 5.0


class ConversationError(Exception):
    """The device did not do what was asked; the message says why."""


class DeviceRefusal(ConversationError):
    """The device answered that it can't, or does not want to: asking in another way may help."""


def credentials_of(device: FoundDevice, login: KnownLogin | None) -> Credentials | None:
    """The login to try: the one that the device accepted in a search, else its camera's; None: none is known."""
    if device.secrets.username is not None:
        port = login[0] if login is not None else 554
        return credentials_at(device.address, port, device.secrets.username, device.secrets.password or "")
    return credentials_at(device.address, *login) if login is not None else None


@functools.lru_cache(256)
def _redactor(password: str) -> Redactor:
    """A city's devices have few passwords."""
    return Redactor([password])


class DeviceConversation:
    """Opened by what is asked first; one question at a time. ``answer_s``: how long an answer is waited for."""

    def __init__(
        self,
        device: FoundDevice,
        login: KnownLogin | None,
        *,
        answer_s: float = _ANSWER_S,
        ledger: Ledger = LEDGER,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = device.facts.path
        self._now = now
        self._client = DeviceClient(
            HttpConnection(device.address, device.port, answer_s=answer_s), ledger=ledger, now=now
        )
        self._credentials = credentials_of(device, login)
        # What a device says may hold its own password: in a name, in a fault.
        self.redact = _redactor("" if self._credentials is None else self._credentials.password)
        self._services: dict[str, ServiceAddress] | None = None
        # How far the device's clock is ahead of ours; None: it does not say.
        self.offset_s: float | None = None

    async def has(self, namespace: str) -> bool:
        """Whether the device names this service.

        Raises:
            ConversationError: it does not answer.
        """
        return namespace in await self._opened()

    async def ask(self, namespace: str, operation: str, *values: str) -> XmlNode:
        """The answer of a service.

        Raises:
            DeviceRefusal: the device says that it can't.
            ConversationError: it does not answer, has no such service, or no login is known that it takes.
        """
        return await self.ask_at(await self.path_of(namespace), namespace, operation, *values)

    async def ask_at(self, path: str, namespace: str, operation: str, *values: str, header: str = "") -> XmlNode:
        """As ``ask``, at a path that the device named. ``header``: what it wants back in the header of the message.

        Raises:
            DeviceRefusal: the device says that it can't.
            ConversationError: it does not answer, or no login is known that it takes.
        """
        try:
            try:
                return await self._client.ask(path, namespace, operation, *values, header=header)
            except LoginWanted as wanted:
                if self._credentials is None:
                    raise ConversationError(Sentence("no login of it is known: scan it with one")) from None
                return await self._client.log_in(
                    self._credentials, wanted, path, namespace, operation, *values, header=header
                )
        except LoginError as error:
            raise ConversationError(Sentence("it can't be logged in to: {why}", why=sentence_of(error))) from None
        except FaultError as error:
            raise DeviceRefusal(Sentence("it answers: {why}", why=self.redact(clean(str(error))))) from None
        except DeviceError as error:
            raise ConversationError(Sentence("it answers: {why}", why=self.redact(clean(str(error))))) from None

    async def path_of(self, namespace: str) -> str:
        """Where a service is.

        Raises:
            ConversationError: it does not answer, or has no such service.
        """
        services = await self._opened()
        if namespace not in services:
            raise ConversationError(Sentence("it has no such service"))
        return services[namespace].path

    async def _opened(self) -> dict[str, ServiceAddress]:
        if self._services is None:
            await self.read_clock()
            found = await self._ask_services("GetServices")
            self._services = found or await self._ask_services("GetCapabilities")
        return self._services

    async def read_clock(self) -> None:
        """Asks what its clock shows, once more: ``offset_s`` is of then.

        Raises:
            ConversationError: it does not answer.
        """
        asked_s = self._now()
        try:
            answer = await self._client.ask_openly(self._path, DEVICE, "GetSystemDateAndTime")
        except FaultError:
            return
        except DeviceError as error:
            raise ConversationError(Sentence("it answers: {why}", why=clean(str(error)))) from None
        clock = read_clock(answer, asked_s, self._now())
        if clock is not None:
            # A login is dated by it.
            self.offset_s = self._client.offset_s = clock.offset_s - clock.local_ahead_s

    async def _ask_services(self, operation: str) -> dict[str, ServiceAddress]:
        try:
            return read_services(await self.ask_at(self._path, DEVICE, operation))
        except DeviceRefusal:
            return {}

    def drop(self) -> None:
        """Gives up what was asked and not answered: the next question goes over a new connection, with the login."""
        self._client.connection.close()

    def close(self) -> None:
        """Ends the conversation, and forgets the login."""
        self._client.close()
