"""A line that takes its time: what is sent over it is still being sent when a test looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from nvr.playback.clip.clip import Clip

__all__ = ["slow_clips"]


def slow_clips(monkeypatch: pytest.MonkeyPatch, *, piece_bytes: int, pause_s: float) -> None:
    """Clips are sent in small pieces with a pause behind each; a socket's buffers would take all of one."""

    async def chunks(self: Clip, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        end = self.size if last is None else last + 1
        for at in range(first, end, piece_bytes):
            yield self.read(at, min(at + piece_bytes, end) - 1)
            await asyncio.sleep(pause_s)  # sleep: the line is slow

    monkeypatch.setattr(Clip, "chunks", chunks)
