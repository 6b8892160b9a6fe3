"""``nvr holds``: legal holds."""

from __future__ import annotations

import time
from pathlib import Path

import click

from nvr.cli.catalogue import TIME, open_catalogue, table, when, who
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken

__all__ = ["holds"]


@click.group()
@config_option
@click.pass_context
def holds(ctx: click.Context, config: Path) -> None:
    """Place, list and release legal holds: ranges that no rule deletes. Works whether or not the server runs."""
    # For the subcommands, which look there.
    ctx.find_root().obj = config


@holds.command("list")
@config_option
def list_(config: Path) -> None:
    """Print all holds, released ones too."""
    from storage.retention import holds as rows

    with open_catalogue(config) as (loaded, database):
        zone = loaded.server.zone
        lines = [("ID", "CAMERA", "START", "END", "PLACED BY", "RELEASED", "REASON")]
        with database.read() as conn:
            for hold in rows.list_all(conn):
                start, end, released = (when(at, zone) for at in (hold.start_us, hold.end_us, hold.released_us))
                lines.append((hold.id, hold.camera, start, end, hold.placed_by, released, hold.reason))
        table(lines)


@holds.command()
@click.argument("camera")
@click.option("--start", type=TIME, required=True, help="Begin of the range: ISO 8601 with a zone.")
@click.option("--end", type=TIME, required=True, help="End of the range; may lie in the future.")
@click.option("--reason", required=True, help="The case or the letter.")
@config_option
def place(camera: str, start: int, end: int, reason: str, config: Path) -> None:
    """Hold a range of a camera."""
    from storage.retention import held_bytes
    from storage.retention import holds as rows

    with open_catalogue(config) as (_, database), database.write() as conn:
        try:
            hold = rows.place(conn, camera, start, end, reason=reason, by=who(), now_us=time.time_ns() // 1000)
        except KeyError:
            raise click.ClickException(f"there is no camera {camera}; nvr cameras lists them") from None
        except rows.HoldError as error:
            raise click.ClickException(spoken(error)) from None
        segments, size = held_bytes.held(conn, hold)
    echo(f"hold {hold.id} placed: it keeps {segments} segments, {size} bytes")


@holds.command()
@click.argument("hold_id")
@click.option("--reason", required=True, help="Why it ends.")
@config_option
def release(hold_id: str, reason: str, config: Path) -> None:
    """Release a hold: its footage follows the rules again."""
    from storage.retention import holds as rows

    with open_catalogue(config) as (_, database), database.write() as conn:
        try:
            rows.release(conn, hold_id, reason=reason, by=who(), now_us=time.time_ns() // 1000)
        except KeyError:
            raise click.ClickException(f"there is no hold {hold_id}; nvr holds list shows them") from None
        except rows.HoldError as error:
            raise click.ClickException(spoken(error)) from None
    echo(f"hold {hold_id} released")
