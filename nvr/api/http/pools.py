"""Threads for what requests have done, in pools by its kind: none of them keeps another kind from being answered. And
shares of what answers hold until they are taken: memory, files, descriptors.

Belongs here: which kinds there are, and how many of each may be under way or wait. Invariants: strangers' work, a
password's and a report's take no thread of those who watch; what waits, or lies there, is bounded in all and of one who
asks, and is refused beyond with when to come again; a single thing is never too large to be had at all.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from nvr.api.http.errors import ApiError
from storage.sentences import Sentence

__all__ = ["Pool", "Pools", "SharedCall", "Shares", "asker"]

_P = ParamSpec("_P")
_T = TypeVar("_T")

# Machines that watch wait for a second or two.
_PATIENCE_S: Final = 0.7

asker: Final[ContextVar[str]] = ContextVar("asker", default="")
"""Whose work it is: a user's id, or the network of somebody who is not known (yet)."""


class Pool:
    """``threads`` for one kind of work. At most ``most`` are under way or wait, and ``most_of_one`` of one who asks."""

    def __init__(self, name: str, threads: int, *, most: int, most_of_one: int, code: str = "busy") -> None:
        self.name = name
        self._most, self._most_of_one, self._code = most, most_of_one, code
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"api-{name}")
        self._lock = threading.Lock()
        self._of: Counter[str] = Counter()
        self.longest_wait_s = 0.0
        """How long something waited for a thread at most."""
        self.longest_s = 0.0
        """How long a thread was at something at most."""

    def __len__(self) -> int:
        """Of how many who ask."""
        return len(self._of)

    @property
    def count(self) -> int:
        """How many are under way or wait."""
        return self._of.total()

    async def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What the function returns, called in one of the threads in its turn.

        Raises:
            ApiError: ``busy``, or the pool's own code: too many wait already.
            Exception: what the function raises.
        """
        who = asker.get()
        with self._lock:
            if self.count >= self._most or self._of[who] >= self._most_of_one:
                raise ApiError(
                    self._code,
                    Sentence("too much of this kind is asked for at once: try again in 5 s"),
                    headers={"Retry-After": "5"},
                )
            self._of[who] += 1
        call = partial(contextvars.copy_context().run, function, *args, **kwargs)
        try:
            future = self._threads.submit(self._timed, call, time.monotonic())
        except BaseException:
            self._ended(who)
            raise
        # By the future, not by whoever waits: a client that left does not end what a thread is at.
        future.add_done_callback(partial(self._ended_one, who))
        return await asyncio.wrap_future(future)

    def _timed(self, call: Callable[[], _T], asked_s: float) -> _T:
        began_s = time.monotonic()
        # Of two threads that write at once one may lose: it is a figure for people.
        self.longest_wait_s = max(self.longest_wait_s, began_s - asked_s)
        try:
            return call()
        finally:
            self.longest_s = max(self.longest_s, time.monotonic() - began_s)

    def _ended_one(self, who: str, _: Future[_T]) -> None:
        self._ended(who)

    def _ended(self, who: str) -> None:
        with self._lock:
            self._of[who] -= 1
            if self._of[who] <= 0:
                del self._of[who]

    def close(self) -> None:
        """Takes no more; what is under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class SharedCall:
    """One call at a time in a pool, for all who ask meanwhile or within ``fresh_s`` after: a flood costs what one does,
    and under one each wait for a thread is a wait for the loop too. Used on one event loop."""

    def __init__(self, pool: Pool, fresh_s: float) -> None:
        self._pool = pool
        self.fresh_s = fresh_s
        self._task: asyncio.Task[Any] | None = None
        self._done_s = 0.0

    async def ask(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
        """What the function returns, or returned to whoever asked first or just before; None if that takes longer than
        anybody who watches waits. It goes on then, and whoever asks next has it.

        Raises:
            Exception: what the function raises.
        """
        if self._task is None or (self._task.done() and time.monotonic() - self._done_s > self.fresh_s):
            self._task = asyncio.create_task(self._pool.run(function, *args, **kwargs))
            self._task.add_done_callback(self._has_ended)
        task: asyncio.Task[_T] = self._task
        if not task.done():
            await asyncio.wait({task}, timeout=_PATIENCE_S)
        return task.result() if task.done() else None

    def _has_ended(self, _: object) -> None:
        self._done_s = time.monotonic()


class Shares:
    """At most ``most`` are taken, ``most_of_one`` of them by one who asks; ``refusal`` says what is too much. Safe to
    use from several threads."""

    def __init__(self, most: int, most_of_one: int, refusal: Sentence) -> None:
        self._most, self._most_of_one, self._refusal = most, most_of_one, refusal
        self._lock = threading.Lock()
        self._of: Counter[str] = Counter()
        self._total = 0

    @property
    def taken(self) -> int:
        """How much is taken."""
        return self._total

    def __len__(self) -> int:
        """By how many who ask."""
        return len(self._of)

    def take(self, amount: int = 1) -> Callable[[], None]:
        """Takes a share for whoever asks in this context; what it returns gives it back, however often it is called.

        Raises:
            ApiError: ``busy``.
        """
        who = asker.get()
        with self._lock:
            theirs = self._of[who]
            if (self._total and self._total + amount > self._most) or (theirs and theirs + amount > self._most_of_one):
                raise ApiError("busy", self._refusal, headers={"Retry-After": "30"})
            self._of[who] += amount
            self._total += amount
        is_taken = True

        def give_back() -> None:
            nonlocal is_taken
            with self._lock:
                if not is_taken:
                    return
                is_taken = False
                self._total -= amount
                self._of[who] -= amount
                if self._of[who] <= 0:
                    del self._of[who]

        return give_back


class Pools:
    """All of an application. Those of Python's computing are small: more threads would only wait for one another, and
    the event loop for them all."""

    def __init__(self) -> None:
        # The page, the public view, links and addresses: whoever asks is not known.
        self.strangers = Pool("strangers", 3, most=256, most_of_one=64)
        # Whose a token or session is.
        self.known = Pool("known", 2, most=512, most_of_one=128)
        # What the audit log must hold before something is shown.
        self.entries = Pool("entries", 2, most=256, most_of_one=64)
        self.quick = Pool("quick", 6, most=256, most_of_one=128)
        # They wait for one another at the catalogue's lock.
        self.changes = Pool("changes", 3, most=64, most_of_one=32)
        # Seconds of a core each: coverage, plans of clips, previews, tables.
        self.heavy = Pool("heavy", 3, most=96, most_of_one=48)
        # Each decodes up to a group of pictures.
        self.pictures = Pool("pictures", 2, most=128, most_of_one=96)
        # They wait for one process that gives way to all others.
        self.stills = Pool("stills", 2, most=64, most_of_one=32)
        # What is being sent waits here for its next piece, or is looked at again. Nothing of it is refused half way: it
        # is bounded by connections, and by how many reports are made at once.
        self.sending = Pool("sending", 4, most=10_000, most_of_one=10_000)
        self.metrics = Pool("metrics", 1, most=16, most_of_one=8)
        # A password costs 50 ms of a core and 64 MiB: more than these at once would be felt by recording. Whoever is
        # behind so many would wait for longer than a browser's user does.
        self.passwords = Pool("passwords", 2, most=40, most_of_one=8, code="too_many_attempts")
        # Identity providers: each may keep a thread for as long as it takes to give it up.
        self.providers = Pool("providers", 4, most=64, most_of_one=16)
        self.health = Pool("health", 1, most=64, most_of_one=32)

    def all(self) -> list[Pool]:
        """Each of them."""
        return list(vars(self).values())

    def close(self) -> None:
        """Ends all of them."""
        for pool in self.all():
            pool.close()
