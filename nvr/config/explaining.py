"""What a failed check of settings means to the person who wrote them: pydantic's errors in our words.

Values are never repeated here: the one that is wrong may be a password.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nvr.config.model import LabelRetention, Retention, Settings
from storage.sentences import Sentence, quoted, sentence_of
from storage.texts import close_to

__all__ = ["explain", "file_keys", "unknown_key"]

_TYPES = {
    "string_type": Sentence("must be text; put it in quotes"),
    "int_type": Sentence("must be a whole number; write it without quotes"),
    "bool_type": Sentence("must be true or false; write one of these, without quotes"),
    "tuple_type": Sentence("must be a list; put it in [ ]"),
    "dict_type": Sentence("must be a table; write it as {{ key = value }}"),
    "mapping_type": Sentence("must be a table; write it as {{ key = value }}"),
}


def file_keys(model: type[Settings]) -> dict[str, str]:
    """The keys of a section as the file has them, with the names of their fields."""
    return {str(field.validation_alias or name): name for name, field in model.model_fields.items()}


def unknown_key(key: str, known: Collection[str], kind: str = "key") -> tuple[Sentence, Sentence]:
    """What is wrong and what to do about a key that doesn't exist."""
    near = close_to(key, known, alike=0.58)
    remedy = (
        Sentence("did you mean {names}?", names=near[0])
        if near
        else Sentence("known are {names}", names=", ".join(known))
    )
    return Sentence("unknown {kind}", kind=kind), remedy


def explain(error: ValidationError, model: type[Settings]) -> Iterator[tuple[tuple[str | int, ...], Sentence]]:
    """Each problem as path within the section, and what is wrong; behind a semicolon, what to do."""
    for detail in error.errors(include_url=False, include_input=False):
        path = tuple(part for part in detail["loc"] if part != "[key]")
        yield path, _words(detail, path, model)


def _words(detail: ErrorDetails, path: tuple[str | int, ...], model: type[Settings]) -> Sentence:
    kind, context = detail["type"], detail.get("ctx", {})
    if model is Retention and len(path) > 2:
        model = LabelRetention  # its blocks are a list in the section
    key = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        what, remedy = unknown_key(key, file_keys(model))
        return Sentence("{what}; {remedy}", what=what, remedy=remedy)
    if kind == "missing":
        example = (model.model_fields[file_keys(model)[key]].examples or [""])[0]
        value = example if example.startswith("{") else f'"{example}"'
        return Sentence("is missing; add {key} = {value}", key=key, value=value)
    if kind in _TYPES:
        return _TYPES[kind]
    found = _bounds(kind, context)
    if found is not None:
        return found
    # A validator's own.
    return sentence_of(context["error"]) if "error" in context else quoted(detail["msg"])


def _bounds(kind: str, context: dict[str, Any]) -> Sentence | None:
    match kind:
        case "literal_error":
            known = context["expected"].replace(" or ", ", ")
            return Sentence("must be one of {known}; write one of these", known=known)
        case "greater_than_equal":
            return Sentence("must be at least {least}; write a larger number", least=context["ge"])
        case "less_than_equal":
            return Sentence("must be at most {most}; write a smaller number", most=context["le"])
        case "too_short":
            return Sentence("must have at least {least} entry; add one", least=context["min_length"])
    return None
