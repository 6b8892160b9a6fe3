"""How a camera is read, attempt by attempt: which source, over which transport, and when something else should be
tried.

A worker reads a camera with the source that it was told, and with no other: FFmpeg may end the process that it runs in,
so cameras that it reads are kept in workers of their own (docs/design/fleet.md). Where a source can't read a camera,
its worker says so, and the supervisor moves it to where the next source of the table does.
"""

from __future__ import annotations

import logging
import pkgutil
import time
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from nvr.config import RecordedCamera, Redactor
from nvr.recorder.media.packets import Ended, PacketSink, Source
from nvr.recorder.sources.reading import Reading, Transports, by_settings
from nvr.recorder.sources.rtp.sense import SENSELESS_S, Seen, SenseCheck
from nvr.recorder.sources.rtsp.describe import describe
from nvr.sources import SOURCES, SourceKind
from storage.causes import Cause

__all__ = ["SelfJudging", "SourceChoice", "make_source"]

log = logging.getLogger(__name__)

# A camera that was recorded for so long is not moved because it falls silent.
_WORKS_S = 10.0
# So often what comes is judged: often enough for the shortest stretch that can be.
_LOOK_S = SENSELESS_S / 4


@runtime_checkable
class SelfJudging(Protocol):
    """A source that is watched for whether it can read its camera at all."""

    unsupported: str | None
    """Why it can't, as the camera's own words say; None: they don't."""
    refused_tcp: bool

    @property
    def silent(self) -> bool:
        """Whether the camera plays and nothing has come."""

    @property
    def seen(self) -> Seen:
        """What was counted of what comes."""


def make_source(kind: SourceKind, camera: RecordedCamera, sink: PacketSink, transport: str) -> Source:
    """A source of this kind for one connection."""
    made = pkgutil.resolve_name(kind.implementation)
    source: Source = made(camera, sink, transport) if kind.tries_transports else made(camera, sink)
    return source


