"""Choosing cameras by their labels: one small language for orders, windows, schedules, reports and lists. Pure.

``district=Tembalang,isp=Telkom`` are the cameras that have both. A term is one of

    key=value     the label is this; ``key=a|b`` this or that
    key!=value    the camera does not have it (nor, with ``a|b``, one of them)
    key           there is such a label, whatever it says
    !key          there is none

``*`` alone is every camera. Values are compared without regard to case; one with a comma, a bar or quotes is quoted: ``owner="Dinas A, B"``. ``id`` is the camera's id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["KNOWN_LABELS", "Selection", "SelectionError", "parse"]

# The labels that the product itself gives a meaning (docs/reference/labels.md); there may be any others.
KNOWN_LABELS = ("district", "kelurahan", "rt_rw", "isp", "owner", "latitude", "longitude", "public")


class SelectionError(ValueError):
    """The query can't be read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class _Term:
    key: str
    values: frozenset[str]
    negated: bool

    def holds(self, camera: str, labels: Mapping[str, str]) -> bool:
        value = camera if self.key == "id" else labels.get(self.key)
        if not self.values:
            return (value is None) is self.negated
        return (value is not None and value.casefold() in self.values) is not self.negated


@dataclass(frozen=True, slots=True)
class Selection:
    """A query. ``text`` is what was asked."""

    text: str
    terms: tuple[_Term, ...]

    def has(self, camera: str, labels: Mapping[str, str]) -> bool:
        """Whether the camera of this id and these labels is chosen."""
        return all(term.holds(camera, labels) for term in self.terms)


def parse(text: str) -> Selection:
    """The query that the text says. An empty one, like ``*``, chooses every camera.

    Raises:
        SelectionError: it can't be read.
    """
    terms = [_term(part, text) for part in _split(text, ",", text)] if text.strip() not in ("", "*") else []
    return Selection(text.strip(), tuple(terms))


def _split(part: str, mark: str, text: str) -> list[str]:
    """The part cut at the mark, except within quotes."""
    pieces, quoted = [""], False
    for character in part:
        if character == '"':
            quoted = not quoted
        if character == mark and not quoted:
            pieces.append("")
        else:
            pieces[-1] += character
    if quoted:
        raise SelectionError(f"a quote is not closed in {text!r}")
    return pieces


def _term(part: str, text: str) -> _Term:
    left, equals, right = part.partition("=")
    negated = left.endswith("!") if equals else left.lstrip().startswith("!")
    key = left.rstrip("!").strip() if equals else left.strip().removeprefix("!").strip()
    if not key or '"' in key:
        raise SelectionError(
            f"{part.strip()!r} in {text!r} names no label; write label=value, as in district=Tembalang"
        )
    if not equals:
        return _Term(key, frozenset(), negated)
    values = [value.strip().replace('"', "").casefold() for value in _split(right, "|", text)]
    if not all(values):
        raise SelectionError(f"{part.strip()!r} in {text!r} has no value; write {key}=value, or {key} alone for any")
    return _Term(key, frozenset(values), negated)
