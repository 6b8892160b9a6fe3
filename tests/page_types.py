"""What the page knows of the API, made from the description that the server gives of it.

``python -m tests.page_types --write`` makes ``nvr/web/src/shared/api/schema.ts`` anew, and
``tests/api/http/test_schema.py`` says when it has to be. Why it is not ``openapi-typescript``:
docs/design/dependencies.md.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from nvr.api.app import describer

__all__ = ["PAGE_TYPES", "description", "page_types"]

PAGE_TYPES: Final = Path(__file__).parent.parent / "nvr/web/src/shared/api/schema.ts"

_HEAD: Final = """\
// What the server takes and answers. Made from its OpenAPI description: python -m tests.page_types --write

"""
_PLAIN: Final = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def description() -> dict[str, Any]:
    """The OpenAPI description of all routes."""
    made: dict[str, Any] = json.loads(describer("0").body())
    return made


def _name(reference: str) -> str:
    """The page has no other objects of these names: what is ``GapBody`` in Python is its ``Gap``."""
    return reference.rpartition("/")[2].removesuffix("Body")


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return _name(schema["$ref"])
    # Beside a "oneOf" it says more: what may be left out is described so.
    if "enum" in schema:
        return " | ".join(f"'{value}'" for value in schema["enum"])
    if "oneOf" in schema:
        return " | ".join(_type(one) for one in schema["oneOf"])
    match schema.get("type"):
        case "array":
            item = _type(schema["items"])
            return f"({item})[]" if " " in item else f"{item}[]"
        case "object":
            return f"Record<string, {_type(schema.get('additionalProperties', {}))}>"
        case None:
            return "unknown"
        case kind:
            return _PLAIN[kind]


def _constant(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper() + "_VALUES"


def _schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    if "enum" in schema:
        yield f"export const {_constant(name)} = ["
        yield from (f"  '{value}'," for value in schema["enum"])
        yield "] as const;"
        yield f"export type {name} = (typeof {_constant(name)})[number];"
        return
    yield f"export interface {name} {{"
    for field, inner in schema["properties"].items():
        yield f"  {field}{'' if field in schema['required'] else '?'}: {_type(inner)};"
    yield "}"


def _query(parameter: Mapping[str, Any]) -> str:
    # One that may be absent is: there is no null in an address.
    kind = " | ".join(part for part in _type(parameter["schema"]).split(" | ") if part != "null")
    return f"{parameter['name']}{'' if parameter['required'] else '?'}: {kind}"


def _route(operation: Mapping[str, Any]) -> Iterator[str]:
    given: dict[str, list[str]] = {"path": [], "query": []}
    for parameter in operation.get("parameters", ()):
        given[parameter["in"]].append(_query(parameter))
    if given["path"]:
        yield f"    path: {{ {'; '.join(given['path'])} }};"
    if given["query"]:
        mark = "?" if all("?:" in one for one in given["query"]) else ""
        yield f"    query{mark}: {{ {'; '.join(given['query'])} }};"
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        yield f"    body: {_type(body['schema'])};"
    answer = next(found for status, found in operation["responses"].items() if status.startswith("2"))
    content = answer.get("content", {}).get("application/json")
    is_json = content is not None and content["schema"] != {"type": "null"}
    yield f"    answer: {_type(content['schema']) if is_json else 'void'};"


def page_types(described: Mapping[str, Any]) -> str:
    """The module of the page: a type an object, a list of values an enum, and what each route takes and answers."""
    lines: list[str] = []
    for reference, schema in sorted(described["components"]["schemas"].items()):
        lines += [*_schema(_name(reference), schema), ""]
    lines.append("/** By method and path. */")
    lines.append("export interface Routes {")
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            lines += [f"  '{method.upper()} {path}': {{", *_route(operation), "  };"]
    lines.append("}")
    return _HEAD + "\n".join(lines) + "\n"


def main() -> None:
    made = page_types(description())
    if "--write" in sys.argv[1:]:
        PAGE_TYPES.write_text(made, encoding="utf-8")
    else:
        print(made, end="")


if __name__ == "__main__":
    main()