class SourceChoice:
    """How one camera is read in this worker. ``report`` takes what the supervisor should know, as the values of a line:
    ``event`` is ``unreadable`` (its source can't read it: ``reason``, and the ``transport`` that the next one should
    ask for first; ``silent``: as nothing came at all), ``read`` (footage comes, over ``transport``, of one that was not
    read so before) or ``described`` (``sdp``: digest of the description of a camera that is read in another one's
    place).
    """

    def __init__(
        self,
        camera: RecordedCamera,
        reading: Reading | None = None,
        report: Callable[..., None] = lambda **values: None,
    ) -> None:
        self._camera = camera
        self._reading = reading if reading is not None else by_settings(camera)
        self._report = report
        self.kind = SOURCES[self._reading.source]
        self._is_trial = reading is not None and not reading.worked
        # By the settings another one would read it, which may do so as soon as the camera describes itself otherwise.
        self._in_place = self.kind.name != by_settings(camera).source
        self._transports = Transports(camera.transport, self._reading.transport, worked=self._reading.worked)
        self._source: Source | None = None
        self._sense: SenseCheck | None = None
        self.poll_due_s = 0.0
        """When ``look`` is next to be called, by the monotonic clock."""
        self._began_s = 0.0
        self._silent_since_s: float | None = None
        self._works = False
        self._told: str | None = None

    def source(self, sink: PacketSink) -> Source:
        """For the next attempt."""
        self._sense, self._began_s = None, time.monotonic()
        source = make_source(self.kind, self._camera, sink, self._transports.asked)
        self._source = _Described(self._camera, source, self._on_description) if self._in_place else source
        return self._source

    def _on_description(self, digest: str) -> None:
        self._report(event="described", sdp=digest)

    def footage(self) -> None:
        """Footage of the present attempt has been written."""
        if not self.kind.tries_transports:
            if self._is_trial:
                self._is_trial = False
                self._report(event="read", transport=self._reading.transport)
            return
        if self._transports.worked != self._transports.asked:
            self._transports.ended(Cause.ENDED, refused_address=False, had_footage=True, now_s=time.monotonic())
            self._report(event="read", transport=self._transports.asked)

    def poll(self, now_s: float) -> None:
        """To be called when it is due, whether or not an attempt goes on."""
        self.poll_due_s = now_s + _LOOK_S
        source = self._source
        if not isinstance(source, SelfJudging):
            return
        seen = source.seen
        if self._sense is None:
            self._sense = SenseCheck(now_s, seen)
        elif (reason := self._sense.judge(seen, now_s)) is not None:
            self._sense = None
            self._unreadable(f"{self.kind.name} makes no sense of what it sends: {reason}", "tcp")

    def ended(self, ended: Ended, footage_s: float) -> bool:
        """The attempt is over. Says whether the next one should begin without the usual wait."""
        source, self._source, self._sense = self._source, None, None
        self._works = self._works or footage_s >= _WORKS_S
        if isinstance(source, SelfJudging):
            if source.unsupported is not None:
                self._unreadable(source.unsupported, "udp" if source.refused_tcp else "tcp")
            elif self._gave_nothing(source, ended.cause):
                self._unreadable("it sends nothing over TCP", "udp", is_silent=True)
            return False
        if not self.kind.tries_transports:
            return False
        nobody = ended.cause is Cause.UNREACHABLE and ended.detail.get("reason") != "timeout"
        asked = self._transports.asked
        again = self._transports.ended(
            ended.cause, refused_address=nobody, had_footage=footage_s > 0, now_s=time.monotonic()
        )
        if again and self._told != asked:
            self._told = asked
            why = self._redacted(str(ended.detail.get("error", ended.cause.value)))
            log.info(
                "camera %s: nothing over %s (%s): %s asks for %s",
                self._camera.id,
                asked,
                why,
                self.kind.title,
                self._transports.asked,
            )
        return again

    def _gave_nothing(self, source: SelfJudging, cause: Cause) -> bool:
        """Whether a camera that never was recorded here has played and sent nothing: until it counted as stalled, or
        again and again if it hangs up."""
        if not source.silent or self._works or cause not in (Cause.STALLED, Cause.ENDED):
            self._silent_since_s = None
            return False
        self._silent_since_s = self._began_s if self._silent_since_s is None else self._silent_since_s
        return cause is Cause.STALLED or time.monotonic() - self._silent_since_s >= SENSELESS_S

    def _unreadable(self, reason: str, transport: str, *, is_silent: bool = False) -> None:
        self._report(event="unreadable", reason=self._redacted(reason), transport=transport, silent=is_silent)

    def _redacted(self, text: str) -> str:
        """The camera's own words are in it, and it is kept."""
        return Redactor(self._camera.secrets, hashes=True)(text)


class _Described:
    """A source in another's place: asks the camera for its description first, since what was found holds only for
    that."""

    def __init__(self, camera: RecordedCamera, source: Source, on_digest: Callable[[str], None]) -> None:
        self._camera = camera
        self._source = source
        self._on_digest = on_digest
        self._stopped = False

    def stop(self) -> None:
        """Asks for an end; from any thread."""
        self._stopped = True
        self._source.stop()

    @property
    def counters(self) -> Any:
        """The source's."""
        return self._source.counters

    @property
    def open_us(self) -> int | None:
        """The source's."""
        return self._source.open_us

    def be_quick(self, quick: bool) -> None:
        """As in ``Source``."""
        self._source.be_quick(quick)

    def pause(self) -> None:
        """As in ``Source``."""
        self._source.pause()

    async def run(self) -> Ended:
        """Connects and reads until it ends; says why."""
        digest = await describe(self._camera)
        if digest is not None:
            self._on_digest(digest)
        if self._stopped:
            return Ended(Cause.SERVER_DOWN, {"reason": "stopped"})
        return await self._source.run()
