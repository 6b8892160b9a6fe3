"""``nvr retention``: what the rules delete, and whether promises will be kept."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import open_catalogue, table, when, who
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken

if TYPE_CHECKING:
    from nvr.config import Config
    from storage.catalogue.database import Database
    from storage.retention.plan import Disk
    from storage.retention.policies import Rules

__all__ = ["present_disks", "retention"]


def present_disks(loaded: Config, database: Database) -> list[Disk]:
    """The disks of the roots that the file names, as far as the catalogue knows them."""
    from storage.disk.roots import Root
    from storage.retention.free_space import disks

    floor = loaded.storage.free_space_floor
    wanted = {str(path) for path in loaded.storage.roots}
    with database.read() as conn:
        rows = conn.execute("SELECT id, path FROM root").fetchall()
    roots = [Root(row["id"], Path(row["path"])) for row in rows if row["path"] in wanted]
    return disks(roots, floor.fixed_bytes, float(floor.percent) / 100)


def _changed(rules: Rules, max_age: str | None, min_age: str | None, max_bytes: str | None) -> Rules:
    from nvr.config import parse_duration_us, parse_size_bytes

    try:
        default = rules.default
        if max_age is not None:
            default = replace(default, max_age_us=parse_duration_us(max_age))
        if min_age is not None:
            default = replace(default, min_age_us=parse_duration_us(min_age))
        if max_bytes is not None:
            default = replace(default, max_bytes=parse_size_bytes(max_bytes))
    except ValueError as error:
        raise click.UsageError(spoken(error)) from None
    if default.min_age_us is not None and default.max_age_us is not None and default.min_age_us > default.max_age_us:
        raise click.UsageError("min_age is longer than max_age")
    return replace(rules, default=default)


@click.group()
@config_option
@click.pass_context
def retention(ctx: click.Context, config: Path) -> None:
    """Preview what rules delete, delete it, and forecast what the disks can keep. Works whether or not the server
    runs."""
    # For the subcommands, which look there.
    ctx.find_root().obj = config


@retention.command()
@click.option("--max-age", help="As if [retention] max_age were this.")
@click.option("--min-age", help="As if [retention] min_age were this.")
@click.option("--max-bytes", help="As if [retention] max_bytes were this.")
@config_option
def preview(max_age: str | None, min_age: str | None, max_bytes: str | None, config: Path) -> None:
    """Print what would be deleted now, and the plan's hash. Deletes nothing."""
    from storage.retention import confirmed_plans

    with open_catalogue(config) as (loaded, database):
        now_us, in_force = time.time_ns() // 1000, loaded.retention.rules
        found = present_disks(loaded, database)
        with database.read() as conn:
            rules = _changed(in_force, max_age, min_age, max_bytes)
            planned = confirmed_plans.preview(conn, rules, found, now_us=now_us)
            made = confirmed_plans.packed(conn, planned.deletions, in_force)
        with database.write() as conn:
            confirmed_plans.save(conn, made, now_us=now_us)
        sums, zone = confirmed_plans.summary(planned.deletions), loaded.server.zone
    if sums.segments:
        least = "" if planned.complete else "at least "
        echo(
            f"{least}{sums.recorded_us / 3.6e9:.1f} h from {sums.cameras} cameras ({sums.segments} segments,"
            f" {sums.bytes} bytes), oldest {when(sums.oldest_us, zone)}"
        )
        for rule, (segments, size) in sums.by_rule.items():
            echo(f"  by {rule}: {segments} segments, {size} bytes")
    else:
        echo("nothing would be deleted")
    for shortfall in planned.shortfalls:
        echo(f"root {shortfall.root}: {shortfall.bytes} bytes short of its floor; all that is left is protected")
    if planned.overdue:
        echo(f"{planned.overdue} segments are past max_age and stay, since they are held")
    for camera, size in sorted(planned.beyond.items()):
        echo(f"camera {camera} has {size} bytes beyond its max_bytes, since they are held")
    if sums.segments:
        echo(f"to delete exactly this, within an hour: nvr retention apply {made.hash}")


