"""``nvr check-config``: is the configuration good, and what does it mean?"""

from __future__ import annotations

import getpass
import os
import socket
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.options import config_option
from nvr.cli.terminal import echo
from storage.errors import CatalogueError

if TYPE_CHECKING:
    from nvr.config import Config

__all__ = ["check_config"]


def _floors(loaded: Config) -> list[str]:
    """Footage roots whose free space floor can hardly be meant."""
    from storage.disk.files import FILES
    from storage.retention.brake import floor_error

    floor = loaded.storage.free_space_floor
    found = []
    for root in loaded.storage.roots:
        # Before the first start there is no folder yet: its disk is that of the nearest one above.
        at = next((path for path in (root, *root.parents) if path.exists()), Path("/"))
        total = FILES.usage(at)[1]
        if why := floor_error(floor.of(total), total):
            found.append(f"[storage] free_space_floor {floor}: on {root} {why}")
    return found


def _roots(loaded: Config) -> tuple[list[str], list[str]]:
    """What keeps footage roots from being recorded to, and what is not well with them."""
    from storage.catalogue.database import Database
    from storage.disk.root_places import RootPlace, judge, look_at
    from storage.disk.roots import known_roots
    from storage.errors import RootError

    known: dict[str, str] = {}
    if loaded.storage.catalogue.is_file():
        database = Database(loaded.storage.catalogue)
        try:
            with database.read() as conn:
                known = known_roots(conn)
        except (sqlite3.Error, CatalogueError):
            known = {}
        finally:
            database.close()
    wrong, weak = [], []
    for root in loaded.storage.roots:
        at = next((path for path in (root, *root.parents) if path.exists()), Path("/"))
        if not os.access(at, os.W_OK | os.X_OK):
            wrong.append(
                f"[storage] roots: {root} can't be written by {getpass.getuser()}, who asks: give {at} to the server's"
                " user, or ask as that user"
            )
        try:
            look = look_at(root, known)
        except RootError as error:
            wrong.append(f"[storage] roots: {error}")
            continue
        verdict = judge(look)
        if look.expected is not None and look.identity != look.expected:
            what = "no identity file" if look.identity is None else "the identity of another root"
            wrong.append(
                f"[storage] roots: {root} has {what}, the catalogue expects {look.expected}: is its disk mounted, and"
                " the right one?"
            )
        elif verdict.is_refused:
            wrong.append(f"[storage] roots: {verdict.words}")
        elif verdict.words and verdict.place is not RootPlace.NEW:
            weak.append(f"[storage] roots: {verdict.words}")
    return wrong, weak


def _labels(loaded: Config) -> list[str]:
    """Labels in the configuration that no camera has, of the file or of the catalogue."""
    from storage.catalogue import cameras, selection
    from storage.catalogue.database import Database

    every: list[selection.Labelled] = list(loaded.cameras)
    if loaded.storage.catalogue.is_file():
        database = Database(loaded.storage.catalogue)
        try:
            with database.read() as conn:
                every += [camera for camera in cameras.list_all(conn) if camera.source != "file"]
        except (sqlite3.Error, CatalogueError):
            # Its own commands say what is wrong with it.
            return []
        finally:
            database.close()
    found = []
    for number, rule in enumerate(loaded.retention.label_rules, 1):
        for key, value in rule.match.items():
            try:
                selection.ensure_known(selection.of_label(key, value), every)
            except selection.SelectionError as error:
                found.append(f"[[retention.label]] {number}, match: {error}")
    for key in loaded.alerts.fold_by:
        try:
            selection.ensure_label(key, every)
        except selection.SelectionError as error:
            found.append(f"[alerts] fold_by: {error}")
    return found


def _listens(loaded: Config) -> list[str]:
    """Why this machine can't have its page at the address that is configured, whatever listens there now."""
    host = loaded.server.host
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.bind(address)
    except OSError as error:
        why = error.strerror or str(error)
        return [f'[server] host: "{host}" is no address of this machine ({why}): it would record, but have no page']
    return []


def _certificate(loaded: Config) -> tuple[list[str], list[str]]:
    """What is wrong with the certificate of the page, so that there would be none; and what is not well."""
    import time

    from nvr.tls.errors import TlsError
    from nvr.tls.pair import read_pair, warnings_of

    certificate, key = loaded.server.certificate, loaded.server.key
    if certificate is None or key is None:
        return [], []
    if loaded.acme.names and not certificate.exists():
        # The first start makes one to begin with, and asks for another.
        return [], []
    now_us = time.time_ns() // 1000
    try:
        pair = read_pair(certificate, key)
    except TlsError as error:
        return [f"[server] certificate: {error}"], []
    told = [f"[server] certificate: {warning}" for warning in warnings_of(pair, key, now_us=now_us)]
    return (told, []) if pair.validity(now_us) is not None else ([], told)


@click.command("check-config")
@click.option("--yes", is_flag=True, help="Accept a free space floor that leaves little for footage.")
@config_option
def check_config(yes: bool, config: Path) -> None:
    """Print all problems of the configuration, or a summary if there are none.

    Exits with 2 if the configuration can't be used, and with 1 if a free space floor takes more than a quarter of a
    disk, a footage root can't be recorded to, or the certificate of the page or its key can't be used; warnings alone
    are no error.
    """
    from nvr.config import format_duration, format_size, load

    loaded = load(config)
    unusable, weak = _certificate(loaded)
    no_roots, odd_roots = _roots(loaded)
    unusable += no_roots
    for warning in (*loaded.warnings, *_labels(loaded), *_listens(loaded), *weak, *odd_roots):
        echo(f"warning: {warning}", err=True)
    wrong = [] if yes else _floors(loaded)
    for line in (*unusable, *wrong):
        echo(f"{loaded.path}: {line}", err=True)
    if unusable and not wrong:
        click.get_current_context().exit(1)
    if wrong:
        echo(
            "if that is what you want: nvr check-config --yes; a running server asks for nvr retention confirm",
            err=True,
        )
        click.get_current_context().exit(1)
    server, storage, retention = loaded.server, loaded.storage, loaded.retention
    roots = ", ".join(str(root) for root in storage.roots)
    echo(f"{loaded.path}: good")
    echo(
        f"server     {server.scheme}://{server.host}:{server.port}{server.base_path},"
        f" {server.worker_count} recorder workers, zone {server.zone}"
    )
    echo(f"footage    {roots}, in segments of {format_duration(storage.segment_duration_us)}")
    echo(f"catalogue  {storage.catalogue}")
    kept = f"at most {format_duration(retention.max_age_us)}"
    if retention.min_age_us is not None:
        kept += f", at least {format_duration(retention.min_age_us)}"
    if retention.max_bytes is not None:
        kept += f", {format_size(retention.max_bytes)} a camera"
    echo(f"retention  {kept}; {storage.free_space_floor} of each disk stays free")
    echo(f"cameras    {len(loaded.cameras)} in the file")
