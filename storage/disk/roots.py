"""Footage roots: the folders, usually one a disk, that footage is kept in.

Each carries an identity file. A path whose disk is not mounted, or holds another one, is refused instead of filled.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.disk.files import FILES, Files, UnsyncedFolderError
from storage.errors import RootError

__all__ = [
    "IDENTITY_FILE",
    "Presence",
    "ReadOnlyRootError",
    "Root",
    "identity_of",
    "is_mounted",
    "known_roots",
    "open_root",
    "register",
]

IDENTITY_FILE = ".nvr-root.json"


@dataclass(frozen=True, slots=True)
class Root:
    """A footage root: its identity, which never changes, and where it is mounted now."""

    id: str
    path: Path


class ReadOnlyRootError(RootError):
    """The root is the known one, and can be read only: what is on it can be watched."""

    def __init__(self, message: str, root: Root) -> None:
        super().__init__(message)
        self.root = root


def identity_of(path: Path) -> str | None:
    """The identity that the folder carries; None: it carries none, or is not there.

    Raises:
        RootError: its identity file can't be read, or is damaged.
    """
    try:
        text = (path / IDENTITY_FILE).read_text()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RootError(f"footage root {path}: its identity file can't be read: {error.strerror}") from error
    try:
        return str(json.loads(text)["id"])
    except (ValueError, KeyError, TypeError):
        raise RootError(
            f"footage root {path}: its identity file {IDENTITY_FILE} is damaged;"
            " restore it, or remove it if you are sure that this is the right disk"
        ) from None


def is_mounted(root: Root) -> bool:
    """Whether the root's own disk is there now. An empty mount point must not look like a root whose files have all
    gone."""
    try:
        return identity_of(root.path) == root.id
    except RootError:
        return False


class Presence:
    """Of a root's own disk, for who asks all the time: its identity file is read where it is not the one that was read
    last."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._path = str(root.path / IDENTITY_FILE)
        self._read: tuple[int, int, int, int] | None = None

    def is_mounted(self) -> bool:
        """As the function of this name."""
        try:
            now = os.stat(self._path)  # noqa: PTH116 - a path would cost more than the call
        except OSError:
            self._read = None
            return False
        found = now.st_dev, now.st_ino, now.st_mtime_ns, now.st_size
        if found != self._read:
            self._read = found if is_mounted(self._root) else None
        return self._read is not None


def open_root(path: Path, *, known: str | None, files: Files = FILES) -> Root:
    """The root at ``path``. ``known`` is the identity the catalogue has for this path, if any.

    Raises:
        ReadOnlyRootError: it holds the known one, which can't be written.
        RootError: the path can't be used, or holds another root than the known one.
    """
    identity = identity_of(path)
    if known is not None and identity != known:
        what = "no identity file" if identity is None else f"the identity {identity}"
        raise RootError(
            f"footage root {path} has {what}, the catalogue expects {known}: is its disk mounted, and the right one? "
            "Nothing was written to it"
        )
    if identity is None:
        identity = secrets.token_hex(8)
        try:
            files.make_folders(
                next(above for above in (path, *path.absolute().parents) if above.is_dir()), path.absolute()
            )
            _write_identity(path, identity, files)
        except OSError as error:
            raise RootError(f"footage root {path} can't be used: {error.strerror}") from error
    else:
        try:
            # What was once a root may be mounted otherwise now.
            files.sync_folder(path)
        except UnsyncedFolderError as error:
            raise RootError(f"footage root {path} can't be used: {error.strerror}") from error
        except OSError:
            # A disk that fails says so with what is written to it.
            pass
    if not os.access(path, os.W_OK | os.X_OK):
        text = f"footage root {path} is read-only, or not writable for this user"
        if known is not None:
            raise ReadOnlyRootError(text, Root(identity, path))
        raise RootError(text)
    return Root(identity, path)


def _write_identity(path: Path, identity: str, files: Files) -> None:
    """Under another name first: a kill between creating and writing it must not leave a damaged identity, which is
    refused."""
    new = path / f"{IDENTITY_FILE}.new"
    if new.exists():
        files.unlink(new)
    fd = files.create(new)
    try:
        try:
            files.write_all(fd, [json.dumps({"id": identity, "what": "footage root of nvr"}).encode()])
            files.sync(fd)
        finally:
            files.close(fd)
        files.rename(new, path / IDENTITY_FILE)
    except OSError:
        with contextlib.suppress(OSError):
            files.unlink(new)
        raise
    files.sync_folder(path)


def known_roots(conn: sqlite3.Connection) -> dict[str, str]:
    """The catalogue's roots: path to identity."""
    return {row["path"]: row["id"] for row in conn.execute("SELECT id, path FROM root")}


def register(conn: sqlite3.Connection, paths: Sequence[Path], *, files: Files = FILES) -> list[Root]:
    """Opens every root and keeps its identity and path in the catalogue.

    Raises:
        RootError: as ``open_root``; or the same root stands at two paths.
    """
    known = known_roots(conn)
    roots: list[Root] = []
    for path in paths:
        root = open_root(path, known=known.get(str(path)), files=files)
        if any(other.id == root.id for other in roots):
            raise RootError(f"footage root {path} carries the identity of another configured root: was a disk copied?")
        conn.execute(
            "INSERT INTO root (id, path) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET path = excluded.path",
            (root.id, str(path)),
        )
        roots.append(root)
    return roots
