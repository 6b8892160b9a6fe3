"""``nvr users``: who may log in."""

from __future__ import annotations

from pathlib import Path

import click

from nvr.cli.catalogue import open_catalogue, table, when
from nvr.cli.options import config_option
from nvr.cli.terminal import echo

__all__ = ["users"]

_ROLE = click.option(
    "--role", type=click.Choice(["viewer", "investigator", "admin"]), default="viewer", show_default=True
)


@click.group()
@config_option
@click.pass_context
def users(ctx: click.Context, config: Path) -> None:
    """List, add and remove users, and set their passwords. Works whether or not the server runs."""
    # For the subcommands, which look there.
    ctx.find_root().obj = config


@users.command("list")
@config_option
def list_(config: Path) -> None:
    """Print all users."""
    from storage import accounts

    with open_catalogue(config) as (loaded, database):
        with database.read() as conn:
            found = accounts.users(conn)
        zone = loaded.server.zone
        rows = [(u.name, u.role, when(u.created_us, zone), u.made_by or "not known", u.id) for u in found]
        table([("NAME", "ROLE", "CREATED", "MADE BY", "ID"), *rows])


@users.command()
@click.argument("name")
@_ROLE
@click.password_option(help="Asked for if not given, so that it need not stand in the shell's history.")
@config_option
def add(name: str, role: str, password: str, config: Path) -> None:
    """Add a user."""
    from nvr.accounts import create_user
    from storage.accounts import Role

    with open_catalogue(config) as (_, database):
        create_user(database, name, password, Role(role))
    echo(f"user {name} added as {role}")


@users.command("password")
@click.argument("name")
@click.password_option(help="Asked for if not given, so that it need not stand in the shell's history.")
@config_option
def password_(name: str, password: str, config: Path) -> None:
    """Set a user's password; their sessions end."""
    from nvr.accounts import set_password

    with open_catalogue(config) as (_, database):
        set_password(database, name, password)
    echo(f"password of {name} set")


@users.command()
@click.argument("name")
@config_option
def remove(name: str, config: Path) -> None:
    """Remove a user with their sessions and tokens; the last admin stays."""
    from nvr.accounts import remove_user

    with open_catalogue(config) as (_, database):
        remove_user(database, name)
    echo(f"user {name} removed")
