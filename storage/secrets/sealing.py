"""Secrets of cameras at rest: sealed in the catalogue with a key that lies beside it, or comes from the system.

AES-256-GCM, bound to the camera's id, so that what was sealed for one camera opens for no other. A stolen catalogue, or
a backup of one, holds no password. What ``seal`` makes begins with the key's name, so that a lost key can be named.
Keys are 32 random bytes, in hexadecimal digits, a line each:

* ``$CREDENTIALS_DIRECTORY/nvr-camera-key`` (systemd), if it is there, seals;
* else the last line of the file ``camera-key`` beside the catalogue, made when it is needed first. All lines of both
  open.

Invariant: no row holds a secret in plain text that was written since; what can't be opened stays as it is.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from storage.durable_files import new_file, sync
from storage.errors import CatalogueError

__all__ = ["CREDENTIAL", "SEALED", "CatalogueConnection", "KeyLost", "Keys", "key_file", "keys_of", "name_of"]

SEALED: Final = "sealed"
CREDENTIAL: Final = "nvr-camera-key"

_VERSION: Final = "v1"
_CONTEXT: Final = b"nvr camera secrets v1\0"
_KEY: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NONCE_BYTES: Final = 12
# A URL without these holds neither an account nor the value of a key; others are sealed whole, but for where they lead.
_MAY_BE_SECRET: Final = re.compile(r"[=@]")
_ADDRESSES: Final = ("url", "live_url")
_AUTHORITY: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([^/?#]*)")


class KeyLost(CatalogueError):
    """What was sealed can't be opened: its key is not there, or it was altered."""


def key_file(catalogue: Path) -> Path:
    """Where the keys of this catalogue are."""
    return catalogue.with_name("camera-key")


def name_of(key: bytes) -> str:
    """What a key is called; tells nothing of it."""
    return hashlib.sha256(b"nvr key name\0" + key).hexdigest()[:8]


