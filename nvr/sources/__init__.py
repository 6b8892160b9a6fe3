"""The ways to read a camera, as settings, plans and people know them: a file each, and a line in the table.

Free of media and of settings: whoever validates a configuration or plans workers asks here. What reads is imported by
whoever reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from nvr.sources.av import AV
from nvr.sources.base import SourceKind
from nvr.sources.native import NATIVE

__all__ = ["AUTO", "SOURCES", "SourceKind", "choose", "fallback"]

AUTO: Final = "auto"
"""What settings say that leave it to ``choose``."""

SOURCES: Final[Mapping[str, SourceKind]] = {kind.name: kind for kind in (NATIVE, AV)}
"""By name, in the order in which they are tried: what costs least comes first."""


def choose(setting: str, url: str, transport: str) -> SourceKind:
    """What reads a camera of these settings: the source that they name if it can, else the first that can, which the
    last one always is."""
    wanted = [SOURCES[setting]] if setting in SOURCES else []
    return next((kind for kind in (*wanted, *SOURCES.values()) if kind.reads(url, transport)), _last())


def fallback(name: str) -> SourceKind:
    """What tries a camera of which this source can make nothing: the next in the table; of the last one itself."""
    names = list(SOURCES)
    return SOURCES[names[min(names.index(name) + 1, len(names) - 1)]]


def _last() -> SourceKind:
    return list(SOURCES.values())[-1]
