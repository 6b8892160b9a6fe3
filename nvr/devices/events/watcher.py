"""One device whose events become marks: asked for as long as it is wanted, again when it fails, and left alone when it
can't bear it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from nvr.backoff import Backoff
from nvr.devices.conversation import ConversationError, DeviceConversation, DeviceRefusal
from nvr.devices.events.choosing import EventSource
from nvr.devices.events.folding import FoldedMark, MarkFolder, placed_us
from nvr.devices.events.reading import DeviceEvent
from nvr.devices.events.subscription import ANSWER_S, EventSubscription
from nvr.recorder.sources.rtsp.ledger import LEDGER, Ledger
from storage.sentences import Sentence

__all__ = ["DeviceWatcher"]

_FIRST_WAIT_S: Final = 5.0
_LONGEST_WAIT_S: Final = 600.0
# A device that goes away so soon after it was asked for events, so often in a row, is one that can't bear it.
_SOON_S: Final = 600.0
_MOST_CRASHES: Final = 3
_GIVEN_UP_S: Final = 6 * 3600.0
_QUIET_S: Final = 5.0


def _now_us() -> int:
    return time.time_ns() // 1000


class DeviceWatcher:
    """``on_marks`` is called with a camera and what changed of its marks; ``on_state`` with what becomes of asking:
    ``subscribed``, ``waiting`` or ``given_up``, and why. ``turn`` is awaited before each subscription."""

    def __init__(
        self,
        source: EventSource,
        *,
        on_marks: Callable[[str, Sequence[FoldedMark]], None],
        on_state: Callable[[str, Sentence | None], None],
        turn: Callable[[], Awaitable[None]],
        ledger: Ledger = LEDGER,
        first_wait_s: float = _FIRST_WAIT_S,
    ) -> None:
        self.source = source
        self._on_marks = on_marks
        self._on_state = on_state
        self._turn = turn
        self._ledger = ledger
        self._first_wait_s = first_wait_s
        self._folders = {camera: MarkFolder() for camera in source.cameras}
        self._talk: DeviceConversation | None = None
        self._begun_s: float | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        waits = Backoff(self._first_wait_s, _LONGEST_WAIT_S)
        in_a_row, crashes = 0, 0
        quiet = asyncio.create_task(self._follow_quiet())
        try:
            while True:
                await self._turn()
                why, has_crashed = await self._subscribe()
                self._end_all()
                crashes = crashes + 1 if has_crashed else 0
                if crashes >= _MOST_CRASHES:
                    self._on_state("given_up", why)
                    await asyncio.sleep(_GIVEN_UP_S)
                    in_a_row, crashes = 0, 0
                    continue
                lasted = self._begun_s is not None and time.monotonic() - self._begun_s > _SOON_S
                in_a_row = 1 if lasted else in_a_row + 1
                self._on_state("waiting", why)
                await asyncio.sleep(waits.after(in_a_row))
        finally:
            quiet.cancel()
            self._end_all()

    async def _subscribe(self) -> tuple[Sentence, bool]:
        """One subscription, to its end: why it ended, and whether the device went away soon after it was begun."""
        self._begun_s = None
        self._talk = DeviceConversation(self.source.device, self.source.login, answer_s=ANSWER_S, ledger=self._ledger)
        try:
            await EventSubscription(self._talk, self._take, self._begin).run()
        except DeviceRefusal as error:
            return error.args[0], False
        except ConversationError as error:
            soon = self._begun_s is not None and time.monotonic() - self._begun_s < _SOON_S
            return error.args[0], soon
        finally:
            self._talk.close()
        raise AssertionError("a subscription ends with an error")

    def _begin(self) -> None:
        self._begun_s = time.monotonic()
        self._on_state("subscribed", None)

    def _take(self, events: Sequence[DeviceEvent]) -> None:
        arrived_us = _now_us()
        offset_s = self._talk.offset_s if self._talk is not None else None
        for one in events:
            event = one
            if self._talk is not None:
                event = replace(one, topic=self._talk.redact(one.topic), token=self._talk.redact(one.token))
            for camera in self.source.cameras_of(event.kind, event.token):
                changed = self._folders[camera].take(event, placed_us(event.at_us, offset_s, arrived_us))
                if changed:
                    self._on_marks(camera, changed)

    async def _follow_quiet(self) -> None:
        while True:
            await asyncio.sleep(_QUIET_S)
            for camera, folder in self._folders.items():
                if changed := folder.quiet(_now_us()):
                    self._on_marks(camera, changed)

    def _end_all(self) -> None:
        """Nobody hears any more when it ends: it ends now."""
        for camera, folder in self._folders.items():
            if changed := folder.over(_now_us()):
                self._on_marks(camera, changed)
