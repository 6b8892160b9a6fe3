"""``nvr access``: who may do what with which cameras, and why."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import TIME, open_catalogue, table, when, who
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken

if TYPE_CHECKING:
    import sqlite3

    from nvr.access.model import GrantedFootage

__all__ = ["access"]


@click.group()
@config_option
@click.pass_context
def access(ctx: click.Context, config: Path) -> None:
    """Give, list, revoke and explain rights. Works whether or not the server runs."""
    # For the subcommands, which look there.
    ctx.find_root().obj = config


@contextmanager
def _refusals() -> Iterator[None]:
    """What can't be is said in words."""
    from nvr.access.errors import AccessError

    try:
        yield
    except AccessError as error:
        raise click.ClickException(spoken(error)) from None


@access.command("list")
@click.option("--user", help="Of this user, or of the token of this id, alone.")
@click.option("--revoked", is_flag=True, help="Those that were revoked, too.")
@config_option
def list_(user: str | None, revoked: bool, config: Path) -> None:
    """Print the grants."""
    from nvr.access import rows
    from nvr.access.explaining import footage_words
    from nvr.access.holders import names as names_of

    with open_catalogue(config) as (loaded, database), database.read() as conn:
        names, zone, found = names_of(conn), loaded.server.zone, rows.every_grant(conn, revoked=revoked)
        lines = [("ID", "WHO", "GIVES", "CAMERAS", "FOOTAGE", "UNTIL", "GIVEN BY", "WHY")]
        for grant in found:
            name = names.get(grant.holder, grant.holder)
            if user is not None and user not in (grant.holder, name):
                continue
            until = "revoked" if grant.revoked_us is not None else when(grant.until_us, zone)
            cameras, footage = grant.cameras.text or "*", str(footage_words(grant.footage))
            lines.append((grant.id, name, grant.role, cameras, footage, until, grant.made_by, grant.reason))
    table(lines)


def _footage(last: str | None, live: bool, start: int | None, end: int | None) -> GrantedFootage:
    from nvr.access.model import ALL_FOOTAGE, FootageKind, GrantedFootage
    from nvr.config.units import parse_duration_us

    if sum((last is not None, live, start is not None or end is not None)) > 1:
        raise click.UsageError("say which footage in one way: --live, --last, or --footage-start and --footage-end")
    if live:
        return GrantedFootage(FootageKind.LIVE)
    if last is not None:
        try:
            return GrantedFootage(FootageKind.LAST, last_us=parse_duration_us(last))
        except ValueError as error:
            raise click.UsageError(f"--last: {error}") from None
    if (start is None) != (end is None):
        raise click.UsageError("--footage-start and --footage-end go together")
    return (
        ALL_FOOTAGE if start is None or end is None else GrantedFootage(FootageKind.RANGE, start_us=start, end_us=end)
    )


