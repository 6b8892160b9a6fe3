"""Sentences for people that can be said in their language: the English text with ``{name}`` for what is filled in, and
the values beside it.

``{count:mistake|mistakes}`` is the form that goes with a number: the first with one, the last with any other. A
language without such forms leaves it out.

Invariant: the text is a literal of the source, so that a test finds every one of them in the catalogues of words
(``nvr/texts/languages``); what a person or a camera wrote is a value, and is never translated.
"""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

__all__ = ["Sentence", "catalogued", "fill", "joined", "kept", "listed", "quoted", "restored", "sentence_of"]


_KEPT = '{"sentence": '


class _Filler(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if "|" in format_spec:
            forms = format_spec.split("|")
            return forms[0] if str(value) == "1" else forms[-1]
        return format(value, format_spec)


_filler = _Filler()


def fill(text: str, values: Mapping[str, object]) -> str:
    """The text with its blanks filled in.

    Raises:
        KeyError: it has a blank for which there is no value.
    """
    return _filler.vformat(text, (), values)


class Sentence:
    """``Sentence("there is no camera {camera!r}", camera="gate")``. ``str()`` says it in English. A value may be a
    sentence too."""

    __slots__ = ("text", "values")

    def __init__(self, text: str, /, **values: object) -> None:
        self.text = text
        self.values = values

    def __str__(self) -> str:
        return self.said(_as_it_is)

    def __repr__(self) -> str:
        return f"Sentence({str(self)!r})"

    def given(self, **values: object) -> Sentence:
        """The same with other values."""
        return Sentence(self.text, **values)

    def said(self, translated: Callable[[str], str]) -> str:
        """The sentence in the language of ``translated``, which gives the text for the English one.

        Raises:
            KeyError: the text has a blank for which there is no value.
        """
        values = {
            name: value.said(translated) if isinstance(value, Sentence) else value
            for name, value in self.values.items()
        }
        return fill(translated(self.text), values)


def _as_it_is(text: str) -> str:
    return text


def quoted(text: str) -> Sentence:
    """Somebody else's words, the same in every language."""
    return Sentence("{text}", text=text)


def catalogued(english: str, values: Mapping[str, object]) -> Sentence:
    """A text that stands in a table of the catalogue of words, such as what verifying a package finds."""
    return Sentence(english, **values)


def sentence_of(error: BaseException) -> Sentence:
    """What an error says; of an error that was made without a sentence, its words as they are."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, Sentence) else quoted(str(error))


def kept(sentence: Sentence) -> str:
    """The sentence as a column of the catalogue keeps it, to be said in any language later: JSON."""
    return json.dumps(_body(sentence), ensure_ascii=False)


def restored(text: str) -> Sentence:
    """The sentence that ``kept`` made the text of; any other text, such as earlier versions kept, as it is."""
    if not text.startswith(_KEPT):
        return quoted(text)
    return _of_body(json.loads(text))


def _body(sentence: Sentence) -> dict[str, Any]:
    values = {name: _body(value) if isinstance(value, Sentence) else value for name, value in sentence.values.items()}
    return {"sentence": sentence.text, "values": values}


def _of_body(body: Mapping[str, Any]) -> Sentence:
    values = {name: _of_body(value) if isinstance(value, dict) else value for name, value in body["values"].items()}
    return Sentence(body["sentence"], **values)


def joined(sentences: Iterable[Sentence], mark: str = "; ") -> Sentence:
    """All of them as one, with the mark between."""
    values = {f"part{number}": sentence for number, sentence in enumerate(sentences)}
    return Sentence(mark.join(f"{{{name}}}" for name in values), **values)


def listed(names: Sequence[str], most: int) -> Sentence:
    """Names with commas between; of more than ``most``, how many are left out."""
    shown = ", ".join(names[:most])
    if len(names) <= most:
        return quoted(shown)
    return Sentence("{names} and {count} more", names=shown, count=len(names) - most)
