"""``nvr delete``: footage that a person decides must go."""

from __future__ import annotations

import time
from pathlib import Path

import click

from nvr.cli.catalogue import TIME, open_catalogue, when, who
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken

__all__ = ["delete"]


@click.command()
@click.argument("camera")
@click.option("--start", type=TIME, required=True, help="Begin of the range: ISO 8601 with a zone.")
@click.option("--end", type=TIME, required=True, help="End of the range.")
@click.option("--reason", required=True, help="Why; stays in the ledger with who deleted it.")
@click.option("--dry-run", is_flag=True, help="Print what would go; delete nothing.")
@click.option("--confirm", metavar="HASH", help="Delete without asking, if the dry run's hash is this.")
@config_option
def delete(camera: str, start: int, end: int, reason: str, dry_run: bool, confirm: str | None, config: Path) -> None:
    """Print what deleting a range of a camera would take, ask, and delete it. Held footage stays; files go whole."""
    from storage.retention import by_person
    from storage.retention import deleting as garbage

    with open_catalogue(config) as (loaded, database):
        zone = loaded.server.zone
        try:
            with database.read() as conn:
                found = by_person.plan(conn, camera, start, end)
            echo(f"{len(found.keys)} segments, {found.bytes} bytes:")
            for a, b in found.ranges:
                echo(f"  {when(a, zone)} to {when(b, zone)}")
            if found.held:
                echo(f"{found.held} segments stay: a legal hold keeps them")
            if found.growing:
                echo("the file that is being written now stays: try again when it is closed")
            echo(f"hash: {found.hash}")
            if dry_run:
                return
            if confirm is None:
                click.confirm("Delete this for ever?", abort=True)
            now_us = time.time_ns() // 1000
            confirmed = found.hash if confirm is None else confirm
            by_person.delete(database, camera, start, end, confirmed=confirmed, reason=reason, by=who(), now_us=now_us)
        except KeyError:
            raise click.ClickException(f"there is no camera {camera}; nvr cameras lists them") from None
        except by_person.DeletionError as error:
            raise click.ClickException(spoken(error)) from None
        garbage.sweep(database)
    echo(f"deleted {len(found.keys)} segments")
