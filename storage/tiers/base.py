"""What a place for closed segments must be able to do: no more than is asked of it today.

Invariant: what fails says so. A tier never answers "there is no such file" because it could not look, nor "deleted"
because it could not tell; and no read is shorter than was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from storage.disk.reading import FileState

__all__ = ["Folder", "OpenFile", "Tier"]


class Folder(NamedTuple):
    """A folder, and the names of what is in it but for folders."""

    path: Path
    names: list[str]


class OpenFile(Protocol):
    """A file that is open for reading; threads may read at once, and ``close`` it once. What was there when it was
    opened stays readable, even if the file is deleted meanwhile."""

    @property
    def path(self) -> Path:
        """Which file it is."""

    def state(self) -> FileState:
        """Its size and identity now.

        Raises:
            OSError: the tier does not say.
        """

    def size(self) -> int:
        """Its bytes. Raises as ``state``."""

    def read_at(self, offset: int, count: int) -> bytes:
        """Exactly these bytes.

        Raises:
            EndsEarlyError: there are not so many.
            OSError: the tier does not give them.
        """

    def read_into(self, buffers: Sequence[memoryview], offset: int, size: int) -> None:
        """Fills the buffers, of ``size`` bytes together, from ``offset`` on. Raises as ``read_at``."""

    def send_to(self, to: int, offset: int, count: int) -> int:
        """Hands some of these bytes to a socket that does not block; returns how many, at least one.

        Raises:
            BlockingIOError: the socket takes none now.
            ConnectionError: the socket is gone.
            EndsEarlyError: the file ends there.
            OSError: the tier does not give them.
        """

    def will_need(self, offset: int, count: int) -> None:
        """These bytes will be read soon. Only advice."""

    def forget(self, offset: int, count: int) -> None:
        """These bytes will not be read again soon. Only advice."""

    def close(self) -> None:
        """Closes it; a second time does nothing."""


class Tier(Protocol):
    """A kind of place. Files are named by their root's path and their path below it."""

    @property
    def name(self) -> str:
        """The word for it in the table."""

    def open(self, path: Path) -> OpenFile:
        """Opens a file for reading.

        Raises:
            FileNotFoundError: there is none of this name.
            OSError: it can't be opened.
        """

    def stat(self, path: Path) -> FileState | None:
        """What the file is now; None: there is none of this name.

        Raises:
            OSError: the tier does not say.
        """

    def delete(self, root: Path, paths: Sequence[Path]) -> list[Path]:
        """Deletes files below ``root``; returns those of which it is certain that they will not come back. What can't
        be deleted is logged, and left."""

    def walk(self, top: Path, refused: Callable[[OSError], None]) -> Iterator[Folder]:
        """``top`` and all folders below it, each before those in it, sorted by name. ``refused`` is told of each that
        can't be listed."""
