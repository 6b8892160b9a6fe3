"""By a Telegram bot, to chats of people.

The bot's token is in the address that is asked (as Telegram wants it), so that no error may hold that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from nvr.alerting.channels import base
from nvr.alerting.channels.base import AlertMessage, Channel, DeliveryError

__all__ = ["Telegram", "telegrams"]

# core.telegram.org/bots/api#sendmessage: 1 to 4096 characters.
_LONGEST: Final = 4_096
# 403: the bot was blocked or is no member any more; that may be put right.
_LATER: Final = (401, 403, 404, 408, 429)


@dataclass(frozen=True, slots=True)
class Telegram:
    """Sends text to one ``chat``: its number, or ``@name`` of a channel."""

    chat: str
    token: str = field(repr=False)
    api: str = "https://api.telegram.org"
    joins: bool = True

    @property
    def recipient(self) -> str:
        """As ``Channel``."""
        return f"telegram:{self.chat}"

    def send(self, message: AlertMessage, facts: Mapping[str, Any], delivery: str) -> None:
        """As ``Channel``, and raises as that."""
        # Most servers have no bot: none pays for its library at each start.
        import httpx

        text = f"{message.subject}\n\n{message.text}"
        body = {"chat_id": self.chat, "text": text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"}
        try:
            answer = httpx.post(
                f"{self.api}/bot{self.token}/sendMessage", json=body, timeout=base.TIMEOUT_S, follow_redirects=False
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Its text may hold the address.
            raise DeliveryError(f"Telegram can't be reached ({type(error).__name__})") from None
        if answer.status_code != 200:
            is_refusal = 400 <= answer.status_code < 500 and answer.status_code not in _LATER
            raise DeliveryError(f"Telegram answered {answer.status_code}{_why(answer)}", is_refusal=is_refusal)


def _why(answer: Any) -> str:
    """What Telegram says of it, such as "chat not found"; as far as it is a line of text."""
    try:
        said = answer.json()["description"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f": {said[:100]}" if isinstance(said, str) and said.isprintable() else ""


def telegrams(settings: Mapping[str, Any]) -> list[Channel]:
    """One for each chat."""
    return [Telegram(chat, settings["token"], settings["api"]) for chat in settings["chats"]]
