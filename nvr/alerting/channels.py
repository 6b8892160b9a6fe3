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
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any, Final, Protocol

import httpx

from nvr.alerting.messages import AlertMessage

__all__ = ["Channel", "DeliveryError", "Email", "Webhook", "channels"]

_TIMEOUT_S: Final = 20.0
# Answers of 4xx that mean: not now.
_LATER: Final = (401, 403, 404, 408, 425, 429)


class DeliveryError(Exception):
    """A message was not accepted; says why, without secrets. ``is_refusal``: the answer was no, rather than not now or
    none."""

    def __init__(self, text: str, *, is_refusal: bool = False) -> None:
        super().__init__(text)
        self.is_refusal = is_refusal


class Channel(Protocol):
    """A way to one recipient. ``joins``: people are told what has happened of an alert in one message, programs hear of
    each event."""

    @property
    def recipient(self) -> str:
        """As the catalogue calls it: the channel's name, and after a colon whom it reaches."""
        ...

    @property
    def joins(self) -> bool: ...

    def send(self, message: AlertMessage, facts: Mapping[str, Any], delivery: str) -> None:
        """Sends. ``facts``: the alert for programs. ``delivery``: an id of this message, the same at each attempt.

        Raises:
            DeliveryError: it was not accepted. Whoever raises anything once it was would have it sent again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Email:
    """To one address: whoever is refused must not cost others their mail, nor get them a second. ``security``:
    ``starttls``, ``tls`` or ``none``."""

    to: str
    sender: str
    host: str
    port: int
    security: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    joins: bool = True

    @property
    def recipient(self) -> str:
        """As ``Channel``."""
        return f"email:{self.to}"

    def send(self, message: AlertMessage, facts: Mapping[str, Any], delivery: str) -> None:
        """As ``Channel``."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, self.to, message.subject
        mail["Date"] = formatdate()
        # Sent again because its acceptance was not heard, it is the same message: mail programs show it once.
        mail["Message-ID"] = f"<{delivery}@nvr.invalid>"
        # One thread of a mail program for one alert.
        reference = f"<{facts['id']}@nvr.invalid>"
        mail["References"] = mail["In-Reply-To"] = reference
        # Not an answer to anybody, so that no holiday notice comes back.
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        try:
            server = self._connect()
            try:
                if self.username is not None:
                    server.login(self.username, self.password or "")
                server.send_message(mail, to_addrs=[self.to])
            except BaseException:
                server.close()
                raise
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(f"{self.host}:{self.port}: {_plain(error)}", is_refusal=_is_refusal(error)) from None
        # It was accepted: what the server does at the farewell changes nothing.
        with suppress(smtplib.SMTPException, OSError):
            server.putcmd("quit")
        server.close()

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


def _is_refusal(error: Exception) -> bool:
    """Whether the server said that this message will never be taken."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    # A login may be put right.
    permanent = isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500
    return permanent and not isinstance(error, smtplib.SMTPAuthenticationError)


def _plain(error: Exception) -> str:
    """What a mail server answers may repeat what it was told: of an authentication only its code is shown."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"it refused the login (code {error.smtp_code})"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {text.decode(errors='replace')}" for code, text in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
    return str(error) or type(error).__name__


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts JSON. With a ``secret`` the header ``X-Nvr-Signature`` holds ``sha256=`` and the body's HMAC in
    hexadecimal; ``X-Nvr-Delivery`` is the same at each attempt."""

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    joins: bool = False

    @property
    def recipient(self) -> str:
        """As ``Channel``."""
        return "webhook"

    def send(self, message: AlertMessage, facts: Mapping[str, Any], delivery: str) -> None:
        """As ``Channel``. Any answer of 2xx counts as accepted, whatever follows it."""
        told = {**facts, "delivery": delivery, "title": message.subject, "text": message.text}
        body = json.dumps(told, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "X-Nvr-Delivery": delivery}
        if self.secret is not None:
            headers["X-Nvr-Signature"] = f"sha256={hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()}"
        status: int | None = None
        try:
            with httpx.stream(
                "POST", self.url, content=body, headers=headers, timeout=_TIMEOUT_S, follow_redirects=False
            ) as answer:
                status = answer.status_code
        except httpx.InvalidURL:
            raise DeliveryError("the webhook's address can't be used") from None
        except httpx.HTTPError as error:
            if status is None:
                # Its text may hold the address.
                raise DeliveryError(f"the webhook can't be reached ({type(error).__name__})") from None
        if status is None or not 200 <= status < 300:
            is_refusal = status is not None and 400 <= status < 500 and status not in _LATER
            raise DeliveryError(f"the webhook answered {status}", is_refusal=is_refusal)


def channels(settings: Mapping[str, Any]) -> list[Channel]:
    """Those of the settings: ``email`` (one an address) and ``webhook``, each an object of what the class takes, or
    null."""
    found: list[Channel] = []
    if (email := settings.get("email")) is not None:
        # Each address once, in their order.
        found += [Email(**{**email, "to": to}) for to in dict.fromkeys(email["to"])]
    if (webhook := settings.get("webhook")) is not None:
        found.append(Webhook(**webhook))
    return found
