"""``nvr maintenance`` and ``nvr schedules``: planned windows, and weekly hours of recording."""

from __future__ import annotations

import time
from pathlib import Path

import click

from nvr.cli.catalogue import TIME, open_catalogue, table, when, who
from nvr.cli.choosing import choice_options, chosen, node_of, planned
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken

__all__ = ["maintenance", "schedules"]


def _enter(config: Path, kind: str, choice: tuple[str | None, tuple[str, ...], Path | None], **fields: object) -> None:
    from nvr.orders import model as directives
    from nvr.orders import register
    from nvr.orders.carrying_out import carry_out

    with open_catalogue(config) as (loaded, database):
        now_us = time.time_ns() // 1000
        with planned(database, lambda conn: chosen(conn, *choice)) as (conn, found):
            if kind == "schedule":
                fields["zone"] = loaded.server.zone
            values = {"selection": found.how, **fields, "start_us": fields["start_us"] or now_us}
            draft = directives.Draft(kind=directives.DirectiveKind(kind), **values)  # type: ignore[arg-type]
            try:
                node = node_of(conn, loaded.server.node)
                made = register.add(conn, draft, found.ids, node_id=node, by=who(), now_us=now_us)
            except directives.DirectiveError as error:
                raise click.ClickException(spoken(error)) from None
        carry_out(database)
    echo(f"{kind} {made.id} entered for {made.cameras} cameras")


def _end(config: Path, kind: str, id_: str, reason: str, cameras: tuple[str, ...]) -> None:
    from nvr.orders import model as directives
    from nvr.orders import register
    from nvr.orders.carrying_out import carry_out

    with open_catalogue(config) as (_, database):
        carry_out(database)
        with database.write() as conn:
            found = directives.find(conn, id_)
            if found is None or found.kind != kind:
                raise click.ClickException(f"there is no {kind} {id_}")
            now_us = time.time_ns() // 1000
            try:
                done = register.revoke(conn, id_, reason=reason, by=who(), now_us=now_us, cameras=cameras or None)
            except directives.DirectiveError as error:
                raise click.ClickException(spoken(error)) from None
        carry_out(database)
    echo(f"{kind} {id_} no longer holds for {done.cameras} cameras")


def _list(config: Path, kind: str) -> None:
    from nvr.orders import model as directives

    now_us = time.time_ns() // 1000
    with open_catalogue(config) as (loaded, database), database.read() as conn:
        zone = loaded.server.zone
        lines = [("ID", "STATE", "CAMERAS", "LEFT", "START", "END", "HOURS", "REASON")]
        for found in directives.list_all(conn, [directives.DirectiveKind(kind)]):
            state = directives.state_of(found, directives.revocations(conn, found.id), now_us)
            start, end = when(found.start_us, zone), when(found.end_us, zone)
            counts = str(found.cameras), str(found.left)
            lines.append((found.id, state, *counts, start, end, found.hours or "-", found.reason))
    table(lines)


@click.group()
@config_option
@click.pass_context
def maintenance(ctx: click.Context, config: Path) -> None:
    """Announce planned maintenance: recording goes on if it can, and a gap within is attributed to it."""
    ctx.find_root().obj = config


@maintenance.command("list")
@config_option
def list_windows(config: Path) -> None:
    """Print all windows, those that are over too."""
    _list(config, "maintenance")


@maintenance.command("add")
@choice_options
@click.option("--reason", required=True, help="What is done.")
@click.option("--start", type=TIME, required=True, help="Begin: ISO 8601 with a zone.")
@click.option("--end", type=TIME, required=True, help="End.")
@config_option
def add_window(
    where: str | None, cameras: tuple[str, ...], list_: Path | None, reason: str, start: int, end: int, config: Path
) -> None:
    """Enter a window; it may lie in the past."""
    _enter(config, "maintenance", (where, cameras, list_), reason=reason, start_us=start, end_us=end)


@maintenance.command("end")
@click.argument("window_id")
@click.option("--reason", required=True, help="Why it ends early.")
@click.option(
    "--camera", "cameras", multiple=True, help="Only for this camera; may be given more than once. [default: all]"
)
@config_option
def end_window(window_id: str, reason: str, cameras: tuple[str, ...], config: Path) -> None:
    """End a window now."""
    _end(config, "maintenance", window_id, reason, cameras)


@click.group()
@config_option
@click.pass_context
def schedules(ctx: click.Context, config: Path) -> None:
    """Record cameras in weekly hours only; outside these they are not connected to."""
    ctx.find_root().obj = config


@schedules.command("list")
@config_option
def list_schedules(config: Path) -> None:
    """Print all schedules, those that are over too."""
    _list(config, "schedule")


@schedules.command("add")
@choice_options
@click.option(
    "--hours", required=True, help='When to record, in the display zone: "mon-fri 06:00-22:00, sat 08:00-14:00".'
)
@click.option("--reason", required=True, help="Why not always.")
@click.option("--start", type=TIME, help="From when on it counts. [default: now]")
@click.option("--end", type=TIME, help="Until when. [default: until it is ended]")
@config_option
def add_schedule(
    where: str | None,
    cameras: tuple[str, ...],
    list_: Path | None,
    hours: str,
    reason: str,
    start: int | None,
    end: int | None,
    config: Path,
) -> None:
    """Enter a schedule."""
    _enter(config, "schedule", (where, cameras, list_), hours=hours, reason=reason, start_us=start, end_us=end)


@schedules.command("end")
@click.argument("schedule_id")
@click.option("--reason", required=True, help="Why it ends.")
@click.option(
    "--camera", "cameras", multiple=True, help="Only for this camera; may be given more than once. [default: all]"
)
@config_option
def end_schedule(schedule_id: str, reason: str, cameras: tuple[str, ...], config: Path) -> None:
    """End a schedule now."""
    _end(config, "schedule", schedule_id, reason, cameras)
