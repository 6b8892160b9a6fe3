"""The table of error codes in docs/reference/http.md, made from ``nvr/api/http/codes.py``.

``python -m tests.http_reference --write`` makes it anew; ``tests/api/http/test_access.py`` says when it has to be.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from nvr.api.http.codes import CODES

__all__ = ["REFERENCE", "with_codes"]

REFERENCE: Final = Path(__file__).parent.parent / "docs/reference/http.md"

_TABLE: Final = re.compile(r"(\| code \| status \| meaning \|\n\| --- \| --- \| --- \|\n)(?:\|[^\n]*\n)+")


def with_codes(text: str) -> str:
    """The page with the table as it has to be."""
    rows = "".join(f"| `{code}` | {status} | {meaning} |\n" for code, (status, meaning) in CODES.items())
    made, found = _TABLE.subn(lambda table: table[1] + rows, text)
    assert found == 1, "the page has one table of codes"
    return made


if __name__ == "__main__" and "--write" in sys.argv:
    REFERENCE.write_text(with_codes(REFERENCE.read_text(encoding="utf-8")), encoding="utf-8")
