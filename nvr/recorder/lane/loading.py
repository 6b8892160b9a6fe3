"""The extension as this process has it. It may be built while cameras are recorded already."""

from __future__ import annotations

import logging
from typing import Any, Final

from nvr import extension

__all__ = ["EXTENSION", "Extension"]

log = logging.getLogger(__name__)

# So often it is looked for while there is none.
_LOOK_US: Final = 30_000_000


class Extension:
    """The process's."""

    def __init__(self) -> None:
        self._due_us = 0
        self._has_failed = False
        self.module: Any = None

    def look(self, now_us: int) -> Any:
        """The module, if there is one by now; monotonic microseconds."""
        if self.module is None and now_us >= self._due_us and not self._has_failed:
            is_first, self._due_us = not self._due_us, now_us + _LOOK_US
            self.module = extension.load()
            if self.module is not None:
                log.info("packets are read by the extension")
            elif is_first:
                log.info("packets are read by the reference: there is no extension")
        return self.module

    def give_up(self, error: BaseException) -> None:
        """A fault in it."""
        log.error(
            "the extension failed and is not used any more, recording goes on without; report this line: %s", error
        )
        self.module, self._has_failed = None, True


EXTENSION: Final = Extension()
