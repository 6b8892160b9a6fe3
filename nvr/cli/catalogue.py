"""Opening the catalogue of a configuration for a command; and the words commands share."""

from __future__ import annotations

import getpass
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from nvr.cli.terminal import echo, spoken
from storage.texts import TextError, escaped

if TYPE_CHECKING:
    from nvr.config import Config
    from storage.catalogue.actors import Actor
    from storage.catalogue.database import Database

__all__ = ["TIME", "ensure_current", "open_catalogue", "table", "when", "who"]


@contextmanager
def open_catalogue(config: Path) -> Iterator[tuple[Config, Database]]:
    """The configuration and its catalogue, which is made if there is none; one of another version's schema is refused
    and not touched: to upgrade is for ``nvr upgrade`` and a server that starts. Works whether or not the server runs,
    and, with the last settings that a server used, while the file has mistakes.

    Raises:
        click.ClickException: the catalogue can't be used.
    """
    from nvr import __version__
    from nvr.access.errors import AccessError
    from nvr.accounts.errors import AccountError
    from nvr.config.last_good import load_or_last
    from storage.catalogue.audit import Act, acting
    from storage.catalogue.database import Database
    from storage.disk.files import accept_unsynced_folders
    from storage.errors import StorageError
    from storage.upgrade.forward import bring_up

    loaded = load_or_last(config, lambda told: echo(told, err=True))
    accept_unsynced_folders(loaded.storage.unsynced_folders)
    database = Database(loaded.storage.catalogue)
    try:
        if loaded.storage.catalogue.exists():
            ensure_current(database)
        else:
            bring_up(database, __version__, say=lambda told: echo(told, err=True))
        with acting(Act(who(), "local", click.get_current_context().command_path.replace(" ", "_"))):
            yield loaded, database
    except (StorageError, AccountError, AccessError, TextError) as error:
        raise click.ClickException(spoken(error)) from error
    except sqlite3.Error as error:
        raise click.ClickException(f"catalogue {loaded.storage.catalogue} can't be used: {error}") from error
    finally:
        database.close()


def ensure_current(database: Database) -> None:
    """The catalogue is of this version's schema, or of one that is being made.

    Raises:
        click.ClickException: it is of another; the message says what to do.
    """
    from nvr import __version__
    from storage.catalogue.node import is_held
    from storage.errors import CatalogueError
    from storage.upgrade import standing

    try:
        if database.path.stat().st_size:
            standing.ensure_current(database, __version__, is_served=is_held(database.path.with_suffix(".lock")))
    except (CatalogueError, OSError) as error:
        raise click.ClickException(spoken(error)) from error


def who() -> Actor:
    """For the record: whoever may use this command may use the catalogue. The name is what the operating system
    says."""
    from storage.catalogue.actors import COMMAND_LINE_ID, Actor

    return Actor(COMMAND_LINE_ID, f"{getpass.getuser()} (command line)")


class _Time(click.ParamType[int]):
    """ISO 8601 with an explicit zone, as microseconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        from nvr.api.http.errors import ApiError
        from nvr.api.http.times import parse_time

        try:
            return parse_time("the time", str(value))
        except ApiError as error:
            # Without what only concerns addresses.
            why = "has no zone" if error.code == "naive_time" else "is not a time"
            self.fail(f"{value!r} {why}; write it as 2026-11-23T14:05:06+07:00 or 2026-11-23T07:05:06Z", param, ctx)


TIME = _Time()


def when(at_us: int | None, zone: str) -> str:
    """A time as people of this zone read it, with its offset; ``-`` if there is none."""
    if at_us is None:
        return "-"
    return datetime.fromtimestamp(at_us / 1e6, UTC).astimezone(ZoneInfo(zone)).isoformat(sep=" ", timespec="seconds")


def table(rows: Sequence[Sequence[str]]) -> None:
    """Prints rows in columns, the first row being their heads."""
    rows = [[escaped(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
