"""``nvr coverage``: how much was recorded of what should have been."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import TIME, open_catalogue, table, when
from nvr.cli.gaps import chosen_cameras, gap_query, print_steps
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken

if TYPE_CHECKING:
    from storage.coverage.figures import Figures

__all__ = ["coverage"]


@click.command()
@click.option("--start", type=TIME, required=True, help="ISO 8601 with a zone.")
@click.option("--end", type=TIME, help="ISO 8601 with a zone. [default: now]")
@click.option("--by", default="camera", show_default=True, help="camera, day, hour, or a label such as district.")
@click.option("--camera", "cameras", multiple=True, help="Only this camera; may be given more than once.")
@click.option("--where", help="Only cameras with these labels, such as district=Tembalang,isp=Telkom.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@config_option
def coverage(
    start: int,
    end: int | None,
    by: str,
    cameras: tuple[str, ...],
    where: str | None,
    format_: str,
    config: Path,
) -> None:
    """Print recorded time divided by required time, and what was in the way."""
    from nvr.reports.coverage import by_camera, by_label, by_time
    from nvr.reports.figure_rows import ROWS, figures_body, labels
    from nvr.reports.stream import steps_body
    from nvr.texts import Formats
    from storage.catalogue import cameras as camera_rows
    from storage.catalogue import selection
    from storage.coverage.clock_steps import fleet_steps
    from storage.coverage.figures import summed

    now_us = time.time_ns() // 1000
    query = gap_query(start, end, now_us, cameras, where=where)
    with open_catalogue(config) as (loaded, database), database.read() as conn:
        zone = loaded.server.zone
        asked_us = query.range.end_us - query.range.start_us
        found = by_camera(conn, chosen_cameras(conn, query), query, now_us=now_us)
        groups: list[tuple[str, Figures, int]]
        if by == "camera":
            groups = [(one.camera.id, one.figures, asked_us) for one in found]
        elif by in ("day", "hour"):
            members = [one.camera for one in found]
            times = by_time(conn, members, query, hours=by == "hour", zone=zone, now_us=now_us)
            groups = [
                (when(one.start_us, zone), one.figures, len(found) * (one.end_us - one.start_us)) for one in times
            ]
        else:
            label = by.removeprefix("label:")
            try:
                selection.ensure_label(label, camera_rows.list_all(conn, removed=True))
            except selection.SelectionError as error:
                raise click.ClickException(spoken(error)) from None
            groups = [(value or "-", mine, count * asked_us) for value, count, mine in by_label(found, label)]
        total = summed([one.figures for one in found])
        steps = fleet_steps(conn, [one.camera.id for one in found], *query.range)
    if format_ == "json":
        listed = [{"value": name, **figures_body(mine, asked)} for name, mine, asked in groups]
        body = {
            "by": by,
            "cameras": len(found),
            "total": figures_body(total, len(found) * asked_us),
            "groups": listed,
            "clock_steps": steps_body(steps),
        }
        echo(json.dumps(body, indent=1), keep="\n")
        return
    heads = (by.upper(), *(name.upper() for name in labels(Formats("en", "UTC"), ROWS)))
    rows = [_row(*group) for group in groups]
    table([heads, *rows, _row(f"all {len(found)} cameras", total, len(found) * asked_us)])
    print_steps(steps, zone)


def _row(name: str, mine: Figures, asked_us: int) -> tuple[str, ...]:
    from nvr.reports.figure_rows import cells
    from nvr.texts import Formats

    return (name, *cells(mine, asked_us, Formats("en", "UTC")))
