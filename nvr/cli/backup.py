"""``nvr backup``: a copy of the catalogue, while the server runs."""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path

import click

from nvr.cli.options import config_option
from nvr.cli.secrets import passphrase_of
from nvr.cli.terminal import echo, spoken

__all__ = ["backup"]


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--with-key", is_flag=True, help="Also write PATH.key: the key of camera passwords, under a passphrase.")
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file whose first line is that passphrase. Without it, it is asked for.",
)
@config_option
def backup(path: Path, with_key: bool, passphrase_file: Path | None, config: Path) -> None:
    """Copy the catalogue to PATH, a file that does not exist yet.

    Works while the server records; the copy is that of one moment and is checked before it gets its name. Footage is
    not in it: what was recorded after the copy was made, the next start with it, or nvr rebuild, finds in the files.
    Camera passwords are sealed in the copy with a key that it does not hold.
    """
    from nvr.accounts import AccountError, check_password
    from nvr.config.last_good import load_or_last
    from storage.catalogue.backup import backup as copy
    from storage.catalogue.database import Database
    from storage.errors import StorageError
    from storage.secrets import key_copy

    source = load_or_last(config, lambda told: echo(told, err=True)).storage.catalogue
    if not source.exists():
        raise click.ClickException(f"there is no catalogue {source}")
    if passphrase_file is not None and not with_key:
        raise click.UsageError("--passphrase-file is for --with-key")
    passphrase = passphrase_of(passphrase_file, new=True) if with_key else ""
    beside = path.with_name(path.name + ".key")
    if with_key:
        try:
            check_password(passphrase)
        except AccountError as error:
            raise click.ClickException(f"passphrase: {error}") from None
        if beside.exists():
            raise click.ClickException(f"{beside} exists; name another file, or remove it")
    database = Database(source)
    began = time.monotonic()

    def show_progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            echo(f"\r{done * 100 // max(total, 1)} %", nl=False, err=True, keep="\r")

    try:
        size = copy(database, path, progress=show_progress)
        names = key_copy.write(database.keys, beside, passphrase) if with_key else []
    except (StorageError, sqlite3.Error) as error:
        raise click.ClickException(spoken(error)) from error
    finally:
        database.close()
        if sys.stderr.isatty():
            echo("\r", nl=False, err=True, keep="\r")
    echo(f"{path}: {size} bytes, whole and checked, in {time.monotonic() - began:.1f} s")
    if with_key:
        echo(f"{beside}: the keys {', '.join(names)} under the passphrase; nvr restore-key brings them back")
