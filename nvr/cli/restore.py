"""``nvr restore``: a backup put in place on another machine."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from nvr.cli.options import config_option
from nvr.cli.secrets import passphrase_of
from nvr.cli.terminal import echo, spoken

__all__ = ["restore"]


@click.command()
@click.argument("place", metavar="PATH", type=click.Path())
@click.option("--endpoint", help="Of a store that speaks S3 and is not Amazon's: https://host:port.")
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file whose first line is the passphrase. Without it, it is asked for, if the backup has one.",
)
@click.option(
    "--without-keys", is_flag=True, help="Restore the catalogue alone: camera passwords can't be opened then."
)
@config_option
def restore(place: str, endpoint: str | None, passphrase_file: Path | None, without_keys: bool, config: Path) -> None:
    """Check the backup at PATH and put it in place: configuration, keys and catalogue. Nothing that is there is
    replaced.

    PATH is a folder that nvr backup now or the server made, or s3://bucket/prefix/NAME, where NAME may be latest; keys
    of the store are those of the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION. The configuration
    goes to --config if there is none yet; what it says decides where the rest goes.
    """
    with tempfile.TemporaryDirectory(prefix="nvr-restore-") as scratch:
        _restore(_fetched(place, endpoint, Path(scratch)), passphrase_file, without_keys, config)


def _fetched(place: str, endpoint: str | None, scratch: Path) -> Path:
    from nvr.backups.remote import RemoteBackups, RemotePlace
    from nvr.backups.sets import BackupError

    if not place.startswith("s3://"):
        path = Path(place)
        if not path.is_dir():
            raise click.BadParameter(f"Directory '{place}' does not exist.", param_hint="PATH")
        return path
    url, _, name = place.rpartition("/")
    try:
        fetched = RemoteBackups(RemotePlace(url, endpoint, os.environ.get("AWS_REGION"))).fetch(name, scratch)
    except BackupError as error:
        raise click.ClickException(spoken(error)) from error
    echo(f"{place}: {fetched.name}, fetched")
    return fetched


def _restore(path: Path, passphrase_file: Path | None, without_keys: bool, config: Path) -> None:
    from nvr.backups.restoring import opened_files, restore_config
    from nvr.backups.restoring import restore as put
    from nvr.backups.sets import SEALED_FILE, BackupError, read_manifest
    from nvr.backups.verifying import verify_backup

    try:
        manifest = read_manifest(path)
        passphrase = None
        if SEALED_FILE in manifest.files and not without_keys:
            passphrase = passphrase_of(passphrase_file, new=False)
        with tempfile.TemporaryDirectory(prefix="nvr-restore-") as scratch:
            faults = verify_backup(path, passphrase, Path(scratch))
        for fault in faults:
            echo(f"WRONG: {fault}", err=True)
        if faults:
            raise click.ClickException(f"{path} is not restored; take another backup")
        files = opened_files(path, passphrase)
        if restore_config(files, config):
            echo(f"{config}: the configuration of the backup")
        done = put(path, files, config)
    except (BackupError, OSError) as error:
        raise click.ClickException(spoken(error)) from error
    for made in done.made:
        echo(f"{made}: restored")
    for kept in done.kept:
        echo(f"{kept}: was there already, and stayed", err=True)
    if passphrase is None:
        echo("without keys: passwords of cameras can't be opened, and exports are signed with a new key", err=True)
    echo("now: mount the footage disks where [storage] roots has them, nvr check-config, start the server;")
    echo("what was recorded after the backup is taken in from the disks")
