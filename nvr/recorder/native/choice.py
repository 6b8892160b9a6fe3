"""Which source reads a camera: ``native`` for ``rtsp://`` over TCP, ``av`` for everything else, where the settings say so, and in ``native``'s place
where a camera speaks what ``native`` does not.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from nvr.config import Camera
from nvr.recorder.av_source import AvSource
from nvr.recorder.native.source import NativeSource
from nvr.recorder.source import Ended, PacketSink, Source

__all__ = ["FallbackSource", "choose_source", "is_native"]

log = logging.getLogger(__name__)


def is_native(camera: Camera) -> bool:
    """Whether ``native`` is tried first, by the camera's settings."""
    return camera.source != "av" and camera.transport == "tcp" and camera.url.lower().startswith("rtsp://")


def choose_source(camera: Camera, sink: PacketSink) -> Source:
    """The source for a connection, by the camera's settings."""
    if is_native(camera):
        return FallbackSource(camera, sink)
    if camera.source == "native":
        spoken = camera.transport.upper() if camera.transport != "tcp" else camera.url.partition(":")[0]
        log.info("camera %s: read by FFmpeg, because of %s", camera.id, spoken)
    return AvSource(camera, sink)


class FallbackSource:
    """``native``, and ``av`` in its place if the camera speaks something that ``native`` does not. Asked anew at every connection: what a camera
    sends may change with its settings, and the question costs a session description."""

    def __init__(self, camera: Camera, sink: PacketSink) -> None:
        self._camera = camera
        self._sink = sink
        self._native = NativeSource(camera, sink)
        self._av: AvSource | None = None
        self._stopped = False

    def stop(self) -> None:
        """Asks for an end; from any thread."""
        self._stopped = True
        self._native.stop()
        if self._av is not None:
            self._av.stop()

    @property
    def counters(self) -> Mapping[str, int]:
        """Those of the source that reads."""
        return self._native.counters if self._av is None else self._av.counters

    async def run(self) -> Ended:
        """Connects and reads until it ends; says why."""
        ended = await self._native.run()
        if self._native.unsupported is None or self._stopped:
            return ended
        log.info("camera %s: read by FFmpeg, because of %s", self._camera.id, self._native.unsupported)
        self._av = AvSource(self._camera, self._sink)
        if self._stopped:
            return ended
        return await self._av.run()
