"""Choosing cameras by their labels: one small language for orders, windows, schedules, reports and lists. Pure.

``district=Tembalang,isp=Telkom`` are the cameras that have both. A term is one of

    key=value     the label is this; ``key=a|b`` this or that key!=value    the camera does not have it (nor, with
    ``a|b``, one of them) key           there is such a label, whatever it says !key          there is none

``*`` alone is every camera. ``key:value`` says the same as ``key=value``. One with a comma, a bar or quotes is quoted:
``owner="Dinas A, B"``. ``id`` is the camera's id.

Invariant: wherever the product compares labels, names and values are compared without regard to case (``named``,
``same``); and a query that names what no camera has is told so (``ensure_known``), not answered with nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from storage.sentences import Sentence, listed, sentence_of
from storage.texts import TextError, close_to, one_line

__all__ = [
    "KNOWN_LABELS", "Labelled", "Selection", "SelectionError", "Spellings", "ensure_known", "ensure_label", "named",
    "of_label", "parse", "same", "select",
]  # fmt: skip

# The labels that the product itself gives a meaning (docs/reference/labels.md); there may be any others.
KNOWN_LABELS = ("district", "kelurahan", "rt_rw", "isp", "owner", "latitude", "longitude", "public")


_MOST_SUGGESTED: Final = 3
# What is longer is no query, but work.
_LONGEST: Final = 20_000


class SelectionError(ValueError):
    """The query can't be read, or names what no camera has; the message says where and why."""


class Labelled(Protocol):
    """A camera, as far as it is chosen by."""

    @property
    def id(self) -> str: ...

    @property
    def labels(self) -> Mapping[str, str]: ...


T = TypeVar("T", bound=Labelled)


def same(a: str, b: str) -> bool:
    """Whether two names, or two values, of labels are the same."""
    return a == b or a.casefold() == b.casefold()


def named(labels: Mapping[str, str], key: str) -> str | None:
    """The value of the label of this name; None: there is none."""
    if key in labels:
        return labels[key]
    wanted = key.casefold()
    return next((value for name, value in labels.items() if name.casefold() == wanted), None)


class Spellings:
    """Of values that are the same one spelling: that of most cameras."""

    def __init__(self, values: Iterable[str]) -> None:
        self._of: dict[str, str] = {}
        for value, _ in sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])):
            self._of.setdefault(value.casefold(), value)

    def of(self, value: str) -> str:
        """How it is written."""
        return self._of.get(value.casefold(), value)


@dataclass(frozen=True, slots=True)
class _Term:
    key: str
    values: frozenset[str]
    negated: bool

    def holds(self, camera: str, labels: Mapping[str, str]) -> bool:
        value = camera if self.key == "id" else named(labels, self.key)
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


def of_label(key: str, value: str) -> Selection:
    """The cameras whose label this is."""
    return Selection(f"{key}={value}", (_Term(key, frozenset({value.casefold()}), False),))


def select(query: Selection, cameras: Collection[T]) -> list[T]:
    """The cameras that it chooses.

    Raises:
        SelectionError: it names a label, a value or a camera that none of them has.
    """
    ensure_known(query, cameras)
    return [camera for camera in cameras if query.has(camera.id, camera.labels)]


def ensure_known(query: Selection, cameras: Collection[Labelled]) -> None:
    """Sees to it that a query can choose something, or leave it out: what it names is the label, or the id, of some
    camera.

    Raises:
        SelectionError: it is not; the message says what there is.
    """
    for term in query.terms:
        if term.key == "id":
            values = [camera.id for camera in cameras]
        else:
            if term.values or term.key not in KNOWN_LABELS:
                ensure_label(term.key, cameras, known=())
            values = [value for camera in cameras if (value := named(camera.labels, term.key)) is not None]
        have = {value.casefold() for value in values}
        for wanted in sorted(term.values - have):
            hint = _suggestion(wanted, values)
            if term.key == "id":
                raise SelectionError(Sentence("there is no camera {wanted!r}: {hint}", wanted=wanted, hint=hint))
            raise SelectionError(
                Sentence("no camera has {label} {wanted!r}: {hint}", label=term.key, wanted=wanted, hint=hint)
            )


def ensure_label(key: str, cameras: Collection[Labelled], *, known: Collection[str] = KNOWN_LABELS) -> None:
    """Sees to it that some camera has a label of this name, or that it is one of ``known``.

    Raises:
        SelectionError: it is not.
    """
    names = [name for camera in cameras for name in camera.labels]
    if not any(same(key, name) for name in (*names, *known)):
        raise SelectionError(Sentence("no camera has a label {key!r}: {hint}", key=key, hint=_suggestion(key, names)))


def _suggestion(wanted: str, values: Iterable[str]) -> Sentence:
    """What may have been meant, else what there is."""
    values = list(values)
    spellings = Spellings(values)
    spelt = {value.casefold(): spellings.of(value) for value in values}
    near = close_to(wanted.casefold(), spelt, most=_MOST_SUGGESTED)
    if near:
        return Sentence("did you mean {names}?", names=" / ".join(spelt[name] for name in near))
    some = sorted(spelt.values())
    return Sentence("there is {names}", names=listed(some, 10)) if some else Sentence("there is none at all")


def parse(text: str, *, longest: int = _LONGEST) -> Selection:
    """The query that the text says, of at most so many characters. An empty one, like ``*``, chooses every camera.

    Raises:
        SelectionError: it can't be read.
    """
    if len(text) > longest:
        raise SelectionError(
            Sentence("the query is longer than {most} characters: choose by cameras or a list", most=longest)
        )
    try:
        text = one_line(Sentence("the query"), text, longest=longest, may_be_empty=True)
    except TextError as error:
        raise SelectionError(sentence_of(error)) from None
    terms = [_term(part, text) for part in _split(text, ",", text)] if text not in ("", "*") else []
    return Selection(text, tuple(terms))


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
        raise SelectionError(Sentence("a quote is not closed in {text!r}", text=text))
    return pieces


def _term(part: str, text: str) -> _Term:
    at, other = part.find(":"), part.find("=")
    if at > 0 and (other < 0 or at < other) and '"' not in part[:at]:
        part = f"{part[:at]}={part[at + 1 :]}"
    left, equals, right = part.partition("=")
    negated = left.endswith("!") if equals else left.lstrip().startswith("!")
    key = left.rstrip("!").strip() if equals else left.strip().removeprefix("!").strip()
    if not key or '"' in key:
        raise SelectionError(
            Sentence(
                "{part!r} in {text!r} names no label; write label=value, as in district=Tembalang",
                part=part.strip(),
                text=text,
            )
        )
    if not equals:
        return _Term(key, frozenset(), negated)
    values = [value.strip().replace('"', "").casefold() for value in _split(right, "|", text)]
    if not all(values):
        raise SelectionError(
            Sentence(
                "{part!r} in {text!r} has no value; write {key}=value, or {key} alone for any",
                part=part.strip(),
                text=text,
                key=key,
            )
        )
    return _Term(key, frozenset(values), negated)
