"""``nvr groups``: groups of users."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import open_catalogue, table, when, who
from nvr.cli.options import config_option
from nvr.cli.terminal import echo

if TYPE_CHECKING:
    import sqlite3

__all__ = ["groups"]


@click.group()
@config_option
@click.pass_context
def groups(ctx: click.Context, config: Path) -> None:
    """List, make and remove groups, and say who is in them. Works whether or not the server runs."""
    # For the subcommands, which look there.
    ctx.find_root().obj = config


def _user(conn: sqlite3.Connection, name: str) -> str:
    from nvr.accounts import rows as accounts

    user = accounts.find_user(conn, name)
    if user is None:
        raise click.ClickException(f"there is no user {name}: see nvr users list")
    return user.id


@groups.command("list")
@config_option
def list_(config: Path) -> None:
    """Print the groups, and who is in them."""
    from nvr.access import groups as rows

    with open_catalogue(config) as (loaded, database), database.read() as conn:
        zone = loaded.server.zone
        lines = [("NAME", "MEMBERS", "MADE", "MADE BY", "ID")]
        for group in rows.groups(conn):
            members = (f"{one.name} (by {one.provider})" if one.provider else one.name for one in group.members)
            lines.append((group.name, ", ".join(members) or "-", when(group.made_us, zone), group.made_by, group.id))
    table(lines)


@groups.command()
@click.argument("name")
@config_option
def add(name: str, config: Path) -> None:
    """Make a group, which may do nothing until nvr access grant group:NAME."""
    from nvr.access import groups as rows

    with open_catalogue(config) as (_, database), database.write() as conn:
        made = rows.create_group(conn, name, by=who(), at_us=time.time_ns() // 1000)
    echo(f"group {made.name} added: nvr access grant 'group:{made.name}' ROLE --cameras … --reason …")


@groups.command()
@click.argument("name")
@config_option
def remove(name: str, config: Path) -> None:
    """Remove a group, with its grants."""
    from nvr.access import groups as rows

    with open_catalogue(config) as (_, database), database.write() as conn:
        rows.remove_group(conn, name, by=who(), at_us=time.time_ns() // 1000)
    echo(f"group {name} removed")


@groups.command()
@click.argument("name")
@click.argument("user")
@config_option
def join(name: str, user: str, config: Path) -> None:
    """Put USER into the group NAME."""
    from nvr.access import groups as rows

    with open_catalogue(config) as (_, database), database.write() as conn:
        rows.add_member(conn, name, _user(conn, user), at_us=time.time_ns() // 1000)
    echo(f"{user} is in {name}")


@groups.command()
@click.argument("name")
@click.argument("user")
@config_option
def leave(name: str, user: str, config: Path) -> None:
    """Take USER out of the group NAME."""
    from nvr.access import groups as rows

    with open_catalogue(config) as (_, database), database.write() as conn:
        rows.remove_member(conn, name, _user(conn, user))
    echo(f"{user} is in {name} no more")
