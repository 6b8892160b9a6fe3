"""``nvr coverage``: how much was recorded of what should have been."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import TIME, open_catalogue, table, when
from nvr.cli.gaps import chosen_cameras, gap_query
from nvr.cli.options import config_option

if TYPE_CHECKING:
    from storage.figures import Figures

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
    from nvr.reports.coverage import by_camera, by_label, by_time, figures_body
    from storage import cameras as camera_rows
    from storage import selection
    from storage.figures import summed

    now_us = time.time_ns() // 1000
    query = gap_query(start, end, now_us, cameras, where=where)
    with open_catalogue(config) as (loaded, database), database.read() as conn:
        zone = loaded.server.zone
        found = by_camera(conn, chosen_cameras(conn, query), query, now_us=now_us)
        groups: list[tuple[str, Figures]]
        if by == "camera":
            groups = [(one.camera.id, one.figures) for one in found]
        elif by in ("day", "hour"):
            members = [one.camera for one in found]
            times = by_time(conn, members, query, hours=by == "hour", zone=zone, now_us=now_us)
            groups = [(when(one.start_us, zone), one.figures) for one in times]
        else:
            label = by.removeprefix("label:")
            try:
                selection.ensure_label(label, camera_rows.every(conn, removed=True))
            except selection.SelectionError as error:
                raise click.ClickException(str(error)) from None
            groups = [(value or "-", mine) for value, _, mine in by_label(found, label)]
        total = summed([one.figures for one in found])
    if format_ == "json":
        listed = [{"value": name, **figures_body(mine)} for name, mine in groups]
        click.echo(
            json.dumps({"by": by, "cameras": len(found), "total": figures_body(total), "groups": listed}, indent=1)
        )
        return
    heads = (by.upper(), "COVERAGE", "RECORDED", "MISSING", "OUTAGES", "LONGEST", "MTBF", "MTTR", "NOT REQUIRED")
    table([heads, *(_row(name, mine) for name, mine in groups), _row(f"all {len(found)} cameras", total)])


def _row(name: str, mine: Figures) -> tuple[str, ...]:
    from nvr.texts import Formats

    formats = Formats("en", "UTC")

    def length(us: int | None) -> str:
        return "-" if us is None else formats.length(us)

    outside = mine.known_us - mine.required_us
    return (
        name, formats.percent(mine.recorded_us, mine.required_us), length(mine.recorded_us), length(mine.outage_us), str(mine.outages),
        length(mine.longest_us), length(mine.mtbf_us), length(mine.mttr_us), length(outside),
    )  # fmt: skip
