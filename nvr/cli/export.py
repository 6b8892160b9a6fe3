"""``nvr export``: footage as a sealed package."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvr.cli.catalogue import TIME, open_catalogue, when, who
from nvr.cli.options import config_option
from nvr.cli.progress import progress_bar
from nvr.cli.terminal import echo, spoken
from storage.sentences import Sentence, joined

if TYPE_CHECKING:
    from nvr.config import Config
    from nvr.evidence.making.package import Package
    from nvr.evidence.package.request import ExportRequest
    from storage.catalogue.database import Database

__all__ = ["export"]

_ASKED_AGAIN_S = 5.0


@click.command()
@click.option("--camera", "cameras", multiple=True, required=True, help="A camera's id; may be given more than once.")
@click.option("--start", type=TIME, required=True, help="ISO 8601 with a zone.")
@click.option("--end", type=TIME, required=True, help="ISO 8601 with a zone.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to put the package into.")
@click.option("--zip", "as_zip", is_flag=True, help="Leave one ZIP instead of a folder.")
@click.option("--wait", is_flag=True, help="If the range is not over yet, wait until it is.")
@click.option("--case", default="", help="The case number.")
@click.option("--legal-basis", default="", help="The law, the letter.")
@click.option("--purpose", default="", help="What it is for.")
@click.option("--requester", default="", help="Who asked for it.")
@click.option("--approver", default="", help="Who approved it.")
@config_option
def export(
    cameras: tuple[str, ...],
    start: int,
    end: int,
    out: Path,
    as_zip: bool,
    wait: bool,
    case: str,
    legal_basis: str,
    purpose: str,
    requester: str,
    approver: str,
    config: Path,
) -> None:
    """Export a range of cameras as a sealed package that anyone can verify. Works whether or not the server runs."""
    from nvr.evidence.package.request import OPERATING_SYSTEM, ExportRequest, new_export_id
    from nvr.evidence.seal.errors import EvidenceError

    request = ExportRequest(
        new_export_id(), cameras, start, end, who().name, case, legal_basis, purpose, requester, approver
    ).as_stated(operator=OPERATING_SYSTEM)
    complaints = request.complaints()
    if complaints:
        raise click.UsageError(spoken(joined(complaints)))
    with open_catalogue(config) as (loaded, database):
        try:
            package = _export(loaded, database, request, out, as_zip, wait)
        except EvidenceError as error:
            raise click.ClickException(spoken(error)) from None
        except OSError as error:
            name = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"the export can't be written: {name}{error.strerror or error}") from None
    size = sum(entry.size for entry in package.entries)
    echo(f"{package.path}: {len(package.entries)} files, {size:,} bytes")
    for warning in package.warnings:
        echo(f"ATTENTION: {spoken(warning)}", err=True)


def _export(loaded: Config, database: Database, request: ExportRequest, out: Path, as_zip: bool, wait: bool) -> Package:
    import nvr
    from nvr.cases import export_queue, exports
    from nvr.evidence.jobs.priority import give_way
    from nvr.evidence.making.package import make_package, remove_package
    from nvr.evidence.making.planning import package_name, plan_export
    from nvr.evidence.making.zipping import to_archive
    from nvr.evidence.package.request import Unit
    from nvr.evidence.seal.errors import ExportRefused
    from nvr.evidence.seal.heads import HeadBook
    from nvr.evidence.seal.keys import KeyFolder
    from nvr.playback.index_cache import IndexCache
    from storage.catalogue import audit, node

    give_way()
    signer = KeyFolder(loaded.keys_folder, loaded.evidence.name).ensure()
    if not wait:
        _check_over(loaded, database, request)
    now_us = time.time_ns() // 1000
    try:
        with database.write() as conn:
            # Before anything is planned: what is planned must still be there when it is copied.
            holds = export_queue.hold(
                conn, request.id, request.cameras, request.start_us, request.end_us, who(), now_us
            )
            detail = {
                "export": request.id,
                "start_us": request.start_us,
                "end_us": request.end_us,
                "case": request.case,
            }
            entries = [audit.append(conn, "export_made", camera=camera, detail=detail) for camera in request.cameras]
            entry = str(entries[-1])
            node_id = node.this_node(conn, loaded.server.node)
    except KeyError as error:
        raise ExportRefused(
            Sentence("there is no camera {camera}; nvr cameras lists them", camera=error.args[0])
        ) from None
    try:
        book = HeadBook(loaded.exports_folder, KeyFolder(loaded.keys_folder, loaded.evidence.name))
        book.note(entries[-1], f"export {request.id}", signer=signer, now_us=time.time_ns() // 1000)
    except OSError as error:
        echo(f"the head of the audit log can't be kept beside the exports: {error.strerror}", err=True)
    destination = out / package_name(request)
    try:
        while (until_us := _over_at(loaded, database, request)) is not None:
            echo(f"the range is not over: it begins {when(until_us, loaded.server.zone)}", err=True)
            time.sleep(min(max(until_us - time.time_ns() // 1000, 1_000_000) / 1e6, _ASKED_AGAIN_S))
        now_us = time.time_ns() // 1000
        cache = IndexCache(database)
        plan = plan_export(database, cache, replace(request, audit_head=entry, audit_entry=entry), now_us=now_us)
        unit = Unit(loaded.evidence.name, node_id, loaded.server.zone, nvr.__version__)
        out.mkdir(parents=True, exist_ok=True)
        with progress_bar("export") as progress:
            package = make_package(plan, cache, signer, unit, destination, progress=progress)
        return to_archive(package) if as_zip else package
    except BaseException:
        # Nobody goes on with it: the next one has another id.
        if not destination.exists():
            remove_package(destination)
        raise
    finally:
        with database.write() as conn:
            exports.release(conn, holds, who(), "the export has ended", time.time_ns() // 1000)


def _over_at(loaded: Config, database: Database, request: ExportRequest) -> int | None:
    """When the range is expected to be over; None if it is."""
    from storage.coverage.settled import unsettled

    with database.read() as conn:
        found = unsettled(
            conn,
            request.cameras,
            request.end_us,
            now_us=time.time_ns() // 1000,
            segment_us=loaded.storage.segment_duration_us,
        )
    return None if found is None else found.until_us


def _check_over(loaded: Config, database: Database, request: ExportRequest) -> None:
    """Raises ``ExportRefused`` if the range is not over."""
    from nvr.evidence.seal.errors import ExportRefused

    until_us = _over_at(loaded, database, request)
    if until_us is not None:
        raise ExportRefused(
            Sentence(
                "the range is not over: part of it is still being recorded. Come back at {time}, or add --wait;"
                " for what there is now ask for an earlier --end",
                time=when(until_us, loaded.server.zone),
            )
        )
