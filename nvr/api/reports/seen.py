"""Which cameras a report of a range may be about.

Invariant: of a camera that is in a report the whole range was granted to who asks: sums over parts of different lengths
would say nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from nvr.access.decide import Outcome
from nvr.access.roles import AccessAction
from nvr.api.http.auth import require_all, rights_of
from nvr.api.http.respond import ApiRequest
from storage.intervals import Interval

__all__ = ["SeenCameras", "seen_for"]


@dataclass(frozen=True, slots=True)
class SeenCameras:
    """``ids``: None for all; ``left_out``: how many of those that may be seen are not in it."""

    ids: Collection[str] | None
    left_out: int


def seen_for(request: ApiRequest, action: AccessAction, asked: Interval, named: Collection[str] = ()) -> SeenCameras:
    """The cameras of which whoever asks may have this whole range. ``named``: those that they asked for by their ids.

    Raises:
        ApiError: ``outside_grant``: of one of these they may have a part alone.
    """
    rights = rights_of(request)
    if rights.everywhere(action):
        return SeenCameras(None, 0)
    seen = rights.cameras(action)
    require_all(request, [one for one in named if one in seen], action, asked)
    whole = {camera for camera in seen.ids if rights.on(camera, action, asked).outcome is Outcome.ALLOWED}
    return SeenCameras(whole, len(seen.ids) - len(whole))
