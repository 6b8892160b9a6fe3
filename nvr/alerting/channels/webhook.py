"""By HTTP, to a program."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from nvr.alerting.channels import base
from nvr.alerting.channels.base import AlertMessage, Channel, DeliveryError

__all__ = ["Webhook", "webhooks"]

# Answers of 4xx that mean: not now.
_LATER: Final = (401, 403, 404, 408, 425, 429)


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
        """As ``Channel``, and raises as that. Any answer of 2xx counts as accepted, whatever follows it."""
        # Most servers have no webhook: none pays for its library at each start.
        import httpx

        told = {**facts, "delivery": delivery, "title": message.subject, "text": message.text}
        body = json.dumps(told, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "X-Nvr-Delivery": delivery}
        if self.secret is not None:
            headers["X-Nvr-Signature"] = f"sha256={hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()}"
        status: int | None = None
        try:
            with httpx.stream(
                "POST", self.url, content=body, headers=headers, timeout=base.TIMEOUT_S, follow_redirects=False
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


def webhooks(settings: Mapping[str, Any]) -> list[Channel]:
    """The one there is."""
    return [Webhook(**settings)]
