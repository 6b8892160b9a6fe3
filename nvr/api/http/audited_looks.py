"""Which looks at footage go into the audit log: each once, not with each of the hundred requests that make it up.

Invariant: what is let through has an entry that is at most an hour old; if it can't be entered, it is not let through.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

from storage.catalogue import audit
from storage.catalogue.audit import Act
from storage.catalogue.database import Database

__all__ = ["Look", "Views", "entered_as"]

# A look ends when nothing was asked for this long. One that goes on is entered again after an hour, so that the log
# shows for how long.
_IDLE_US: Final = 600 * 1_000_000
_AGAIN_US: Final = 3600 * 1_000_000
# More looks than that at once are entered more often, never less.
_MOST: Final = 50_000


Look = tuple[str, str | None, Mapping[str, str]]
"""What was done, with which camera, and what else is known of it."""

# No larger than a list shows them.
_LIST_PIXELS: Final = 320


def entered_as(action: str, camera: str | None, detail: Mapping[str, str], query: Mapping[str, str]) -> Look:
    """How a look is entered: as itself, or, of the last pictures in small that a list shows, those of all cameras as
    one."""
    width = query.get("width", "")
    if action == "snapshot" and "at" not in query and width.isdecimal() and int(width[:9]) <= _LIST_PIXELS:
        return "thumbnails", None, {}
    return action, camera, detail


class Views:
    """What was looked at lately, by whom."""

    def __init__(self, db: Database, *, most: int = _MOST) -> None:
        self._db = db
        self._most = most
        self._lock = threading.Lock()
        # Look to (when it was entered, when it was last asked for), the longest unused first. By a hash: what is asked
        # for is as long as who asks likes.
        self._seen: OrderedDict[bytes, tuple[int, int]] = OrderedDict()

    def goes_on(self, act: Act, camera: str | None, detail: Mapping[str, str], now_us: int) -> bool:
        """Whether this is part of a look that is entered. Quick: nothing is read or written."""
        key = _key(act, camera, detail)
        with self._lock:
            entered_us, last_us = self._seen.get(key, (-_AGAIN_US, -_AGAIN_US))
            if not (now_us - last_us < _IDLE_US and now_us - entered_us < _AGAIN_US):
                return False
            self._seen[key] = (entered_us, now_us)
            self._seen.move_to_end(key)
        return True

    def enter(
        self,
        act: Act,
        camera: str | None,
        detail: Mapping[str, str],
        now_us: int,
        *,
        also: Callable[[sqlite3.Connection], None] = lambda conn: None,
    ) -> None:
        """Enters a look, and does ``also`` in the same transaction. Waits for the disk."""
        with audit.acting(act), self._db.write() as conn:
            audit.append(conn, act.action, camera=camera, detail=detail)
            also(conn)
        with self._lock:
            key = _key(act, camera, detail)
            self._seen[key] = (now_us, now_us)
            self._seen.move_to_end(key)
            while len(self._seen) > self._most or now_us - next(iter(self._seen.values()))[1] >= _IDLE_US:
                self._seen.popitem(last=False)

    def __len__(self) -> int:
        return len(self._seen)


def _key(act: Act, camera: str | None, detail: Mapping[str, str]) -> bytes:
    who = act.actor.id, act.actor.name, act.address
    text = json.dumps([*who, act.action, camera or "", sorted(detail.items())], separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=20).digest()
