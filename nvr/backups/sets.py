"""A backup as a folder: a copy of the catalogue, what is sealed under a passphrase, and a manifest of both.

``<folder>/<YYYYMMDDTHHMMSSZ>/`` with ``catalogue.sqlite``, ``sealed.json`` (keys and configuration, if there was a
passphrase) and ``manifest.json``. Invariant: a folder of such a name is whole; one that is being made ends in
``.unfinished``.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from storage.errors import StorageError

__all__ = [
    "CATALOGUE",
    "MANIFEST",
    "SEALED_FILE",
    "BackupError",
    "BackupManifest",
    "BackupSet",
    "digest",
    "is_set_name",
    "list_sets",
    "prune_sets",
    "read_manifest",
    "stamp",
    "write_manifest",
]

CATALOGUE: Final = "catalogue.sqlite"
SEALED_FILE: Final = "sealed.json"
MANIFEST: Final = "manifest.json"
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_NAME: Final = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_CHUNK_BYTES: Final = 1 << 20


class BackupError(StorageError):
    """A backup can't be made, read or restored."""


@dataclass(frozen=True, slots=True)
class BackupSet:
    """A backup at ``path``, of the catalogue as it was at ``at_us``, to the second."""

    path: Path
    at_us: int


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """``counts``: rows of the tables that matter to people. ``files``: by name, bytes and SHA-256."""

    version: str
    schema: str
    at_us: int
    counts: Mapping[str, int]
    audit_head: str
    files: Mapping[str, tuple[int, str]]


def stamp(at_us: int) -> str:
    """The name of a backup of this time."""
    return datetime.fromtimestamp(at_us / 1e6, UTC).strftime(_STAMP)


def is_set_name(name: str) -> bool:
    """Whether a backup may have this name."""
    return _NAME.fullmatch(name) is not None


def list_sets(folder: Path) -> list[BackupSet]:
    """The backups in the folder, the oldest first.

    Raises:
        BackupError: the folder can't be read.
    """
    try:
        names = sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BackupError(f"the folder of backups {folder} can't be read: {error.strerror}") from error
    found = []
    for name in names:
        try:
            at = datetime.strptime(name, _STAMP).replace(tzinfo=UTC)
        except ValueError:
            continue  # the 31st of February
        found.append(BackupSet(folder / name, int(at.timestamp()) * 1_000_000))
    return found


def prune_sets(folder: Path, keep: int) -> list[Path]:
    """Removes all but the last ``keep``, and what interrupted ones left; returns which.

    Raises:
        BackupError: one can't be removed.
    """
    old = [one.path for one in list_sets(folder)[:-keep]] if keep else []
    old += [path for path in folder.glob("*.unfinished") if path.is_dir()]
    for path in old:
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise BackupError(f"the old backup {path} can't be removed: {error.strerror}") from error
    return old


def digest(path: Path) -> tuple[int, str]:
    """Bytes and SHA-256 of a file.

    Raises:
        OSError: it can't be read.
    """
    found, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while data := file.read(_CHUNK_BYTES):
            found.update(data)
            size += len(data)
    return size, found.hexdigest()


def write_manifest(path: Path, manifest: BackupManifest) -> None:
    """Writes it into the folder of a backup."""
    (path / MANIFEST).touch(mode=0o600)
    (path / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")


def read_manifest(path: Path) -> BackupManifest:
    """That of the backup at this path.

    Raises:
        BackupError: there is none, or it is damaged.
    """
    try:
        body: Any = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        files = {str(name): (int(size), str(sha256)) for name, (size, sha256) in body["files"].items()}
        counts = {str(name): int(count) for name, count in body["counts"].items()}
        # Of a name that leads elsewhere nothing is read or written.
        if not set(files) <= {CATALOGUE, SEALED_FILE} or CATALOGUE not in files:
            raise ValueError
        return BackupManifest(
            str(body["version"]), str(body["schema"]), int(body["at_us"]), counts, str(body["audit_head"]), files
        )
    except OSError as error:
        raise BackupError(f"{path} is no backup: its {MANIFEST} can't be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BackupError(f"{path}: its {MANIFEST} is damaged, so nothing says what should be there") from None
