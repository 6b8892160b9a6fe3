"""``nvr backup``: copies of the catalogue, while the server runs; backups with keys and configuration, and drills."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import table, when
from nvr.cli.options import config_option
from nvr.cli.secrets import first_line, passphrase_of
from nvr.cli.terminal import echo, spoken

if TYPE_CHECKING:
    from nvr.backups.remote import RemoteBackups
    from nvr.config import Config
    from storage.catalogue.database import Database

__all__ = ["backup"]


class _PathOrCommand(click.Group):
    """``nvr backup PATH`` is ``nvr backup to PATH``, as it was before there were others."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["to", *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # An option of ``to`` may stand before its path.
        if args and args[0].startswith(("--with-key", "--passphrase-file")):
            args = ["to", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_PathOrCommand)
@config_option
@click.pass_context
def backup(ctx: click.Context, config: Path) -> None:
    """Copy the catalogue, or make, list and try backups. Works while the server records.

    nvr backup PATH copies the catalogue alone to a file, as nvr backup to PATH does.
    """
    ctx.find_root().obj = config


@contextmanager
def _catalogue(config: Path) -> Iterator[tuple[Config, Database]]:
    """The configuration and its catalogue, of whatever version: a copy needs no schema.

    Raises:
        click.ClickException: there is none, or it can't be used.
    """
    from nvr.config.last_good import load_or_last
    from storage.catalogue.database import Database
    from storage.errors import StorageError

    loaded = load_or_last(config, lambda told: echo(told, err=True))
    source = loaded.storage.catalogue
    if not source.exists():
        raise click.ClickException(f"there is no catalogue {source}")
    database = Database(source)
    try:
        yield loaded, database
    except (StorageError, sqlite3.Error, OSError) as error:
        raise click.ClickException(spoken(error)) from error
    finally:
        database.close()
        if sys.stderr.isatty():
            echo("\r", nl=False, err=True, keep="\r")


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        echo(f"\r{done * 100 // max(total, 1)} %", nl=False, err=True, keep="\r")


@backup.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--with-key", is_flag=True, help="Also write PATH.key: the key of camera passwords, under a passphrase.")
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file whose first line is that passphrase. Without it, it is asked for.",
)
@config_option
def to(path: Path, with_key: bool, passphrase_file: Path | None, config: Path) -> None:
    """Copy the catalogue to PATH, a file that does not exist yet.

    Works while the server records; the copy is that of one moment and is checked before it gets its name. Footage is
    not in it: what was recorded after the copy was made, the next start with it, or nvr rebuild, finds in the files.
    Camera passwords are sealed in the copy with a key that it does not hold.
    """
    from nvr.accounts import AccountError, check_password
    from storage.catalogue.backup import backup as copy
    from storage.secrets import key_copy

    with _catalogue(config) as (_, database):
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
        began = time.monotonic()
        size = copy(database, path, progress=_show_progress)
        names = key_copy.write(database.keys, beside, passphrase) if with_key else []
    echo(f"{path}: {size} bytes, whole and checked, in {time.monotonic() - began:.1f} s")
    if with_key:
        echo(f"{beside}: the keys {', '.join(names)} under the passphrase; nvr restore-key brings them back")


def _folder(loaded: Config, given: Path | None) -> Path:
    folder = given or loaded.backup.folder
    if folder is None:
        raise click.UsageError("name a folder: --folder PATH, or [backup] folder in the configuration")
    return folder


def _remote(loaded: Config) -> RemoteBackups | None:
    """The store elsewhere, if there is one.

    Raises:
        BackupError: it can't be used.
    """
    from nvr.backups.remote import RemoteBackups, RemotePlace

    backup = loaded.backup
    if backup.s3 is None:
        return None
    secret = None if backup.s3_secret_key is None else backup.s3_secret_key.reveal()
    return RemoteBackups(RemotePlace(backup.s3, backup.s3_endpoint, backup.s3_region, backup.s3_access_key, secret))


def _passphrase(loaded: Config, given: Path | None) -> str | None:
    if given is not None:
        return first_line(given)
    return None if loaded.backup.passphrase is None else loaded.backup.passphrase.reveal()


def _places(command: Callable[..., None]) -> Callable[..., None]:
    """The folder and the passphrase, where those of the configuration are not meant."""
    command = click.option(
        "--passphrase-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A file whose first line is the passphrase. Without it, that of the configuration.",
    )(command)
    return click.option(
        "--folder", type=click.Path(path_type=Path), help="Where backups are. Without it, that of the configuration."
    )(command)


