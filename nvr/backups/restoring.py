"""Putting a backup in place on a machine that has none of it yet.

Invariant: nothing that is there is replaced; the catalogue gets its name last, so that a restore that was interrupted
is begun again, or is no catalogue.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nvr.backups.sealed_files import CAMERA_KEYS, CONFIG, KEYS, TLS, open_sealed
from nvr.backups.sets import CATALOGUE, SEALED_FILE, BackupError, read_manifest
from storage.durable_files import new_file, sync
from storage.secrets.sealing import key_file
from storage.upgrade.copies import own_as

if TYPE_CHECKING:
    from nvr.config import Config

__all__ = ["Restored", "opened_files", "restore", "restore_config"]


@dataclass(frozen=True, slots=True)
class Restored:
    """Files that were put in place, and those of the backup that were there already and stayed."""

    made: tuple[Path, ...]
    kept: tuple[Path, ...]


def opened_files(path: Path, passphrase: str | None) -> dict[str, bytes]:
    """What the backup has sealed; nothing, without a passphrase.

    Raises:
        BackupError: it can't be opened.
    """
    manifest = read_manifest(path)
    if passphrase is None:
        return {}
    if SEALED_FILE not in manifest.files:
        raise BackupError(f"{path} has neither keys nor configuration: it was made without a passphrase")
    try:
        return open_sealed((path / SEALED_FILE).read_bytes(), passphrase)
    except OSError as error:
        raise BackupError(f"{path / SEALED_FILE} can't be read: {error.strerror}") from error


def restore_config(files: dict[str, bytes], config: Path) -> bool:
    """Puts the configuration in place, where there is none; says whether it did.

    Raises:
        BackupError: there is none, neither there nor in the backup; or it can't be written.
    """
    if config.exists():
        return False
    if CONFIG not in files:
        raise BackupError(f"there is no {config}, and the backup has no configuration to put there: write one")
    try:
        config.parent.mkdir(parents=True, exist_ok=True)
        _write(config, files[CONFIG])
    except OSError as error:
        raise BackupError(f"{config} can't be written: {error.strerror}") from error
    return True


def restore(path: Path, files: dict[str, bytes], config: Path) -> Restored:
    """Puts catalogue and keys where the configuration wants them.

    Raises:
        BackupError: there is a catalogue already, or something can't be written.
        ConfigError: the configuration can't be used.
    """
    from nvr.config import load

    loaded = load(config)
    target = loaded.storage.catalogue
    for name in (target, *(target.with_name(target.name + suffix) for suffix in ("-wal", "-shm", "-journal"))):
        if name.exists():
            raise BackupError(f"{name} exists: move it away first, so that nothing in it is lost")
    made: list[Path] = []
    kept: list[Path] = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for place, data in _places(loaded, files).items():
            if place.exists():
                kept.append(place)
            else:
                if not place.parent.exists():
                    place.parent.mkdir(mode=0o700, parents=True)
                    own_as(place.parent, target.parent)
                _write(place, data)
                own_as(place, target.parent)
                made.append(place)
        part = target.with_name(target.name + ".restoring")
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        shutil.copyfile(path / CATALOGUE, part)
        sync(part)
        own_as(part, target.parent)
        part.rename(target)
        sync(target.parent)
        made.append(target)
    except OSError as error:
        raise BackupError(f"nothing more was restored: {error}; move away what was, and begin again") from error
    return Restored(tuple(made), tuple(kept))


def _places(config: Config, files: dict[str, bytes]) -> dict[Path, bytes]:
    found: dict[Path, bytes] = {}
    tls = {path.name: path for path in (config.server.certificate, config.server.key) if path is not None}
    for name, data in files.items():
        if name == CAMERA_KEYS:
            found[key_file(config.storage.catalogue)] = data
        elif name.startswith(KEYS):
            found[config.keys_folder / name.removeprefix(KEYS)] = data
        elif name.startswith(TLS) and (place := tls.get(name.removeprefix(TLS))) is not None:
            found[place] = data
    return found


def _write(path: Path, data: bytes) -> None:
    with new_file(path, 0o600) as file:
        file.write(data)
