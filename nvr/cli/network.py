"""``nvr network``: what the network carried, lost and delayed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import TIME, open_catalogue, table, when
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken

if TYPE_CHECKING:
    from nvr.network.figures import Step

__all__ = ["network"]

_WEEK_US = 7 * 86_400_000_000


@click.command()
@click.option("--start", type=TIME, help="ISO 8601 with a zone. [default: a week before the end]")
@click.option("--end", type=TIME, help="ISO 8601 with a zone. [default: now]")
@click.option("--by", default="camera", show_default=True, help="camera, or a label such as isp or district.")
@click.option("--step", type=click.Choice(["total", "day", "hour"]), default="total", show_default=True)
@click.option("--where", help="Only cameras with these labels, such as district=Tembalang,isp=Telkom.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@config_option
def network(
    start: int | None, end: int | None, by: str, step: Step, where: str | None, format_: str, config: Path
) -> None:
    """Print bitrate, loss, reconnections and jitter per camera or label value."""
    from nvr.network import figures
    from storage.catalogue import selection

    now_us = time.time_ns() // 1000
    end_us = now_us if end is None else end
    start_us = end_us - _WEEK_US if start is None else start
    if end_us <= start_us:
        raise click.UsageError("the range is empty: --end must be after --start")
    try:
        chosen = selection.parse(where or "")
    except selection.SelectionError as error:
        raise click.UsageError(spoken(error)) from None
    with open_catalogue(config) as (loaded, database):
        zone = loaded.server.zone
        edges = figures.edges(start_us, end_us, step, zone)
        with database.read() as conn:
            try:
                group_of = figures.groups(conn, by, chosen)
            except selection.SelectionError as error:
                raise click.ClickException(spoken(error)) from None
            parts = figures.measure(conn, group_of, edges, now_us=now_us)
    if format_ == "json":
        rows = [
            {
                "group": part.group,
                "start": when(part.start_us, "UTC").replace(" ", "T"),
                "end": when(part.end_us, "UTC").replace(" ", "T"),
                "cameras": len(part.figures.cameras),
                "recorded_s": part.figures.recorded_us / 1e6,
                "bytes": part.figures.bytes,
                "received_bytes": part.figures.received_bytes,
                "bitrate_bps": part.figures.bitrate_bps,
                "carried_bps": part.carried_bps,
                "packets": part.figures.packets,
                "lost_packets": part.figures.lost_packets,
                "loss": part.figures.loss,
                "damaged": part.figures.damaged,
                "undecodable": part.figures.undecodable,
                "reconnects": part.figures.reconnects,
                "jitter_us": part.figures.jitter_us,
                "jitter_most_us": part.figures.jitter_most_us if part.figures.jitter_readings else None,
                "lost_frames": part.figures.lost_frames,
                "time_faults": part.figures.time_faults,
                "keyframe_most_us": part.figures.keyframe_most_us or None,
            }
            for part in parts
        ]
        echo(json.dumps({"by": by, "step": step, "rows": rows}, indent=1), keep="\n")
        return
    if not parts:
        echo("nothing was measured in this range: hours are entered while the server records")
        return
    heads = (
        by.upper(),
        "FROM",
        "CAMERAS",
        "KBIT/S",
        "TOTAL MBIT/S",
        "LOSS",
        "LOST FRAMES",
        "RECONNECTS",
        "JITTER MS",
        "MOST MS",
    )
    table(
        [
            heads,
            *(
                (
                    part.group or "-",
                    when(part.start_us, zone),
                    str(len(part.figures.cameras)),
                    _text(part.figures.bitrate_bps, 1e-3, 0),
                    f"{part.carried_bps / 1e6:.2f}",
                    "-" if part.figures.loss is None else f"{part.figures.loss:.4%}",
                    str(part.figures.lost_frames),
                    str(part.figures.reconnects),
                    _text(part.figures.jitter_us, 1e-3, 1),
                    f"{part.figures.jitter_most_us / 1e3:.1f}" if part.figures.jitter_readings else "-",
                )
                for part in parts
            ),
        ]
    )


def _text(value: float | None, factor: float, digits: int) -> str:
    return "-" if value is None else f"{value * factor:.{digits}f}"
