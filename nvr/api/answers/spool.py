"""An answer that is still being made while it is sent.

It goes through a file: whoever makes it never waits for a slow reader, and so holds its snapshot of the catalogue
(which keeps the write-ahead log from being emptied) only as long as the making takes; and nobody's memory decides how
much may be asked. How many lie there at once is for who makes them (``nvr.api.http.pools``): who takes a byte now and
then must not fill a disk.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager
from typing import Final

from nvr.api.http.pools import Pool

__all__ = ["Spool"]

log = logging.getLogger(__name__)

_CHUNK_BYTES: Final = 1 << 20

_Make = Callable[[], AbstractContextManager[Iterator[bytes]]]


class Spool:
    """``make`` gives a context in which the pieces are made; it is entered in a thread of its own, and ``done`` called
    at its end; ``gone`` once nothing of it lies there any more."""

    def __init__(self, make: _Make, done: Callable[[], None], gone: Callable[[], None]) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by whoever is last
        self._make, self._done, self._gone = make, done, gone
        self._news = threading.Condition()
        self._written = 0
        self._ended = self._left = False
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="report", daemon=True).start()

    def _run(self) -> None:
        try:
            with self._make() as pieces:
                for piece in pieces:
                    self._write(piece)
                    if self._left:
                        break
        except BaseException as error:  # told to the reader
            self._error = error
        finally:
            self._done()
            with self._news:
                self._ended = True
                self._news.notify_all()
                if self._left:
                    self._close()

    def _close(self) -> None:
        if not self._file.closed:
            self._file.close()
            self._gone()

    def __del__(self) -> None:
        # An answer that nobody ever began to send.
        if hasattr(self, "_gone"):
            self._close()

    def _write(self, piece: bytes) -> None:
        view = memoryview(piece)
        while view:
            view = view[self._file.write(view) :]
        with self._news:
            self._written += len(piece)
            self._news.notify_all()

    def begin(self) -> None:
        """Waits for the first piece: until then an error can still be answered as one.

        Raises:
            Exception: what went wrong in the making.
        """
        with self._news:
            self._news.wait_for(lambda: self._written or self._ended)
            if self._error is not None and not self._written:
                self._close()
                raise self._error

    def _read(self, at: int) -> bytes:
        with self._news:
            self._news.wait_for(lambda: self._written > at or self._ended)
            if self._written == at:
                if self._error is not None:
                    # The answer breaks off: half a report must not pass for a whole one.
                    raise self._error
                return b""
        return os.pread(self._file.fileno(), _CHUNK_BYTES, at)

    async def chunks(self, pool: Pool) -> AsyncGenerator[bytes]:
        """The bytes, as they come; waited for in a thread of the pool."""
        at = 0
        try:
            while chunk := await pool.run(self._read, at):
                at += len(chunk)
                yield chunk
        finally:
            with self._news:
                self._left = True
                if self._ended:
                    self._close()
