"""What is being sent, and whether it still may be: one registry that a change of rights has looked at again.

Invariant: whatever is sent for longer than a moment is in it; within a second of the end of the right to it, of its
session, token, address or link, nothing more of it is handed on, and no other is touched. What a proxy or the network
has by then can't be called back.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from nvr.api.http.errors import ApiError
from nvr.api.http.pools import Pool
from storage.catalogue.database import Database
from storage.errors import CatalogueError
from storage.sentences import Sentence

__all__ = ["OpenStream", "OpenStreams"]

log = logging.getLogger(__name__)

_T = TypeVar("_T")

_LOOKED_EVERY_S: Final = 0.25
# Rights end by the time alone, too.
_AGAIN_S: Final = 5.0


@dataclass(eq=False, slots=True)
class OpenStream:
    """Something that is being sent. ``still``: whether it may be, as of now; it reads the catalogue."""

    still: Callable[[], bool]
    ended: bool = False

    def check(self) -> None:
        """To be called before each piece.

        Raises:
            ApiError: ``no_longer_allowed``: the answer must break off, since half of it must not pass for all.
        """
        if self.ended:
            raise ApiError("no_longer_allowed", Sentence("the right to what is being sent has ended"))


class OpenStreams:
    """One for the whole application."""

    def __init__(self, database: Database, pool: Pool) -> None:
        self._database = database
        self._pool = pool
        self._open: set[OpenStream] = set()

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def sending(self, still: Callable[[], bool]) -> Iterator[OpenStream]:
        """While this lasts, something is sent."""
        stream = OpenStream(still)
        self._open.add(stream)
        try:
            yield stream
        finally:
            self._open.discard(stream)

    async def run(self) -> None:
        """Looks, until it is cancelled; to be awaited then, before the catalogue is closed."""
        seen: tuple[int, ...] = ()
        looked_s = 0.0
        while True:
            await asyncio.sleep(_LOOKED_EVERY_S)
            if not self._open:
                continue
            try:
                now = await self._in_thread(self._revisions)
                if now == seen and time.monotonic() - looked_s < _AGAIN_S:
                    continue
                await self._in_thread(_judge, list(self._open))
                seen, looked_s = now, time.monotonic()
            except (ApiError, CatalogueError, sqlite3.Error) as error:
                log.warning("what is being sent can't be looked at again: %s", error)
            except Exception:
                # Nothing would be revoked any more.
                log.exception("what is being sent can't be looked at again: report this, with these lines")

    async def _in_thread(self, work: Callable[..., _T], *args: Any) -> _T:
        """Does it in a thread; whoever cancels this waits until the thread is done with the catalogue."""
        doing = asyncio.ensure_future(self._pool.run(work, *args))
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            await asyncio.wait([doing])
            raise

    def _revisions(self) -> tuple[int, ...]:
        with self._database.read() as conn:
            found = conn.execute("SELECT value FROM meta WHERE key IN ('access_rev', 'login_rev') ORDER BY key")
            return tuple(int(row[0]) for row in found)


def _judge(streams: Iterable[OpenStream]) -> None:
    for stream in streams:
        stream.ended = stream.ended or not stream.still()
