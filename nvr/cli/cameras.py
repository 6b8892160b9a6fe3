"""``nvr cameras``: what is recorded and what is not, and the cameras as a table."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import open_catalogue, table, when
from nvr.cli.choosing import node_of, read_text
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, raw, spoken
from storage.durable_files import new_file

if TYPE_CHECKING:
    import sqlite3

    from storage.catalogue.cameras import Camera
    from storage.catalogue.selection import Selection

__all__ = ["cameras"]

_WHERE = click.option(
    "--where", default="", help="Only cameras with these labels, such as district=Tembalang,isp=Telkom."
)


@click.group(invoke_without_command=True)
@_WHERE
@config_option
@click.pass_context
def cameras(ctx: click.Context, where: str, config: Path) -> None:
    """Print all cameras with their state, its cause, and until when they are recorded."""
    from storage.catalogue import cameras as camera_rows
    from storage.catalogue import status

    # For the subcommands, which look there.
    ctx.find_root().obj = config
    if ctx.invoked_subcommand is not None:
        return
    query = _query(where)
    with open_catalogue(config) as (loaded, database):
        with database.read() as conn:
            found = _chosen(query, camera_rows.list_all(conn))
            states = status.list_all(conn)
        zone = loaded.server.zone
        rows = [("ID", "NAME", "STATE", "CAUSE", "SINCE", "RECORDED UNTIL")]
        for camera in found:
            now = states.get(camera.id)
            rows.append(
                (
                    camera.id,
                    camera.name,
                    now.state if now else "waiting",
                    (now.cause if now else None) or "-",
                    when(now.since_us if now else None, zone),
                    when(now.recorded_until_us if now else None, zone),
                )
            )
        table(rows)


def _chosen(query: Selection, every: list[Camera]) -> list[Camera]:
    from storage.catalogue import selection

    try:
        return selection.select(query, every)
    except selection.SelectionError as error:
        raise click.ClickException(spoken(error)) from None


def _query(where: str) -> Selection:
    from storage.catalogue.selection import SelectionError, parse

    try:
        return parse(where)
    except SelectionError as error:
        raise click.UsageError(spoken(error)) from None


@cameras.command("export")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), required=False)
@_WHERE
@click.option("--with-passwords", is_flag=True, help="Write passwords too. Whoever has the file has the cameras.")
@config_option
def export(path: Path | None, where: str, with_passwords: bool, config: Path) -> None:
    """Write the cameras as CSV to PATH, which must not exist, or to the terminal."""
    from nvr.cameras import write
    from storage.catalogue import audit
    from storage.catalogue import cameras as camera_rows

    query = _query(where)
    with open_catalogue(config) as (_, database), database.read() as conn:
        found = _chosen(query, camera_rows.list_all(conn))
    text = write(found, with_passwords=with_passwords)
    if with_passwords:
        with open_catalogue(config) as (_, database), database.write() as conn:
            audit.append(conn, "cameras_exported", detail={"passwords": "yes", "where": where})
    if with_passwords:
        echo("This file holds the cameras' passwords: keep it as you keep those.", err=True)
    if path is None:
        raw([text.encode()])
        return
    try:
        # For its owner alone, from its first byte.
        with new_file(path, 0o600) as file:
            file.write(text.encode("utf-8-sig"))
    except OSError as error:
        raise click.ClickException(f"{path} can't be written: {error.strerror}") from None
    echo(f"{path}: {len(found)} cameras", err=True)


@cameras.command("import")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Print what would change; change nothing.")
@config_option
def import_(path: Path, dry_run: bool, config: Path) -> None:
    """Add and change cameras by a CSV file: all of it or, with one mistake in it, nothing."""
    from nvr.cameras import OvertakenError, import_table, plan_import, read

    parsed = read(read_text(path))
    with open_catalogue(config) as (loaded, database):
        with database.read() as conn:
            plan = plan_import(conn, parsed)
        if not plan.errors and not dry_run:
            with database.write() as conn:
                node = node_of(conn, loaded.server.node)
            try:
                plan = import_table(database, parsed, node=node, at_us=time.time_ns() // 1000)
            except OvertakenError as error:
                raise click.ClickException(spoken(error)) from None
    for mistake in plan.errors:
        echo(f"{path}: {mistake}", err=True)
    if plan.errors:
        raise click.ClickException(f"{len(plan.errors)} mistakes; nothing was changed")
    for id_ in plan.added:
        echo(f"add     {id_}")
    for id_, names in plan.changed.items():
        echo(f"change  {id_}: {', '.join(names)}")
    would = "would be " if dry_run else ""
    echo(f"{len(plan.added)} {would}added, {len(plan.changed)} {would}changed, {plan.unchanged} unchanged")


@cameras.command("retry")
@click.argument("ids", nargs=-1, required=True, metavar="CAMERA...")
@config_option
def retry(ids: tuple[str, ...], config: Path) -> None:
    """Try the passwords of cameras now, once, although the cameras refused them."""
    from storage.catalogue import cameras as rows

    with open_catalogue(config) as (_, database), database.write() as conn:
        for camera in _found(conn, ids):
            waited = rows.retry_login(conn, camera)
            echo(f"{camera.id}: {'its password is tried now' if waited else 'its password was not refused'}")


@cameras.command("trust")
@click.argument("ids", nargs=-1, required=True, metavar="CAMERA...")
@config_option
def trust(ids: tuple[str, ...], config: Path) -> None:
    """Accept the certificates, and the ways to log in, that cameras show now."""
    from storage.catalogue import cameras as rows

    with open_catalogue(config) as (_, database), database.write() as conn:
        for camera in _found(conn, ids):
            known = rows.trust_device(conn, camera)
            echo(f"{camera.id}: {'what it shows next counts' if known else 'nothing was known of it'}")


def _found(conn: sqlite3.Connection, ids: tuple[str, ...]) -> list[Camera]:
    from storage.catalogue import cameras as rows

    found = [(id_, rows.find(conn, id_)) for id_ in ids]
    missing = [id_ for id_, camera in found if camera is None or camera.removed_us is not None]
    if missing:
        raise click.ClickException(f"there is no camera {', '.join(missing)}")
    return [camera for _, camera in found if camera is not None]
