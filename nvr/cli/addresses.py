"""``nvr addresses``: the addresses by which players that can't log in watch cameras."""

from __future__ import annotations

import time
from pathlib import Path

import click

from nvr.cli.catalogue import open_catalogue, table, when, who
from nvr.cli.options import config_option
from nvr.cli.terminal import echo

__all__ = ["addresses"]


@click.group()
@config_option
@click.pass_context
def addresses(ctx: click.Context, config: Path) -> None:
    """List and revoke addresses for players. Works whether or not the server runs."""
    # For the subcommands, which look there.
    ctx.find_root().obj = config


@addresses.command("list")
@click.option("--all", "all_", is_flag=True, help="Also those that show nothing any more.")
@config_option
def list_(all_: bool, config: Path) -> None:
    """Print the addresses that are good now: not their secrets, which nobody knows."""
    from nvr.cases import addresses as rows
    from nvr.cases.addresses import AddressState

    with open_catalogue(config) as (loaded, database):
        with database.read() as conn:
            found = rows.list_all(conn, time.time_ns() // 1000)
        zone = loaded.server.zone
        lines = [
            (
                a.id,
                a.camera,
                "live" if a.start_us is None else f"{when(a.start_us, zone)} to {when(a.end_us, zone)}",
                a.state,
                when(a.until_us, zone),
                a.made_by,
                when(a.used_us, zone),
            )
            for a in found
            if all_ or a.state is AddressState.VALID
        ]
        table([("ID", "CAMERA", "SHOWS", "STATE", "UNTIL", "MADE BY", "LAST USED"), *lines])


@addresses.command()
@click.argument("address_id")
@config_option
def revoke(address_id: str, config: Path) -> None:
    """Revoke the address of this id: within a second it shows nothing."""
    from nvr.cases import addresses as rows

    with open_catalogue(config) as (_, database), database.write() as conn:
        try:
            rows.revoke(conn, address_id, by=who(), now_us=time.time_ns() // 1000)
        except KeyError:
            raise click.ClickException(
                f"there is no address {address_id}; nvr addresses list --all shows them"
            ) from None
    echo(f"address {address_id} revoked")
