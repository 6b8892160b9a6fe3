"""From events to marks: what begins and ends is one, what comes too often is merged. Pure; times are microseconds.

Invariants: a mark never ends before it begins; of a camera and kind at most ``MOST_AN_HOUR`` begin within an hour, and
what is beyond is counted in the last of them.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from nvr.devices.events.reading import DeviceEvent

__all__ = ["LONGEST_US", "MOST_AN_HOUR", "FoldedMark", "MarkFolder", "merged", "placed_us"]

MOST_AN_HOUR: Final = 60
LONGEST_US: Final = 86_400_000_000
"""What goes on for longer is cut, and goes on in another mark."""

_HOUR_US: Final = 3_600_000_000
# A device that never says that something ended: after this it has.
_QUIET_US: Final = 30_000_000
# What happens again so soon is the same.
_SAME_US: Final = 5_000_000
_MOST_TOPICS: Final = 200
# A device's clock counts if it agrees with the time of arrival so far.
_AGREES_US: Final = 10_000_000


def placed_us(at_us: int | None, offset_s: float | None, arrived_us: int) -> int:
    """When something happened by our clock: by the device's, which is ``offset_s`` ahead of it; by arrival if it does
    not say, or is not to be believed."""
    if at_us is None or offset_s is None:
        return arrived_us
    own_us = at_us - round(offset_s * 1e6)
    return own_us if abs(own_us - arrived_us) <= _AGREES_US else arrived_us


@dataclass(frozen=True, slots=True)
class FoldedMark:
    """A mark as it is to be kept now; ``is_new``: it was not there before."""

    id: str
    kind: str
    start_us: int
    end_us: int
    is_on: bool
    count: int
    detail: dict[str, Any]
    is_new: bool = True


@dataclass(slots=True)
class _Topic:
    """What is known of one topic and token. ``says_ends``: the device was heard to say that it ended; ``by_quiet``: its
    last mark was ended because nothing more was said."""

    last: FoldedMark | None = None
    says_ends: bool = False
    by_quiet: bool = False


class MarkFolder:
    """The marks of one camera; ``new_id`` makes their ids."""

    def __init__(self, new_id: Callable[[], str] = lambda: secrets.token_hex(8)) -> None:
        self._new_id = new_id
        self._topics: dict[tuple[str, str], _Topic] = {}
        # When marks of a kind began, within an hour; and which topic had the last of them.
        self._begun: dict[str, deque[int]] = {}
        self._newest: dict[str, _Topic] = {}

    def take(self, event: DeviceEvent, at_us: int) -> list[FoldedMark]:
        """What an event changes, which was at this time by our clock."""
        key = (event.topic, event.token)
        if key not in self._topics and len(self._topics) >= _MOST_TOPICS:
            # A device that invents topics: they are one.
            key = ("", "")
        topic = self._topics.setdefault(key, _Topic())
        last = topic.last
        if event.is_gone or event.is_on is False:
            topic.says_ends |= event.is_on is False
            return self._end(topic, at_us)
        if event.is_state:
            # How things are is no event; what is on goes on.
            return []
        once = event.is_on is None
        if last is None or not (last.is_on or (once and at_us - last.end_us <= _SAME_US)):
            return self._begin(topic, event, at_us)
        if at_us - last.start_us <= LONGEST_US:
            return self._keep(topic, replace(last, end_us=max(last.end_us, at_us), count=last.count + once))
        return [*self._end(topic, at_us), *self._begin(topic, event, at_us)]

    def _begin(self, topic: _Topic, event: DeviceEvent, at_us: int) -> list[FoldedMark]:
        begun = self._begun.setdefault(event.kind, deque())
        while begun and begun[0] <= at_us - _HOUR_US:
            begun.popleft()
        newest = self._newest.get(event.kind)
        if len(begun) >= MOST_AN_HOUR and newest is not None and newest.last is not None:
            last = newest.last
            end_us = min(max(last.end_us, at_us), last.start_us + LONGEST_US)
            return self._keep(newest, replace(last, end_us=end_us, count=last.count + 1))
        begun.append(at_us)
        detail = {"topic": event.topic, "token": event.token}
        if event.at_us is not None:
            detail["camera_us"] = str(event.at_us)
        made = FoldedMark(self._new_id(), event.kind, at_us, at_us, bool(event.is_on), 1, detail)
        self._newest[event.kind] = topic
        topic.last, topic.by_quiet = replace(made, is_new=False), False
        return [made]

    def _keep(self, topic: _Topic, mark: FoldedMark) -> list[FoldedMark]:
        topic.last = mark
        return [mark]

    def _end(self, topic: _Topic, at_us: int, *, by_quiet: bool = False) -> list[FoldedMark]:
        last = topic.last
        if last is None or not (last.is_on or topic.by_quiet):
            return []
        topic.by_quiet = by_quiet
        end_us = min(max(last.end_us, at_us), last.start_us + LONGEST_US)
        return self._keep(topic, replace(last, end_us=end_us, is_on=False))

    def quiet(self, now_us: int) -> list[FoldedMark]:
        """What has ended by saying nothing more, of devices that were never heard to say that something ended."""
        found: list[FoldedMark] = []
        for topic in self._topics.values():
            last = topic.last
            if last is not None and last.is_on and not topic.says_ends and now_us - last.end_us > _QUIET_US:
                found += self._end(topic, last.end_us + _QUIET_US, by_quiet=True)
        return found

    def over(self, at_us: int) -> list[FoldedMark]:
        """Ends all that is on: nobody listens any more."""
        every = [topic for topic in self._topics.values() if topic.last is not None and topic.last.is_on]
        return [mark for topic in every for mark in self._end(topic, at_us)]


def merged(marks: Iterable[FoldedMark]) -> list[FoldedMark]:
    """Each mark once, as it is at last."""
    found: dict[str, FoldedMark] = {}
    for mark in marks:
        before = found.get(mark.id)
        found[mark.id] = mark if before is None else replace(mark, is_new=before.is_new)
    return list(found.values())