@access.command()
@click.argument("user")
@click.argument("role")
@click.option("--cameras", required=True, help="Which, as in district=Tengah,isp=Telkom or id=gate; * for all.")
@click.option("--reason", required=True, help="The case, the letter, or in words why.")
@click.option("--live", is_flag=True, help="Live view only, nothing that is past.")
@click.option("--last", help="So much footage before now, as in 7d.")
@click.option("--footage-start", type=TIME, help="With --footage-end: this range of footage alone.")
@click.option("--footage-end", type=TIME)
@click.option("--from", "from_us", type=TIME, help="When it begins. [default: now]")
@click.option("--until", "until_us", type=TIME, help="When it ends by itself. [default: when it is revoked]")
@click.option("--sees-closed", is_flag=True, help="GrantedFootage that is closed for privacy, too.")
@config_option
def grant(
    user: str,
    role: str,
    cameras: str,
    reason: str,
    live: bool,
    last: str | None,
    footage_start: int | None,
    footage_end: int | None,
    from_us: int | None,
    until_us: int | None,
    sees_closed: bool,
    config: Path,
) -> None:
    """Give USER a ROLE with some cameras."""
    from nvr.access.explaining import grant_words
    from nvr.access.giving import WantedGrant, give

    footage = _footage(last, live, footage_start, footage_end)
    with open_catalogue(config) as (_, database), _refusals(), database.write() as conn:
        holder = _holder(conn, user)
        wanted = WantedGrant(holder, role, cameras, reason, footage, from_us, until_us, sees_closed)
        made = give(conn, wanted, by=who(), at_us=time.time_ns() // 1000)
    echo(f"given to {user}: {grant_words(made)}")


def _holder(conn: sqlite3.Connection, user: str) -> str:
    from nvr.access.holders import find_holder

    return find_holder(conn, user)


@access.command()
@click.argument("grant_id")
@click.option("--reason", default="", help="Why, for the record.")
@config_option
def revoke(grant_id: str, reason: str, config: Path) -> None:
    """Revoke a grant: what it lets anybody do ends within a second."""
    from nvr.access.giving import take_back

    with open_catalogue(config) as (_, database), _refusals(), database.write() as conn:
        take_back(conn, grant_id, by=who(), at_us=time.time_ns() // 1000, reason=reason)
    echo(f"grant {grant_id} revoked")


@access.command()
@click.argument("user")
@click.argument("camera")
@click.option("--at", type=TIME, help="For footage of this time. [default: any]")
@config_option
def explain(user: str, camera: str, at: int | None, config: Path) -> None:
    """Print why USER may do something with CAMERA, or may not."""
    from nvr.access.explaining import explained
    from nvr.access.holders import names as names_of
    from nvr.access.roles import AccessAction
    from nvr.access.snapshot import AccessSnapshot
    from nvr.accounts.holder_rights import rights_of_holders
    from storage.intervals import Interval

    with open_catalogue(config) as (_, database), _refusals(), database.read() as conn:
        holder, now_us = _holder(conn, user), time.time_ns() // 1000
        rights = rights_of_holders(conn, AccessSnapshot.read(conn), [holder], now_us)[holder]
        name = names_of(conn).get(holder, user)
        asked = None if at is None else Interval(at, at + 1)
        for action in AccessAction:
            echo(str(explained(name, camera, action, rights.on(camera, action, asked))))


@access.command("who")
@click.argument("camera")
@config_option
def who_(camera: str, config: Path) -> None:
    """Print who may do something with CAMERA now."""
    from nvr.access.explaining import grant_words
    from nvr.access.holders import names as names_of
    from nvr.access.snapshot import AccessSnapshot
    from nvr.accounts.holder_rights import who_may

    with open_catalogue(config) as (_, database), database.read() as conn:
        snapshot, names = AccessSnapshot.read(conn), names_of(conn)
        every = who_may(conn, snapshot, camera, time.time_ns() // 1000)
    if camera not in snapshot.cameras:
        raise click.ClickException(f"there is no camera {camera}: see nvr cameras")
    found = [
        (names[one.holder], str(grant_words(grant))) for one in every for grant in one.grants if one.holder in names
    ]
    table([("WHO", "GRANT"), *sorted(found)])


@access.command()
@click.argument("camera")
@click.option("--reason", required=True, help="Why, as those read who may not see it.")
@click.option("--start", type=TIME, help="The footage to close. [default: from the beginning]")
@click.option("--end", type=TIME, help="[default: without an end]")
@click.option("--until", type=TIME, help="When it is open again by itself. [default: by nvr access open]")
@config_option
def close(camera: str, reason: str, start: int | None, end: int | None, until: int | None, config: Path) -> None:
    """Close CAMERA, or a range of its footage, for privacy; recording goes on."""
    from nvr.access.closures import close_footage

    with open_catalogue(config) as (_, database), _refusals():
        try:
            with database.write() as conn:
                made = close_footage(
                    conn, camera, reason=reason, by=who(), at_us=time.time_ns() // 1000,
                    start_us=start, end_us=end, until_us=until,
                )  # fmt: skip
        except KeyError:
            raise click.ClickException(f"there is no camera {camera}: see nvr cameras") from None
    echo(f"closed: {made.id}")


@access.command("open")
@click.argument("closure_id")
@config_option
def open_(closure_id: str, config: Path) -> None:
    """Open again what was closed."""
    from nvr.access.closures import open_footage

    with open_catalogue(config) as (_, database), _refusals(), database.write() as conn:
        open_footage(conn, closure_id, by=who(), at_us=time.time_ns() // 1000)
    echo(f"{closure_id} is open again")


@access.command()
@config_option
def closed(config: Path) -> None:
    """Print what is closed for privacy."""
    from nvr.access.closures import closures

    with open_catalogue(config) as (loaded, database), database.read() as conn:
        zone = loaded.server.zone
        lines = [("ID", "CAMERA", "FROM", "TO", "SINCE", "UNTIL", "BY", "WHY")]
        for one in closures(conn):
            start, end, since, until = (
                when(at_us, zone) for at_us in (one.start_us, one.end_us, one.since_us, one.until_us)
            )
            lines.append((one.id, one.camera, start, end, since, until, one.made_by, one.reason))
    table(lines)


@access.command()
@click.argument("name", required=False)
@click.option("--actions", help="What it may do, with commas between, as in status,live.")
@click.option("--remove", is_flag=True, help="Remove it: grants of it give nothing any more.")
@config_option
def roles(name: str | None, actions: str | None, remove: bool, config: Path) -> None:
    """Print all roles; with NAME and --actions, make or change one of your own."""
    from nvr.access import rows as access_rows
    from nvr.access.roles import AccessAction, parse_actions

    now_us = time.time_ns() // 1000
    with open_catalogue(config) as (_, database), _refusals():
        if name is not None and actions is not None:
            try:
                wanted = parse_actions(one.strip() for one in actions.split(","))
            except ValueError as error:
                raise click.UsageError(f"--actions: {error}; there are {', '.join(AccessAction)}") from None
            with database.write() as conn:
                access_rows.save_role(conn, name, wanted, by=who(), at_us=now_us)
        elif name is not None and remove:
            with database.write() as conn:
                access_rows.remove_role(conn, name, at_us=now_us)
        elif name is not None:
            raise click.UsageError("say --actions or --remove")
        with database.read() as conn:
            found = access_rows.roles(conn)
    table([("ROLE", "MAY"), *((one, ", ".join(sorted(may))) for one, may in sorted(found.items()))])
