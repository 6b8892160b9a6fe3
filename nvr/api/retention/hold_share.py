"""How much of the disks investigators may hold, and by how many holds. Invariant: without an administrator holds leave
room to record, and are few enough to be looked through with each pass of retention.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from nvr.access.roles import AccessAction
from nvr.api.http.auth import rights_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest
from nvr.api.http.services import Services
from storage.disk.roots import Root
from storage.retention import held_bytes
from storage.retention.free_space import disks
from storage.sentences import Sentence

__all__ = ["check_share"]

# Each is read with every pass of retention, and summed up with every hold that is placed: a second or so.
_MOST_HOLDS: Final = 20_000


def check_share(request: ApiRequest, services: Services, wanted: Sequence[tuple[str, int, int]]) -> None:
    """Lets an administrator hold ``wanted`` (cameras and ranges); refuses an investigator what, with all other holds,
    would take more of the disks than a setting leaves to investigators.

    Raises:
        ApiError: ``hold_too_large``.
    """
    if rights_of(request).everywhere(AccessAction.RETENTION):
        return
    with services.db.read() as conn:
        (count,) = conn.execute("SELECT count(*) FROM hold WHERE released_us IS NULL").fetchone()
    if count + len(wanted) > _MOST_HOLDS:
        raise ApiError(
            "hold_too_large",
            Sentence(
                "{count} holds are in force, and {most} are the most that investigators may reach: release some, hold "
                "one longer range instead of many short ones, or ask an administrator",
                count=count,
                most=_MOST_HOLDS,
            ),
        )
    settings = services.settings
    roots = [Root(identity, Path(path)) for identity, path in settings.roots]
    total = sum(disk.total_bytes for disk in disks(roots, settings.floor_bytes, settings.floor_fraction))
    with services.db.read() as conn:
        before = held_bytes.kept_bytes(conn, now_us=services.now_us())
        kept = held_bytes.kept_bytes(conn, now_us=services.now_us(), more=wanted)
    # What is held already may be held again: for the export of a request, say.
    if kept > before and kept * 100 > total * settings.holds_share and total:
        raise ApiError(
            "hold_too_large",
            Sentence(
                "with this hold, holds would keep {gigabytes:.1f} GB, {share:.0f} % of the disks; above "
                "{holds_share} % an administrator must place it: ask for a shorter range, or ask one",
                gigabytes=kept / 1e9,
                share=kept * 100 / total,
                holds_share=settings.holds_share,
            ),
        )
