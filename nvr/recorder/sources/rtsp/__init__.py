"""The ``native`` source: an RTSP client of our own, for what most cameras speak."""

from __future__ import annotations

from nvr.recorder.sources.rtsp.source import NativeSource

__all__ = ["NativeSource"]
