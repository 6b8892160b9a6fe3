"""What the process that moves cameras is given: one line of JSON on its stdin. Nothing in it is secret."""

from __future__ import annotations

import msgspec

__all__ = ["PtzSettings"]


class PtzSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``catalogue``: its path. Which cameras may be moved, who asks has seen to."""

    catalogue: str
    log_level: str = "info"
