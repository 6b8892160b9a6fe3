"""``nvr backup``: a copy of the catalogue, while the server runs."""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path

import click

from nvr.cli.options import config_option
from nvr.cli.terminal import echo

__all__ = ["backup"]


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@config_option
def backup(path: Path, config: Path) -> None:
    """Copy the catalogue to PATH, a file that does not exist yet.

    Works while the server records; the copy is that of one moment and is checked before it gets its name. Footage is not in it: what was
    recorded after the copy was made, the next start with it, or nvr rebuild, finds in the files.
    """
    from nvr.config.last_good import load_or_last
    from storage.backup import backup as copy
    from storage.database import Database
    from storage.errors import StorageError

    source = load_or_last(config, lambda told: echo(told, err=True)).storage.catalogue
    if not source.exists():
        raise click.ClickException(f"there is no catalogue {source}")
    database = Database(source)
    began = time.monotonic()

    def told(done: int, total: int) -> None:
        if sys.stderr.isatty():
            echo(f"\r{done * 100 // max(total, 1)} %", nl=False, err=True, keep="\r")

    try:
        size = copy(database, path, progress=told)
    except (StorageError, sqlite3.Error) as error:
        raise click.ClickException(str(error)) from error
    finally:
        database.close()
        if sys.stderr.isatty():
            echo("\r", nl=False, err=True, keep="\r")
    echo(f"{path}: {size} bytes, whole and checked, in {time.monotonic() - began:.1f} s")
