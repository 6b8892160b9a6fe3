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
@click.option("--service", is_flag=True, help="The account of a program or a screen: nobody logs in to it.")
@config_option
def add(
    name: str,
    role: str,
    password: str | None,
    password_file: Path | None,
    no_change: bool,
    service: bool,
    config: Path,
) -> None:
    """Add a user, who has to set a password of their own at the first login."""
    from nvr.access.roles import Role
    from nvr.accounts import create_user
    from nvr.accounts.users import create_service

    if service:
        if password is not None or password_file is not None:
            raise click.UsageError("--service has no password: nvr tokens create --user, or nvr users screen")
        with open_catalogue(config) as (_, database):
            create_service(database, name, None if role == "none" else Role(role))
        echo(f"account {name} added {'without a grant' if role == 'none' else f'as {role}'}")
        return
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
def factors(name: str, config: Path) -> None:
    """Print a user's second factors, and how many recovery codes are left."""
    from nvr.accounts import factor_rows
    from nvr.accounts import rows as accounts

    with open_catalogue(config) as (loaded, database), database.read() as conn:
        user, zone = accounts.find_user(conn, name), loaded.server.zone
        if user is None:
            raise click.ClickException(f"there is no user {name}: see nvr users list")
        lines = [("ID", "KIND", "NAME", "MADE", "LAST USED")]
        lines += [
            (one.id, one.kind, one.name, when(one.made_us, zone), when(one.used_us, zone))
            for one in factor_rows.factors_of(conn, user.id)
        ]
        left = factor_rows.count_recovery_codes(conn, user.id)
    table(lines)
    echo(f"recovery codes left: {left}")


@users.command("reset-factors")
@click.argument("name")
@config_option
def reset_factors(name: str, config: Path) -> None:
    """Remove all second factors of somebody who lost them, and end their sessions."""
    from nvr.accounts.second_factors import reset_factors

    with open_catalogue(config) as (_, database):
        count = reset_factors(database, name)
    echo(f"{count} second factors of {name} removed; their sessions ended")


@users.command()
@click.argument("name")
@click.option(
    "--days", type=click.IntRange(1, 366), default=180, show_default=True, help="How long it stays logged in."
)
@config_option
def screen(name: str, days: int, config: Path) -> None:
    """Print a code that lets one screen in as the service account NAME, to watch live and nothing else."""
    from nvr.accounts.screens import CODE_LASTS_US, make_screen_code

    with open_catalogue(config) as (_, database):
        lasts_us = days * 86_400 * 1_000_000
        code = make_screen_code(database, name, lasts_us=lasts_us, at_us=time.time_ns() // 1000)
    echo(f"{code}   (type it at the screen's login page within {CODE_LASTS_US // 60_000_000} minutes)")


@users.command()
@click.argument("name")
@config_option
def renew(name: str, config: Path) -> None:
    """Let an account go on that was over since nobody used it."""
    from nvr.accounts.unused import renew_user

    with open_catalogue(config) as (_, database):
        renew_user(database, name, at_us=time.time_ns() // 1000)
    echo(f"the account {name} goes on")


@users.command()
@click.argument("name")
@click.argument("provider")
@click.argument("subject")
@config_option
def link(name: str, provider: str, subject: str, config: Path) -> None:
    """Say that the user NAME is SUBJECT (sub) at the identity provider of the id PROVIDER."""
    from nvr.accounts.federated import link_user

    with open_catalogue(config) as (loaded, database):
        if provider not in (known := [one.id for one in loaded.providers]):
            raise click.ClickException(f"there is no provider {provider}; configured are: {', '.join(known) or 'none'}")
        link_user(database, name, provider, subject, at_us=time.time_ns() // 1000)
    echo(f"{name} logs in with {provider}")


@users.command()
@click.argument("name")
@config_option
def remove(name: str, config: Path) -> None:
    """Remove a user with their sessions and tokens; the last admin stays."""
    from nvr.accounts import remove_user

    with open_catalogue(config) as (_, database):
        remove_user(database, name)
    echo(f"user {name} removed")
