"""Backups: how old the last one is, and whether it could be restored."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from typing import Final

from nvr.backups.state import BackupState, read_state
from nvr.config import Config
from nvr.doctor.finding import DoctorFinding, good, notice, wrong
from storage.catalogue.database import Database
from storage.errors import CatalogueError
from storage.sentences import Sentence

__all__ = ["backup_age", "backup_copy", "backup_drill", "examine_backups"]

_HOUR_US: Final = 3_600_000_000


def examine_backups(config: Config) -> Iterator[DoctorFinding]:
    """Looks."""
    backup = config.backup
    if backup.folder is None:
        yield notice(
            "backup",
            Sentence("no backups are made on schedule"),
            Sentence("set [backup] folder to a place on another disk, and a passphrase"),
        )
        return
    if not config.storage.catalogue.is_file():
        return
    database = Database(config.storage.catalogue)
    try:
        with database.read() as conn:
            state = read_state(conn)
    except (sqlite3.Error, CatalogueError):
        # Said where the catalogue is looked at.
        return
    finally:
        database.close()
    now_us = time.time_ns() // 1000
    yield backup_age(state, backup.every_us, now_us)
    if backup.passphrase is None:
        yield notice(
            "backup_keys",
            Sentence("backups have neither keys nor configuration"),
            Sentence("set [backup] passphrase: without keys camera passwords can't be opened on another machine"),
        )
    if backup.folder.exists() and backup.folder.stat().st_dev == config.storage.catalogue.stat().st_dev:
        yield notice(
            "backup_place",
            Sentence("backups lie on the same disk as the catalogue"),
            Sentence("put them on another: one disk that fails takes both"),
        )
    if backup.s3 is not None:
        yield backup_copy(state, backup.every_us, now_us)
    yield backup_drill(state, backup.drill_every_us, now_us)


def backup_age(state: BackupState, every_us: int, now_us: int) -> DoctorFinding:
    """By how old the last one may be."""
    if state.made_us is None:
        return wrong("backup", Sentence("there is no backup yet"), Sentence("call nvr backup now"))
    hours = (now_us - state.made_us) // _HOUR_US
    if now_us - state.made_us > 2 * every_us:
        what = Sentence("the last backup is {hours} hours old: {reason}", hours=hours, reason=state.failed or "?")
        return wrong("backup", what, Sentence("call nvr backup now, which says what is wrong"))
    return good("backup", Sentence("the last backup is {hours} hours old", hours=hours))


def backup_copy(state: BackupState, every_us: int, now_us: int) -> DoctorFinding:
    """By how old the last copy in the store elsewhere may be."""
    if state.copied_us is None or now_us - state.copied_us > 2 * every_us:
        what = Sentence("no backup was copied to S3 lately: {reason}", reason=state.copy_failed or "?")
        return wrong("backup_copy", what, Sentence("call nvr backup now, which says what is wrong"))
    hours = (now_us - state.copied_us) // _HOUR_US
    return good("backup_copy", Sentence("the last backup was copied to S3 {hours} hours ago", hours=hours))


def backup_drill(state: BackupState, every_us: int, now_us: int) -> DoctorFinding:
    """By the last drill."""
    if state.drill_failed is not None:
        what = Sentence("the last drill could not restore the backup: {reason}", reason=state.drill_failed)
        return wrong("backup_drill", what, Sentence("call nvr backup now, and nvr backup drill"))
    if state.drilled_us is None or now_us - state.drilled_us > 2 * every_us:
        what = Sentence("whether the last backup can be restored was not tried lately")
        return notice("backup_drill", what, Sentence("call nvr backup drill"))
    hours = (now_us - state.drilled_us) // _HOUR_US
    return good("backup_drill", Sentence("the backup was restored in a drill {hours} hours ago", hours=hours))
