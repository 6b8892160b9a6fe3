"""Doing what was planned: rows go in small transactions, between which recorders have their turn, then files."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from storage.catalogue import audit
from storage.catalogue.actors import Actor
from storage.catalogue.database import Database
from storage.causes import Cause
from storage.retention import deleting as garbage
from storage.retention.plan import Deletion
from storage.tiers import LOCAL, Tier

__all__ = ["Applied", "apply"]

# Deletions in one transaction, and after how long it takes no further one: a recorder's word to the catalogue waits no
# longer than these take. One is a millisecond, on a busy machine several.
_BATCH: Final = 100
_PERSONS_BATCH: Final = 25
_SLICE_S: Final = 0.05
_PERSONS_SLICE_S: Final = 0.015
# Whoever waits for the lock gets it: the lock by itself is nobody's turn.
_PAUSE_S: Final = 0.002


@dataclass(frozen=True, slots=True)
class Applied:
    """Segments that went, and their bytes."""

    segments: int
    bytes: int


def apply(
    database: Database,
    deletions: Sequence[Deletion],
    *,
    now_us: int,
    tier: Tier = LOCAL,
    by: Actor | None = None,
    sweep: bool = True,
) -> Applied:
    """Deletes what was planned. The ledger names the rule, and ``by``, the person who confirmed it. What has gone
    since, or is held since, is passed over. Without ``sweep`` the files go with the next sweep of another process."""
    freed_bytes = gone = 0
    who = {} if by is None else {"person": by.name}
    # Recorders wait meanwhile; those whom a person makes wait, less.
    most, slice_s = (_BATCH, _SLICE_S) if by is None else (_PERSONS_BATCH, _PERSONS_SLICE_S)
    position = swept = 0
    while position < len(deletions):
        with database.write() as conn:
            cameras: Counter[str] = Counter()
            first, until_s = position, time.monotonic() + slice_s
            last = min(first + most, len(deletions))
            while position < last and (position == first or time.monotonic() < until_s):
                deletion = deletions[position]
                freed = garbage.discard(
                    conn,
                    [deletion.candidate.key],
                    cause=Cause.PRUNED,
                    detail={"policy": deletion.rule, **who},
                    now_us=now_us,
                )
                freed_bytes += freed
                cameras[deletion.candidate.key.camera] += freed > 0
                position += 1
            gone += cameras.total()
            if by is not None:
                # What rules delete by themselves is in the ledger; here is what somebody did.
                audit.append(conn, "footage_deleted", detail={"segments": dict(+cameras), "by": "retention plan"})
        is_over = position == len(deletions)
        if sweep and (is_over or position - swept >= _BATCH):
            garbage.sweep(database, tier)
            swept = position
        elif not is_over:
            time.sleep(_PAUSE_S)
    return Applied(gone, freed_bytes)
