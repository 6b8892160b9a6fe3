"""``nvr tokens``: bearer tokens for programs."""

from __future__ import annotations

from pathlib import Path

import click

from nvr.cli.catalogue import TIME, open_catalogue, table, when
from nvr.cli.options import config_option
from nvr.cli.terminal import echo

__all__ = ["tokens"]


@click.group()
@config_option
@click.pass_context
def tokens(ctx: click.Context, config: Path) -> None:
    """Create, list and revoke API tokens. Works whether or not the server runs."""
    # For the subcommands, which look there.
    ctx.find_root().obj = config


@tokens.command()
@click.option(
    "--role",
    type=click.Choice(["viewer", "investigator", "admin", "auditor", "technician"]),
    default="viewer",
    show_default=True,
    help="What it may do at most.",
)
@click.option("--name", default="command line", show_default=True, help="What it is for, as the list shows it.")
@click.option("--user", help="Whose it is: it counts as this user, and ends with them. [default: nobody's]")
@click.option("--until", "until_us", type=TIME, help="When it ends by itself. [default: when it is revoked]")
@click.option("--cameras", help="Only these, as in district=Tengah: it holds a grant of its own. [default: its user's]")
@click.option("--live", is_flag=True, help="With --cameras: live view only.")
@config_option
def create(
    role: str, name: str, user: str | None, until_us: int | None, cameras: str | None, live: bool, config: Path
) -> None:
    """Print a new token. It is shown this once: the catalogue keeps only its hash.

    Without --user it belongs to the command line: it may do what its role may, but can't be one of the two persons
    where two are needed.
    """
    from nvr.access.model import ALL_FOOTAGE, FootageKind, GrantedFootage
    from nvr.access.roles import Role
    from nvr.accounts import issue_token
    from nvr.accounts import rows as accounts

    if live and cameras is None:
        raise click.UsageError("--live goes with --cameras")

    with open_catalogue(config) as (_, database):
        with database.read() as conn:
            found = None if user is None else accounts.find_user(conn, user)
        if user is not None and found is None:
            raise click.ClickException(f"there is no user {user}; nvr users list shows them")
        _, text = issue_token(
            database,
            name,
            Role(role),
            user=None if found is None else found.id,
            ends_us=until_us,
            cameras=cameras,
            footage=GrantedFootage(FootageKind.LIVE) if live else ALL_FOOTAGE,
        )
        echo(text)


@tokens.command("list")
@config_option
def list_(config: Path) -> None:
    """Print all tokens: not their text, which nobody knows."""
    from nvr.accounts import rows as accounts

    with open_catalogue(config) as (loaded, database):
        with database.read() as conn:
            found = accounts.tokens(conn)
        zone = loaded.server.zone
        rows = [
            (
                t.id,
                t.name,
                t.role,
                t.user_name or "-",
                t.made_by or "not known",
                when(t.created_us, zone),
                when(t.last_used_us, zone),
                t.last_address or "-",
                when(t.ends_us, zone),
            )
            for t in found
        ]
        table([("ID", "NAME", "ROLE", "OF USER", "MADE BY", "CREATED", "LAST USED", "FROM", "UNTIL"), *rows])


@tokens.command()
@click.argument("token_id")
@config_option
def revoke(token_id: str, config: Path) -> None:
    """Revoke the token of this id, at once."""
    from nvr.accounts import remove_token

    with open_catalogue(config) as (_, database):
        remove_token(database, token_id)
    echo(f"token {token_id} revoked")
