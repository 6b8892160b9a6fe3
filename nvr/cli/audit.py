"""``nvr audit``: who did what, and whether the log of it is whole."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from nvr.cli.catalogue import TIME, open_catalogue, table, when
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, safe_json, spoken

__all__ = ["audit"]

_FILTERS = [
    click.option("--start", type=TIME, help="From this time on: ISO 8601 with a zone."),
    click.option("--end", type=TIME, help="Before this time."),
    click.option("--actor", help="Only what this user, token or the server did."),
    click.option("--camera", help="Only what concerns this camera."),
    click.option("--action", help="Only this word, such as clip or hold_placed."),
]


def _filtered(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@click.group()
@config_option
@click.pass_context
def audit(ctx: click.Context, config: Path) -> None:
    """Read, export and verify the audit log. Works whether or not the server runs."""
    # For the subcommands, which look there.
    ctx.find_root().obj = config


@audit.command("list")
@_filtered
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many, the latest.")
@config_option
def list_(
    start: int | None,
    end: int | None,
    actor: str | None,
    camera: str | None,
    action: str | None,
    limit: int,
    config: Path,
) -> None:
    """Print entries, the latest first."""
    from storage.catalogue.audit import entries

    with open_catalogue(config) as (loaded, database):
        zone = loaded.server.zone
        rows = [("NUMBER", "TIME", "WHO", "FROM", "WHAT", "CAMERA", "DETAIL")]
        with database.read() as conn:
            rows += [
                (str(e.seq), when(e.at_us, zone), e.actor, e.address or "-", e.action, e.camera or "-", e.detail)
                for e in entries(
                    conn, start_us=start, end_us=end, actor=actor, camera=camera, action=action, limit=limit
                )
            ]
        table(rows)


@audit.command()
@_filtered
@click.option("--format", "format_", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@config_option
def export(
    start: int | None,
    end: int | None,
    actor: str | None,
    camera: str | None,
    action: str | None,
    format_: str,
    config: Path,
) -> None:
    """Write entries with all their fields to the standard output, the latest first."""
    from nvr.texts.cells import csv_cell
    from storage.catalogue.audit import AuditEntry, entries

    columns = list(AuditEntry.__dataclass_fields__)
    writer = csv.DictWriter(sys.stdout, columns) if format_ == "csv" else None
    if writer is not None:
        writer.writeheader()
    with open_catalogue(config) as (_, database), database.read() as conn:
        for entry in entries(conn, start_us=start, end_us=end, actor=actor, camera=camera, action=action):
            if writer is not None:
                writer.writerow({name: csv_cell(str(value or "")) for name, value in asdict(entry).items()})
            else:
                echo(safe_json(asdict(entry)))


@audit.command()
@click.option("--head", "heads", multiple=True, help="A head noted elsewhere (number:hash), which must be in the log.")
@config_option
def verify(heads: tuple[str, ...], config: Path) -> None:
    """Compute every hash again: has an entry been changed, taken out, or has the end been cut off or written anew?

    Compared with the heads that the server signed and kept beside the exports, and with those given. Looks at holds and
    schema too. Exits with 1 if anything is wrong.
    """
    from nvr.evidence.seal.heads import HeadBook
    from nvr.evidence.seal.keys import KeyFolder
    from storage.catalogue import audit as log
    from storage.integrity import audit_log as audit_check
    from storage.integrity import holds as hold_check
    from storage.integrity import schema as schema_check

    try:
        noted = [log.AuditHead.parse(text) for text in heads]
    except ValueError as error:
        raise click.UsageError(spoken(error)) from None

    def progress(done: int) -> None:
        if sys.stderr.isatty():
            echo(f"\r{done} entries", nl=False, err=True, keep="\r")

    with open_catalogue(config) as (loaded, database), database.read() as conn:
        book = HeadBook(loaded.exports_folder, KeyFolder(loaded.keys_folder, loaded.evidence.name)).read()
        verdict = audit_check.verify(conn, [*noted, *book.heads], progress=progress)
        others = {"heads": book.faults, "schema": schema_check.differences(conn), "holds": hold_check.differences(conn)}
    if sys.stderr.isatty():
        echo(err=True)
    for fault in verdict.faults:
        echo(f"entry {fault.seq}: {fault.kind}: {fault.detail}")
    for what, faults in others.items():
        for told in faults:
            echo(f"{what}: {told}")
    count = len(verdict.faults) + sum(map(len, others.values()))
    compared = f"{len(book.heads)} signed heads beside the exports and {len(noted)} given"
    if count:
        echo(f"NOT as it was: {count} faults; {verdict.entries} entries, compared with {compared}")
        click.get_current_context().exit(1)
    if verdict.state == "whole":
        rest = verdict.head.seq - verdict.noted.seq
        more = f"; the {rest} after it are consistent" if rest else ""
        echo(f"the audit log is whole up to entry {verdict.noted.seq}, compared with {compared}{more}")
    else:
        echo(
            f"{verdict.entries} entries are consistent, but compared with nothing noted elsewhere:"
            " give a --head, from an export or a copy of the signed heads"
        )
    echo(f"head {verdict.head}")
