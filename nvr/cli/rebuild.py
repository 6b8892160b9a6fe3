"""``nvr rebuild``: a catalogue from the footage files alone."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from nvr.cli.options import config_option

__all__ = ["rebuild"]


@click.command()
@config_option
def rebuild(config: Path) -> None:
    """Make a new catalogue from the footage files, when the old one is lost.

    Refuses to touch an existing catalogue: move it away first. The server must be stopped. Users, camera names, holds and the ledger of
    deletions were in the catalogue only and don't come back; cameras of the configuration file do, at the next start.
    """
    from nvr.config import load
    from storage.database import Database
    from storage.errors import StorageError
    from storage.node import Lock
    from storage.rebuild import rebuild as make
    from storage.roots import IDENTITY_FILE, open_root

    loaded = load(config)
    target = loaded.storage.catalogue
    if target.exists():
        raise click.ClickException(f"{target} exists: move it away first, so that nothing in it is lost")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Under another name until it is whole: a rebuild that was interrupted must not pass for a catalogue.
    unfinished = target.with_suffix(".rebuilding")
    began = time.monotonic()
    try:
        locked = [target.with_suffix(".lock")]
        for path in loaded.storage.roots:
            if not (path / IDENTITY_FILE).exists():
                raise click.ClickException(f"footage root {path} has no identity file: is its disk mounted?")
            locked.append(path / IDENTITY_FILE)
        lock = Lock(locked, patience_s=2.0)
        try:
            unfinished.unlink(missing_ok=True)
            database = Database(unfinished)
            database.migrate()
            roots = [open_root(path, known=None) for path in loaded.storage.roots]
            for progress in make(database, roots):
                if sys.stderr.isatty():
                    rate = progress.files / max(time.monotonic() - began, 0.001) * 60
                    click.echo(f"\r{progress.files} files, {rate:.0f} a minute", nl=False, err=True)
            database.finish()
            unfinished.rename(target)
        finally:
            lock.release()
    except StorageError as error:
        raise click.ClickException(str(error)) from error
    seconds = time.monotonic() - began
    click.echo(
        f"{target}: {progress.entered} segments from {progress.files} files in {seconds:.1f} s; {progress.left_alone} files left alone"
    )
