"""``nvr check``: compares files with the catalogue."""

from __future__ import annotations

import sqlite3
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import ensure_current
from nvr.cli.options import config_option
from nvr.cli.terminal import echo

if TYPE_CHECKING:
    from storage.disk.roots import Root

__all__ = ["check"]


def _places(known: list[Root], configured: Sequence[Path]) -> tuple[list[Root], list[str]]:
    """The catalogue's roots that are here, each where it is now; and what shows that this is a copy of an installation.
    A root is where the configuration has its identity: in a copied tree the catalogue still has the paths of the
    original."""
    from storage.disk.roots import Root, identity_of, is_mounted
    from storage.errors import RootError

    here: list[Root] = []
    copied = []
    carried: dict[str, Path] = {}
    for path in configured:
        try:
            identity = identity_of(path)
        except RootError as error:
            echo(f"root_absent: {error}", err=True)
            continue
        if identity is not None:
            carried.setdefault(identity, path)
    for root in known:
        at = carried.get(root.id)
        if at is not None and not _same(at, root.path):
            if is_mounted(root):
                copied.append(f"{at}: has the identity of {root.path}, which is there too; looked at is {at}")
            else:
                echo(f"root_moved: {at}: was at {root.path}; the next start of the server takes that in", err=True)
            here.append(Root(root.id, at))
        elif is_mounted(root):
            if at is None:
                echo(f"root_unlisted: {root.path}: the catalogue has it, [storage] roots has not", err=True)
            here.append(root)
        else:
            echo(
                f"root_absent: {root.path}: its disk is not mounted, so its footage can't be checked",
                err=True,
            )
    return here, copied


def _holds_any(conn: sqlite3.Connection, root: int) -> bool:
    return conn.execute("SELECT 1 FROM segment WHERE root = ? LIMIT 1", (root,)).fetchone() is not None


def _same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False


@click.command()
@click.option(
    "--hash",
    "hashes",
    is_flag=True,
    help="Read every byte and compare its SHA-256 with the one made when it was recorded.",
)
@config_option
@click.pass_context
def check(ctx: click.Context, hashes: bool, config: Path) -> None:
    """Compare footage files with the catalogue, its holds with the audit log, and its schema with this version's. Only
    reports, never changes anything; works while the server records.

    Exits with 1 if anything is wrong.
    """
    from nvr.config.last_good import load_or_last
    from storage.catalogue.database import Database
    from storage.disk.roots import Root
    from storage.errors import StorageError
    from storage.integrity import holds as hold_check
    from storage.integrity import schema as schema_check
    from storage.recovery.check import CheckFinding
    from storage.recovery.check import check as compare

    loaded = load_or_last(config, lambda told: echo(told, err=True))
    path = loaded.storage.catalogue
    if not path.exists():
        # Not made by this command: an empty one would call all footage unknown, and stand in the way of a rebuild.
        raise click.ClickException(
            f"there is no catalogue {path}; if it was lost, nvr rebuild makes one from the footage"
        )
    database = Database(path)
    found: Counter[str] = Counter()
    seen = 0
    try:
        ensure_current(database)
        with database.read() as conn:
            known = [
                Root(row["id"], Path(row["path"]))
                for row in conn.execute("SELECT key, id, path FROM root ORDER BY path")
                # One that was emptied and taken away is nobody's loss.
                if Path(row["path"]) in loaded.storage.roots or _holds_any(conn, row["key"])
            ]
            changed = [("schema", text) for text in schema_check.differences(conn)]
            changed += [("hold", text) for text in hold_check.differences(conn)]
        for kind, text in changed:
            found[kind] += 1
            echo(f"{kind}: {text}")
        here, copied = _places(known, loaded.storage.roots)
        for text in copied:
            found["root_copied"] += 1
            echo(f"root_copied: {text}")
        for news in compare(database, here, hashes=hashes):
            if isinstance(news, CheckFinding):
                found[news.kind] += 1
                echo(f"{news.kind}: {news.path}: {news.text}")
            else:
                seen = news
                if sys.stderr.isatty():
                    echo(f"\r{seen} looked at", nl=False, err=True, keep="\r")
    except (StorageError, sqlite3.Error) as error:
        raise click.ClickException(f"catalogue {path} can't be read: {error}") from error
    finally:
        database.close()
    if sys.stderr.isatty():
        echo("\r", nl=False, err=True, keep="\r")
    wrong = ", ".join(f"{count} {kind}" for kind, count in sorted(found.items())) or "nothing wrong"
    echo(f"{seen} rows and files looked at: {wrong}")
    # A stray file next to footage is worth a line, but footage and catalogue agree all the same.
    if len(here) < len(known) or any(kind != "foreign" for kind in found):
        ctx.exit(1)
