"""What a failed check of settings means to the person who wrote them: pydantic's errors in our words.

Values are never repeated here: the one that is wrong may be a password.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nvr.config.model import LabelRetention, Retention, Settings
from storage.texts import close_to

__all__ = ["explain", "file_keys", "unknown_key"]

_TYPES = {
    "string_type": ("must be text", "put it in quotes"),
    "int_type": ("must be a whole number", "write it without quotes"),
    "bool_type": ("must be true or false", "write one of these, without quotes"),
    "tuple_type": ("must be a list", "put it in [ ]"),
    "dict_type": ("must be a table", "write it as { key = value }"),
    "mapping_type": ("must be a table", "write it as { key = value }"),
}


def file_keys(model: type[Settings]) -> dict[str, str]:
    """The keys of a section as the file has them, with the names of their fields."""
    return {str(field.validation_alias or name): name for name, field in model.model_fields.items()}


def unknown_key(key: str, known: Collection[str], kind: str = "key") -> tuple[str, str]:
    """What is wrong and what to do about a key that doesn't exist."""
    near = close_to(key, known, alike=0.5)
    return f"unknown {kind}", f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"


def explain(error: ValidationError, model: type[Settings]) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Each problem as path within the section, what is wrong, and what to do."""
    for detail in error.errors(include_url=False, include_input=False):
        path = tuple(part for part in detail["loc"] if part != "[key]")
        yield path, *_words(detail, path, model)


def _words(detail: ErrorDetails, path: tuple[str | int, ...], model: type[Settings]) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    if model is Retention and len(path) > 2:
        model = LabelRetention  # its blocks are a list in the section
    key = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        return unknown_key(key, file_keys(model))
    if kind == "missing":
        example = (model.model_fields[file_keys(model)[key]].examples or [""])[0]
        return "is missing", f"add {key} = {example}" if example.startswith("{") else f'add {key} = "{example}"'
    if kind in _TYPES:
        return _TYPES[kind]
    return _bounds(kind, context) or _own_words(detail, context)


def _bounds(kind: str, context: dict[str, Any]) -> tuple[str, str] | None:
    match kind:
        case "literal_error":
            return f"must be one of {context['expected'].replace(' or ', ', ')}", "write one of these"
        case "greater_than_equal":
            return f"must be at least {context['ge']}", "write a larger number"
        case "less_than_equal":
            return f"must be at most {context['le']}", "write a smaller number"
        case "too_short":
            return f"must have at least {context['min_length']} entry", "add one"
    return None


def _own_words(detail: ErrorDetails, context: dict[str, Any]) -> tuple[str, str]:
    """A validator's own message, which has the form "what is wrong; what to do"."""
    text = str(context.get("error", detail["msg"]))
    what, _, remedy = text.partition("; ")
    return what, remedy
