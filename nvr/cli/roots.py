"""``nvr roots``: the footage disks: listed, added, emptied, given up."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import open_catalogue, table, when, who
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken

if TYPE_CHECKING:
    from storage.recovery.drain_state import DrainState

__all__ = ["roots"]

_PATH = click.argument("path", type=click.Path(path_type=Path))


@click.group()
@config_option
@click.pass_context
def roots(ctx: click.Context, config: Path) -> None:
    """List footage roots, prepare a new one, empty one, or give up one whose disk is gone. Works whether or not the
    server runs."""
    ctx.find_root().obj = config


@roots.command("list")
@config_option
def list_(config: Path) -> None:
    """Print all roots: those of the configuration, and those that only the catalogue has."""
    from storage.disk.draining import is_draining
    from storage.disk.files import FILES
    from storage.disk.roots import Root, is_mounted, known_roots
    from storage.recovery.drain_state import read_drain

    with open_catalogue(config) as (loaded, database):
        lines = [("ROOT", "STATE", "FREE", "SEGMENTS", "BYTES", "FROM", "TO")]
        with database.read() as conn:
            known = known_roots(conn)
            for path in [*map(str, loaded.storage.roots), *(p for p in known if Path(p) not in loaded.storage.roots)]:
                row = conn.execute(
                    "SELECT count(*), coalesce(sum(s.bytes), 0), min(s.start_us), max(s.end_us) FROM segment s"
                    " JOIN root r ON r.key = s.root WHERE r.path = ?",
                    (path,),
                ).fetchone()
                if not row[0] and Path(path) not in loaded.storage.roots:
                    # Emptied and taken away.
                    continue
                state, free = "new", "-"
                if path in known:
                    there = is_mounted(Root(known[path], Path(path)))
                    state = "there" if there else "ABSENT"
                    if there:
                        free = f"{FILES.usage(Path(path))[0] / 1e9:.1f} GB"
                        if is_draining(Path(path)):
                            state = _drain_words(row[0], read_drain(conn, known[path]))
                if Path(path) not in loaded.storage.roots:
                    state += ", not in [storage] roots"
                zone = loaded.server.zone
                lines.append((path, state, free, str(row[0]), str(row[1]), when(row[2], zone), when(row[3], zone)))
        table(lines)


def _drain_words(segments: int, state: DrainState | None) -> str:
    if not segments:
        return "EMPTY: take it out of [storage] roots"
    if state is not None and not state.has_room:
        return "draining, NO ROOM on the other disks: add one"
    if state is not None and state.left:
        return f"draining, {state.left} CAN'T BE MOVED: see the log"
    return "draining"


@roots.command()
@_PATH
@config_option
def add(path: Path, config: Path) -> None:
    """Prepare the folder at PATH for footage, and say what to write into the configuration.

    Its disk has to be mounted. The server takes a new root over with a reload, without interrupting a camera.
    """
    from storage.disk.files import FILES
    from storage.disk.root_places import admit
    from storage.disk.roots import known_roots, open_root
    from storage.errors import RootError

    path = path.absolute()
    with open_catalogue(config) as (loaded, database):
        for other in loaded.storage.roots:
            inside = path in other.parents or other in path.parents
            if path == other or inside:
                what = "is one of [storage] roots already" if path == other else f"and root {other} lie in one another"
                raise click.ClickException(f"{path} {what}")
        with database.read() as conn:
            known = known_roots(conn)
        try:
            verdict = admit(path, known)
            root = open_root(path, known=known.get(str(path)))
            _give(path, loaded.storage.catalogue)
        except (RootError, OSError) as error:
            raise click.ClickException(spoken(error)) from error
        if verdict.words:
            echo(verdict.words, err=True)
        free = FILES.usage(path)[0]
        listed = ", ".join(f'"{root}"' for root in (*loaded.storage.roots, path))
    echo(f"{path}: ready, identity {root.id}, {free / 1e9:.1f} GB free")
    echo(f"now write into [storage] of {loaded.path}:\n  roots = [{listed}]", keep="\n")
    echo("and reload the server: systemctl reload nvr (SIGHUP); no camera is interrupted")


def _give(path: Path, catalogue: Path) -> None:
    """To the server's user, where root calls this."""
    from storage.disk.roots import IDENTITY_FILE
    from storage.upgrade.copies import own_as

    if os.geteuid() == 0:
        for made in (path, path / IDENTITY_FILE):
            own_as(made, catalogue)


