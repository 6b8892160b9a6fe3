"""Options by which commands choose cameras, and what else they share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from nvr.cli.terminal import spoken

if TYPE_CHECKING:
    from nvr.cameras import Chosen
    from storage.catalogue.database import Database

__all__ = ["choice_options", "chosen", "node_of", "planned", "read_text"]

_T = TypeVar("_T")
F = TypeVar("F", bound=Callable[..., Any])


def choice_options(command: F) -> F:
    """Adds ``--where``, ``--camera`` and ``--list``, passed as ``where``, ``cameras`` and ``list_``."""
    command = click.option(
        "--list",
        "list_",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A CSV file with a camera's id in each line.",
    )(command)
    command = click.option("--camera", "cameras", multiple=True, help="This camera; may be given more than once.")(
        command
    )
    return click.option("--where", help="Cameras by their labels, such as district=Tembalang,isp=Telkom; * for all.")(
        command
    )


def read_text(path: Path) -> str:
    """The text of a CSV file.

    Raises:
        click.ClickException: it can't be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise click.ClickException(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{path} is not UTF-8 at byte {error.start}: save it as CSV UTF-8") from None


def chosen(conn: sqlite3.Connection, where: str | None, cameras: tuple[str, ...], list_: Path | None) -> Chosen:
    """The cameras chosen.

    Raises:
        click.ClickException: what is wrong with the choice.
    """
    from nvr.cameras import ChoiceError, choose

    try:
        return choose(conn, where=where, ids=cameras or None, csv=None if list_ is None else read_text(list_))
    except ChoiceError as error:
        raise click.ClickException(f"{error} (--where, --camera, --list)") from None


@contextmanager
def planned(db: Database, plan: Callable[[sqlite3.Connection], _T]) -> Iterator[tuple[sqlite3.Connection, _T]]:
    """As ``nvr.cameras.planned``.

    Raises:
        click.ClickException: others changed cameras, again and again.
    """
    from nvr.cameras import OvertakenError
    from nvr.cameras import planned as write_planned

    try:
        with write_planned(db, plan) as found:
            yield found
    except OvertakenError as error:
        raise click.ClickException(spoken(error)) from None


def node_of(conn: sqlite3.Connection, configured: str | None) -> str:
    """This server's node id; a catalogue that no server used yet gets one."""
    from storage.catalogue import node

    return node.this_node(conn, configured)
