"""Which source reads a camera: ``av``, or ``native`` where its settings say so; then ``av`` takes over by itself where ``native`` can't.

``auto`` means ``av`` until ``native`` has proved itself on a fleet (docs/design/native-source.md).
"""

from __future__ import annotations

import logging

from nvr.config import Camera
from nvr.recorder.av_source import AvSource
from nvr.recorder.native.source import NativeSource
from nvr.recorder.source import Ended, PacketSink, Source

__all__ = ["FallbackSource", "choose_source"]

log = logging.getLogger(__name__)


def choose_source(camera: Camera, sink: PacketSink) -> Source:
    """The source for a connection, by the camera's settings."""
    # With sound a frame was lost in recordings of an independent camera: until that is understood, sound is FFmpeg's.
    if (
        camera.source == "native"
        and not camera.audio
        and camera.transport == "tcp"
        and camera.url.lower().startswith("rtsp://")
    ):
        return FallbackSource(camera, sink)
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
