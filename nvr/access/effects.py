"""Who would see what if labels, or a grant, were otherwise: what a person is shown before they change it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from nvr.access.model import Grant, LabelledCamera
from nvr.access.snapshot import AccessSnapshot
from storage.sentences import Sentence, joined

__all__ = ["AccessEffects", "effects", "with_grant", "with_labels"]


@dataclass(frozen=True, slots=True)
class AccessEffects:
    """``given`` and ``taken``: holders, each with the cameras that they see then, and did not, or did, and don't
    then."""

    given: Mapping[str, frozenset[str]]
    taken: Mapping[str, frozenset[str]]

    def sentence(self) -> Sentence:
        """``gives 12 people sight of 40 cameras, takes it from 3 people for 1 camera``."""
        told = []
        if self.given:
            told.append(
                Sentence(
                    "gives {people} {people:person|people} sight of {cameras} {cameras:camera|cameras}",
                    people=len(self.given),
                    cameras=len(frozenset().union(*self.given.values())),
                )
            )
        if self.taken:
            told.append(
                Sentence(
                    "takes sight of {cameras} {cameras:camera|cameras} from {people} {people:person|people}",
                    people=len(self.taken),
                    cameras=len(frozenset().union(*self.taken.values())),
                )
            )
        return joined(told, ", ") if told else Sentence("changes nothing of who sees which camera")


def effects(before: AccessSnapshot, after: AccessSnapshot, now_us: int) -> AccessEffects:
    """What of one becomes another."""
    given: dict[str, frozenset[str]] = {}
    taken: dict[str, frozenset[str]] = {}
    for holder in {*before.holders(), *after.holders()}:
        had, has = (_seen(snapshot, holder, now_us) for snapshot in (before, after))
        if more := has - had:
            given[holder] = more
        if less := had - has:
            taken[holder] = less
    return AccessEffects(given, taken)


def _seen(snapshot: AccessSnapshot, holder: str, now_us: int) -> frozenset[str]:
    found = [
        snapshot.chosen(grant.cameras) for grant in snapshot.grants(holder) if grant.holds_at(now_us) and grant.actions
    ]
    return frozenset().union(*found)


def with_labels(snapshot: AccessSnapshot, labels: Mapping[str, Mapping[str, str]]) -> AccessSnapshot:
    """As if these cameras, known or new, had these labels."""
    cameras = {**snapshot.cameras, **{id_: LabelledCamera(id_, own) for id_, own in labels.items()}}
    return AccessSnapshot(snapshot.revision, cameras, snapshot.all_grants(), (), snapshot.members)


def with_grant(
    snapshot: AccessSnapshot, grant: Grant | None = None, *, without: Collection[str] = ()
) -> AccessSnapshot:
    """As if there were this grant too, and not those of these ids."""
    kept = [one for one in snapshot.all_grants() if one.id not in without]
    every = kept if grant is None else [*kept, grant]
    return AccessSnapshot(snapshot.revision, snapshot.cameras, every, (), snapshot.members)
