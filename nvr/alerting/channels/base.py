"""What a channel is.

Errors never hold a password or the address of a webhook: it may be a secret in itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

__all__ = ["TIMEOUT_S", "AlertMessage", "Channel", "DeliveryError"]

TIMEOUT_S: Final = 20.0
"""Each call takes seconds, so they run in a thread of their own."""


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """A line, and what there is to say beyond it."""

    subject: str
    text: str


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
