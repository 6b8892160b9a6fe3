"""Asks a camera for its session description and nothing else, to see whether what was found about it still holds."""

from __future__ import annotations

import hashlib

from nvr.config import RecordedCamera
from nvr.recorder.sources.rtp.errors import NativeError
from nvr.recorder.sources.rtsp.client import reach

__all__ = ["describe", "digest"]

_TIMEOUT_S = 5.0


def digest(description: str) -> str:
    """Of what a description says about its media. The rest, such as session identifiers and times, is another one at
    each connection."""
    lines = (line.strip() for line in description.splitlines())
    kept = [line for line in lines if line.startswith(("m=", "a=rtpmap:", "a=fmtp:", "c="))]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()[:32]


async def describe(camera: RecordedCamera) -> str | None:
    """The digest of a camera's description; None if it could not be had, for whatever reason: whoever reads the camera
    will find that out, and say it."""
    try:
        connection = await reach(camera.url, camera, _TIMEOUT_S)
        try:
            answer = await connection.request("DESCRIBE", camera.url, _TIMEOUT_S, (("Accept", "application/sdp"),))
        finally:
            connection.close()
    except (NativeError, OSError):
        return None
    if answer.status >= 300 or not answer.body:
        return None
    return digest(answer.body if isinstance(answer.body, str) else answer.body.decode("utf-8", "replace"))
