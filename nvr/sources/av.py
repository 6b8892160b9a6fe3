"""``av``: PyAV, a thread a camera, for whatever else FFmpeg opens."""

from __future__ import annotations

from typing import Final

from nvr.sources.base import SourceKind

__all__ = ["AV"]

AV: Final = SourceKind(
    name="av",
    title="FFmpeg",
    reads=lambda url, transport: True,
    implementation="nvr.recorder.sources.av:AvSource",
    # A worker that feeds FFmpeg has few cameras, and all of them wait for this after an abort; its processor time is
    # all of it.
    connection_s=1 / 100,
    is_apart=True,
    tries_transports=True,
)
