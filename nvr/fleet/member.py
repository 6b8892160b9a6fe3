"""One node's judgement, look by look: what it records, who is dead, and what it proposes. Pure: times are seconds of
its own monotonic clock.

Invariant: it proposes nothing of what it has not watched for long enough, and believes no coordinator that knows less
than it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nvr.fleet.holdings import Holdings
from nvr.fleet.model import Assignment, Offer, Picture, Transfer
from nvr.fleet.observation import Health, Observation
from nvr.fleet.planning import plan

__all__ = ["Member", "MemberOutcome", "offer_changes"]

_BALANCE_S: Final = 60.0
# A bitrate that goes up and down is no news.
_BITRATE_CHANGE: Final = 0.25


@dataclass(frozen=True, slots=True)
class MemberOutcome:
    """Of one look: what is new of assignments, whether any camera is now another node's, what to propose."""

    news: Mapping[str, Assignment]
    is_changed: bool
    transfers: Sequence[Transfer]


class Member:
    """``holdings``: what it records."""

    def __init__(self, node: str, holdings: Holdings) -> None:
        self.node = node
        self.holdings = holdings
        self._observation = Observation()
        # What the last plan was made of; None: it is to be made anew.
        self._planned: object = None
        self._balance_at_s: float | None = None

    def failed(self) -> None:
        """The coordinator could not be asked."""
        self._observation.failed()
        self._planned = None

    def health(self, node: str) -> Health:
        """Of a node, as of the last look."""
        return self._observation.health(node)

    def looked(self, at_s: float, picture: Picture) -> MemberOutcome:
        """What follows from what the coordinator holds.

        Raises:
            ValueError: it knows less than was known before; nothing follows.
        """
        before = dict(self.holdings.known)
        news = self.holdings.saw(at_s, picture.epoch, picture.assignments)
        # That this node has footage is news for others.
        is_changed = self.holdings.left(at_s) or any(
            (was := before.get(id_)) is None or was.epoch != now.epoch or now.node != self.node
            for id_, now in news.items()
        )
        self._observation.saw(at_s, {id_: node.token for id_, node in picture.nodes.items()})
        transfers = self._plan(at_s, picture)
        return MemberOutcome(news, is_changed, transfers)

    def alone(self, at_s: float) -> bool:
        """Time has passed without the coordinator; returns whether this node records other cameras than before."""
        return self.holdings.left(at_s)

    def _plan(self, at_s: float, picture: Picture) -> Sequence[Transfer]:
        me = picture.nodes.get(self.node)
        if me is None or me.standing == "left" or self.health(self.node) != "alive":
            # Its own beat is the proof that what it writes arrives.
            return ()
        health = {id_: self.health(id_) for id_ in picture.nodes}
        standing = [(n.id, n.standing, n.capacity_bps, n.site, n.is_able) for n in picture.nodes.values()]
        made_of = (picture.rev, picture.offers_rev, sorted(health.items()), sorted(standing, key=lambda each: each[0]))
        if self._balance_at_s is None:
            self._balance_at_s = at_s + _BALANCE_S
        is_due = at_s >= self._balance_at_s
        if made_of == self._planned and not is_due:
            return ()
        if is_due:
            self._balance_at_s = at_s + _BALANCE_S
        found = plan(picture.nodes, health, picture.offers, picture.assignments, balance=is_due)
        # What is proposed may come to nothing: then it is planned again.
        self._planned = made_of if not found else None
        return found


def offer_changes(offered: Mapping[str, Offer], wanted: Mapping[str, Offer]) -> tuple[dict[str, Offer], list[str]]:
    """What to offer, and what to withdraw, so that the coordinator holds what is wanted; a bitrate only if it has
    clearly changed."""
    changed: dict[str, Offer] = {}
    for id_, offer in wanted.items():
        before = offered.get(id_)
        if before is None or _differs(before, offer):
            changed[id_] = offer
    return changed, [id_ for id_ in offered if id_ not in wanted]


def _differs(before: Offer, now: Offer) -> bool:
    if (before.priority, before.failover, before.site) != (now.priority, now.failover, now.site):
        return True
    return abs(now.bitrate_bps - before.bitrate_bps) > _BITRATE_CHANGE * before.bitrate_bps
