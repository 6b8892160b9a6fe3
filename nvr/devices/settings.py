"""What a search is given: one line of JSON on the stdin of its process. Nothing in it is secret."""

from __future__ import annotations

import msgspec

__all__ = ["ScanSettings"]


class ScanSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``catalogue``: its path; ``scan``: the id of the search; ``networks``: those that the configuration allows;
    ``rate``: addresses a second; ``at_once``: devices at the same time; ``discovery_port``: of WS-Discovery."""

    catalogue: str
    scan: str
    networks: tuple[str, ...]
    ports: tuple[int, ...]
    rate: int
    at_once: int
    follow_moves: bool = False
    discovery_port: int = 3702
    log_level: str = "info"
