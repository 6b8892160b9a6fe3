"""A drill: the backup is restored into a temporary place and used there; and, as a control, damaged ones are tried,
which have to be refused.

Invariant: a drill that passed has restored this very backup, has opened the catalogue with its keys, and has seen three
backups refused that were not in order.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nvr.backups.restoring import opened_files, restore
from nvr.backups.sets import CATALOGUE, MANIFEST, SEALED_FILE, BackupError, digest
from nvr.backups.verifying import verify_backup
from nvr.config import ConfigError
from storage.catalogue.database import Database, next_rev
from storage.disk.roots import Root, is_mounted
from storage.errors import CatalogueError
from storage.format.layout import segment_path
from storage.upgrade.forward import bring_up

__all__ = ["DrillResult", "drill"]

_SAMPLE: Final = 50


@dataclass(frozen=True, slots=True)
class DrillResult:
    """``faults``: nothing, and it passed. ``controls``: damaged backups that were refused, by what was done to them.
    ``segments``: how many of the files that the restored catalogue lists were looked for on the disks."""

    faults: tuple[str, ...]
    controls: tuple[str, ...]
    segments: int

    @property
    def passed(self) -> bool:
        """Whether the backup can be restored, and the drill would have noticed if it could not."""
        return not self.faults


def drill(
    path: Path, passphrase: str | None, *, version: str, roots: Sequence[Root] = (), beside: Path | None = None
) -> DrillResult:
    """Restores the backup at ``path``. ``roots``: this machine's, on which footage is looked for. ``beside``: where the
    temporary place is made; it needs thrice the bytes of the backup.

    Raises:
        OSError: the temporary place can't be made or written.
    """
    with tempfile.TemporaryDirectory(prefix=".nvr-drill-", dir=beside) as name:
        scratch = Path(name)
        faults = list(verify_backup(path, passphrase, _new(scratch / "verified")))
        segments = 0
        if not faults:
            try:
                segments = _use(path, passphrase, scratch / "restored", version, roots)
            except (BackupError, CatalogueError, ConfigError, sqlite3.Error) as error:
                faults.append(f"restored, it can't be used: {error}")
            shutil.rmtree(scratch / "restored", ignore_errors=True)
        # A backup that can't even be read can't be made worse.
        controls = _controls(path, passphrase, scratch) if not faults else []
        unseen = [what for what, seen in controls if not seen]
        faults += [f"the drill itself is not to be trusted: {what} was not noticed" for what in unseen]
        return DrillResult(tuple(faults), tuple(what for what, seen in controls if seen), segments)


def _new(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


def _use(path: Path, passphrase: str | None, place: Path, version: str, roots: Sequence[Root]) -> int:
    """As on another machine, by a configuration of its own; returns how many files were looked for.

    Raises:
        BackupError: files that the catalogue lists are not there.
    """
    _new(place)
    config = place / "config.toml"
    config.write_text('[storage]\nroots = ["footage"]\ncatalogue = "catalogue.sqlite"\n', encoding="utf-8")
    files = {} if passphrase is None else opened_files(path, passphrase)
    restore(path, files, config)
    database = Database(place / "catalogue.sqlite")
    try:
        bring_up(database, version, say=lambda told: None)
        with database.write() as conn:
            # As the server will: into all that is there.
            next_rev(conn)
        return _look_for_footage(database, roots)
    finally:
        database.close()


def _look_for_footage(database: Database, roots: Sequence[Root]) -> int:
    """Some of the segments that it lists. One may lawfully have been deleted since; all of them may not."""
    here = {root.id: root.path for root in roots if is_mounted(root)}
    if not here:
        return 0
    with database.read() as conn:
        rows = conn.execute(
            "SELECT c.id, s.start_us, s.epoch, n.id, r.id, s.bytes FROM segment s JOIN camera c ON c.key = s.camera"
            " JOIN node n ON n.key = s.node JOIN root r ON r.key = s.root WHERE s.end_us IS NOT NULL"
            " ORDER BY s.start_us DESC LIMIT 5000"
        ).fetchall()
    listed = [row for row in rows if row[4] in here]
    chosen = random.sample(listed, min(_SAMPLE, len(listed)))
    there = 0
    for row in chosen:
        file = here[row[4]] / segment_path(row[0], row[1], row[2], row[3], growing=False)
        there += file.is_file() and file.stat().st_size == row[5]
    if chosen and not there:
        raise BackupError(f"none of {len(chosen)} segments that it lists is on the disks: it is of another machine")
    return len(chosen)


def _controls(path: Path, passphrase: str | None, scratch: Path) -> list[tuple[str, bool]]:
    """What was done to a copy of the backup, and whether that was noticed."""
    found = []
    for number, (what, damage) in enumerate(_DAMAGES.items()):
        copy = scratch / f"control-{number}"
        shutil.copytree(path, copy)
        # Of a catalogue without a row, none can be taken out.
        if damage(copy):
            seen = bool(verify_backup(copy, passphrase, _new(scratch / f"control-{number}-scratch")))
            found.append((what, seen))
            shutil.rmtree(scratch / f"control-{number}-scratch")
        shutil.rmtree(copy)
    if passphrase is not None and (path / SEALED_FILE).exists():
        noticed = bool(verify_backup(path, passphrase + "x", _new(scratch / "control-passphrase")))
        found.append(("another passphrase", noticed))
    return found


def _flip(copy: Path) -> bool:
    size = (copy / CATALOGUE).stat().st_size
    with (copy / CATALOGUE).open("rb+") as file:
        file.seek(size // 2)
        byte = file.read(1)
        file.seek(size // 2)
        file.write(bytes([byte[0] ^ 0x55]))
    return True


def _cut(copy: Path) -> bool:
    os.truncate(copy / CATALOGUE, (copy / CATALOGUE).stat().st_size // 2)
    return True


def _take_out_a_row(copy: Path) -> bool:
    """With a manifest that fits the file, as a copy that was made wrong would have: only the rows tell."""
    with closing(sqlite3.connect(copy / CATALOGUE)) as conn:
        for table in ("audit", "segment", "camera"):
            named = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"
            for (trigger,) in conn.execute(named, (table,)).fetchall():
                conn.execute(f'DROP TRIGGER "{trigger}"')
            row = conn.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()
            if row is not None:
                first = conn.execute(f"SELECT name FROM pragma_table_info('{table}') LIMIT 1").fetchone()[0]
                conn.execute(f"DELETE FROM {table} WHERE {first} = ?", (row[0],))
                conn.commit()
                break
        else:
            return False
    body = json.loads((copy / MANIFEST).read_text(encoding="utf-8"))
    body["files"][CATALOGUE] = digest(copy / CATALOGUE)
    (copy / MANIFEST).write_text(json.dumps(body), encoding="utf-8")
    return True


_DAMAGES: Final[Mapping[str, Callable[[Path], bool]]] = {
    "a byte of the catalogue changed": _flip,
    "the catalogue cut off": _cut,
    "a row taken out": _take_out_a_row,
}
