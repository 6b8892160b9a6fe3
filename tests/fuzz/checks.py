"""What schemathesis asks of each answer beside its own checks; it loads this by ``SCHEMATHESIS_HOOKS``."""

from __future__ import annotations

import re
from typing import Any, Final

import schemathesis

from tests.fuzz.values import bounded

__all__ = ["before_call", "no_fault"]

# What the catalogue's footage, which is none, and its cameras, which are not there, are answered with.
_EXPECTED: Final = ("footage_damaged", "probe_failed", "busy", "catalogue_unavailable")
_asked = 0
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x9b\u202a-\u202e\u2066-\u2069]")


@schemathesis.hook
def before_call(ctx: Any, case: Any, kwargs: Any) -> None:
    """Half of what names a camera names one that is there; no answer is sent for longer than a second."""
    global _asked
    _asked += 1
    if _asked % 2 and "camera" in (case.path_parameters or {}):
        case.path_parameters["camera"] = "gate"
    if case.operation.path != "/api/live" or not case.query:
        return
    if _asked % 2 and "camera" in case.query:
        case.query["camera"] = ["gate", "hall"]
    if "seconds" in case.query:
        # Waiting finds nothing: seldom.
        case.query["seconds"] = bounded("seconds", str(case.query["seconds"]), to="0" if _asked % 8 else "1")


@schemathesis.check
def no_fault(ctx: Any, response: Any, case: Any) -> None:
    """A refusal has its code; none of them is a fault of the server."""
    if "json" in response.headers.get("content-type", [""])[0]:
        found = _CONTROLS.search(response.text)
        assert found is None, f"a control character {found and found[0]!r}"
    if response.status_code >= 400 and case.method != "HEAD":
        code = response.json()["code"]
        assert response.status_code < 500 or code in _EXPECTED, f"a fault of the server: {response.text}"
