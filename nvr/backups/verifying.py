"""Whether a backup is one that can be restored: its files, the catalogue in it, its keys.

Only reads the backup; what has to be opened for writing is copied into ``scratch`` first. Invariant: what is not found
wrong here, restoring uses as it is.
"""

from __future__ import annotations

import shutil
import sqlite3
import tomllib
from collections.abc import Iterator
from pathlib import Path

from nvr.backups.making import count_rows
from nvr.backups.sealed_files import CAMERA_KEYS, CONFIG, KEYS, open_sealed
from nvr.backups.sets import CATALOGUE, SEALED_FILE, BackupError, BackupManifest, digest, read_manifest
from nvr.evidence.seal.errors import KeyProblem
from storage.catalogue import cameras
from storage.catalogue.database import Database
from storage.errors import CatalogueError
from storage.integrity import audit_log
from storage.upgrade.standing import standing

__all__ = ["verify_backup"]


def verify_backup(path: Path, passphrase: str | None, scratch: Path) -> list[str]:
    """What is wrong with the backup; nothing: it can be restored. Without a passphrase what is sealed is looked at only
    from outside. ``scratch``: an empty folder.

    Raises:
        OSError: the scratch folder can't be written.
    """
    try:
        manifest = read_manifest(path)
    except BackupError as error:
        return [str(error)]
    faults = list(_files(path, manifest))
    if faults:
        return faults
    copy = scratch / CATALOGUE
    shutil.copyfile(path / CATALOGUE, copy)
    copy.chmod(0o600)
    files: dict[str, bytes] = {}
    if passphrase is not None and SEALED_FILE in manifest.files:
        try:
            files = open_sealed((path / SEALED_FILE).read_bytes(), passphrase)
        except (BackupError, OSError) as error:
            return [str(error)]
        faults += _keys(files, scratch)
    try:
        faults += _catalogue(copy, manifest, has_keys=CAMERA_KEYS in files)
    except (sqlite3.Error, CatalogueError) as error:
        faults.append(f"the catalogue in it can't be used: {error}")
    return faults


def _files(path: Path, manifest: BackupManifest) -> Iterator[str]:
    for name, (size, sha256) in manifest.files.items():
        try:
            found = digest(path / name)
        except OSError as error:
            yield f"{path / name} can't be read: {error.strerror}"
            continue
        if found != (size, sha256):
            yield f"{path / name} is not what was written: {found[0]} bytes of {size}, or another SHA-256"


def _keys(files: dict[str, bytes], scratch: Path) -> Iterator[str]:
    """Puts the keys where the copy of the catalogue looks for them, and tries those that sign."""
    if CAMERA_KEYS in files:
        (scratch / CAMERA_KEYS).write_bytes(files[CAMERA_KEYS])
        (scratch / CAMERA_KEYS).chmod(0o600)
    signing = {name.removeprefix(KEYS): data for name, data in files.items() if name.startswith(KEYS)}
    if signing:
        from nvr.evidence.seal.keys import KeyFolder

        folder = scratch / "keys"
        folder.mkdir(mode=0o700)
        for name, data in signing.items():
            (folder / name).write_bytes(data)
            (folder / name).chmod(0o600)
        try:
            if "current" in signing:
                KeyFolder(folder, "nvr").current()
        except KeyProblem as error:
            yield f"the key that signs exports can't be used: {error}"
    if CONFIG in files:
        try:
            tomllib.loads(files[CONFIG].decode("utf-8-sig"))
        except ValueError as error:
            yield f"the configuration in it can't be read: {error}"


def _catalogue(copy: Path, manifest: BackupManifest, *, has_keys: bool) -> Iterator[str]:
    database = Database(copy)
    try:
        with database.read() as conn:
            said = conn.execute("PRAGMA integrity_check").fetchone()[0]
            if said != "ok":
                yield f"the catalogue in it is damaged: {said}"
                return
            if conn.execute("PRAGMA foreign_key_check").fetchone() is not None:
                yield "rows of the catalogue in it lead nowhere"
            found = standing(conn)
            if found.unknown:
                yield f"the catalogue in it is of a newer nvr ({manifest.version}, schema {found.schema}): use that one"
            counts = count_rows(conn)
            if counts != dict(manifest.counts):
                yield f"the catalogue in it has other rows than were counted: {counts}, not {dict(manifest.counts)}"
            if found.unknown or found.missing:
                # The rest is by this version's schema; restored, it is upgraded first.
                return
            verdict = audit_log.verify(conn, [])
            for fault in verdict.faults[:5]:
                yield f"its audit log: entry {fault.seq}: {fault.kind}"
            if str(verdict.head) != manifest.audit_head:
                yield f"its audit log ends at {verdict.head}, not at {manifest.audit_head}"
            if has_keys:
                locked = [camera.id for camera in cameras.list_all(conn) if camera.locked]
                if locked:
                    named = ", ".join(locked[:5])
                    yield f"passwords of {len(locked)} cameras can't be opened with the keys in it: {named}"
    finally:
        database.close()
