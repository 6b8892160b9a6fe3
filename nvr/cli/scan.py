"""``nvr scan``: searching networks for devices."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import open_catalogue, table, when
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken

if TYPE_CHECKING:
    from nvr.config import Config
    from nvr.devices.settings import ScanSettings
    from storage.catalogue.database import Database

__all__ = ["scan"]


def _now_us() -> int:
    return time.time_ns() // 1000


@click.command()
@click.argument("networks", nargs=-1, metavar="[NETWORK]...")
@click.option("--username", help="The account to log in with, at devices that no camera's login is known of.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file whose first line is its password.",
)
@click.option("--resume", is_flag=True, help="Go on with the last search, which was interrupted or stopped.")
@click.option("--stop", is_flag=True, help="Stop the search that is running, wherever it was begun.")
@click.option("--list", "as_list", is_flag=True, help="Print the last searches.")
@config_option
@click.pass_context
def scan(
    ctx: click.Context,
    networks: tuple[str, ...],
    username: str | None,
    password_file: Path | None,
    resume: bool,
    stop: bool,
    as_list: bool,
    config: Path,
) -> None:
    """Search networks for cameras and ask each what it is: those named, or all that [devices] allows.

    First everything that needs no login; then at most one login a device. A password that a device refuses is not tried
    there again. Exits with 1 if the search did not come to its end.
    """
    if sum((bool(networks), resume, stop, as_list)) > 1:
        raise click.UsageError("name networks, or one of --resume, --stop and --list")
    if (username is None) != (password_file is None):
        raise click.UsageError("--username and --password-file go together")
    from nvr import niceness
    from nvr.devices import searches
    from nvr.devices.searches import ScanError
    from nvr.devices.targets import TargetError, blocks_of, check_wanted

    with open_catalogue(config) as (loaded, database):
        if as_list:
            _print_scans(loaded, database)
            return
        if stop:
            with database.write() as conn:
                running = [one.id for one in searches.scans(conn, now_us=_now_us()) if one.state == "running"]
                stopped = [one for one in running if searches.stop_scan(conn, one, now_us=_now_us())]
            echo("the search is stopped" if stopped else "no search is running")
            return
        password = None if password_file is None else password_file.read_text(encoding="utf-8").split("\n")[0]
        try:
            with database.write() as conn:
                if resume:
                    row = searches.resume_scan(conn, now_us=_now_us())
                    id_ = row.id
                else:
                    wanted = check_wanted(networks, loaded.devices.networks)
                    id_ = searches.begin_scan(
                        conn,
                        networks=wanted,
                        blocks=len(blocks_of(wanted)),
                        username=username,
                        password=password,
                        now_us=_now_us(),
                    )
        except (TargetError, ScanError) as error:
            raise click.ClickException(spoken(error)) from None
        # Below recording, which may run on this machine.
        niceness.lower(10)
        state = _run(database, _settings(loaded, database, id_))
        _print_end(database, id_, state)
    ctx.exit(0 if state == "done" else 1)


def _settings(loaded: Config, database: Database, id_: str) -> ScanSettings:
    from nvr.devices.settings import ScanSettings

    told = loaded.devices
    return ScanSettings(
        catalogue=str(database.path),
        scan=id_,
        networks=told.networks,
        ports=told.ports,
        rate=told.rate,
        at_once=told.at_once,
        follow_moves=told.follow_moves,
    )


def _run(database: Database, settings: ScanSettings) -> str:
    from nvr.devices.scan import Scan
    from nvr.recorder.sources.rtsp.ledger import LEDGER

    def progress(done: int, of: int, found: int) -> None:
        echo(f"{done} of {of} blocks of addresses, {found} devices", err=True)

    LEDGER.open(database)
    try:
        return asyncio.run(Scan(database, settings, progress=progress).run())
    except KeyboardInterrupt:
        echo("stopped; nvr scan --resume goes on with it", err=True)
        return "stopped"
    finally:
        LEDGER.close()


def _print_end(database: Database, id_: str, state: str) -> None:
    from collections import Counter

    from nvr.devices import rows, searches

    with database.read() as conn:
        row = searches.find_scan(conn, id_, now_us=_now_us())
        devices = [one for one in rows.devices(conn) if row is not None and one.seen_us >= row.begun_us]
    if row is not None and row.error:
        echo(f"failed: {row.error}", err=True)
    found = Counter(finding.code for one in devices for finding in one.facts.findings)
    echo(f"{state}: {len(devices)} devices")
    for code, count in found.most_common():
        echo(f"  {count:5} {code}")
    echo("nvr devices prints them")


def _print_scans(loaded: Config, database: Database) -> None:
    from nvr.devices import searches

    with database.read() as conn:
        found = searches.scans(conn, now_us=_now_us())
    lines = [("ID", "BEGUN", "BY", "STATE", "SEARCHED", "NETWORKS")]
    for one in found:
        begun = when(one.begun_us, loaded.server.zone)
        searched = f"{len(one.done)} of {one.blocks}"
        lines.append((one.id, begun, one.actor, one.state, searched, ", ".join(one.networks)))
    table(lines)
