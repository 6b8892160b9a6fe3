"""A camera that is between two workers: what is known of the attempt."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from nvr.recorder.sources.reading import Reading
from nvr.supervisor.balancing import Move

__all__ = ["Moving"]


@dataclass(slots=True)
class Moving:
    """A camera that two workers have: the source records it until the target does, or until ``until`` (monotonic
    seconds). ``reading``: how the target reads it, and the digest of the description that it found; None: as the source
    does. ``alone``: the source has given it up, but gets it back if the target can't record it either. ``failure``: the
    cause that the target gave last; ``unreadable``: it never will."""

    move: Move
    epoch: int
    until: float
    reading: Reading | None = None
    settings: str = ""
    sdp: str | None = None
    alone: bool = False
    failure: str | None = None
    unreadable: bool = False
    recording: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)
