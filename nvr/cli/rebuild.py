"""``nvr rebuild``: a catalogue from the footage files alone."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken
from storage.durable_files import sync

__all__ = ["rebuild"]

_JOURNALS = ("-wal", "-shm", "-journal")


@click.command()
@config_option
@click.pass_context
def rebuild(ctx: click.Context, config: Path) -> None:
    """Make a new catalogue from the footage files, when the old one is lost.

    Refuses to touch an existing catalogue: move it away first. The server must be stopped. Users, camera names, holds
    and the ledger of deletions were in the catalogue only and don't come back; cameras of the configuration file do, at
    the next start. Ends with 10 if files could not be read: they are not in the new catalogue, which says so.
    """
    from nvr.config import load
    from storage.catalogue.node import Lock
    from storage.disk.files import accept_unsynced_folders
    from storage.disk.roots import IDENTITY_FILE
    from storage.errors import StorageError

    loaded = load(config)
    accept_unsynced_folders(loaded.storage.unsynced_folders)
    target = loaded.storage.catalogue
    locked = [target.with_suffix(".lock")]
    for path in loaded.storage.roots:
        if not (path / IDENTITY_FILE).exists():
            raise click.ClickException(f"footage root {path} has no identity file: is its disk mounted?")
        locked.append(path / IDENTITY_FILE)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = Lock(locked, patience_s=2.0)
        try:
            # Under the lock: a server that was just starting may have made one.
            for existing in (target, *_journals(target)):
                if existing.exists():
                    # SQLite would take an old journal for the new catalogue's.
                    raise click.ClickException(f"{existing} exists: move it away first, so that nothing in it is lost")
            made = _make(target, list(loaded.storage.roots))
        finally:
            lock.release()
    except (StorageError, OSError) as error:
        raise click.ClickException(spoken(error)) from error
    echo(made[0])
    if made[1]:
        echo(made[1], err=True)
        ctx.exit(10)


def _journals(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in _JOURNALS]


def _make(target: Path, paths: list[Path]) -> tuple[str, str]:
    """Makes the catalogue under another name until it is whole: a rebuild that was interrupted must not pass for a
    catalogue. Says what it did, and what is to be done."""
    from storage.catalogue.database import Database
    from storage.disk.roots import open_root
    from storage.recovery.rebuild import Progress
    from storage.recovery.rebuild import rebuild as make

    unfinished = target.with_name(target.name + ".rebuilding")
    for leftover in (unfinished, *_journals(unfinished)):
        leftover.unlink(missing_ok=True)
    began = time.monotonic()
    progress = Progress(0, 0, 0, 0)
    # Not durable until it is finished: whatever interrupts it, the next attempt starts over.
    database = Database(unfinished, durable=False)
    try:
        database.migrate()
        for progress in make(database, [open_root(path, known=None) for path in paths]):
            if sys.stderr.isatty():
                rate = progress.files / max(time.monotonic() - began, 0.001) * 60
                echo(f"\r{progress.files} files, {rate:.0f} a minute", nl=False, err=True, keep="\r")
        database.finish()
    except BaseException:
        # Nobody goes on with it, and it may be what fills the disk.
        database.close()
        for leftover in (unfinished, *_journals(unfinished)):
            leftover.unlink(missing_ok=True)
        raise
    finally:
        database.close()
        if sys.stderr.isatty():
            echo("", err=True)
    sync(unfinished)
    unfinished.rename(target)
    sync(target.parent)
    done = (
        f"{target}: {progress.entered} segments from {progress.files} files in {time.monotonic() - began:.1f} s; "
        f"{progress.left_alone} files left alone"
    )
    todo = (
        f"{progress.unreadable} files or folders could not be read and are not in it; the log above names them."
        f" Put the disks right, move {target} away and rebuild again"
    )
    return done, todo if progress.unreadable else ""
