"""What a backup seals under its passphrase: keys and configuration, small files by names of our own.

Invariant: nothing of them lies in a backup in plain text.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nvr.backups.sets import BackupError
from storage.errors import CatalogueError
from storage.secrets.key_copy import opened, under_passphrase
from storage.secrets.sealing import Keys

__all__ = ["CAMERA_KEYS", "CONFIG", "KEYS", "TLS", "BackupSources", "gather", "open_sealed", "seal"]

CONFIG: Final = "config.toml"
CAMERA_KEYS: Final = "camera-key"
KEYS: Final = "keys/"
TLS: Final = "tls/"
_CONTEXT: Final = b"nvr backup v1"
_NAME: Final = re.compile(rf"{CONFIG}|{CAMERA_KEYS}|({KEYS}|{TLS})[A-Za-z0-9][A-Za-z0-9._-]{{0,127}}", re.ASCII)
# A key is a few kilobytes, and a configuration with thousands of cameras less than a megabyte.
_MOST_BYTES: Final = 32_000_000


@dataclass(frozen=True, slots=True)
class BackupSources:
    """Where what is backed up lies. ``certificate`` and ``key``: of the page, None: it has none."""

    catalogue: Path
    config: Path
    keys: Path
    certificate: Path | None = None
    key: Path | None = None


def gather(sources: BackupSources) -> dict[str, bytes]:
    """The files to seal, by the names that they have in a backup.

    Raises:
        BackupError: one can't be read.
    """
    try:
        found = {CONFIG: sources.config.read_bytes()} if sources.config.exists() else {}
        if every := Keys(sources.catalogue).all_keys():
            # In the order of the file, in which the last one seals.
            found[CAMERA_KEYS] = "".join(f"{key.hex()}\n" for key in reversed(every)).encode()
        if sources.keys.is_dir():
            found |= {KEYS + path.name: path.read_bytes() for path in sorted(sources.keys.iterdir()) if path.is_file()}
        for path in (sources.certificate, sources.key):
            if path is not None and path.is_file():
                found[TLS + path.name] = path.read_bytes()
    except OSError as error:
        raise BackupError(f"{error.filename} can't be read for the backup: {error.strerror}") from error
    found = {name: data for name, data in found.items() if _NAME.fullmatch(name)}
    if sum(map(len, found.values())) > _MOST_BYTES:
        raise BackupError(f"keys and configuration are over {_MOST_BYTES} bytes: {sources.keys} holds something else")
    return found


def seal(files: Mapping[str, bytes], passphrase: str) -> bytes:
    """The files under the passphrase, as the text of a file."""
    inner = json.dumps({name: base64.b64encode(data).decode() for name, data in files.items()}).encode()
    body = {
        "what": "keys and configuration of nvr, under a passphrase: nvr restore",
        "files": sorted(files),
        **under_passphrase(inner, passphrase, _CONTEXT),
    }
    return json.dumps(body, indent=1).encode() + b"\n"


def open_sealed(text: bytes, passphrase: str) -> dict[str, bytes]:
    """The files that ``seal`` sealed.

    Raises:
        BackupError: the passphrase is another one, or the text was altered.
    """
    try:
        body: Any = json.loads(text)
        inner: Any = json.loads(opened(body, passphrase, _CONTEXT))
        files = {str(name): base64.b64decode(data, validate=True) for name, data in inner.items()}
    except CatalogueError as error:
        raise BackupError(f"keys and configuration can't be opened: {error}") from None
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise BackupError("keys and configuration can't be opened: they are damaged") from None
    if not all(_NAME.fullmatch(name) for name in files):
        raise BackupError("keys and configuration have names that no backup gives")
    return files
