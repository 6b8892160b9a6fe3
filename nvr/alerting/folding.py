"""Many cameras that fail together are one alert, under the label that they share. Pure.

Invariant: every camera is in at most one group.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from storage.causes import Cause, CauseClass

__all__ = ["Group", "belongs", "fold", "subjects_of"]

Labels = Mapping[str, Mapping[str, str]]
_CAUSE: Final = "cause="


@dataclass(frozen=True, slots=True)
class Group:
    """Cameras that are down together. ``subject``: ``label=value``, ``cause=…`` or, of the whole fleet, empty."""

    subject: str
    cameras: tuple[str, ...]


def fold(
    down: Mapping[str, Cause | None],
    labels: Labels,
    *,
    by: Sequence[str],
    from_: int,
    grouped: Collection[str] = (),
    share: bool = True,
) -> list[Group]:
    """The groups among cameras that are down, each with its cause. ``labels``: those of all cameras that should be
    recorded, and of no other: what need not be recorded is no part of any whole. ``grouped``: cameras that are down in
    groups already. ``share``: whether a group must be half of its whole.

    A group is folded if at least ``from_`` of its cameras are down and they are, with those grouped already, half of
    it. Of the groups that fit, the largest goes first: it explains most. Groups are: cameras with one value of a label
    of ``by``, the whole fleet (subject ``""``), and cameras down for one and the same cause of the server's own
    (subject ``cause=…``), whatever their share.
    """
    totals: dict[str, int] = defaultdict(int)
    for own in labels.values():
        for subject in subjects_of(own, by):
            totals[subject] += 1
    already: dict[str, int] = defaultdict(int)
    for camera in grouped:
        for subject in subjects_of(labels.get(camera, {}), by):
            already[subject] += 1
    left = dict(down)
    found: list[Group] = []
    while len(left) >= from_:
        groups: dict[str, list[str]] = defaultdict(list)
        for camera, cause in left.items():
            for subject in subjects_of(labels.get(camera, {}), by):
                groups[subject].append(camera)
            if cause is not None and cause.cause_class is CauseClass.SERVER:
                groups[f"{_CAUSE}{cause}"].append(camera)
        fitting = [
            (len(members), -_rank(subject, by), subject)
            for subject, members in groups.items()
            if len(members) >= from_
            and (not share or subject.startswith(_CAUSE) or 2 * (len(members) + already[subject]) >= totals[subject])
        ]
        if not fitting:
            break
        subject = max(fitting)[2]
        found.append(Group(subject, tuple(sorted(groups[subject]))))
        for camera in groups[subject]:
            del left[camera]
    return found


def subjects_of(labels: Mapping[str, str], by: Sequence[str]) -> Iterator[str]:
    """The groups that a camera of these labels can be part of."""
    yield ""
    for key in by:
        if key in labels:
            yield f"{key}={labels[key]}"


def belongs(subject: str, labels: Mapping[str, str], cause: Cause | None) -> bool:
    """Whether a camera of these labels that is down for this cause is one of the group's. The label need not be one of
    the settings any more."""
    if subject.startswith(_CAUSE):
        return cause is not None and subject == f"{_CAUSE}{cause}"
    key, _, value = subject.partition("=")
    return not subject or labels.get(key) == value


def _rank(subject: str, by: Sequence[str]) -> int:
    """Of groups of one size the most telling: a label in the order of the settings, a cause, the fleet."""
    key = subject.partition("=")[0]
    return by.index(key) if key in by else len(by) + (subject == "")
