"""Many cameras that fail together are one alert, under the label that they share. Pure.

Invariant: every camera that is down is in exactly one condition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from nvr.alerting.conditions import Condition, Kind
from storage.causes import Cause, CauseClass

__all__ = ["fold"]

_Down = Mapping[str, tuple[int, Cause | None]]


def fold(
    down: _Down,
    labels: Mapping[str, Mapping[str, str]],
    *,
    by: Sequence[str],
    from_: int,
    folded: Collection[str] = (),
) -> list[Condition]:
    """``down``: since when and why, by camera. ``labels``: those of all cameras that should be recorded.

    A group is folded if at least ``from_`` of its cameras are down and they are half of it; once it is (``folded``: subjects of the last
    time), it stays so down to half of ``from_``, or the alerts would change back and forth with every camera. Of the groups that fit, the largest goes
    first: it explains most. Groups are: cameras with one value of a label of ``by``, the whole fleet (subject ``""``), and cameras down for one and the
    same cause of the server's own (subject ``cause=…``), whatever their share.
    """
    totals: dict[str, int] = defaultdict(int)
    for own in labels.values():
        for subject in _subjects(own, by):
            totals[subject] += 1
    left = dict(down)
    found: list[Condition] = []
    while left:
        groups: dict[str, list[str]] = defaultdict(list)
        for camera, (_, cause) in left.items():
            for subject in _subjects(labels.get(camera, {}), by):
                groups[subject].append(camera)
            if cause is not None and cause.cause_class is CauseClass.SERVER:
                groups[f"cause={cause}"].append(camera)
        fitting = [
            (len(members), -_rank(subject, by), subject)
            for subject, members in groups.items()
            if len(members) >= (max(2, from_ // 2) if subject in folded else from_)
            and (subject.startswith("cause=") or 2 * len(members) >= totals[subject])
        ]
        if not fitting:
            break
        subject = max(fitting)[2]
        members = sorted(groups[subject])
        total = len(members) if subject.startswith("cause=") else totals[subject]
        found.append(_group(subject, members, total, down))
        for camera in members:
            del left[camera]
    alone = (
        Condition(Kind.CAMERA_DOWN, camera, since_us, (camera,), {"cause": cause} if cause is not None else {})
        for camera, (since_us, cause) in sorted(left.items())
    )
    return [*found, *alone]


def _subjects(labels: Mapping[str, str], by: Sequence[str]) -> Iterator[str]:
    yield ""
    for key in by:
        if key in labels:
            yield f"{key}={labels[key]}"


def _rank(subject: str, by: Sequence[str]) -> int:
    """Of groups of one size the most telling: a label in the order of the settings, a cause, the fleet."""
    key = subject.partition("=")[0]
    return by.index(key) if key in by else len(by) + (subject == "")


def _group(subject: str, members: Sequence[str], total: int, down: _Down) -> Condition:
    causes: dict[str, int] = defaultdict(int)
    for camera in members:
        cause = down[camera][1]
        if cause is not None:
            causes[cause] += 1
    since_us = min(down[camera][0] for camera in members)
    detail = {"down": len(members), "of": total, "causes": dict(sorted(causes.items(), key=lambda item: -item[1]))}
    return Condition(Kind.CAMERAS_DOWN, subject, since_us, tuple(members), detail)
