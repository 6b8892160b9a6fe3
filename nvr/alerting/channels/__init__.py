"""The ways a message takes: a file each, and a line in the table. Their settings are those of ``[alerts]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from nvr.alerting.channels.base import AlertMessage, Channel, DeliveryError
from nvr.alerting.channels.email import Email, emails
from nvr.alerting.channels.telegram import Telegram, telegrams
from nvr.alerting.channels.webhook import Webhook, webhooks

__all__ = ["CHANNELS", "AlertMessage", "Channel", "DeliveryError", "Email", "Telegram", "Webhook", "channels"]

CHANNELS: Final[Mapping[str, Callable[[Mapping[str, Any]], list[Channel]]]] = {
    "email": emails,
    "telegram": telegrams,
    "webhook": webhooks,
}
"""By the name that begins each recipient's. Each makes its channels of what ``to_wire`` tells under this name."""


def channels(settings: Mapping[str, Any]) -> list[Channel]:
    """Those that are set up; one whose settings are null is not."""
    return [
        channel
        for name, made_of in CHANNELS.items()
        if settings.get(name) is not None
        for channel in made_of(settings[name])
    ]
