"""``nvr cameras``: what is recorded, and what is not."""

from __future__ import annotations

from pathlib import Path

import click

from nvr.cli.catalogue import open_catalogue, table, when
from nvr.cli.options import config_option

__all__ = ["cameras"]


@click.command()
@config_option
def cameras(config: Path) -> None:
    """Print all cameras with their state, its cause, and until when they are recorded."""
    from storage import cameras as camera_rows
    from storage import status

    with open_catalogue(config) as (loaded, database):
        with database.read() as conn:
            found = camera_rows.every(conn)
            states = status.every(conn)
        zone = loaded.server.zone
        rows = [("ID", "NAME", "STATE", "CAUSE", "SINCE", "RECORDED UNTIL")]
        for camera in found:
            now = states.get(camera.id)
            rows.append(
                (
                    camera.id,
                    camera.name,
                    now.state if now else "waiting",
                    (now.cause if now else None) or "-",
                    when(now.since_us if now else None, zone),
                    when(now.recorded_until_us if now else None, zone),
                )
            )
        table(rows)
