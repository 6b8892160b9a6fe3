"""``nvr users``: who may log in."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click

from nvr.cli.catalogue import open_catalogue, table, when
from nvr.cli.options import config_option
from nvr.cli.secrets import first_line
from nvr.cli.terminal import echo

__all__ = ["users"]

_ROLE = click.option(
    "--role",
    type=click.Choice(["viewer", "investigator", "admin", "auditor", "technician", "none"]),
    default="viewer",
    show_default=True,
    help="What they may do with every camera and all footage; none: nothing, until nvr access grant.",
)


def _password_options(command: Callable[..., None]) -> Callable[..., None]:
    command = click.option(
        "--password-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A file whose first line is the password. Without it, it is asked for.",
    )(command)
    return click.option(
        "--password", help="The password itself: every user of the machine sees it in the list of processes meanwhile."
    )(command)


_CHOSEN = click.option(
    "--no-change",
    is_flag=True,
    help="Whoever it is for has chosen it, or it is a program's: it need not be changed at the first login.",
)


def _password(given: str | None, file: Path | None) -> str:
    if given is not None and file is not None:
        raise click.UsageError("--password and --password-file are both given")
    if given is not None:
        echo(
            "warning: what stands on a command line, every user of this machine can read; use --password-file", err=True
        )
        return given
    if file is not None:
        return first_line(file)
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


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
    from nvr.accounts import rows as accounts

    with open_catalogue(config) as (loaded, database):
        with database.read() as conn:
            found = accounts.users(conn)
        zone = loaded.server.zone
        rows = [
            (u.name, u.role or "by grants", when(u.created_us, zone), u.made_by or "not known", u.id) for u in found
        ]
        table([("NAME", "ROLE", "CREATED", "MADE BY", "ID"), *rows])


@users.command()
@click.argument("name")
@_ROLE
@_password_options
@_CHOSEN
@config_option
def add(name: str, role: str, password: str | None, password_file: Path | None, no_change: bool, config: Path) -> None:
    """Add a user, who has to set a password of their own at the first login."""
    from nvr.access.roles import Role
    from nvr.accounts import create_user

    secret = _password(password, password_file)
    with open_catalogue(config) as (_, database):
        create_user(database, name, secret, None if role == "none" else Role(role), must_change=not no_change)
    echo(f"user {name} added {'without a grant' if role == 'none' else f'as {role}'}")


@users.command("password")
@click.argument("name")
@_password_options
@_CHOSEN
@config_option
def password_(name: str, password: str | None, password_file: Path | None, no_change: bool, config: Path) -> None:
    """Set a user's password; their sessions end, and they have to set one of their own at the next login."""
    from nvr.accounts import set_password

    secret = _password(password, password_file)
    with open_catalogue(config) as (_, database):
        set_password(database, name, secret, must_change=not no_change)
    echo(f"password of {name} set")


@users.command("sessions")
@click.argument("name")
@config_option
def sessions_(name: str, config: Path) -> None:
    """Print where a user is logged in, since when, and when that was last used."""
    from nvr.accounts import rows as accounts
    from nvr.accounts import session_rows

    with open_catalogue(config) as (loaded, database), database.read() as conn:
        user, zone = accounts.find_user(conn, name), loaded.server.zone
        if user is None:
            raise click.ClickException(f"there is no user {name}: see nvr users list")
        lines = [("ID", "BEGAN", "LAST USED", "UNTIL", "FROM", "BROWSER")]
        for one in session_rows.sessions_of(conn, user.id, now_us=time.time_ns() // 1000):
            began, seen, until = (when(at_us, zone) for at_us in (one.created_us, one.seen_us, one.expires_us))
            lines.append((one.id, began, seen, until, one.address or "-", one.agent or "-"))
    table(lines)


@users.command("end-session")
@click.argument("session_id")
@config_option
def end_session(session_id: str, config: Path) -> None:
    """End a session: whoever has its cookie is logged out, within a second."""
    from nvr.accounts import end_session_by_id

    with open_catalogue(config) as (_, database):
        end_session_by_id(database, session_id)
    echo(f"session {session_id} ended")


@users.command()
@click.argument("name")
@config_option
def remove(name: str, config: Path) -> None:
    """Remove a user with their sessions and tokens; the last admin stays."""
    from nvr.accounts import remove_user

    with open_catalogue(config) as (_, database):
        remove_user(database, name)
    echo(f"user {name} removed")
