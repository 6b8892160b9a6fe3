"""``nvr exports``: the exports that the server made, and links to them."""

from __future__ import annotations

import re
import time
from pathlib import Path

import click

from nvr.cli.catalogue import open_catalogue, table, when, who
from nvr.cli.options import config_option

__all__ = ["exports"]

_UNIT_S = {"m": 60, "h": 3600, "d": 86_400}


class _Span(click.ParamType[int]):
    """A time such as ``12h``, as microseconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d{1,6})([mhd])", str(value))
        if match is None:
            self.fail(f"{value} is not a time such as 30m, 12h or 7d", param, ctx)
        return int(match[1]) * _UNIT_S[match[2]] * 1_000_000


@click.group()
@config_option
@click.pass_context
def exports(ctx: click.Context, config: Path) -> None:
    """See the exports that the server made; make and revoke links to them. Works whether or not the server runs."""
    # For the subcommands, which look there.
    ctx.find_root().obj = config


@exports.command("list")
@config_option
def list_(config: Path) -> None:
    """Print the exports and the links to them, the latest first."""
    from storage import exports as rows
    from storage import links

    with open_catalogue(config) as (loaded, database):
        zone = loaded.server.zone
        found = [("EXPORT", "STATE", "CASE", "CAMERAS", "START", "END", "ASKED FOR BY")]
        made = [("LINK", "EXPORT", "STATE", "RECIPIENT", "UNTIL", "OPENED", "DOWNLOADED", "MADE BY")]
        with database.read() as conn:
            by_export = links.every(conn, time.time_ns() // 1000)
            for job in rows.every(conn):
                asked = job.request
                cameras = ",".join(asked["cameras"])
                start, end = (when(asked[name], zone) for name in ("start_us", "end_us"))
                case = str(asked.get("case") or "-")
                found.append((job.id, job.state, case, cameras, start, end, job.requested_by))
                for link in by_export.get(job.id, ()):
                    until, opened, fetched = when(link.until_us, zone), str(link.openings), str(link.downloads)
                    made.append((link.id, job.id, link.state, link.recipient, until, opened, fetched, link.made_by))
        table(found)
        if len(made) > 1:
            click.echo()
            table(made)


@exports.command()
@click.argument("export_id")
@click.option("--recipient", required=True, help="The one whom it is for, by name.")
@click.option(
    "--for", "span_us", type=_Span(), default="3d", show_default=True, help="How long: 30m, 12h, 7d; 31d at most."
)
@click.option(
    "--address", default="", help="This server's address, such as https://cctv.example, to print a whole link."
)
@config_option
def link(export_id: str, recipient: str, span_us: int, address: str, config: Path) -> None:
    """Make a link by which one recipient fetches an export. It is printed this once."""
    from storage import links

    with open_catalogue(config) as (loaded, database):
        now_us = time.time_ns() // 1000
        with database.write() as conn:
            try:
                made, text = links.make(
                    conn, export_id, recipient=recipient, until_us=now_us + span_us, by=who(), now_us=now_us
                )
            except KeyError:
                raise click.ClickException(f"there is no export {export_id}; nvr exports list shows them") from None
            except links.LinkError as error:
                raise click.ClickException(str(error)) from None
        until = when(made.until_us, loaded.server.zone)
    click.echo(f"{address.rstrip('/')}/#/link/{text}")
    click.echo(f"link {made.id} is for {made.recipient}, until {until}; it is not shown again", err=True)


@exports.command()
@click.argument("link_id")
@config_option
def revoke(link_id: str, config: Path) -> None:
    """Revoke a link: it opens nothing from now on."""
    from storage import links

    with open_catalogue(config) as (_, database), database.write() as conn:
        try:
            links.revoke(conn, link_id, by=who(), now_us=time.time_ns() // 1000)
        except KeyError:
            raise click.ClickException(f"there is no link {link_id}; nvr exports list shows them") from None
    click.echo(f"link {link_id} revoked")
