"""``nvr upgrade``: the catalogue of an older version up to date, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import when
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken

if TYPE_CHECKING:
    from nvr.config import Config
    from storage.catalogue.database import Database
    from storage.upgrade.back import Meanwhile

__all__ = ["upgrade"]

# What the server itself enters, beside what people decide.
_OF_THE_SERVER = frozenset({"server_started", "server_stopped", "configuration_read"})


@click.command()
@click.option("--back", is_flag=True, help="Return to the catalogue as it was before the last upgrade.")
@click.option("--yes", is_flag=True, help="With --back: don't ask.")
@config_option
def upgrade(back: bool, yes: bool, config: Path) -> None:
    """Bring the catalogue up to this version's schema, after a checked copy. The server must not run.

    A server that starts does the same. With --back the catalogue is again what it was before: then install the version
    before, and start that.
    """
    from nvr.config import load

    if yes and not back:
        raise click.UsageError("--yes is for --back")
    loaded = load(config)
    path = loaded.storage.catalogue
    if not path.exists():
        raise click.ClickException(f"there is no catalogue {path}; nvr serve makes one")
    with _alone(path) as database:
        if back:
            _back(loaded, database, yes)
        else:
            _forward(database)


@contextmanager
def _alone(path: Path) -> Iterator[Database]:
    """The catalogue, while no server has it.

    Raises:
        click.ClickException: one has it, or what was done with it failed.
    """
    import sqlite3

    from storage.catalogue.database import Database
    from storage.catalogue.node import Lock
    from storage.errors import StorageError

    try:
        lock = Lock([path.with_suffix(".lock")], patience_s=2.0)
    except StorageError:
        raise click.ClickException(
            f"a server uses catalogue {path}: stop it, and call this again; nothing was changed"
        ) from None
    database = Database(path)
    try:
        yield database
    except (StorageError, sqlite3.Error, OSError) as error:
        raise click.ClickException(spoken(error)) from error
    finally:
        database.close()
        lock.release()


def _forward(database: Database) -> None:
    from nvr import __version__
    from storage.upgrade.forward import bring_up

    if bring_up(database, __version__, say=echo) is None:
        echo(f"catalogue {database.path} is of this version's schema already")


def _back(loaded: Config, database: Database, yes: bool) -> None:
    from storage.upgrade.back import choose, go_back, meanwhile, standing_of
    from storage.upgrade.standing import standing

    copy = choose(database.path)
    theirs = standing_of(copy)
    lost = False
    with database.read() as conn:
        if not standing(conn).missing:
            since = meanwhile(conn, copy.at_us)
            lost = bool(since.entries)
            for line in _told(since, loaded.server.zone):
                echo(line)
    version = f"nvr {theirs.version}" if theirs.version else "the version that was here before"
    echo(f"Back to {copy.path} of {when(copy.at_us, loaded.server.zone)}, schema {theirs.schema}, of {version}.")
    if not yes:
        click.confirm("Return to it?", abort=True)
    left = go_back(database, copy)
    echo(f"catalogue {database.path} is that copy now; what it was is in {left}")
    echo(f"install {version} and start it: nvr serve of this one would upgrade again")
    if lost:
        echo("the audit log lacks what was entered since, and an alert will say so (tampered): the copy above has it")


def _told(since: Meanwhile, zone: str) -> Iterator[str]:
    """What going back means: what is taken in again, and what is lost."""
    hours = since.recorded_us / 3_600_000_000
    yield (
        f"Recorded since: {since.segments} segments of {since.cameras} cameras, {hours:.1f} h, {since.bytes} bytes."
        " They stay on the disks; the start of the version before takes them in"
    )
    lost = [(action, count) for action, count in since.entries if action not in _OF_THE_SERVER]
    if lost:
        yield "LOST, as entered in the audit log since: " + ", ".join(f"{count} {action}" for action, count in lost)
    if since.new_cameras:
        named = ", ".join(since.new_cameras[:20]) + (", …" if len(since.new_cameras) > 20 else "")
        yield f"NOT TAKEN IN: footage of cameras added since ({named}); it stays on the disks, and nvr rebuild finds it"
    for camera, start_us, end_us, reason in since.holds:
        yield (
            f"LOST, a hold that keeps footage: {camera}, {when(start_us, zone)} to {when(end_us, zone)} ({reason});"
            " place it again with the version before, before anything else"
        )
