"""Doing what was planned: rows go in small transactions, between which recorders have their turn, then files."""

from __future__ import annotations

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

# Deletions in one transaction: a recorder's word to the catalogue waits no longer than these take.
_BATCH: Final = 100
_PERSONS_BATCH: Final = 25


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
    batch = _BATCH if by is None else _PERSONS_BATCH
    for start in range(0, len(deletions), batch):
        with database.write() as conn:
            cameras: Counter[str] = Counter()
            for deletion in deletions[start : start + batch]:
                detail = {"policy": deletion.rule, **who}
                freed = garbage.discard(
                    conn, [deletion.candidate.key], cause=Cause.PRUNED, detail=detail, now_us=now_us
                )
                freed_bytes += freed
                cameras[deletion.candidate.key.camera] += freed > 0
            gone += cameras.total()
            if by is not None:
                # What rules delete by themselves is in the ledger; here is what somebody did.
                audit.append(conn, "footage_deleted", detail={"segments": dict(+cameras), "by": "retention plan"})
        if sweep:
            garbage.sweep(database, tier)
    return Applied(gone, freed_bytes)
