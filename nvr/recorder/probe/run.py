"""Connecting to a camera for some seconds, as a recorder would, to see what it is. Writes no footage and no catalogue;
a refused login counts as any."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from typing import Final

from nvr import __version__
from nvr.config import RecordedCamera, Redactor, redact
from nvr.recorder.media.packets import Ended, Source
from nvr.recorder.probe.capture import Recorder
from nvr.recorder.probe.findings import ODDITIES, Oddity, ProbeReport, report
from nvr.recorder.probe.measure import Measured
from nvr.recorder.sources.av import quiet_ffmpeg
from nvr.recorder.sources.choose import SelfJudging, make_source
from nvr.recorder.sources.reading import by_settings
from nvr.recorder.sources.rtp import sdp
from nvr.recorder.sources.rtp.errors import NativeError
from nvr.recorder.sources.rtsp.connection import TAP, Tap
from nvr.sources import SOURCES, fallback
from storage.causes import Cause

__all__ = ["probe"]

# What a source gets before the next one is asked, if nothing could be made of what came.
_FIRST_S: Final = 5.0
_POLL_S: Final = 0.1
# Enough to see a rate and, of most cameras, two keyframes.
_FRAMES_S: Final = 6.0
_STOP_S: Final = 2.0
_DESCRIPTION: Final = re.compile(rb"\r?\n\r?\n(v=0.*)", re.DOTALL)
_MOST_HEARD: Final = 1 << 17
_LONGEST_NAME: Final = 40


class _Taps:
    """Several taps as one; and what a probe itself wants to hear: the session description."""

    def __init__(self, others: Sequence[Tap]) -> None:
        self._others = others
        self._heard = b""

    def received(self, data: bytes) -> None:
        if len(self._heard) < _MOST_HEARD:
            self._heard += data
        for tap in self._others:
            tap.received(data)

    def sent(self, data: bytes) -> None:
        for tap in self._others:
            tap.sent(data)

    def audio(self, redact: Callable[[str], str]) -> str | None:
        """The codec of the sound that the camera offers, as FFmpeg names it where it is known; else as the camera does,
        which passes ``redact``: it may be its password."""
        match = _DESCRIPTION.search(self._heard)
        if match is None:
            return None
        try:
            described = sdp.parse(match[1].split(b"\r\nRTSP/")[0])
        except NativeError:
            return None
        # A back channel is for talking to the camera.
        names = [m.encoding for m in described.media if m.kind == "audio" and m.direction != "sendonly"]
        if not names:
            return None
        known = {**sdp.G711, "MPEG4-GENERIC": "aac", "MP4A-LATM": "aac"}
        return known.get(names[0]) or redact(names[0]).lower()[:_LONGEST_NAME] or "unknown"


async def probe(
    camera: RecordedCamera, *, seconds: float = 9.0, capture: Callable[[str], object] | None = None
) -> tuple[ProbeReport, bytes | None]:
    """What the camera is and does, and its last keyframe as JPEG. Takes ``seconds`` at most, and a little for the end
    of the session. ``capture`` takes the lines of a capture of what the native source hears and says."""
    redactor = Redactor(camera.secrets, hashes=True)
    url = redact(camera.url)
    taps: list[Tap] = []
    if capture is not None:
        about = {"product": f"nvr {__version__}", "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "url": url}
        taps.append(Recorder(capture, redactor, lambda: time.monotonic_ns() // 1000, about))
    heard = _Taps(taps)
    token = TAP.set(heard)
    began = time.monotonic()
    try:
        reading = by_settings(camera)
        more: list[Oddity] = []
        transport = reading.transport
        kind = SOURCES[reading.source]
        quiet_ffmpeg()
        while True:
            measured = Measured()
            source = make_source(kind, camera, measured, transport)
            left_s = max(1.0, seconds - (time.monotonic() - began))
            ended = await _run(source, measured, min(left_s, _FIRST_S), left_s)
            counters = dict(source.counters)
            if not isinstance(source, SelfJudging) or time.monotonic() - began >= seconds:
                break
            reason = _unreadable(source, measured, ended, counters)
            if reason is None or fallback(kind.name) is kind:
                break
            kind, transport = fallback(kind.name), "udp" if source.refused_tcp or source.silent else "tcp"
            told = redactor(reason)
            more.append(Oddity("read_by_ffmpeg", ODDITIES["read_by_ffmpeg"].format(reason=told), {"reason": told}))
    finally:
        TAP.reset(token)
    if not measured.frames and measured.plays:
        counters.setdefault("frames", 0)
    failed = ended if ended is not None and ended.cause is not Cause.SERVER_DOWN else None
    found = report(
        measured,
        counters,
        url=url,
        source=kind.name,
        transport=transport,
        seconds=time.monotonic() - began,
        audio=heard.audio(redactor),
        wants_audio=camera.audio,
        error=redactor(str(failed.detail.get("error", failed.cause.value))) if failed is not None else None,
        cause=failed.cause.value if failed is not None else None,
        more=more,
    )
    return found, await asyncio.to_thread(measured.picture)


def _unreadable(source: SelfJudging, measured: Measured, ended: Ended | None, counters: dict[str, int]) -> str | None:
    """Why the next source should be asked in this one's place; None: there is no reason."""
    if source.unsupported is not None:
        return source.unsupported
    if measured.frames or (ended is not None and ended.cause is not Cause.SERVER_DOWN):
        return None
    if source.silent:
        return "it sends nothing over TCP"
    if counters.get("packets") and not source.seen.frames:
        return "no frame could be put together"
    return None


async def _run(source: Source, measured: Measured, patience_s: float, most_s: float) -> Ended:
    """Runs a source until enough was seen, nothing at all came for ``patience_s``, or the time is up."""
    work = asyncio.create_task(source.run())
    began = time.monotonic()
    try:
        while not work.done():
            passed_s = time.monotonic() - began
            frames = measured.frames
            is_enough = len(frames) > 1 and frames[-1].arrived_us - frames[0].arrived_us >= _FRAMES_S * 1e6
            # One that is not judged has nobody to take its place. Where frames come, a keyframe may.
            is_vain = (
                passed_s >= patience_s and not frames and isinstance(source, SelfJudging) and not source.seen.frames
            )
            if is_enough or is_vain or passed_s >= most_s:
                break
            await asyncio.wait({work}, timeout=_POLL_S)
        source.stop()
        try:
            return await asyncio.wait_for(asyncio.shield(work), _STOP_S)
        except TimeoutError:
            # FFmpeg's reader ends at its own timeout; nothing more is wanted of it.
            return Ended(Cause.SERVER_DOWN, {"reason": "stopped"})
    finally:
        work.cancel()
