"""One camera's stream for as long as somebody watches: by the same sources as recording, with the same patience, and
never a second connection beside its first.

Which source reads it, and over which transport, is tried as a recorder does; what was found holds for as long as it is
watched, and is tried again then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from nvr.backoff import Backoff
from nvr.config import CameraSettings, Redactor, redact
from nvr.recorder.media.packets import Ended, Source
from nvr.recorder.sources.choose import SelfJudging, make_source
from nvr.recorder.sources.reading import Transports, by_settings
from nvr.recorder.watching.tape import Tape
from nvr.sources import SOURCES, SourceKind, fallback
from nvr.sources.watched import Watched, encoded
from storage.causes import Cause

__all__ = ["WatchedStream"]

log = logging.getLogger(__name__)

_RETRIES: Final = Backoff(1.0, 30.0)
_STOP_S: Final = 3.0
# What a source gets before the next one is asked, if nothing could be made of what came.
_PATIENCE_S: Final = 10.0
_LOOK_S: Final = 0.5


class WatchedStream:
    """From ``start`` until ``stop`` has been awaited. ``camera``: settings whose address is the one to watch."""

    def __init__(self, camera: CameraSettings, say: Callable[[bytes], None]) -> None:
        self.camera = camera
        self._say = say
        self._kind: SourceKind = SOURCES[by_settings(camera).source]
        self._transports = Transports(camera.transport, camera.transport, worked=False)
        self._source: Source | None = None
        self._leaving = asyncio.Event()
        self._redactor = Redactor(camera.secrets, hashes=True)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connects."""
        self._task = asyncio.create_task(self._run(), name=f"watch-{self.camera.id}")

    async def stop(self) -> None:
        """Closes the connection, as the camera is told."""
        self._leaving.set()
        if self._source is not None:
            self._source.stop()
        if self._task is not None:
            _, late = await asyncio.wait({self._task}, timeout=_STOP_S)
            for task in late:
                task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        failures = 0
        while not self._leaving.is_set():
            began_s = time.monotonic()
            ended, frames, again = await self._attempt()
            if self._leaving.is_set():
                return
            self._tell(ended)
            failures = 0 if frames and time.monotonic() - began_s > _PATIENCE_S else failures + 1
            if not again:
                await self._wait(_RETRIES.after(failures))

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._leaving.wait(), seconds)

    async def _attempt(self) -> tuple[Ended, int, bool]:
        """How a connection ended, how many frames it brought, and whether another should follow at once."""
        tape = Tape(self.camera.id, self._say)
        self._source = source = make_source(self._kind, self.camera, tape, self._transports.asked)
        work = asyncio.create_task(source.run())
        began_s = time.monotonic()
        reason: str | None = None
        while not work.done():
            await asyncio.wait({work}, timeout=_LOOK_S)
            if isinstance(source, SelfJudging) and not work.done() and not self._leaving.is_set():
                reason = _unreadable(source, tape, time.monotonic() - began_s)
                if reason is not None:
                    source.stop()
                    break
        try:
            ended = await asyncio.wait_for(asyncio.shield(work), None if reason is None else _STOP_S)
        except TimeoutError:
            work.cancel()
            ended = Ended(Cause.STALLED, {})
        except Ended as error:
            ended = error
        finally:
            self._source = None
        if isinstance(source, SelfJudging):
            reason = source.unsupported or reason
            if reason is not None and fallback(self._kind.name) is not self._kind:
                log.info("watching camera %s by FFmpeg: %s", self.camera.id, self._redactor(reason))
                self._kind = fallback(self._kind.name)
                return ended, tape.frames, True
            return ended, tape.frames, False
        nobody = ended.cause is Cause.UNREACHABLE and ended.detail.get("reason") != "timeout"
        again = self._transports.ended(
            ended.cause, refused_address=nobody, had_footage=tape.frames > 0, now_s=time.monotonic()
        )
        return ended, tape.frames, again

    def _tell(self, ended: Ended) -> None:
        detail: Mapping[str, Any] = ended.detail
        error = self._redactor(redact(str(detail.get("error") or detail.get("reason") or "")))
        what = Watched(camera=self.camera.id, kind="away", cause=ended.cause.value, error=error)
        self._say(encoded(what))


def _unreadable(source: SelfJudging, tape: Tape, passed_s: float) -> str | None:
    """Why the next source should be asked in this one's place."""
    if source.unsupported is not None:
        return source.unsupported
    if tape.frames or passed_s < _PATIENCE_S:
        return None
    if source.silent:
        return "it sends nothing over TCP"
    return "no frame could be put together" if source.seen.packets and not source.seen.frames else None
