"""The ways a message takes: e-mail and webhook. Each call takes seconds, so they run in a thread of their own.

Errors never hold a password or the address of the webhook: it may be a secret in itself.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any, Final, Protocol

import httpx

from nvr.alerting.messages import Message

__all__ = ["Channel", "DeliveryError", "Email", "Webhook", "channels"]

_TIMEOUT_S: Final = 20.0


class DeliveryError(Exception):
    """A message did not go; says why, without secrets."""


class Channel(Protocol):
    """A way to tell people."""

    @property
    def name(self) -> str:
        """As the catalogue calls it."""
        ...

    def send(self, message: Message, facts: Mapping[str, Any]) -> None:
        """Tells. ``facts``: the alert for programs.

        Raises:
            DeliveryError: it did not arrive.
        """
        ...


@dataclass(frozen=True, slots=True)
class Email:
    """``security``: ``starttls``, ``tls`` or ``none``."""

    to: tuple[str, ...]
    sender: str
    host: str
    port: int
    security: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    name: str = "email"

    def send(self, message: Message, facts: Mapping[str, Any]) -> None:
        """As ``Channel``."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, ", ".join(self.to), message.subject
        mail["Date"] = formatdate()
        # One thread of a mail program for one alert.
        reference = f"<{facts['id']}@nvr.invalid>"
        mail["References"] = mail["In-Reply-To"] = reference
        # Not an answer to anybody, so that no holiday notice comes back.
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        try:
            with self._connect() as server:
                if self.username is not None:
                    server.login(self.username, self.password or "")
                refused = server.send_message(mail)
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(f"{self.host}:{self.port}: {_plain(error)}") from None
        if refused:
            raise DeliveryError(f"{self.host}:{self.port} refused the recipients {', '.join(refused)}")

    def _connect(self) -> smtplib.SMTP:
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_TIMEOUT_S, context=ssl.create_default_context())
        server = smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT_S)
        if self.security == "starttls":
            try:
                server.starttls(context=ssl.create_default_context())
            except BaseException:
                server.close()
                raise
        return server


def _plain(error: Exception) -> str:
    """What a mail server answers may repeat what it was told: of an authentication only its code is shown."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"it refused the login (code {error.smtp_code})"
    return str(error) or type(error).__name__


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts JSON. With a ``secret`` the header ``X-Nvr-Signature`` holds ``sha256=`` and the body's HMAC in hexadecimal."""

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    name: str = "webhook"

    def send(self, message: Message, facts: Mapping[str, Any]) -> None:
        """As ``Channel``. Any answer of 2xx counts as told."""
        body = json.dumps({**facts, "title": message.subject, "text": message.text}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        if self.secret is not None:
            headers["X-Nvr-Signature"] = f"sha256={hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()}"
        try:
            answer = httpx.post(self.url, content=body, headers=headers, timeout=_TIMEOUT_S, follow_redirects=False)
        except httpx.InvalidURL:
            raise DeliveryError("the webhook's address can't be used") from None
        except httpx.HTTPError as error:
            # Its text may hold the address.
            raise DeliveryError(f"the webhook can't be reached ({type(error).__name__})") from None
        if not answer.is_success:
            raise DeliveryError(f"the webhook answered {answer.status_code}")


def channels(settings: Mapping[str, Any]) -> list[Channel]:
    """Those of the settings: ``email`` and ``webhook``, each an object of what the class takes, or null."""
    found: list[Channel] = []
    if (email := settings.get("email")) is not None:
        found.append(Email(**{**email, "to": tuple(email["to"])}))
    if (webhook := settings.get("webhook")) is not None:
        found.append(Webhook(**webhook))
    return found
