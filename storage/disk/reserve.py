"""Room that the catalogue keeps for itself: a file beside it that holds nothing, and goes when the disk has no byte
left.

Without it, a disk filled up by somebody else stops the very thing that would make room: deleting footage needs the
catalogue to write that it is deleted. The file's name is the catalogue's with ``.reserve``. Invariant: it never takes
more than a quarter of what is free.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from storage.disk.files import FILES, Files

__all__ = ["Reserve"]

_MOST_BYTES: Final = 64 << 20
_SHARE: Final = 100


class Reserve:
    """The reserve of the catalogue at this path: 64 MiB, or a hundredth of a disk that is smaller than that is of."""

    def __init__(self, catalogue: Path, files: Files = FILES) -> None:
        self.path = catalogue.with_suffix(".reserve")
        self._files = files

    def give_up(self) -> bool:
        """Gives it up if there is less free than half of it; says whether it did.

        Raises:
            OSError: the disk does not tell, or does not let it.
        """
        free_bytes, bytes_ = self._room()
        if free_bytes >= bytes_ // 2 or not self.path.exists():
            return False
        self._files.unlink(self.path)
        return True

    def poll(self) -> bool:
        """The same, and takes it again if there is plenty of room. To be called often.

        Raises:
            OSError: as ``give_up``.
        """
        if self.give_up():
            return True
        free_bytes, bytes_ = self._room()
        held_bytes = self.path.stat().st_size if self.path.exists() else None
        # A kill may have left one that holds less.
        if free_bytes >= 4 * bytes_ and (held_bytes is None or held_bytes < bytes_):
            if held_bytes is not None:
                self._files.unlink(self.path)
            self._take(bytes_)
        return False

    def _room(self) -> tuple[int, int]:
        free_bytes, total_bytes = self._files.usage(self.path.parent)
        return free_bytes, min(_MOST_BYTES, total_bytes // _SHARE)

    def _take(self, bytes_: int) -> None:
        fd = self._files.create(self.path)
        try:
            self._files.allocate(fd, bytes_)
        except OSError:
            # Half of it would be taken for whole.
            with contextlib.suppress(OSError):
                self._files.unlink(self.path)
            raise
        finally:
            self._files.close(fd)