@backup.command()
@_places
@config_option
def now(folder: Path | None, passphrase_file: Path | None, config: Path) -> None:
    """Make a backup, as the server does on schedule: catalogue, keys and configuration."""
    from nvr import __version__
    from nvr.backups.making import make_backup
    from nvr.backups.sealed_files import BackupSources
    from nvr.backups.sets import BackupError
    from nvr.backups.state import note_backup, note_copy

    with _catalogue(config) as (loaded, database):
        server = loaded.server
        sources = BackupSources(
            loaded.storage.catalogue, loaded.path, loaded.keys_folder, server.certificate, server.key
        )
        passphrase = _passphrase(loaded, passphrase_file)
        place = _folder(loaded, folder)
        now_us = time.time_ns() // 1000
        made = make_backup(
            database, sources, place, passphrase, version=__version__, now_us=now_us, progress=_show_progress
        )
        size = sum(file.stat().st_size for file in made.path.iterdir())
        with database.write() as conn:
            note_backup(conn, made.at_us, path=str(made.path), made_bytes=size)
        echo(f"{made.path}: {size} bytes, whole and checked")
        if (remote := _remote(loaded)) is not None and folder is None:
            copied = failed = None
            try:
                copied = remote.put(made)
                remote.prune(loaded.backup.s3_keep)
            except BackupError as error:
                failed = error
            with database.write() as conn:
                note_copy(conn, time.time_ns() // 1000, None if failed is None else str(failed))
            if failed is not None:
                raise failed
            echo(f"{loaded.backup.s3}/{made.path.name}: {copied} bytes copied")
    if passphrase is None:
        echo("without a passphrase it has neither keys nor configuration: set [backup] passphrase", err=True)


@backup.command("list")
@_places
@config_option
def list_(folder: Path | None, passphrase_file: Path | None, config: Path) -> None:
    """Print the backups in the folder, and which of them are in S3 too."""
    from nvr.backups.sets import SEALED_FILE, BackupError, list_sets, read_manifest
    from nvr.config.last_good import load_or_last

    loaded = load_or_last(config, lambda told: echo(told, err=True))
    try:
        remote = None if folder is not None else _remote(loaded)
        away = [] if remote is None else remote.names()
        rows: list[tuple[str, ...]] = [("BACKUP", "TIME", "VERSION", "CAMERAS", "BYTES", "KEYS")]
        rows = rows if remote is None else [(*rows[0], "S3")]
        for one in list_sets(_folder(loaded, folder)):
            try:
                found = read_manifest(one.path)
            except BackupError as error:
                echo(spoken(error), err=True)
                continue
            size = sum(size for size, _ in found.files.values())
            keys = "yes" if SEALED_FILE in found.files else "no"
            cameras = str(found.counts.get("camera", 0))
            there = () if remote is None else ("yes" if one.path.name in away else "no",)
            at = when(one.at_us, loaded.server.zone)
            rows.append((one.path.name, at, found.version, cameras, str(size), keys, *there))
        known = {row[0] for row in rows}
        rows += [(name, "", "", "", "", "", "only there") for name in away if name not in known]
    except BackupError as error:
        raise click.ClickException(spoken(error)) from error
    table(rows)


@backup.command()
@click.argument("path", required=False, type=click.Path(path_type=Path, file_okay=False))
@_places
@config_option
def drill(path: Path | None, folder: Path | None, passphrase_file: Path | None, config: Path) -> None:
    """Restore a backup (the last one) into a temporary place, and try it there; damaged ones must be refused.

    How it went is a metric, and an alert if it failed. Exits with 1 if it failed.
    """
    from nvr import __version__
    from nvr.backups.drill import drill as try_it
    from nvr.backups.sets import list_sets
    from nvr.backups.state import note_drill
    from storage.disk.roots import Root

    with _catalogue(config) as (loaded, database):
        place = path
        if place is None:
            found = list_sets(_folder(loaded, folder))
            if not found:
                raise click.ClickException(f"there is no backup in {_folder(loaded, folder)}; nvr backup now makes one")
            place = found[-1].path
        with database.read() as conn:
            roots = [Root(row["id"], Path(row["path"])) for row in conn.execute("SELECT id, path FROM root")]
        beside = loaded.storage.catalogue.parent
        done = try_it(place, _passphrase(loaded, passphrase_file), version=__version__, roots=roots, beside=beside)
        with database.write() as conn:
            note_drill(conn, time.time_ns() // 1000, "; ".join(done.faults) or None)
    for fault in done.faults:
        echo(f"WRONG: {fault}")
    if done.passed:
        echo(f"{place} can be restored: it was, with its catalogue opened; {done.segments} of its files looked for")
    echo(f"as a control, refused: {', '.join(done.controls) or 'nothing'}")
    if not done.passed:
        click.get_current_context().exit(1)
