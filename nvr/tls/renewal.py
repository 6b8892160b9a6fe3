"""When a certificate is fetched from an authority again, and how that went. The decision is pure."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from nvr.tls.pair import Pair

__all__ = ["RenewalState", "is_due", "note_renewal", "read_renewal"]

_META_KEY: Final = "acme"
# Let's Encrypt takes five failures an hour; behind them may be a city's firewall, for days.
_AGAIN_US: Final = 900_000_000
_LONGEST_US: Final = 6 * 3_600_000_000
# Of one that was given and is wanted again at once (an authority's own names, a clock that is ahead) the week's limit
# would be used up in minutes. One that is good for less than days is of an authority without such a limit.
_GIVEN_US: Final = 6 * 3_600_000_000
_GIVEN_PART: Final = 10


@dataclass(frozen=True, slots=True)
class RenewalState:
    """``obtained_us``: when there was one last. ``failed``: why there is none since ``failures`` attempts, the last of
    them at ``failed_us``."""

    obtained_us: int | None = None
    failed: str | None = None
    failed_us: int = 0
    failures: int = 0


def is_due(pair: Pair | None, names: Sequence[str], state: RenewalState, *, is_placeholder: bool, now_us: int) -> bool:
    """Whether to ask for one now: there is none of an authority, it is for other names, or the last third of its time
    has begun. After failures less and less often; after one that was given for these names, only hours later (of a
    short one, after a tenth of its time). A clock that was set back waits for nothing."""
    wanted = (
        pair is None
        or is_placeholder
        or not set(names) <= set(pair.names)
        or pair.ends_us - now_us < (pair.ends_us - pair.starts_us) // 3
    )
    if not wanted:
        return False
    if state.failed is None:
        if pair is None or is_placeholder or not set(names) <= set(pair.names) or state.obtained_us is None:
            return True
        wait_us = min(_GIVEN_US, (pair.ends_us - pair.starts_us) // _GIVEN_PART)
        return not 0 <= now_us - state.obtained_us < wait_us
    wait_us = min(_AGAIN_US << min(state.failures - 1, 8), _LONGEST_US)
    return not 0 <= now_us - state.failed_us < wait_us


def read_renewal(conn: sqlite3.Connection) -> RenewalState:
    """How it went, as far as the catalogue knows."""
    row = conn.execute("SELECT value FROM meta WHERE key = ?", (_META_KEY,)).fetchone()
    return RenewalState() if row is None else RenewalState(**json.loads(row[0]))


def note_renewal(conn: sqlite3.Connection, now_us: int, failed: str | None) -> RenewalState:
    """One was had, or, with ``failed``, was not. In a write transaction."""
    before = read_renewal(conn)
    state = (
        RenewalState(now_us)
        if failed is None
        else RenewalState(before.obtained_us, failed, now_us, before.failures + 1)
    )
    conn.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_META_KEY, json.dumps(asdict(state))))
    return state
