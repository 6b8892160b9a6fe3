"""What a route needs: an action, and of which cameras; and whether whoever asks may.

Invariant: a camera outside somebody's grants is answered as one that never was, by the same words and the same look.
Whoever may do something with no camera at all is told so, which says nothing of any camera.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Final, Literal

from nvr.access.decide import Decision, Outcome
from nvr.access.roles import AccessAction
from nvr.access.snapshot import Rights
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.times import format_time
from storage.intervals import Interval
from storage.sentences import Sentence

__all__ = [
    "ACTIONS",
    "PUBLIC",
    "SCOPES",
    "ActionName",
    "ScopeName",
    "check",
    "cut_headers",
    "cuts_headers",
    "not_all_of",
    "refusal_of",
]

PUBLIC: Final = "public"

ActionName = Literal[
    "public", "own", "watch", "status", "live", "playback", "clip", "export", "hold", "request", "approve", "report",
    "ptz", "cut_public", "edit_cameras", "orders", "retention", "people", "audit", "system",
]  # fmt: skip
"""``public``: without a login; ``own``: whoever is logged in, for what is theirs; ``watch``: live view or playback."""

ScopeName = Literal["none", "camera", "cameras", "fleet"]
"""``camera``: the one in the path; ``cameras``: some, of which the handler answers those that who asks may see;
``fleet``: every camera and all footage, for what concerns the server as a whole."""

# Proxies take headers of 4 to 8 kB in all.
_MOST_PARTS: Final = 8
_LONGEST_REASON: Final = 120

ACTIONS: Final[dict[str, tuple[AccessAction, ...]]] = {
    "public": (),
    "own": (),
    "watch": (AccessAction.LIVE, AccessAction.PLAYBACK),
    **{action: (action,) for action in AccessAction},
}
SCOPES: Final = frozenset({"none", "camera", "cameras", "fleet"})


def check(
    rights: Rights, name: str, actions: Collection[AccessAction], scope: str, camera: str | None
) -> Decision | None:
    """Lets through who may do this; returns by what, of one camera.

    Raises:
        ApiError: ``forbidden``, ``camera_not_found``, ``closed_for_privacy`` or ``outside_grant``.
    """
    if not actions:
        return None
    # Most often one camera is asked for, and had.
    found = [rights.on(camera, action) for action in actions] if scope == "camera" and camera is not None else []
    for decision in found:
        if decision.allowed:
            return decision
    if rights.actions.isdisjoint(actions):
        raise _forbidden(name, actions)
    if found and camera is not None:
        # That a part is closed is more than that the rest was not granted.
        told = next((decision for decision in found if decision.outcome is Outcome.CLOSED), found[-1])
        raise refusal_of(told, name, camera, actions)
    if scope == "fleet" and not any(rights.everywhere(action) for action in actions):
        raise ApiError(
            "forbidden",
            Sentence(
                "this concerns every camera: {name} may do it ({actions}) with some only",
                name=name,
                actions=_words(actions),
            ),
        )
    return None


def refusal_of(decision: Decision, name: str, camera: str, actions: Collection[AccessAction]) -> ApiError:
    """What is answered where a decision refuses."""
    if decision.outcome is Outcome.HIDDEN:
        return no_camera(camera)
    if decision.outcome is Outcome.FORBIDDEN:
        return _forbidden(name, actions)
    if decision.outcome is Outcome.CLOSED:
        shut = decision.closures[0]
        return ApiError(
            "closed_for_privacy",
            Sentence(
                "closed for privacy since {since}: {reason}", since=format_time(shut.since_us), reason=shut.reason
            ),
        )
    return ApiError("outside_grant", Sentence("what was given to you is other footage of this camera"))


def not_all_of(camera: str, asked: Interval, decision: Decision) -> ApiError:
    """What is answered where only a part may be had and the whole is needed; ``parts`` says which."""
    code = "closed_for_privacy" if decision.closures else "outside_grant"
    return ApiError(
        code,
        Sentence(
            "of this range of camera {camera!r} you may have {parts} only",
            camera=camera,
            parts=", ".join(
                f"{format_time(max(a, asked.start_us))} / {format_time(min(b, asked.end_us))}"
                for a, b in decision.ranges[:_MOST_PARTS]
            ),
        ),
    )


def cut_headers(asked: Interval, decision: Decision) -> dict[str, str]:
    """Of a range that is answered in part: which parts, and what of it is closed, since when and why, as JSON."""
    if decision.outcome is not Outcome.CUT:
        return {}
    parts = [{"start": format_time(a), "end": format_time(b)} for a, b in decision.ranges[:_MOST_PARTS]]
    headers = {"X-Allowed": json.dumps(parts, separators=(",", ":"))}
    if decision.closures:
        shut = [
            {
                "start": format_time(max(one.range.start_us, asked.start_us)),
                "end": format_time(min(one.range.end_us, asked.end_us)),
                "since": format_time(one.since_us),
                "reason": one.reason[:_LONGEST_REASON],
            }
            for one in decision.closures[:_MOST_PARTS]
        ]
        headers["X-Closed"] = json.dumps(shut, separators=(",", ":"))
    return headers


def cuts_headers(asked: Interval, decisions: Mapping[str, Decision]) -> dict[str, str]:
    """The same of several cameras, by their ids: of those of which a part is answered."""
    cut = {
        camera: {name: json.loads(text) for name, text in cut_headers(asked, decision).items()}
        for camera, decision in decisions.items()
        if decision.outcome is Outcome.CUT
    }
    return {"X-Cut": json.dumps(cut, separators=(",", ":"))} if cut else {}


def _forbidden(name: str, actions: Collection[AccessAction]) -> ApiError:
    return ApiError(
        "forbidden",
        Sentence("this needs the right to {actions}; {name} does not have it", actions=_words(actions), name=name),
    )


def _words(actions: Collection[AccessAction]) -> str:
    return ", ".join(actions)
