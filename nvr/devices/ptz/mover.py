"""One camera that is moved: what people want of it, told to the camera in time.

Invariant: whatever the camera answers or keeps back, a stop goes out within ``_PATIENCE_S`` of when it is due, over a
new connection if need be; and again until the camera took it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from nvr.devices.conversation import ConversationError
from nvr.devices.ptz.head import PtzHead
from nvr.devices.ptz.steps import DEAD_MAN_S, STILL, PtzStep, PtzVelocity, next_step
from storage.sentences import Sentence

__all__ = ["PtzMover"]

log = logging.getLogger(__name__)

# What the camera has not answered when it is to stop is given up after this.
_PATIENCE_S: Final = 0.15
_TURNS_WITHIN_S: Final = 0.15
_LOOKS: Final = 4
# Between attempts to stop a camera that does not answer, the last one for as long as it does not.
_AGAIN_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
_GIVES_UP_S: Final = 60.0
_STOPS_WITHIN_S: Final = 3.0
_UNKNOWN: Final = PtzVelocity(1.0, 1.0, 1.0)


class PtzMover:
    """``on_dead_man`` is called when a camera is stopped because nobody said any more how it is to move."""

    def __init__(
        self,
        head: PtzHead,
        *,
        on_dead_man: Callable[[], None] = lambda: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._head = head
        self._on_dead_man = on_dead_man
        self._now = now
        self._wanted = STILL
        self._until_s = 0.0
        self._sent = STILL
        self._sent_s = 0.0
        self._changed = asyncio.Event()
        # Of what people asked for beside moves; one thing at a time is said to a camera.
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.used_s = now()
        # Why the last command was not carried out; None: it was.
        self.trouble: Sentence | None = None

    @property
    def is_moving(self) -> bool:
        """Whether the camera moves, as far as is known."""
        return not self._sent.is_still

    def want(self, velocity: PtzVelocity) -> None:
        """How the camera is to move from now on, for as long as ``DEAD_MAN_S`` if nothing more is said."""
        self.used_s = self._now()
        self._wanted = velocity
        self._until_s = self.used_s + DEAD_MAN_S
        self._wake()

    def halt(self) -> None:
        """Stops the camera, whatever moves it: it may be on its way to a preset."""
        self.used_s = self._now()
        self._wanted = STILL
        if self._sent.is_still:
            self._sent = _UNKNOWN
        self._wake()

    def _wake(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        self._changed.set()

    async def look(self, question: Callable[[PtzHead], Awaitable[Any]]) -> Any:
        """The answer to a question that moves nothing.

        Raises:
            ConversationError: the camera does not answer.
        """
        async with self._turn:
            self.used_s = self._now()
            return await question(self._head)

    async def ask(self, question: Callable[[PtzHead], Awaitable[Any]]) -> Any:
        """The answer to something else than a move; a camera that is moved is stopped first.

        Raises:
            ConversationError: the camera does not do it.
        """
        self._wanted = STILL
        self._changed.set()
        if self._task is not None and not self._task.done():
            await asyncio.wait({self._task}, timeout=_STOPS_WITHIN_S)
        async with self._turn:
            self.used_s = self._now()
            return await question(self._head)

    async def close(self) -> None:
        """Stops the camera if it moves, and ends the conversation."""
        self._wanted = STILL
        self._changed.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        self._head.close()

    async def _run(self) -> None:
        """Until the camera stands and nothing more is wanted."""
        while True:
            self._changed.clear()
            step, wait_s = next_step(self._wanted, self._until_s, self._sent, self._sent_s, self._now())
            if step is PtzStep.MOVE:
                await self._move(self._wanted)
            elif step is PtzStep.STOP:
                if not self._wanted.is_still:
                    self._on_dead_man()
                    self._wanted = STILL
                await self._stop()
            elif wait_s is None:
                return
            else:
                await self._changes_within(wait_s)

    async def _changes_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._changed.wait()
                return True
        return False

    async def _move(self, velocity: PtzVelocity) -> None:
        # Before it is known whether it came through: it has to be stopped all the same.
        self._sent, self._sent_s = velocity, self._now()
        async with self._turn:
            work = asyncio.create_task(self._head.move(velocity))
            while not work.done():
                left_s = self._until_s - self._now()
                if self._wanted.is_still or left_s <= 0:
                    await asyncio.wait({work}, timeout=_PATIENCE_S)
                    break
                self._changed.clear()
                change = asyncio.create_task(self._changed.wait())
                await asyncio.wait({work, change}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
                change.cancel()
            if not work.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                self._head.drop()
                self.trouble = Sentence("the camera does not answer")
                return
            error = work.exception()
        if isinstance(error, ConversationError):
            self.trouble = error.args[0]
        elif error is not None:
            raise error
        else:
            self.trouble = None

    async def _stop(self) -> None:
        began_s = self._now()
        for attempt in range(10_000):
            try:
                async with self._turn:
                    await self._stopped()
                self._sent = STILL
                self._head.rests()
                self.trouble = None
                return
            except ConversationError as error:
                self.trouble = error.args[0]
                self._head.drop()
            if self._now() - began_s > _GIVES_UP_S:
                log.error("a camera could not be stopped: %s", self.trouble)
                self._sent = STILL
                return
            await asyncio.sleep(_AGAIN_S[min(attempt, len(_AGAIN_S) - 1)])

    async def _stopped(self) -> None:
        """Stops it, and sees to it that it did: some take a ``Stop`` and go on. Ends early if somebody moves it
        again."""
        await self._head.stop()
        before = await self._head.place()
        for look in range(_LOOKS):
            if before is None:
                return
            self._changed.clear()
            if not self._wanted.is_still or (await self._changes_within(_TURNS_WITHIN_S) and not self._wanted.is_still):
                return
            after = await self._head.place()
            if after == before:
                return
            before = after
            if look == 0:
                # It may be slow to come to rest.
                continue
            await self._head.stop_by_velocity()
        raise ConversationError(Sentence("it was told to stop, and moves on"))
