"""What of docs/reference/http.md is made from the sources: the table of routes and the shapes of objects, from the
OpenAPI description that the server gives of itself, and the table of error codes, from ``nvr/api/http/codes.py``.

A code block behind ``<!-- CameraBody -->`` is that object's. ``python -m tests.http_reference --write`` makes all of
them; ``tests/api/http/test_access.py`` says when they have to be made again.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from nvr.api.http.codes import CODES
from tests.page_types import description

__all__ = ["REFERENCE", "made"]

REFERENCE: Final = Path(__file__).parent.parent / "docs/reference/http.md"

_CODES_HEAD: Final = "| code | status | meaning |\n| --- | --- | --- |\n"
_ROUTES_HEAD: Final = "| route | right | what it does | takes | answers |\n| --- | --- | --- | --- | --- |\n"
# An object with more fields than that has a part of the page, or of the description.
_MOST_FIELDS: Final = 7
_BLOCK: Final = re.compile(r"<!-- (\w+) -->\n```\n(?:.*\n)*?```\n")
_WIDTH: Final = 140
# An enum with more values has a table of its own.
_MOST_VALUES: Final = 4


def made(text: str) -> str:
    """The page with tables and shapes as they have to be."""
    described = description()
    for head, rows in ((_CODES_HEAD, _codes()), (_ROUTES_HEAD, _routes(described))):
        table = head + "".join(f"{row}\n" for row in rows)
        text, found = re.subn(re.escape(head) + r"(?:\|[^\n]*\n)*", lambda _, table=table: table, text)
        assert found == 1, f"the page has one table of {head.partition(' |')[0]}"
    shapes = _Shapes(described["components"]["schemas"], frozenset(_BLOCK.findall(text)))
    return _BLOCK.sub(lambda block: f"<!-- {block[1]} -->\n```\n{shapes.of(block[1])}\n```\n", text)


def _codes() -> Iterator[str]:
    return (f"| `{code}` | {status} | {meaning} |" for code, (status, meaning) in CODES.items())


def _routes(described: Mapping[str, Any]) -> Iterator[str]:
    schemas = described["components"]["schemas"]
    for path, item in described["paths"].items():
        for method, route in item.items():
            right = re.fullmatch(r"Right: ([\w, ]+)\.", route["description"])
            assert right, f"{method} {path} says what it needs"
            takes = [f"`{one['name']}`" for one in route.get("parameters", ()) if one["in"] == "query"]
            bodies = route.get("requestBody", {}).get("content", {}).values()
            takes += [f"`{_shape(body['schema'], schemas)}`" for body in bodies]
            yield (
                f"| `{method.upper()} {path}` | {right[1]} | {route['summary']} | {', '.join(takes)} |"
                f" {_answer(route['responses'], schemas)} |"
            )


def _answer(responses: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    (status, answer), *others = [(code, one) for code, one in responses.items() if code < "300"]
    assert not others
    kinds = answer.get("content", {})
    parts = [] if status == "200" else [status]
    for media_type, content in kinds.items():
        if media_type != "application/json":
            parts.append(f"`{media_type}`")
        elif content["schema"].get("type") != "null":
            parts.append(f"`{_shape(content['schema'], schemas)}`")
    return " ".join(parts) if parts else "a file"


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"].rpartition("/")[2].removesuffix("Body"))


def _shape(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """A body's fields, those that may be left out with a question mark; of a large one its name."""
    if "$ref" not in schema:
        return "object"
    fields = schemas[schema["$ref"].rpartition("/")[2]].get("properties", {})
    required = schemas[schema["$ref"].rpartition("/")[2]].get("required", ())
    if not fields or len(fields) > _MOST_FIELDS:
        return _name(schema)
    parts = (f'"{key}"{"" if key in required else "?"}{_objects(one, schemas)}' for key, one in fields.items())
    return "{" + ",".join(parts) + "}"


def _objects(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """Which objects a field holds, if any."""
    if "$ref" in schema:
        return "" if "enum" in schemas[schema["$ref"].rpartition("/")[2]] else f":{_name(schema)}"
    if schema.get("type") == "array":
        return f":[{_objects(schema['items'], schemas).removeprefix(':')}]"
    return ""


class _Shapes:
    """``shown``: objects that have a block of their own, and so are a name in others."""

    def __init__(self, schemas: Mapping[str, Any], shown: frozenset[str]) -> None:
        self._schemas = schemas
        self._shown = shown

    def of(self, name: str, indent: int = 0) -> str:
        """The object's fields, in lines that begin ``indent`` columns from the left."""
        schema = self._schemas[name]
        required = schema.get("required", ())
        text, column, pad = "{", indent + 1, "\n" + " " * (indent + 1)
        for number, (key, field) in enumerate(schema["properties"].items()):
            head = f'"{key}"{"" if key in required else "?"}'
            value = self._value(field, column + len(head) + 1)
            is_object = "{" in value.replace("{}", "")
            if (is_object or column + len(head + value) > _WIDTH) and number and not text.endswith(pad):
                text += pad
                value = self._value(field, indent + 2 + len(head))
            text += head + value + ","
            column = len(text) - text.rfind("\n") - 1 + (indent if "\n" not in text else 0)
            if is_object:
                text, column = text + pad, indent + 1
        return text.rstrip(", \n") + "}"

    def _value(self, schema: Mapping[str, Any], column: int) -> str:
        """What stands behind a field's name: nothing of a text, a number or a time."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            values = self._schemas[name].get("enum")
            if values is not None:
                return ":" + "|".join(f'"{value}"' for value in values) if len(values) <= _MOST_VALUES else ""
            return f":{_name(schema)}" if name in self._shown else f":{self.of(name, column)}"
        if "enum" in schema and len(schema["enum"]) <= _MOST_VALUES:
            return ":" + "|".join(f'"{value}"' for value in schema["enum"])
        if "oneOf" in schema:
            (inner,) = [one for one in schema["oneOf"] if one.get("type") != "null"][:1]
            return self._value(inner, column) + "|null"
        if schema.get("type") == "boolean":
            return ":bool"
        if schema.get("type") == "array":
            return f":[{self._value(schema['items'], column + 1).removeprefix(':')}]"
        if schema.get("type") == "object":
            inside = self._value(schema.get("additionalProperties", {}), column + 4)
            return f":{{…{inside}}}" if inside else ":{}"
        return ""


if __name__ == "__main__" and "--write" in sys.argv:
    REFERENCE.write_text(made(REFERENCE.read_text(encoding="utf-8")), encoding="utf-8")