class Keys:
    """The keys of the catalogue at this path; read when they are needed."""

    def __init__(self, catalogue: Path) -> None:
        self._file = key_file(catalogue)
        self._catalogue = catalogue
        self._read: tuple[object, ...] = ()
        self._keys: dict[str, bytes] = {}
        self._sealing: str | None = None

    @property
    def file(self) -> Path:
        """Where keys are added."""
        return self._file

    def all_keys(self) -> list[bytes]:
        """All that are there, the one that seals first."""
        self._load()
        first = [] if self._sealing is None else [self._keys[self._sealing]]
        return first + [key for name, key in self._keys.items() if name != self._sealing]

    def seal(self, camera: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings as they may be kept: password, and a URL that may hold one, sealed.

        Raises:
            CatalogueError: there is no key, and none can be made.
        """
        plain = {key: value for key, value in settings.items() if key != SEALED}
        hidden = {"password": plain.pop("password")} if plain.get("password") is not None else {}
        plain.pop("password", None)
        for name in _ADDRESSES:
            url = plain.get(name)
            if isinstance(url, str) and _MAY_BE_SECRET.search(url):
                hidden[name], plain[name] = url, _stub(url)
        if not hidden:
            # What can't be opened now is kept for when its key is back.
            return {**plain, SEALED: settings[SEALED]} if SEALED in settings else plain
        key = self._sealing_key()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        text = json.dumps(hidden).encode()
        made = base64.b64encode(nonce + _cipher(key).encrypt(nonce, text, _CONTEXT + camera.encode())).decode()
        return {**plain, SEALED: f"{_VERSION}.{name_of(key)}.{made}"}

    def open(self, camera: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings with their secrets.

        Raises:
            KeyLost: they can't be opened; the message says which key is missing, and where.
        """
        if SEALED not in settings:
            return dict(settings)
        version, name, made = (*str(settings[SEALED]).split("."), "", "", "")[:3]
        key = self._keys.get(name)
        if key is None:
            self._load()
            key = self._keys.get(name)
        if version != _VERSION or key is None:
            raise KeyLost(
                f"the password of camera {camera} is sealed with the key {name[:8]}, which is not in {self._file}:"
                " bring it back (nvr restore-key), or set the password again"
            )
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.b64decode(made, validate=True)
            text = _cipher(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _CONTEXT + camera.encode())
            hidden = json.loads(text)
        except (InvalidTag, ValueError):
            raise KeyLost(f"the password of camera {camera} was altered in the catalogue: set it again") from None
        return {**{key: value for key, value in settings.items() if key != SEALED}, **hidden}

    def add(self, keys: list[bytes]) -> int:
        """Adds keys to the file, before those that are there: the last one goes on sealing. Returns how many were new.

        Raises:
            CatalogueError: the file can't be written.
        """
        self._load()
        new = [key for key in keys if name_of(key) not in self._keys]
        if new:
            self._write([*new, *self._in_file()])
        return len(new)

    def is_open_to_others(self) -> bool:
        """Whether other users of the machine can read the file."""
        try:
            return bool(self._file.stat().st_mode & 0o077)
        except OSError:
            return False

    def _sealing_key(self) -> bytes:
        if self._sealing is None:
            self._load()
        if self._sealing is None:
            self._write([secrets.token_bytes(32)])
        assert self._sealing is not None
        return self._keys[self._sealing]

    def _load(self) -> None:
        credential = _credential()
        seen = tuple(_state(path) for path in (self._file, credential))
        if seen == self._read and self._keys:
            return
        given = [] if credential is None else _parse(credential)
        kept = self._in_file()
        self._keys = {name_of(key): key for key in (*kept, *given)}
        self._sealing = name_of(given[-1]) if given else name_of(kept[-1]) if kept else None
        self._read = seen

    def _in_file(self) -> list[bytes]:
        return _parse(self._file) if self._file.exists() else []

    def _write(self, keys: list[bytes]) -> None:
        part = self._file.with_name(f"{self._file.name}.{secrets.token_hex(4)}.part")
        try:
            owner = self._catalogue.stat()
            try:
                with new_file(part, 0o600) as file:
                    file.write("".join(f"{key.hex()}\n" for key in keys).encode("ascii"))
                if os.geteuid() == 0:
                    # A command that root calls must not lock the server out.
                    os.chown(part, owner.st_uid, owner.st_gid)
                if self._file.exists():
                    part.replace(self._file)
                else:
                    _name(part, self._file)
            finally:
                part.unlink(missing_ok=True)
            sync(self._file.parent)
        except OSError as error:
            raise CatalogueError(
                f"the key of camera passwords can't be kept in {self._file}: {error.strerror}"
            ) from error
        self._load()


def _name(part: Path, file: Path) -> None:
    """Gives a new file its name; of two programs that make one at a time, the first one's is it."""
    try:
        file.hardlink_to(part)
    except FileExistsError:
        return
    except OSError:
        part.rename(file)


def _stub(url: str) -> str:
    """Where the URL leads: enough to know the device by."""
    match = _AUTHORITY.match(url)
    return f"{match[1]}{match[2].rpartition('@')[2]}/" if match else ""


def _credential() -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder, CREDENTIAL) if folder else None
    return path if path is not None and path.exists() else None


def _state(path: Path | None) -> object:
    try:
        found = None if path is None else path.stat()
    except OSError:
        return None
    return None if found is None else (found.st_ino, found.st_size, found.st_mtime_ns)


def _parse(path: Path) -> list[bytes]:
    try:
        lines = path.read_text(encoding="ascii", errors="replace").split()
    except OSError as error:
        raise KeyLost(f"the key of camera passwords, {path}, can't be read: {error.strerror}") from None
    if not lines or any(not _KEY.fullmatch(line) for line in lines):
        raise KeyLost(f"{path} holds something else than keys: each line is 64 hexadecimal digits, of small letters")
    return [bytes.fromhex(line) for line in lines]


def _cipher(key: bytes) -> Any:
    # Recorders open the catalogue too, and never a secret in it: they are spared OpenSSL.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


class CatalogueConnection(sqlite3.Connection):
    """A connection to a catalogue, which knows where its keys are."""

    keys: Keys


def keys_of(conn: sqlite3.Connection) -> Keys:
    """The keys of the catalogue that is connected to.

    Raises:
        CatalogueError: the connection is not one of ``storage.catalogue.database``.
    """
    if not isinstance(conn, CatalogueConnection):
        raise CatalogueError("this connection has no keys: open the catalogue by storage.catalogue.database")
    return conn.keys
