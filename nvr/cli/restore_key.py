"""``nvr restore-key``: brings back the keys of camera passwords from a backup."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import click

from nvr.cli.catalogue import open_catalogue
from nvr.cli.options import config_option
from nvr.cli.secrets import passphrase_of
from nvr.cli.terminal import echo

__all__ = ["restore_key"]


@click.command("restore-key")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file whose first line is the passphrase. Without it, it is asked for.",
)
@config_option
def restore_key(path: Path, passphrase_file: Path | None, config: Path) -> None:
    """Add the keys of PATH, which nvr backup --with-key made, to those of the catalogue.

    A running server records the cameras that they open within a second. Exits with 1 if passwords of cameras still
    can't be opened.
    """
    from storage.catalogue import audit, cameras
    from storage.catalogue.slices import in_slices
    from storage.secrets import key_copy
    from storage.secrets.sealing import name_of

    with open_catalogue(config) as (_, database):
        keys = key_copy.read(path, passphrase_of(passphrase_file, new=False))
        new = database.keys.add(keys)
        with database.read() as conn:
            opened, locked = cameras.sealed(conn)
        told = {"keys": [name_of(key) for key in keys]}

        def append(conn: sqlite3.Connection) -> None:
            audit.append(conn, "camera_keys_restored", detail=told)

        in_slices(database, opened, cameras.reopen, first=append)
        echo(
            f"{new} of {len(keys)} keys added to {database.keys.file};"
            f" the passwords of {len(opened)} cameras can be opened"
        )
        if locked:
            raise click.ClickException(
                f"still sealed with another key: {', '.join(locked[:20])}{' …' * (len(locked) > 20)}"
            )
