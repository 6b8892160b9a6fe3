"""A subscription to the events of one device: made, asked for events, kept alive, and ended.

Events are asked for (PullPoint), never posted to us: most devices are behind routers. Invariant: a device is asked by
one blocking question at a time, and is told when the subscription is over: many have room for three.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Final

from nvr.devices.conversation import ConversationError, DeviceConversation, DeviceRefusal
from nvr.devices.events.reading import DeviceEvent, PullPoint, read_events, read_granted, read_pull_point
from nvr.devices.onvif.soap import EVENTS, NOTIFICATION, addressing
from nvr.devices.onvif.xml_reader import XmlNode
from storage.sentences import Sentence

__all__ = ["ANSWER_S", "EventSubscription"]

_LASTS_S: Final = 600
_PULL_S: Final = 60
_MOST_AT_ONCE: Final = 100
_ANSWERS_S: Final = 10.0
ANSWER_S: Final = _PULL_S + 15.0
"""So long a conversation has to wait for an answer: a question for events is answered when there are some."""

_LEAST_S: Final = 5.0
# A device that answers at once though there is nothing must not be asked without end.
_BETWEEN_S: Final = 1.0
_CLOCK_S: Final = 600.0
_ENDS_S: Final = 2.0


class EventSubscription:
    """``on_events`` is called with what came, ``on_begin`` once it is subscribed."""

    def __init__(
        self,
        talk: DeviceConversation,
        on_events: Callable[[Sequence[DeviceEvent]], None],
        on_begin: Callable[[], None] = lambda: None,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._talk = talk
        self._on_events = on_events
        self._on_begin = on_begin
        self._now = now
        self._renews = True
        self._until_s = 0.0
        self._lasts_s = float(_LASTS_S)

    async def run(self) -> None:
        """Until the device ends it, or this is cancelled.

        Raises:
            DeviceRefusal: the device says that it can't, or no longer.
            ConversationError: it does not answer any more.
        """
        point = await self._create()
        try:
            with contextlib.suppress(DeviceRefusal):
                # How things are now: what is on.
                await self._ask(point, EVENTS, "SetSynchronizationPoint")
            self._on_begin()
            await self._pull(point)
        finally:
            # What was asked is not answered yet.
            self._talk.drop()
            with contextlib.suppress(ConversationError, TimeoutError):
                async with asyncio.timeout(_ENDS_S):
                    await self._ask(point, NOTIFICATION, "Unsubscribe")

    async def _create(self) -> PullPoint:
        path = await self._talk.path_of(EVENTS)
        header = addressing(path, "CreatePullPointSubscription")
        try:
            async with asyncio.timeout(_ANSWERS_S):
                answer = await self._talk.ask_at(
                    path, EVENTS, "CreatePullPointSubscription", f"PT{_LASTS_S}S", header=header
                )
        except TimeoutError:
            raise ConversationError(Sentence("it did not answer in time")) from None
        point = read_pull_point(answer)
        if point is None:
            raise ConversationError(Sentence("it does not say where its events are to be asked for"))
        self._extended(answer)
        return point

    def _extended(self, answer: XmlNode) -> None:
        granted_s = read_granted(answer)
        if granted_s is not None:
            self._lasts_s = min(granted_s, float(_LASTS_S))
            self._until_s = self._now() + granted_s
        elif not self._until_s:
            self._until_s = self._now() + _LASTS_S

    async def _ask(
        self, point: PullPoint, namespace: str, operation: str, *values: str, within_s: float = _ANSWERS_S
    ) -> XmlNode:
        header = addressing(point.address or point.path, operation, point.parameters)
        try:
            async with asyncio.timeout(within_s):
                return await self._talk.ask_at(point.path, namespace, operation, *values, header=header)
        except TimeoutError:
            self._talk.drop()
            raise ConversationError(Sentence("it did not answer in time")) from None

    async def _pull(self, point: PullPoint) -> None:
        clock_s = self._now()
        while True:
            pull_s = max(_LEAST_S, min(float(_PULL_S), self._lasts_s / 2))
            if self._until_s - self._now() <= max(0.2 * self._lasts_s, pull_s + 5.0):
                await self._renew(point)
            if self._now() - clock_s > _CLOCK_S:
                await self._talk.read_clock()
                clock_s = self._now()
            asked_s = self._now()
            answer = await self._ask(
                point, EVENTS, "PullMessages", f"PT{pull_s:g}S", str(_MOST_AT_ONCE), within_s=pull_s + 10.0
            )
            self._extended(answer)
            events = read_events(answer)
            if events:
                self._on_events(events)
            elif self._now() - asked_s < _BETWEEN_S:
                await asyncio.sleep(_BETWEEN_S)

    async def _renew(self, point: PullPoint) -> None:
        """Some devices extend it with each question, some only so, and some not even so: what is not extended ends, and
        is made anew."""
        if not self._renews:
            return
        try:
            answer = await self._ask(point, NOTIFICATION, "Renew", f"PT{_LASTS_S}S")
        except DeviceRefusal:
            self._renews = False
            return
        self._until_s = self._now() + self._lasts_s
        self._extended(answer)
