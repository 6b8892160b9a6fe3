"""The settings of alerts as the housekeeping process is told them: secrets in plain text, for a pipe and nothing
else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nvr.config import AlertSettings

__all__ = ["secrets_told", "to_wire"]


def to_wire(alerts: AlertSettings, zone: str) -> dict[str, Any]:
    """What ``Watch`` and ``channels`` take. ``zone``: in which times are told."""
    email = telegram = webhook = None
    if alerts.email_to and alerts.smtp_host is not None and alerts.email_from is not None:
        email = {
            "to": list(alerts.email_to),
            "sender": alerts.email_from,
            "host": alerts.smtp_host,
            "port": alerts.smtp_port,
            "security": alerts.smtp_security,
            "username": alerts.smtp_username,
            "password": alerts.smtp_password.reveal() if alerts.smtp_password is not None else None,
        }
    if alerts.telegram_chats and alerts.telegram_token is not None:
        telegram = {
            "token": alerts.telegram_token.reveal(),
            "chats": list(alerts.telegram_chats),
            "api": alerts.telegram_api,
        }
    if alerts.webhook_url is not None:
        secret = alerts.webhook_secret
        webhook = {"url": alerts.webhook_url.reveal(), "secret": secret.reveal() if secret is not None else None}
    return {
        "camera_after_us": alerts.camera_after_us,
        "clear_after_us": alerts.clear_after_us,
        "fold_by": list(alerts.fold_by),
        "fold_from": alerts.fold_from,
        "recorded_least": alerts.recorded_least,
        "language": alerts.language,
        "zone": zone,
        "email": email,
        "telegram": telegram,
        "webhook": webhook,
    }


def secrets_told(wire: Mapping[str, Any]) -> list[str]:
    """What of these settings must be in no line of a log: the address of a webhook may be a secret in itself."""
    named = (("email", "password"), ("telegram", "token"), ("webhook", "url"), ("webhook", "secret"))
    held = (None if wire[channel] is None else wire[channel][name] for channel, name in named)
    return [secret for secret in held if secret is not None]
