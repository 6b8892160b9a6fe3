"""What a source of packets is, and how its end is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import av

from storage.causes import Cause

__all__ = ["Ended", "Packet", "PacketSink", "Source"]

Packet: TypeAlias = "av.Packet[Any]"


@dataclass(eq=False)
class Ended(Exception):
    """Why a run, or the attempt to begin one, ended. ``detail`` holds no secrets."""

    cause: Cause
    detail: Mapping[str, Any] = field(default_factory=dict)


class PacketSink(Protocol):
    """Takes the packets of one connection. Every call may raise ``Ended``: the source then closes its connection."""

    def open(self, video: av.VideoStream, audio: av.AudioStream | None) -> None:
        """The connection stands; these are its streams."""

    def packet(self, packet: Packet) -> None:
        """A packet has just arrived."""


class Source(Protocol):
    """A connection to a camera."""

    async def run(self) -> Ended:
        """Connects, feeds the sink, and says why it ended."""

    def stop(self) -> None:
        """Asks the source to end soon; does not wait."""
