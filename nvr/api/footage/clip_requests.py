"""Whether a clip may be handed out: with ``[evidence] clips_need_request``, only of what an approved request asked for,
to who asked.

Invariant: every route that hands out a range of footage as a file to keep asks here first. Playback and pictures are
looks: a role allows those.
"""

from __future__ import annotations

from nvr.access.roles import AccessAction
from nvr.api.http.auth import Principal
from nvr.api.http.errors import ApiError
from nvr.api.http.services import Services
from nvr.cases import requests
from nvr.cases.requests import RequestState
from storage.sentences import Sentence

__all__ = ["check_clip"]


def check_clip(
    services: Services, who: Principal | None, camera: str, start_us: int, end_us: int, request: str | None
) -> None:
    """Lets a clip of ``[start_us, end_us)`` of a camera through, where clips need a request only as part of
    ``request``. ``who`` is None for whoever has an address: it names no request, and nobody in particular uses it.

    Raises:
        ApiError: ``approval_needed`` or ``request_not_found``.
    """
    if not services.settings.clips_need_request:
        return
    if who is None:
        raise ApiError(
            "approval_needed", Sentence("here a clip needs a request of a case that was approved: an address is none")
        )
    if request is None:
        raise ApiError(
            "approval_needed", Sentence("here a clip needs a request of a case that was approved: name it, request=ID")
        )
    with services.db.read() as conn:
        made = requests.find(conn, request)
    mine = made is not None and made.requester_id == who.actor.person
    seen = who.rights.cameras(AccessAction.REQUEST, AccessAction.APPROVE, AccessAction.CLIP)
    if made is None or not (mine or all(one in seen for one in made.cameras)):
        raise ApiError("request_not_found", Sentence("there is no request {request!r}", request=request))
    if made.state is not RequestState.APPROVED:
        raise ApiError("approval_needed", Sentence("the request is not approved: it is {state}", state=made.state))
    if not mine and not who.rights.everywhere(AccessAction.SYSTEM):
        raise ApiError("approval_needed", Sentence("the request is another one's: ask for the footage yourself"))
    if camera not in made.cameras or start_us < made.start_us or end_us > made.end_us:
        raise ApiError(
            "approval_needed", Sentence("the request asks for another camera or time: a clip must lie within it")
        )
