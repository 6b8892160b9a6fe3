"""``native``: our own RTSP client, on the worker's event loop."""

from __future__ import annotations

from typing import Final

from nvr.sources.base import SourceKind

__all__ = ["NATIVE"]


def _reads(url: str, transport: str) -> bool:
    return transport == "tcp" and url.lower().startswith(("rtsp://", "rtsps://"))


NATIVE: Final = SourceKind(
    name="native",
    title="the native client",
    reads=_reads,
    implementation="nvr.recorder.sources.rtsp.source:NativeSource",
    # Its processor time is about half of that.
    connection_s=1 / 200,
)
