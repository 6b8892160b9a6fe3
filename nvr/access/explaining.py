"""Why somebody may do something with a camera, or may not, in one sentence. Pure."""

from __future__ import annotations

from typing import Final

from nvr.access.decide import Decision, Outcome
from nvr.access.model import ALWAYS, FootageKind, Grant, GrantedFootage
from nvr.access.roles import AccessAction
from storage.sentences import Sentence, quoted
from storage.times import iso

__all__ = ["DOING", "explained", "footage_words", "grant_words"]

DOING: Final[dict[AccessAction, Sentence]] = {
    AccessAction.STATUS: Sentence("see the status"),
    AccessAction.LIVE: Sentence("watch live"),
    AccessAction.PLAYBACK: Sentence("play back"),
    AccessAction.CLIP: Sentence("save clips"),
    AccessAction.EXPORT: Sentence("make sealed exports"),
    AccessAction.HOLD: Sentence("place holds"),
    AccessAction.REQUEST: Sentence("ask for footage"),
    AccessAction.APPROVE: Sentence("approve requests"),
    AccessAction.REPORT: Sentence("read reports"),
    AccessAction.PTZ: Sentence("move the camera"),
    AccessAction.CUT_PUBLIC: Sentence("cut the public view"),
    AccessAction.EDIT_CAMERAS: Sentence("change settings"),
    AccessAction.ORDERS: Sentence("decide orders"),
    AccessAction.RETENTION: Sentence("decide what is kept"),
    AccessAction.PEOPLE: Sentence("give rights"),
    AccessAction.AUDIT: Sentence("read the audit log"),
    AccessAction.SYSTEM: Sentence("run the server"),
}
"""What each action is called after "may"."""


def _edge(at_us: int) -> str:
    return "…" if at_us in ALWAYS else iso(at_us)


def footage_words(footage: GrantedFootage) -> Sentence:
    """Which footage."""
    if footage.kind is FootageKind.LIVE:
        return Sentence("live view only")
    if footage.kind is FootageKind.LAST:
        return Sentence("the last {hours} {hours:hour|hours}", hours=footage.last_us // 3_600_000_000)
    if footage.kind is FootageKind.RANGE:
        return Sentence("footage from {start} to {end}", start=iso(footage.start_us), end=iso(footage.end_us))
    return Sentence("all footage")


def grant_words(grant: Grant) -> Sentence:
    """``grant-1f… (viewer, district=Tengah, all footage, until …, given by anna: letter 12)``."""
    until = (
        Sentence("until it is revoked") if grant.until_us is None else Sentence("until {end}", end=iso(grant.until_us))
    )
    return Sentence(
        "{grant} ({role}, {cameras}, {footage}, {until}, given by {by}: {reason})",
        grant=grant.id,
        role=grant.role,
        cameras=grant.cameras.text or "*",
        footage=footage_words(grant.footage),
        until=until,
        by=grant.made_by,
        reason=grant.reason,
    )


def explained(who: str, camera: str, action: AccessAction, decision: Decision) -> Sentence:
    """The sentence."""
    common = {"who": who, "camera": camera, "doing": DOING[action]}
    if decision.outcome is Outcome.ALLOWED:
        return Sentence(
            "{who} may {doing} of {camera} because of {grant}", **common, grant=grant_words(decision.grants[0])
        )
    if decision.outcome is Outcome.CUT:
        parts = ", ".join(f"{_edge(a)} / {_edge(b)}" for a, b in decision.ranges[:8])
        return Sentence(
            "{who} may {doing} of {camera}, but only {parts}, because of {grant}",
            **common,
            parts=quoted(parts),
            grant=grant_words(decision.grants[0]),
        )
    if decision.outcome is Outcome.HIDDEN:
        return Sentence("for {who} there is no camera {camera}: no grant in force is of it", who=who, camera=camera)
    if decision.outcome is Outcome.FORBIDDEN:
        roles = ", ".join(f"{grant.id} ({grant.role})" for grant in decision.grants)
        return Sentence("{who} may not {doing} of {camera}: {roles} do not give it", **common, roles=quoted(roles))
    if decision.outcome is Outcome.CLOSED:
        shut = decision.closures[0]
        return Sentence(
            "{who} may not {doing} of {camera}: closed for privacy since {since} by {by}: {reason}",
            **common,
            since=iso(shut.since_us),
            by=shut.made_by,
            reason=shut.reason,
        )
    return Sentence(
        "{who} may not {doing} of {camera} at that time: {grant} is for other footage",
        **common,
        grant=grant_words(decision.grants[0]),
    )
