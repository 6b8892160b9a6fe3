"""Rules of retention, and which of them a camera has. Pure.

A camera's own rule counts before that of the first label rule that matches it, and that before the default; each of the
three keys by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from storage.catalogue.selection import named, same

__all__ = ["LabelRule", "Policy", "Rules", "own_rules", "resolve"]


@dataclass(frozen=True, slots=True)
class Policy:
    """``max_age_us``: gone by then, judged by a segment's end. ``max_bytes``: closed segments hold no more than this.
    ``min_age_us``: younger footage does not go for ``max_bytes`` or for free space. None: no such rule."""

    max_age_us: int | None = None
    max_bytes: int | None = None
    min_age_us: int | None = None


@dataclass(frozen=True, slots=True)
class LabelRule:
    """A policy for the cameras that have all labels of ``match``."""

    match: Mapping[str, str]
    policy: Policy

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether a camera with these labels has the rule."""
        return all((own := named(labels, key)) is not None and same(own, value) for key, value in self.match.items())


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a configuration, without those of single cameras."""

    default: Policy = field(default=Policy())
    labels: Sequence[LabelRule] = field(default=())

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Rules:
        """From what ``to_wire`` made."""
        labels = [LabelRule(dict(rule["match"]), Policy(**rule["policy"])) for rule in wire["labels"]]
        return cls(Policy(**wire["default"]), labels)

    def to_wire(self) -> dict[str, Any]:
        """For JSON between processes."""
        labels = [{"match": dict(rule.match), "policy": asdict(rule.policy)} for rule in self.labels]
        return {"default": asdict(self.default), "labels": labels}


def own_rules(settings: Mapping[str, Any]) -> Policy:
    """A camera's own rules, out of its settings in the catalogue."""
    return Policy(*(settings.get(rule.name) for rule in fields(Policy)))


def resolve(own: Policy, labels: Mapping[str, str], rules: Rules) -> Policy:
    """What holds for a camera."""
    by_label = next((rule.policy for rule in rules.labels if rule.fits(labels)), Policy())
    policy = rules.default
    for nearer in (by_label, own):
        given = {key: value for key, value in asdict(nearer).items() if value is not None}
        policy = replace(policy, **given)
    return policy
