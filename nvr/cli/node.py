"""``nvr node``: the machines that record one fleet of cameras: listed, joined, drained, left."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from nvr.cli.catalogue import open_catalogue, table, when
from nvr.cli.options import config_option
from nvr.cli.terminal import echo

if TYPE_CHECKING:
    from nvr.config import Config
    from nvr.fleet.coordinator import Coordinator
    from nvr.fleet.model import Standing
    from nvr.fleet.seen import KeptNode
    from storage.catalogue.database import Database

__all__ = ["node"]

T = TypeVar("T")
_STATES = {"alive": "there", "dead": "LOST", "unknown": "not watched for long enough"}


@click.group()
@config_option
@click.pass_context
def node(ctx: click.Context, config: Path) -> None:
    """List the nodes of a fleet, and let this one join, drain or leave. Works whether or not the server runs."""
    ctx.find_root().obj = config


def _ask(loaded: Config, question: Callable[[Coordinator], Awaitable[T]]) -> T:
    """The coordinator's answer.

    Raises:
        click.ClickException: there is no fleet, or the coordinator can't be asked.
    """
    from nvr.fleet.coordinator import open_coordinator
    from nvr.fleet.errors import FleetError

    settings = loaded.fleet
    if settings.database is None:
        raise click.ClickException(f"this server is alone: {loaded.path} has no [fleet] database")
    database = settings.database

    async def asked() -> T:
        coordinator = open_coordinator(database, None if settings.password is None else settings.password.reveal())
        try:
            return await question(coordinator)
        finally:
            await coordinator.close()

    try:
        return asyncio.run(asked())
    except FleetError as error:
        raise click.ClickException(str(error)) from error


def _this_node(loaded: Config, database: Database) -> str:
    from storage.catalogue.node import this_node

    with database.write() as conn:
        return this_node(conn, loaded.server.node)


@node.command()
@config_option
def join(config: Path) -> None:
    """Make this server a node of the fleet that [fleet] database names, or one again that drained or left. The first
    one makes the fleet's tables there."""
    from storage.catalogue import audit

    with open_catalogue(config) as (loaded, database):
        here = _this_node(loaded, database)
        capacity = loaded.fleet.capacity_mbit

        async def question(coordinator: Coordinator) -> None:
            await coordinator.prepare()
            await coordinator.join(here, loaded.fleet.site, None if capacity is None else capacity * 1_000_000)

        _ask(loaded, question)
        with database.write() as conn:
            audit.append(conn, "node_joined", detail={"node": here})
    echo(f"node {here} is in the fleet; a running server takes part within seconds")


@node.command()
@click.argument("other", metavar="[NODE]", required=False)
@config_option
def drain(other: str | None, config: Path) -> None:
    """Have other nodes take the cameras of NODE (by default this one) over, without a gap where a camera allows two
    connections. It stays in the fleet until it leaves; join ends it."""
    _stand(config, other, "draining")
    echo("its cameras go to others, sixteen at a time; nvr node list shows how many are left")


@node.command()
@click.argument("other", metavar="[NODE]", required=False)
@click.option("--yes", is_flag=True, help="Don't ask.")
@config_option
def leave(other: str | None, yes: bool, config: Path) -> None:
    """Take NODE (by default this one) out of the fleet. Others record its cameras; what it recorded stays with it."""
    if not yes:
        click.confirm(
            "Its cameras go to other nodes at once, with a gap each if it was not drained. Go on?", abort=True
        )
    _stand(config, other, "left")
    echo("it is out of the fleet; to let it record alone, remove [fleet] from its configuration and restart it")


def _stand(config: Path, other: str | None, standing: Standing) -> None:
    from storage.catalogue import audit

    with open_catalogue(config) as (loaded, database):
        named = other or _this_node(loaded, database)
        _ask(loaded, lambda coordinator: coordinator.set_standing(named, standing))
        with database.write() as conn:
            audit.append(conn, "node_drained" if standing == "draining" else "node_left", detail={"node": named})


@node.command("list")
@config_option
def list_(config: Path) -> None:
    """Print the nodes as this one saw them last: who is there, who has how many cameras, and whose clock is off."""
    from nvr.fleet.seen import read_fleet

    with open_catalogue(config) as (loaded, database):
        try:
            with database.read() as conn:
                fleet = read_fleet(conn)
        except sqlite3.Error as error:
            raise click.ClickException(f"catalogue {loaded.storage.catalogue} can't be read: {error}") from error
        zone = loaded.server.zone
    if fleet is None:
        raise click.ClickException("this server has not taken part in a fleet: see [fleet] and nvr node join")
    echo(f"as seen from here at {when(fleet.asked_us, zone)}")
    if fleet.trouble is not None:
        echo(f"{fleet.trouble}", err=True)
    head = ("NODE", "SITE", "STATE", "CAMERAS", "MBIT/S", "CAPACITY", "LAST BEAT", "CLOCK", "VERSION")
    table([head, *(_row(each, zone) for each in fleet.nodes)])
    if fleet.nobodys:
        echo(f"{fleet.nobodys} cameras have no node: none has room for them", err=True)


def _row(each: KeptNode, zone: str) -> tuple[str, ...]:
    state = _STATES[each.health] if each.standing != "left" else "left"
    if each.standing == "draining":
        state += ", draining"
    return (
        each.id,
        each.site or "-",
        state,
        str(each.cameras),
        f"{each.offered_bps / 1e6:.1f}",
        "-" if each.capacity_bps is None else f"{each.capacity_bps / 1e6:.0f}",
        when(each.alive_us, zone),
        "-" if each.offset_us is None else f"{each.offset_us / 1e6:+.3f} s",
        each.version or "-",
    )
