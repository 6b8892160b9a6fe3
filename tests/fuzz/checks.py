"""What schemathesis asks of each answer beside its own checks; it loads this by ``SCHEMATHESIS_HOOKS``."""

from __future__ import annotations

import re
from typing import Any, Final

import schemathesis

__all__ = ["no_fault"]

# What the catalogue's footage, which is none, and its cameras, which are not there, are answered with.
_EXPECTED: Final = ("footage_damaged", "probe_failed", "busy", "catalogue_unavailable")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x9b\u202a-\u202e\u2066-\u2069]")


@schemathesis.check
def no_fault(ctx: Any, response: Any, case: Any) -> None:
    """A refusal has its code; none of them is a fault of the server."""
    if "json" in response.headers.get("content-type", [""])[0]:
        found = _CONTROLS.search(response.text)
        assert found is None, f"a control character {found and found[0]!r}"
    if response.status_code >= 400 and case.method != "HEAD":
        code = response.json()["code"]
        assert response.status_code < 500 or code in _EXPECTED, f"a fault of the server: {response.text}"
