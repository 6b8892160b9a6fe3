"""Secrets that stand elsewhere than in ``config.toml``: in a file of their own (``password_file``), or with systemd
(``${credential:NAME}``).

Belongs here: from what a section says to what it means. Invariant: what is told of a secret is where it should be,
never what it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from nvr.config.model import AlertSettings, BackupSettings, CameraSettings, FleetSettings, IdentityProvider, Settings

__all__ = ["SECRET_KEYS", "Resolved", "resolve"]

# Of each section, the keys that hold secrets. With "_file" behind it each is also the name of the key that says in
# which file it is.
SECRET_KEYS: Final[Mapping[type[Settings], tuple[str, ...]]] = {
    CameraSettings: ("password",),
    AlertSettings: ("smtp_password", "telegram_token", "webhook_url", "webhook_secret"),
    BackupSettings: ("passphrase", "s3_secret_key"),
    IdentityProvider: ("client_secret",),
    FleetSettings: ("password",),
}
_CREDENTIAL: Final = re.compile(r"\$\{credential:([^}]*)\}")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,254}", re.ASCII)
_MOST_BYTES: Final = 65_536
# Where a command can't read what only the server can: good enough to check the rest by, and no secret of anybody's.
_UNKNOWN: Final = {
    "telegram_token": "1:not-readable-here-not-readable",
    "webhook_url": "http://not-readable-here.invalid/",
}


@dataclass(slots=True)
class Resolved:
    """A section with its secrets in it. ``wrong`` and ``warnings``: key, what, what to do. ``plain``: keys whose secret
    stands in the configuration itself; ``wrong_keys`` could not be had and are left out."""

    values: dict[str, Any]
    wrong: list[tuple[str, str, str]] = field(default_factory=list)
    warnings: list[tuple[str, str, str]] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)


class _NotHad(Exception):
    """What is wrong, and what to do; ``only_here``: it may be fine for the server."""

    def __init__(self, what: str, remedy: str, *, only_here: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.only_here = only_here


def resolve(raw: Mapping[str, Any], model: type[Settings], folder: Path, *, strict: bool) -> Resolved:
    """The section as if its secrets stood in it. Relative paths begin at ``folder``. Without ``strict``, secrets that
    only the server can read (another user's file, a service's credential) are stood in for, with a warning."""
    made = Resolved(dict(raw))
    for key in SECRET_KEYS.get(model, ()):
        of_file = f"{key}_file"
        place = of_file if of_file in raw else key
        try:
            if of_file in raw:
                path = made.values.pop(of_file)
                if key in raw:
                    raise _NotHad(f"and {key} are both given", "remove one of them")
                made.values[key] = _from_file(path, folder, made, of_file)
            elif isinstance(value := raw.get(key), str) and "${" in value and (found := _CREDENTIAL.search(value)):
                if found[0] != value:
                    raise _NotHad(
                        "has more than a credential in it",
                        "write ${credential:NAME} alone, and the rest into the credential",
                    )
                made.values[key] = _from_systemd(found[1])
            elif key in raw:
                made.plain.append(key)
        except _NotHad as error:
            if error.only_here and not strict:
                made.warnings.append((place, error.what, error.remedy))
                made.values[key] = _UNKNOWN.get(key, "not readable here")
            else:
                made.wrong.append((place, error.what, error.remedy))
                made.values.pop(key, None)
    return made


def _from_file(given: object, folder: Path, made: Resolved, key: str) -> str:
    if not isinstance(given, str) or not given or "\0" in given:
        raise _NotHad("must be a path", 'write it in quotes, such as "secrets/gate-1"')
    try:
        path = Path(os.path.normpath(folder / Path(given).expanduser()))
    except RuntimeError:
        raise _NotHad("begins with the name of an unknown user after ~", "write the whole path") from None
    if (mode := _mode(path)) is not None and mode & 0o007:
        made.warnings.append(
            (key, f"names {path}, which every user of this machine can read", f"run: chmod o-rwx {path}")
        )
    return _read(path, "write the secret into it, in one line")


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except OSError:
        return None


def _from_systemd(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise _NotHad("names no credential", "write ${credential:NAME} with letters, digits and . _ -")
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise _NotHad(
            f"is the credential {name}, and this process has none",
            f"start the server as a service with LoadCredential={name}:PATH",
            only_here=True,
        )
    return _read(Path(folder, name), f"add LoadCredential={name}:PATH to the service")


def _read(path: Path, remedy: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except PermissionError:
        raise _NotHad(
            f"is in {path}, which this user can't read", "let the server's user read it", only_here=True
        ) from None
    except OSError as error:
        raise _NotHad(f"should be in {path}, which can't be read: {error.strerror}", remedy) from None
    if len(data) > _MOST_BYTES:
        raise _NotHad(f"should be in {path}, which is too long for a secret", remedy)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _NotHad(f"is in {path}, which is not UTF-8", "save the file as UTF-8") from None
    # Editors end a file with a line end, which is no part of it.
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise _NotHad(f"should be in {path}, which is empty", remedy)
    if "\n" in text or "\r" in text:
        raise _NotHad(f"should be in {path}, which has several lines", "write one line")
    return text
