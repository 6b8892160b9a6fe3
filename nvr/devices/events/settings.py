"""What the process that asks devices for events is given: a line of JSON on its stdin, and another when it changes.
Nothing in it is secret."""

from __future__ import annotations

import msgspec

__all__ = ["EventSettings"]


class EventSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``catalogue``: its path; ``kinds``: whose events of each kind become marks, as a query by labels. ``rate``:
    subscriptions that are begun a second."""

    catalogue: str
    kinds: dict[str, str] = {}
    rate: float = 50.0
    log_level: str = "info"
