"""By e-mail."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

from nvr.alerting.channels import base
from nvr.alerting.channels.base import AlertMessage, Channel, DeliveryError

__all__ = ["Email", "emails"]


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
        """As ``Channel``, and raises as that."""
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
            return smtplib.SMTP_SSL(self.host, self.port, timeout=base.TIMEOUT_S, context=ssl.create_default_context())
        server = smtplib.SMTP(self.host, self.port, timeout=base.TIMEOUT_S)
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


def emails(settings: Mapping[str, Any]) -> list[Channel]:
    """One an address of ``to``, each once, in their order."""
    return [Email(**{**settings, "to": to}) for to in dict.fromkeys(settings["to"])]
