"""A copy of the keys of cameras' secrets, under a passphrase: what may lie beside a backup, where the keys themselves
must not.

JSON: ``salt`` and Argon2id's parameters (RFC 9106) make a key of the passphrase; AES-256-GCM seals the keys, a line
each, with it.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from storage.durable_files import new_file
from storage.errors import CatalogueError
from storage.secrets.sealing import Keys, name_of

__all__ = ["opened", "read", "under_passphrase", "write"]

_CONTEXT: Final = b"nvr camera keys v1"
_NONCE_BYTES: Final = 12
# About half a second and 256 MiB for each guess of somebody who stole the copy.
_COST: Final = {"time_cost": 4, "memory_cost_kib": 256 * 1024, "lanes": 4}
# What a forged copy may make us spend at most.
_MOST: Final = {"time_cost": 20, "memory_cost_kib": 2 * 1024 * 1024, "lanes": 16}


def _key(passphrase: str, salt: bytes, cost: dict[str, int]) -> bytes:
    from argon2.low_level import Type, hash_secret_raw

    return hash_secret_raw(
        passphrase.encode(),
        salt,
        time_cost=cost["time_cost"],
        memory_cost=cost["memory_cost_kib"],
        parallelism=cost["lanes"],
        hash_len=32,
        type=Type.ID,
    )


def under_passphrase(text: bytes, passphrase: str, context: bytes) -> dict[str, object]:
    """The text sealed with the passphrase, as fields of JSON; ``context`` says what it is of, and has to be said again
    to open it."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(_key(passphrase, salt, _COST)).encrypt(nonce, text, context)
    return {
        **_COST,
        "salt": base64.b64encode(salt).decode(),
        "sealed": base64.b64encode(nonce + sealed).decode(),
    }


def opened(body: Mapping[str, Any], passphrase: str, context: bytes) -> bytes:
    """What ``under_passphrase`` sealed.

    Raises:
        CatalogueError: the passphrase is another one, or it was altered, or is nothing of that kind.
    """
    from argon2.exceptions import HashingError
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        cost = {name: int(body[name]) for name in _COST}
        salt, raw = base64.b64decode(body["salt"]), base64.b64decode(body["sealed"])
        if any(not 0 < cost[name] <= most for name, most in _MOST.items()):
            raise ValueError
        return AESGCM(_key(passphrase, salt, cost)).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context)
    except InvalidTag:
        raise CatalogueError("the passphrase is another one, or the file was altered") from None
    except (ValueError, KeyError, TypeError, OverflowError, HashingError):
        raise CatalogueError("nothing was sealed there with a passphrase") from None


def write(keys: Keys, target: Path, passphrase: str) -> list[str]:
    """Writes the keys to a file that must not exist yet, for its owner alone; returns their names.

    Raises:
        CatalogueError: there is no key, or the file can't be written.
    """
    every = keys.all_keys()
    if not every:
        raise CatalogueError("there is no key of camera passwords yet: no camera has one")
    text = "\n".join(key.hex() for key in every).encode()
    names = [name_of(key) for key in every]
    body = {
        "what": "keys of nvr's camera passwords, under a passphrase: nvr restore-key",
        "keys": names,
        **under_passphrase(text, passphrase, _CONTEXT),
    }
    try:
        with new_file(target, 0o600) as file:
            file.write(json.dumps(body, indent=1).encode("ascii") + b"\n")
    except OSError as error:
        raise CatalogueError(f"no copy of the keys in {target}: {error.strerror}") from error
    return names


def read(path: Path, passphrase: str) -> list[bytes]:
    """The keys in a copy.

    Raises:
        CatalogueError: it can't be read, is none, or the passphrase is another.
    """
    what = f"{path} is no copy of keys: nvr backup --with-key makes one"
    try:
        body: Any = json.loads(path.read_bytes())
    except OSError as error:
        raise CatalogueError(f"{path} can't be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise CatalogueError(what) from None
    if not isinstance(body, dict) or not {*_COST, "salt", "sealed"} <= body.keys():
        raise CatalogueError(what)
    try:
        text = opened(body, passphrase, _CONTEXT)
        return [bytes.fromhex(line) for line in text.decode("ascii").split()]
    except CatalogueError as error:
        raise CatalogueError(what if "nothing was sealed" in str(error) else f"{path}: {error}") from None
    except ValueError:
        raise CatalogueError(what) from None
