"""``nvr exports``: the exports that the server made, and links to them."""

from __future__ import annotations

import re
import time
from pathlib import Path

import click

from nvr.cli.catalogue import open_catalogue, table, when, who
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, spoken

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
    """See the exports that the server made, cancel them, read them back; make and revoke links to them. Works whether
    or not the server runs."""
    # For the subcommands, which look there.
    ctx.find_root().obj = config


@exports.command("list")
@config_option
def list_(config: Path) -> None:
    """Print the exports and the links to them, the latest first."""
    from nvr.cases import exports as rows
    from nvr.cases import links

    with open_catalogue(config) as (loaded, database):
        zone = loaded.server.zone
        found = [("EXPORT", "STATE", "READ BACK", "CASE", "CAMERAS", "START", "END", "ASKED FOR BY")]
        made = [("LINK", "EXPORT", "STATE", "RECIPIENT", "UNTIL", "OPENED", "DOWNLOADED", "MADE BY")]
        with database.read() as conn:
            by_export = links.list_all(conn, time.time_ns() // 1000)
            for job in rows.list_all(conn):
                asked = job.request
                cameras = ",".join(asked["cameras"])
                start, end = (when(asked[name], zone) for name in ("start_us", "end_us"))
                case = str(asked.get("case") or "-")
                state = job.state if job.begins_us is None else f"{job.state}, begins {when(job.begins_us, zone)}"
                checked = job.check_outcome or ("never" if job.state == "done" else "-")
                by = str(asked.get("requester") or job.requested_by)
                found.append((job.id, state, checked, case, cameras, start, end, by))
                for link in by_export.get(job.id, ()):
                    until, opened, fetched = when(link.until_us, zone), str(link.openings), str(link.downloads)
                    made.append((link.id, job.id, link.state, link.recipient, until, opened, fetched, link.made_by))
        table(found)
        if len(made) > 1:
            echo()
            table(made)


@exports.command()
@click.argument("export_id")
@config_option
def cancel(export_id: str, config: Path) -> None:
    """Cancel an export that waits or is being made. Its holds end."""
    from nvr.cases import exports as rows

    with open_catalogue(config) as (_, database), database.write() as conn:
        job = rows.find(conn, export_id)
        if job is None:
            raise click.ClickException(f"there is no export {export_id}; nvr exports list shows them")
        if not rows.cancel(conn, export_id, by=who(), now_us=time.time_ns() // 1000):
            raise click.ClickException(f"the export is {job.state}: there is nothing to cancel")
    echo(f"export {export_id} cancelled")


@exports.command()
@click.argument("packages", nargs=-1, type=click.Path(exists=True, path_type=Path))
@config_option
@click.pass_context
def recheck(ctx: click.Context, packages: tuple[Path, ...], config: Path) -> None:
    """Read packages back and compare them, byte by byte, with the recorded footage: all that the server keeps, or those
    given.

    PACKAGES are folders or ZIPs, also ones that were handed out or made by nvr export. What is found is kept with the
    export and in the audit log; one that is wrong can't be downloaded any more. Ends with 10 if one is wrong.
    """
    from nvr.cases import exports as rows
    from nvr.cases.exports import CheckOutcome
    from nvr.cli.progress import progress_bar
    from nvr.evidence.jobs.priority import give_way
    from nvr.evidence.making.readback import read_back
    from nvr.evidence.seal.keys import KeyFolder
    from nvr.playback.errors import FootageGone
    from nvr.playback.index_cache import IndexCache, OpenSegment
    from storage.catalogue import segments
    from storage.catalogue.segments import Key
    from storage.sentences import Sentence

    give_way()
    lines = [("EXPORT", "FOUND", "DETAILS")]
    is_wrong = False
    with open_catalogue(config) as (loaded, database):
        cache = IndexCache(database)

        def find(key: Key) -> OpenSegment:
            with database.read() as conn:
                segment = segments.get(conn, key)
            if segment is None:
                raise FootageGone(key)
            return cache.open(segment)

        trusted = [kept.certificate for kept in KeyFolder(loaded.keys_folder, loaded.evidence.name).certificates()]
        with database.read() as conn:
            known = {job.id: job for job in rows.list_all(conn, -1)}
        wanted = [(path, "") for path in packages]
        if not packages:
            for job in known.values():
                folder = loaded.exports_folder / (job.folder or "")
                if job.state == "expired":
                    why = Sentence("its package is deleted: give a copy of it, nvr exports recheck COPY")
                    lines.append((job.id, "-", spoken(why)))
                elif job.state == "done" and job.folder and folder.is_dir():
                    wanted.append((folder, job.id))
                elif job.state == "done":
                    why = Sentence("its package is not there: {folder}", folder=str(folder))
                    lines.append((job.id, "-", spoken(why)))
        for number, (path, id_) in enumerate(wanted, 1):
            try:
                with progress_bar(f"{number} of {len(wanted)}, {path.name}") as progress:
                    found = read_back(path, find, trusted, progress=progress)
            except OSError as error:
                why = Sentence("it can't be read: {why}", why=error.strerror or str(error))
                lines.append((id_ or str(path), "-", spoken(why)))
                is_wrong = True
                continue
            is_wrong |= found.outcome is CheckOutcome.WRONG
            marked = id_ or found.export
            same = Sentence("{count:,} bytes of footage are what was recorded", count=found.compared_bytes)
            details = "; ".join(spoken(one).strip() for one in found.details or [same])
            # Somebody's changed copy says nothing of the server's own package.
            if id_ or (found.is_ours and marked in known):
                with database.write() as conn:
                    rows.checked(conn, marked, found.outcome, found.details, now_us=time.time_ns() // 1000)
            lines.append((marked or str(path), found.outcome, details))
    table(lines)
    if is_wrong:
        ctx.exit(10)


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
    from nvr.cases import links
    from nvr.cases.errors import LinkError

    with open_catalogue(config) as (loaded, database):
        now_us = time.time_ns() // 1000
        with database.write() as conn:
            try:
                made, text = links.make(
                    conn, export_id, recipient=recipient, until_us=now_us + span_us, by=who(), now_us=now_us
                )
            except KeyError:
                raise click.ClickException(f"there is no export {export_id}; nvr exports list shows them") from None
            except LinkError as error:
                raise click.ClickException(spoken(error)) from None
        until = when(made.until_us, loaded.server.zone)
        base, server = loaded.server.base_path, address.rstrip("/")
    echo(f"{server if base and server.endswith(base) else server + base}/#/link/{text}")
    echo(f"link {made.id} is for {made.recipient}, until {until}; it is not shown again", err=True)


@exports.command()
@click.argument("link_id")
@config_option
def revoke(link_id: str, config: Path) -> None:
    """Revoke a link: it opens nothing from now on."""
    from nvr.cases import links

    with open_catalogue(config) as (_, database), database.write() as conn:
        try:
            links.revoke(conn, link_id, by=who(), now_us=time.time_ns() // 1000)
        except KeyError:
            raise click.ClickException(f"there is no link {link_id}; nvr exports list shows them") from None
    echo(f"link {link_id} revoked")
