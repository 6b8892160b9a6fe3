"""What can be wrong between a node and its fleet.

``FleetError``: the root; ``Unreachable``: the coordinator can't be asked now; ``NotJoined``: the fleet does not know
this node; ``TakenOver``: another server runs under this node's id.
"""

from __future__ import annotations

__all__ = ["FleetError", "NotJoined", "TakenOver", "Unreachable"]


class FleetError(Exception):
    """Something between this node and its fleet; the message says what, and what to do."""


class Unreachable(FleetError):
    """The coordinator can't be asked now. Nothing stops for that."""


class NotJoined(FleetError):
    """The fleet does not know this node, or it has left."""

    def __init__(self, node: str) -> None:
        super().__init__(f"node {node} is not in the fleet: run nvr node join on it")


class TakenOver(FleetError):
    """Another server runs under this node's id."""

    def __init__(self, node: str) -> None:
        super().__init__(
            f"another server runs as node {node}: give one of them another id, [server] node, and join it again"
        )
