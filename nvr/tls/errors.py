"""What is wrong with certificates."""

from __future__ import annotations

__all__ = ["TlsError"]


class TlsError(Exception):
    """A certificate or key can't be used; the message says which, why, and what to do."""
