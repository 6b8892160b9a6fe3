"""``nvr cases``: what was asked for in cases, and what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import open_catalogue, table, when
from nvr.cli.options import config_option

if TYPE_CHECKING:
    from nvr.cases.exports import Export

__all__ = ["cases"]


def _state(made: Export, zone: str) -> str:
    return made.state if made.begins_us is None else f"{made.state}, begins {when(made.begins_us, zone)}"


@click.group()
@config_option
@click.pass_context
def cases(ctx: click.Context, config: Path) -> None:
    """See cases and the requests made in them. Works whether or not the server runs."""
    # For the subcommands, which look there.
    ctx.find_root().obj = config


@cases.command("list")
@config_option
def list_(config: Path) -> None:
    """Print all cases with their requests, open ones first."""
    from nvr.cases import cases as rows
    from nvr.cases import exports, requests

    with open_catalogue(config) as (loaded, database):
        zone = loaded.server.zone
        lines: list[tuple[str, ...]] = [
            ("CASE", "REQUEST", "STATE", "CAMERAS", "START", "END", "ASKED BY", "DECIDED BY", "EXPORT")
        ]
        with database.read() as conn:
            for case in rows.list_all(conn):
                number = case.number if case.closed_us is None else f"{case.number} (closed)"
                asked = requests.of_case(conn, case.id)
                if not asked:
                    lines.append((number, *["-"] * 8))
                for one in asked:
                    made = None if one.export is None else exports.find(conn, one.export)
                    lines.append(
                        (
                            number,
                            one.id,
                            one.state,
                            ",".join(one.cameras),
                            when(one.start_us, zone),
                            when(one.end_us, zone),
                            one.requester,
                            one.decided_by or "-",
                            "-" if made is None else f"{made.id} {_state(made, zone)}",
                        )
                    )
        table(lines)
