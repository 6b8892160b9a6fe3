"""Whether somebody may do something with a camera, of which time, by which grants, and why not. Pure.

Invariants: what no grant in force gives is refused; a camera that no grant in force chooses is not there; of a range
that is given in part, exactly that part is answered, and what closures took of it is named.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from nvr.access.model import ALWAYS, Closure, Grant
from nvr.access.roles import FOOTAGE, RANGED, AccessAction
from storage.intervals import Interval, clip, merge, subtract

__all__ = ["Decision", "Outcome", "both", "decide_on"]


class Outcome(StrEnum):
    """``CUT``: a part of the range. ``CLOSED``: nothing of it, for privacy; ``OUTSIDE``: nothing of it, no grant is for
    this footage. ``FORBIDDEN``: no grant of this camera has the action. ``HIDDEN``: no grant is of this camera."""

    ALLOWED = "allowed"
    CUT = "cut"
    CLOSED = "closed"
    OUTSIDE = "outside"
    FORBIDDEN = "forbidden"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Decision:
    """``ranges``: what of the time asked for may be had, of actions that are about a range. ``grants``: by which, if it
    may, the one that says most first; else those of the camera that do not suffice. ``closures``: those that took
    something of it."""

    outcome: Outcome
    ranges: tuple[Interval, ...] = ()
    grants: tuple[Grant, ...] = ()
    closures: tuple[Closure, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether something of it may be had."""
        return self.outcome in (Outcome.ALLOWED, Outcome.CUT)


def decide_on(
    grants: Sequence[Grant],
    closures: Collection[Closure],
    *,
    now_us: int,
    action: AccessAction,
    asked: Interval | None = None,
    window_us: int | None = None,
) -> Decision:
    """Decides by the grants of this camera. ``asked``: the time whose footage it is about; None: now, of live view, and
    otherwise any. ``window_us``: the moment before which footage of the last days is counted; None: now. What began to
    be sent goes on although that moved."""
    mine = [grant for grant in grants if grant.actions and grant.holds_at(now_us)]
    if not mine:
        return Decision(Outcome.HIDDEN)
    able = [grant for grant in mine if action in grant.actions]
    if not able:
        return Decision(Outcome.FORBIDDEN, grants=tuple(mine))
    if action not in RANGED or (action is AccessAction.STATUS and asked is None):
        return Decision(Outcome.ALLOWED, (), tuple(able))
    if asked is None:
        asked = Interval(now_us, now_us + 1) if action is AccessAction.LIVE else ALWAYS
    shut = [one for one in closures if one.holds_at(now_us) and clip([one.range], *asked)] if action in FOOTAGE else []
    opened: list[Interval] = []
    by: list[Grant] = []
    outside = True
    for grant in able:
        given = clip([grant.footage.at(now_us if window_us is None else window_us)], *asked)
        outside = outside and not given
        if shut and not grant.sees_closed:
            taken = merge(one.range for one in shut)
            given = [part for whole in given for part in subtract(*whole, taken)]
        if given:
            opened += given
            by.append(grant)
    ranges = tuple(merge(opened))
    whole = ranges == (asked,)
    if not ranges:
        return Decision(Outcome.OUTSIDE if outside else Outcome.CLOSED, (), tuple(able), () if outside else tuple(shut))
    left = [one for one in shut if any(subtract(*part, ranges) for part in clip([one.range], *asked))]
    return Decision(Outcome.ALLOWED if whole else Outcome.CUT, ranges, tuple(by), tuple(left))


def both(one: Decision, other: Decision) -> Decision:
    """What two decisions on the same question allow together: of a token's user, and of the token; the first does."""
    if not other.allowed:
        return other
    if not one.ranges and not other.ranges:
        return Decision(one.outcome, (), (*other.grants, *one.grants))
    ranges = tuple(part for whole in one.ranges for part in clip(other.ranges, *whole))
    grants, shut = (*other.grants, *one.grants), tuple(dict.fromkeys((*one.closures, *other.closures)))
    if not ranges:
        return Decision(Outcome.OUTSIDE, (), grants)
    whole = one.outcome is Outcome.ALLOWED and other.outcome is Outcome.ALLOWED
    return Decision(Outcome.ALLOWED if whole else Outcome.CUT, ranges, grants, shut)
