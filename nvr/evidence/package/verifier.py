"""The page that goes along with each package: by it a browser checks the package from a disk, without this program and
without a network.

It is built with the browser app (``nvr/web/src/verifier``). A checkout whose page is not built makes packages without
it, which are as good.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import Final

__all__ = ["BUILT_VERIFIER", "VERIFIER_NAME", "verifier_page"]

log = logging.getLogger(__name__)

VERIFIER_NAME: Final = "verify.html"
"""Its name in a package."""
BUILT_VERIFIER: Final = Path(__file__).parents[2] / "web" / "dist" / "verifier.html"


def verifier_page() -> bytes | None:
    """The page; None where it is not built."""
    try:
        state = BUILT_VERIFIER.stat()
        return _page(state.st_mtime_ns, state.st_size)
    except OSError as error:
        log.warning("the package gets no %s: %s", VERIFIER_NAME, error)
        return None


@lru_cache(maxsize=1)
def _page(mtime_ns: int, size: int) -> bytes:
    return BUILT_VERIFIER.read_bytes()
