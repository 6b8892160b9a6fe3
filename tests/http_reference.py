"""The tables of docs/reference/http.md that are made from the sources: routes, from the OpenAPI description that the
server gives of itself, and error codes, from ``nvr/api/http/codes.py``.

``python -m tests.http_reference --write`` makes them anew; ``tests/api/http/test_access.py`` says when they have to be.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from nvr.api.http.codes import CODES
from tests.page_types import description

__all__ = ["REFERENCE", "with_tables"]

REFERENCE: Final = Path(__file__).parent.parent / "docs/reference/http.md"

_CODES_HEAD: Final = "| code | status | meaning |\n| --- | --- | --- |\n"
_ROUTES_HEAD: Final = "| route | role | what it does | takes | answers |\n| --- | --- | --- | --- | --- |\n"
# An object with more fields than that has a part of the page, or of the description.
_MOST_FIELDS: Final = 7


def with_tables(text: str) -> str:
    """The page with the tables as they have to be."""
    for head, rows in ((_CODES_HEAD, _codes()), (_ROUTES_HEAD, _routes(description()))):
        made = head + "".join(f"{row}\n" for row in rows)
        text, found = re.subn(re.escape(head) + r"(?:\|[^\n]*\n)*", lambda _, made=made: made, text)
        assert found == 1, f"the page has one table of {head.partition(' |')[0]}"
    return text


def _codes() -> Iterator[str]:
    return (f"| `{code}` | {status} | {meaning} |" for code, (status, meaning) in CODES.items())


def _routes(described: Mapping[str, Any]) -> Iterator[str]:
    schemas = described["components"]["schemas"]
    for path, item in described["paths"].items():
        for method, route in item.items():
            role = re.fullmatch(r"Role: (\w+)\.", route["description"])
            assert role, f"{method} {path} says its role"
            takes = [f"`{one['name']}`" for one in route.get("parameters", ()) if one["in"] == "query"]
            bodies = route.get("requestBody", {}).get("content", {}).values()
            takes += [f"`{_shape(body['schema'], schemas)}`" for body in bodies]
            yield (
                f"| `{method.upper()} {path}` | {role[1]} | {route['summary']} | {', '.join(takes)} |"
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


if __name__ == "__main__" and "--write" in sys.argv:
    REFERENCE.write_text(with_tables(REFERENCE.read_text(encoding="utf-8")), encoding="utf-8")
