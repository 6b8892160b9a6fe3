"""The first password: a file beside the catalogue that only the server's user can read, since a terminal's output is
kept in journals that others read.

Invariant: while the file is there, it holds the password that the server made for ``admin``; it goes when another is
set.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from storage.durable_files import new_file

__all__ = ["FIRST_ADMIN", "forget", "keep", "path_of", "read"]

FIRST_ADMIN: Final = "admin"

_NAME: Final = "first-password"


def path_of(catalogue: Path) -> Path:
    """Where the first password is, until it is changed."""
    return catalogue.with_name(_NAME)


def keep(catalogue: Path, password: str) -> Path:
    """Writes the password for the owner of the server alone, durably; returns the file.

    Raises:
        OSError: it can't be written.
    """
    path = path_of(catalogue)
    # What lies there may be readable by others, or a link to elsewhere: it is not written into.
    path.unlink(missing_ok=True)
    with new_file(path, 0o600) as file:
        file.write(password.encode("ascii") + b"\n")
    return path


def read(catalogue: Path) -> str | None:
    """The first password, if it was not changed yet and this process may read it."""
    with suppress(OSError):
        return path_of(catalogue).read_text(encoding="ascii", errors="replace").strip() or None
    return None


def forget(catalogue: Path, user: str) -> None:
    """Removes the file, if it was this user's. Where that is not allowed, it holds a password that is none any more."""
    if user == FIRST_ADMIN:
        with suppress(OSError):
            path_of(catalogue).unlink(missing_ok=True)