@roots.command()
@_PATH
@click.option("--end", is_flag=True, help="Record there again.")
@config_option
def drain(path: Path, end: bool, config: Path) -> None:
    """Empty PATH: nothing new is recorded there, and a running server moves what is there to the other disks."""
    from storage.catalogue import audit
    from storage.disk.draining import drain as begin
    from storage.disk.draining import is_draining, undrain
    from storage.disk.roots import Root, is_mounted, known_roots
    from storage.recovery.drain_state import forget_drain
    from storage.times import iso

    path = path.absolute()
    with open_catalogue(config) as (loaded, database):
        with database.read() as conn:
            known = known_roots(conn)
        there = [p for p in loaded.storage.roots if str(p) in known and is_mounted(Root(known[str(p)], p))]
        if path not in there:
            raise click.ClickException(f"{path} is no footage root that is there; nvr roots list shows them")
        try:
            if not end and all(other == path or is_draining(other) for other in there):
                raise click.ClickException(f"{path} is the only root that is left to record on: add another first")
            if end:
                undrain(path)
            else:
                begin(path, by=who().name, at=iso(time.time_ns() // 1000))
        except OSError as error:
            raise click.ClickException(f"{path}: {error.strerror}") from error
        with database.write() as conn:
            # How far an earlier one came is not how far this one is.
            forget_drain(conn, known[str(path)])
            audit.append(conn, "root_recorded_again" if end else "root_drained", detail={"root": str(path)})
    if end:
        echo(f"{path}: recorded there again")
    else:
        echo(f"{path}: new segments go elsewhere within seconds; growing ones are finished there")
        echo("what is there moves to the other disks while the server runs; nvr roots list says when it is empty")


@roots.command()
@_PATH
@click.option("--yes", is_flag=True, help="Don't ask.")
@config_option
def replace(path: Path, yes: bool, config: Path) -> None:
    """Give up what was recorded at PATH, whose disk will not come back, so that another disk can take its place.

    What it held is missing from then on, with the cause; what a legal hold is on stays listed.
    """
    from storage.catalogue import audit
    from storage.errors import RootError
    from storage.recovery.lost_root import give_up, look_at_lost

    path = path.absolute()
    now_us = time.time_ns() // 1000

    def progress(done: int) -> None:
        if sys.stderr.isatty():
            echo(f"\r{done}", nl=False, err=True, keep="\r")

    with open_catalogue(config) as (loaded, database):
        try:
            with database.read() as conn:
                lost = look_at_lost(conn, path)
            zone = loaded.server.zone
            echo(
                f"{path}: {lost.segments} segments, {lost.bytes} bytes, {when(lost.start_us, zone)} to"
                f" {when(lost.end_us, zone)}, are given up; {lost.held} of them are on legal hold and stay listed"
            )
            if not yes:
                click.confirm("Is the disk gone for good?", abort=True)
            with database.write() as conn:
                detail = {"root": str(path), "segments": lost.segments, "held": lost.held}
                audit.append(conn, "root_given_up", detail=detail)
            left = give_up(database, lost, by=who().name, now_us=now_us, progress=progress)
        except (RootError, sqlite3.Error) as error:
            raise click.ClickException(spoken(error)) from error
    echo(f"{path}: free for another disk; {left.segments} segments stay listed")
    echo("mount the new disk there: a running server takes it up within seconds")
