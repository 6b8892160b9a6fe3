"""Writing what was planned before: choosing among thousands of cameras takes longer than others should wait for the
lock."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from storage.catalogue import cameras
from storage.catalogue.database import Database
from storage.sentences import Sentence

__all__ = ["OvertakenError", "planned"]

_T = TypeVar("_T")
_TRIES: Final = 3


class OvertakenError(Exception):
    """Others changed the same cameras meanwhile, again and again."""


class _ChangedError(Exception):
    """A camera changed since the plan was made. Raised, so that the transaction leaves nothing."""


@contextmanager
def planned(db: Database, plan: Callable[[sqlite3.Connection], _T]) -> Iterator[tuple[sqlite3.Connection, _T]]:
    """A write transaction, and what ``plan`` made of the catalogue before it. No camera has changed in between.

    Raises:
        OvertakenError: some did, again and again.
    """
    for _ in range(_TRIES):
        with db.read() as conn:
            made, revision = plan(conn), cameras.revision(conn)
        try:
            with db.write() as conn:
                if cameras.revision(conn) != revision:
                    raise _ChangedError
                yield conn, made
                return
        except _ChangedError:
            continue
    raise OvertakenError(Sentence("others change the cameras just now: try again"))
