"""``nvr plan``: disk, uplink and rupiah for a number of cameras."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import open_catalogue, table
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken

if TYPE_CHECKING:
    from nvr.network.capacity import Rates

__all__ = ["plan"]


@click.command()
@click.option("--where", help="Only cameras with these labels, such as district=Tembalang,isp=Telkom.")
@click.option("--cameras", type=click.IntRange(0), help="As if there were so many. [default: those there are]")
@click.option(
    "--kbit", type=click.FloatRange(0, min_open=True), help="As if each sent so many kbit/s. [default: as measured]"
)
@click.option("--days", type=click.FloatRange(0), default=30.0, show_default=True, help="Days of footage to keep.")
@click.option(
    "--overhead", type=click.FloatRange(0), default=0.05, show_default=True, help="What the way adds, as a share."
)
@click.option(
    "--price", type=click.FloatRange(0), help="Rupiah a month per Mbit/s. [default: [network] price_per_mbit]"
)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@config_option
def plan(
    where: str | None,
    cameras: int | None,
    kbit: float | None,
    days: float,
    overhead: float,
    price: float | None,
    format_: str,
    config: Path,
) -> None:
    """Print what disk and uplink cameras need, and what it costs a month: as measured over the last week, or as if."""
    from nvr.cli.retention import present_disks
    from nvr.network import capacity as planning
    from nvr.network import figures as network
    from storage.catalogue import cameras as camera_rows
    from storage.catalogue import selection
    from storage.retention import forecast

    try:
        chosen = selection.parse(where or "")
    except selection.SelectionError as error:
        raise click.UsageError(spoken(error)) from None
    now_us = time.time_ns() // 1000
    with open_catalogue(config) as (loaded, database):
        found = present_disks(loaded, database)
        with database.read() as conn:
            try:
                ids = [camera.id for camera in selection.select(chosen, camera_rows.list_all(conn))]
            except selection.SelectionError as error:
                raise click.ClickException(spoken(error)) from None
            measured = network.known_rates(conn, now_us=now_us)
            recorded = int(conn.execute("SELECT coalesce(sum(bytes), 0) FROM span").fetchone()[0])
        price = loaded.network.price_per_mbit if price is None else price
    capacity_bytes = forecast.capacity(found, recorded) if found else None
    try:
        sent = planning.rates(ids, measured, bitrate_bps=None if kbit is None else kbit * 1000, count=cameras)
    except planning.NoBitrateError as error:
        raise click.ClickException(f"{error} with --kbit") from None
    made = planning.plan(sent, days=days, overhead=overhead, price_per_mbit=price, capacity_bytes=capacity_bytes)
    if format_ == "json":
        echo(
            json.dumps(
                {**asdict(made), "days": days, "overhead": overhead, "capacity_bytes": capacity_bytes}, indent=1
            ),
            keep="\n",
        )
        return
    rows = [
        ("cameras", _cameras(sent)),
        ("footage", f"{sent.total_bps / 1e6:.2f} Mbit/s"),
        ("a day", f"{made.bytes_a_day / 1e12:.3f} TB"),
        (f"disk for {days:g} days", f"{made.disk_bytes / 1e12:.3f} TB"),
        ("present disks last", "-" if made.disk_days is None else f"{made.disk_days:.1f} days"),
        ("uplink", f"{made.uplink_bps / 1e6:.2f} Mbit/s, {overhead:.0%} overhead included"),
        ("cost", "-" if made.cost_a_month is None else f"Rp {made.cost_a_month:,.0f} a month"),
    ]
    table([(f"{name}:", value) for name, value in rows])


def _cameras(sent: Rates) -> str:
    if not (sent.measured or sent.unknown):
        return str(sent.cameras)
    others = f", {sent.unknown} of unknown rate count as their mean" if sent.unknown else ""
    return f"{sent.cameras} ({sent.measured} measured{others})"