@retention.command()
@click.argument("plan_hash")
@config_option
def apply(plan_hash: str, config: Path) -> None:
    """Delete exactly what was previewed under this hash; refuses if rules or holds have changed since."""
    from storage.retention import applying, confirmed_plans

    with open_catalogue(config) as (loaded, database):
        now_us = time.time_ns() // 1000
        try:
            with database.read() as conn:
                todo = confirmed_plans.confirmed(conn, plan_hash, loaded.retention.rules, now_us=now_us)
        except confirmed_plans.PlanError as error:
            raise click.ClickException(spoken(error)) from None
        done = applying.apply(database, todo.deletions, now_us=now_us, by=who())
    echo(f"{done.segments} segments deleted, {done.bytes} bytes; {todo.gone} had gone before")


@retention.command()
@config_option
def waiting(config: Path) -> None:
    """Print the deletions that wait for a person, with their causes.

    Exits with 1 if any waits.
    """
    from storage.retention import confirmations

    with open_catalogue(config) as (loaded, database):
        with database.read() as conn:
            found = confirmations.waiting(conn)
        zone = loaded.server.zone
    if not found:
        echo("no deletion waits")
        return
    rows = [("CAUSE", "SINCE", "CAMERAS", "SEGMENTS", "HOURS", "OLDEST", "WHY")]
    for row in found:
        cameras, segments, hours = (str(row.detail.get(key, "-")) for key in ("cameras", "segments", "hours"))
        why = row.detail.get("reason") or "more than the rules confirmed so far explain"
        if row.confirmed_by:
            why = "confirmed: goes with the next pass"
        oldest = when(row.detail.get("oldest_us"), zone)
        rows.append((row.cause, when(row.since_us, zone), cameras, segments, hours, oldest, why))
    table(rows)
    echo("put the rule right, or let it go: nvr retention confirm CAUSE")
    click.get_current_context().exit(1)


@retention.command()
@click.argument("cause")
@config_option
def confirm(cause: str, config: Path) -> None:
    """Let go what waits for this cause, as nvr retention waiting prints it."""
    from storage.retention import confirmations

    with open_catalogue(config) as (_, database):
        try:
            with database.write() as conn:
                confirmations.confirm(conn, cause, by=who(), now_us=time.time_ns() // 1000)
        except KeyError:
            raise click.ClickException(f"no deletion waits for {cause}; nvr retention waiting lists them") from None
    echo("confirmed: it goes with the next pass of a running server")


@retention.command()
@config_option
def forecast(config: Path) -> None:
    """Print which cameras will miss their min_age, and when, if they record as over the last day.

    Exits with 1 if any will.
    """
    from nvr.config import format_duration
    from storage.retention import candidates as footage
    from storage.retention import forecast as model

    with open_catalogue(config) as (loaded, database):
        now_us, zone = time.time_ns() // 1000, loaded.server.zone
        found = present_disks(loaded, database)
        with database.read() as conn:
            fleet, recorded = model.measure(conn, footage.policies(conn, loaded.retention.rules), now_us=now_us)
        answer = model.forecast(fleet, model.capacity(found, recorded), now_us=now_us)
    echo(
        f"room for {answer.capacity_bytes} bytes of footage; promises and holds need {answer.needed_bytes};"
        f" {round(answer.bytes_per_s)} bytes a second are recorded"
    )
    if not answer.misses:
        echo("every min_age can be kept")
        return
    rows = [("CAMERA", "MIN_AGE", "REACHES", "FROM")]
    for miss in answer.misses:
        reached = f"{miss.reachable_us / 8.64e10:.1f}d"
        rows.append((miss.camera, format_duration(miss.min_age_us), reached, when(miss.at_us, zone)))
    table(rows)
    click.get_current_context().exit(1)
