"""Times as text in details that are kept: ISO 8601, UTC. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

__all__ = ["iso"]

_EPOCH: Final = datetime(1970, 1, 1)


def iso(at_us: int) -> str:
    """``2026-11-23T14:05:06.123456Z``."""
    return (_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="microseconds") + "Z"
