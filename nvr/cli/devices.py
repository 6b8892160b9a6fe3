"""``nvr devices``: what was found in networks, and making cameras of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import open_catalogue, table, when
from nvr.cli.choosing import node_of, read_text
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, raw, spoken, terminal_language
from storage.durable_files import new_file

if TYPE_CHECKING:
    from nvr.devices.adding import Wanted
    from nvr.devices.onvif.facts import VideoProfile
    from nvr.devices.rows import FoundDevice
    from storage.catalogue.database import Database

__all__ = ["devices"]


@click.group(invoke_without_command=True)
@config_option
@click.pass_context
def devices(ctx: click.Context, config: Path) -> None:
    """Print all devices that were found, what they are, and what is wrong about them."""
    from nvr.devices import rows

    ctx.find_root().obj = config
    if ctx.invoked_subcommand is not None:
        return
    with open_catalogue(config) as (_, database):
        with database.read() as conn:
            found = rows.devices(conn)
            cameras: dict[str, list[str]] = {}
            for camera, device in rows.bindings(conn).items():
                cameras.setdefault(device, []).append(camera)
        lines = [("ID", "ADDRESS", "MANUFACTURER", "MODEL", "SERIAL", "MAIN", "SUB", "CLOCK", "CAMERA", "FINDINGS")]
        for one in found:
            facts = one.facts
            main = next((profile for profile in facts.profiles if profile.use == "main"), None)
            sub = next((profile for profile in facts.profiles if profile.use == "sub"), None)
            lines.append(
                (
                    one.id,
                    f"{one.address}{' (missing)' if one.missing_us is not None else ''}",
                    facts.manufacturer or "-",
                    facts.model or "-",
                    facts.serial or "-",
                    _video(main),
                    _video(sub),
                    "-" if facts.clock_offset_s is None else f"{facts.clock_offset_s:+.0f} s",
                    ",".join(sorted(cameras.get(one.id, []))) or "-",
                    ",".join(finding.code for finding in facts.findings) or "-",
                )
            )
        table(lines)


def _video(profile: VideoProfile | None) -> str:
    if profile is None:
        return "-"
    rate = "" if profile.frame_rate is None else f" {profile.frame_rate:g}/s"
    return f"{profile.codec or '?'} {profile.width}x{profile.height}{rate}"


def _chosen(database: Database, ids: tuple[str, ...]) -> list[FoundDevice]:
    from nvr.devices import rows

    with database.read() as conn:
        every = {one.id: one for one in rows.devices(conn)}
    missing = [id_ for id_ in ids if id_ not in every]
    if missing:
        raise click.ClickException(f"there is no device {', '.join(missing)}")
    return [every[id_] for id_ in ids] if ids else list(every.values())


@devices.command("show")
@click.argument("device")
@config_option
def show(device: str, config: Path) -> None:
    """Print all that is known of a device."""
    from nvr.devices.findings import words_of

    with open_catalogue(config) as (loaded, database):
        one = _chosen(database, (device,))[0]
        facts, zone = one.facts, loaded.server.zone
        clock = "-" if facts.clock_offset_s is None else f"{facts.clock_offset_s:+.1f} s off this machine's"
        lines = [
            ("address", f"{one.address}, port {one.port}, {facts.kind.upper()} {facts.path}".strip()),
            ("first seen", when(one.first_us, zone)),
            ("last seen", when(one.seen_us, zone)),
            ("missing", when(one.missing_us, zone)),
            ("device", f"{facts.manufacturer} {facts.model}".strip() or "-"),
            ("firmware", facts.firmware or "-"),
            ("serial", facts.serial or "-"),
            ("hardware", facts.mac or "-"),
            ("uuid", facts.uuid or "-"),
            ("login", f"{facts.login} {facts.why_no_login}".strip()),
            ("its clock", clock),
        ]
        for profile in facts.profiles:
            far = "" if profile.keyframe_s is None else f", a keyframe every {profile.keyframe_s:g} s"
            rate = "" if profile.bitrate_bps is None else f", {profile.bitrate_bps / 1000:g} kbit/s"
            lines.append((profile.use or "stream", f"{profile.source}: {_video(profile)}{far}{rate} {profile.url}"))
        lines += [("finding", spoken(words_of(finding))) for finding in facts.findings]
        for name, text in lines:
            echo(f"{name:<11} {text}")


@devices.command("export")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), required=False)
@config_option
def export(path: Path | None, config: Path) -> None:
    """Write the devices as CSV to PATH, which must not exist, or to the terminal."""
    from nvr.devices.adding import recorded_by
    from nvr.devices.table import write_table

    with open_catalogue(config) as (_, database):
        found = _chosen(database, ())
        with database.read() as conn:
            text = write_table(found, recorded_by(conn, found), terminal_language())
    if path is None:
        raw([text.encode()])
        return
    try:
        with new_file(path, 0o600) as file:
            file.write(text.encode("utf-8-sig"))
    except OSError as error:
        raise click.ClickException(f"{path} can't be written: {error.strerror}") from None
    echo(f"{path}: {len(found)} devices", err=True)


@devices.command("add")
@click.argument("ids", nargs=-1, metavar="[DEVICE]...")
@click.option("--every", is_flag=True, help="All devices whose streams are known and that are not recorded yet.")
@click.option(
    "--csv",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A table as `export` writes it, with ids in its column camera.",
)
@click.option("--id", "pattern", default="cam-{number:04}", show_default=True, help="A pattern for the cameras' ids.")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="A label for all of them.")
@click.option("--dry-run", is_flag=True, help="Print what would be added; add nothing.")
@config_option
def add(
    ids: tuple[str, ...],
    every: bool,
    path: Path | None,
    pattern: str,
    labels: tuple[str, ...],
    dry_run: bool,
    config: Path,
) -> None:
    """Make cameras of devices: of those named, of every one, or by a table. With one mistake nothing is added."""
    from nvr.cameras import OvertakenError
    from nvr.devices import adding

    if (bool(ids) + every + (path is not None)) != 1:
        raise click.UsageError("name devices, or one of --every and --csv")
    with open_catalogue(config) as (loaded, database):
        wanted = _wanted(database, ids, path, pattern, labels)
        with database.read() as conn:
            plan = adding.plan(conn, wanted)
        if not plan.errors and not dry_run:
            with database.write() as conn:
                node = node_of(conn, loaded.server.node)
            try:
                plan = adding.add(database, wanted, node=node, at_us=time.time_ns() // 1000)
            except OvertakenError as error:
                raise click.ClickException(spoken(error)) from None
    for mistake in plan.errors:
        echo(str(mistake), err=True)
    if plan.errors:
        raise click.ClickException(f"{len(plan.errors)} mistakes; nothing was added")
    for id_ in plan.added:
        echo(f"add     {id_}")
    echo(f"{len(plan.added)} {'would be ' if dry_run else ''}added")


def _wanted(
    database: Database, ids: tuple[str, ...], path: Path | None, pattern: str, labels: tuple[str, ...]
) -> list[Wanted]:
    from nvr.devices import adding
    from nvr.devices.table import read_table

    if path is not None:
        wanted, errors = read_table(read_text(path))
        if errors:
            raise click.ClickException("; ".join(f"{path}: {spoken(one.sentence)}" for one in errors))
        return wanted
    given = {}
    for label in labels:
        name, mark, value = label.partition("=")
        if not mark or not name.strip() or not value.strip():
            raise click.UsageError(f"{label!r} is no label; write NAME=VALUE")
        given[name.strip()] = value.strip()
    found = _chosen(database, ids)
    with database.read() as conn:
        recorded = adding.recorded_by(conn, found)
        taken = adding.all_ids(conn)
    try:
        return adding.by_pattern(found, pattern, given, recorded=recorded, taken=taken)
    except adding.PatternError as error:
        raise click.ClickException(spoken(error)) from None


@devices.command("moves")
@config_option
def moves_(config: Path) -> None:
    """Print the cameras whose devices were found at another address than they are recorded from."""
    from nvr.devices import moves

    with open_catalogue(config) as (_, database):
        with database.read() as conn:
            found = moves.proposals(conn)
        lines = [("CAMERA", "DEVICE", "RECORDED FROM", "FOUND AT", "")]
        lines += [
            (one.camera, one.device, one.old, one.new, "in the configuration file" if one.is_fixed else "")
            for one in found
        ]
        table(lines)


@devices.command("move")
@click.argument("ids", nargs=-1, required=True, metavar="CAMERA...")
@config_option
def move(ids: tuple[str, ...], config: Path) -> None:
    """Record cameras from where their devices were found."""
    from nvr.devices import moves

    with open_catalogue(config) as (_, database), database.write() as conn:
        for id_ in ids:
            try:
                done = moves.move(conn, id_)
            except moves.MoveError as error:
                raise click.ClickException(spoken(error)) from None
            echo(f"{done.camera}: from {done.old} to {done.new}")


@devices.command("bind")
@click.argument("camera")
@click.argument("device")
@config_option
def bind(camera: str, device: str, config: Path) -> None:
    """Say that a camera is this device from now on: after its device was replaced."""
    from nvr.devices import moves

    with open_catalogue(config) as (_, database), database.write() as conn:
        try:
            moves.replace_device(conn, camera, device)
        except moves.MoveError as error:
            raise click.ClickException(spoken(error)) from None
    echo(f"{camera}: is device {device}; nvr devices moves says whether its address has to change")


@devices.command("clock")
@click.argument("ids", nargs=-1, metavar="[DEVICE]...")
@click.option("--apply", "is_applied", is_flag=True, help="Do it; after the first device that fails nothing more.")
@config_option
@click.pass_context
def clock(ctx: click.Context, ids: tuple[str, ...], is_applied: bool, config: Path) -> None:
    """Print how clocks of devices are set, and set them by the time server of [devices] with --apply."""
    from nvr.devices import clock_round

    with open_catalogue(config) as (loaded, database):
        chosen = _chosen(database, ids)
        try:
            failed = clock_round.run(database, loaded.devices, chosen, named=bool(ids), apply=is_applied, say=echo)
        except clock_round.NothingChosen as error:
            raise click.ClickException(spoken(error)) from None
    ctx.exit(1 if failed else 0)


@devices.command("retry")
@click.argument("ids", nargs=-1, required=True, metavar="DEVICE...")
@config_option
def retry(ids: tuple[str, ...], config: Path) -> None:
    """Let the next search try a login at devices that refused one, once, although it was refused."""
    from nvr.devices import moves

    with open_catalogue(config) as (_, database):
        found = _chosen(database, ids)
        with database.write() as conn:
            for one in found:
                freed = moves.retry_logins(conn, one)
                echo(f"{one.id}: {'a login may be tried again' if freed else 'no login was refused'}")
