"""The supervisor: prepares the catalogue, then keeps recorder workers, accounting and API running."""

from __future__ import annotations

from nvr.supervisor.run import run

__all__ = ["run"]
