"""The description of the API, and what the page's types and client are made from it."""

from __future__ import annotations

import re
from pathlib import Path

from nvr.accounts.rows import Role
from nvr.api.http.codes import CODES
from nvr.cases.exports import ExportState
from nvr.orders.model import DirectiveKind
from storage.causes import Cause, CauseClass
from tests.page_types import PAGE_TYPES, description, page_types

DESCRIBED = description()
SCHEMAS = DESCRIBED["components"]["schemas"]
PAGE = PAGE_TYPES.parents[2]


def test_the_page_s_types_are_those_of_the_sources() -> None:
    assert PAGE_TYPES.read_text(encoding="utf-8") == page_types(DESCRIBED), "python -m tests.page_types --write"


def test_causes_classes_states_roles_and_codes_are_enums() -> None:
    enums = {name: schema["enum"] for name, schema in SCHEMAS.items() if "enum" in schema}
    for enum in (Cause, CauseClass, DirectiveKind, ExportState, Role):
        assert enums[enum.__name__] == list(enum)
    assert SCHEMAS["Problem"]["properties"]["code"]["enum"] == list(CODES)


def test_no_answer_calls_one_of_them_a_string() -> None:
    """A state that is any text is one that the page has to guess. Those that are left have a reason."""
    free = {
        "PublicCamera.state": "of citizens: fewer than the causes",
        "CauseConfirmation.cause": "of a deletion",
        "WaitingBody.cause": "of a deletion",
        "AuditFaultBody.kind": "of a fault in the log",
        "HealthProblem.code": "of a problem of the server",
        "FindingBody.code": "of a finding about a device",
        "CameraMarkBody.kind": "of a device, or any word of an analysis",
        "MarkToAdd.kind": "any word of an analysis",
        "OddityBody.code": "of an oddity of a camera",
        "ProbeBody.cause": "of a failed look",
        "FactorCode.code": "of an app",
        "Proof.code": "of an app",
        "ScreenCode.code": "typed at a screen",
        "ScreenLogin.code": "typed at a screen",
    }
    found = {
        f"{name}.{field}"
        for name, schema in SCHEMAS.items()
        for field, inner in schema.get("properties", {}).items()
        if field in ("cause", "class", "state", "role", "kind", "outcome", "code")
        and '"string"' in str(inner).replace("'", '"')
        and "enum" not in inner
    }
    assert found == set(free)


def test_every_request_of_the_page_is_one_of_the_description() -> None:
    """The types say so already; a route that is written otherwise than by its name would escape them."""
    sources: list[Path] = [path for path in PAGE.rglob("*.ts*") if path != PAGE_TYPES and ".test." not in path.name]
    asked = {
        found
        for path in sources
        for found in re.findall(r"'((?:GET|POST|PATCH|DELETE) /api/[^']*)'", path.read_text("utf-8"))
    }
    described = {f"{method.upper()} {path}" for path, item in DESCRIBED["paths"].items() for method in item}
    assert len(asked) > 50
    assert asked <= described
    elsewhere = [path.name for path in sources if re.search(r"\bfetch\(", path.read_text("utf-8"))]
    # Pictures come a few at a time; the book is a file of the page.
    assert sorted(elsewhere) == ["book.ts", "pictures.ts", "routes.ts"]


def test_a_cause_s_class_stands_once() -> None:
    """In ``storage/causes.py``; the page is told the class with every cause."""
    tables = [
        path.name
        for path in PAGE.rglob("*.ts*")
        if path != PAGE_TYPES and re.search(r"unreachable: '(network|camera|server)'", path.read_text("utf-8"))
    ]
    assert tables == []
