"""``nvr marks``: what devices reported and analyses saw; and which devices are asked."""

from __future__ import annotations

import time
from pathlib import Path

import click

from nvr.cli.catalogue import TIME, open_catalogue, table, when
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken

__all__ = ["marks"]


def _range(start: int | None, end: int | None) -> tuple[int, int]:
    end_us = time.time_ns() // 1000 if end is None else end
    start_us = end_us - 3_600_000_000 if start is None else start
    if start_us >= end_us:
        raise click.UsageError("--end is not after --start")
    return start_us, end_us


@click.group(invoke_without_command=True)
@click.option("--start", type=TIME, help="ISO 8601 with a zone. [default: an hour ago]")
@click.option("--end", type=TIME, help="ISO 8601 with a zone. [default: now]")
@click.option("--camera", "cameras", multiple=True, help="Only this camera; may be given more than once.")
@click.option("--kind", "kinds", multiple=True, help="Only this kind, such as motion; may be given more than once.")
@config_option
@click.pass_context
def marks(
    ctx: click.Context,
    start: int | None,
    end: int | None,
    cameras: tuple[str, ...],
    kinds: tuple[str, ...],
    config: Path,
) -> None:
    """Print marks on cameras' time, the latest first."""
    from nvr.cameras.marks import MOST_MARKS, between

    ctx.find_root().obj = config
    if ctx.invoked_subcommand is not None:
        return
    start_us, end_us = _range(start, end)
    with open_catalogue(config) as (loaded, database), database.read() as conn:
        found = between(conn, start_us, end_us, cameras=set(cameras) or None, kinds=kinds)
        lines = [("CAMERA", "KIND", "START", "END", "COUNT", "SOURCE", "WHAT")]
        for one in found:
            what = str(one.detail.get("label") or one.detail.get("topic") or "-")
            end_text = "goes on" if one.is_on else when(one.end_us, loaded.server.zone)
            source = f"{one.source} {one.version}".strip()
            lines.append(
                (one.camera, one.kind, when(one.start_us, loaded.server.zone), end_text, str(one.count), source, what)
            )
        table(lines)
    if len(found) == MOST_MARKS:
        echo(f"only the latest {MOST_MARKS}: choose a shorter range", err=True)


@marks.command("devices")
@config_option
def devices(config: Path) -> None:
    """Print which devices are asked for events, and what becomes of it."""
    from nvr.devices import rows
    from nvr.devices.events.choosing import chosen, states

    with open_catalogue(config) as (loaded, database), database.read() as conn:
        wanted = chosen(conn, {str(kind): query for kind, query in loaded.events.kinds.items()})
        now = states(conn)
        bound: dict[str, list[str]] = {}
        for camera, device in rows.bindings(conn).items():
            bound.setdefault(device, []).append(camera)
        lines = [("DEVICE", "ADDRESS", "CAMERA", "STATE", "SINCE", "")]
        for id_, source in sorted(wanted.items()):
            asked = now.get(id_)
            lines.append(
                (
                    id_,
                    source.device.address,
                    ",".join(sorted(bound.get(id_, []))),
                    "not asked yet" if asked is None else asked.state,
                    "-" if asked is None else when(asked.since_us, loaded.server.zone),
                    "" if asked is None or asked.why is None else spoken(asked.why),
                )
            )
        if wanted:
            table(lines)
        else:
            echo('no device is asked for events; say whose in the configuration: [events] kinds = { motion = "*" }')
