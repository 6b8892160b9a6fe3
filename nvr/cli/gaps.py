"""``nvr gaps``: what is missing, and why; as a table, as data, or as a document."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from nvr.cli.catalogue import TIME, open_catalogue, table, when
from nvr.cli.options import config_option
from nvr.cli.terminal import echo, raw, spoken
from nvr.texts.words import LANGUAGES
from storage.durable_files import new_file

if TYPE_CHECKING:
    import sqlite3

    from nvr.config import Config
    from nvr.reports.query import GapQuery, ReportCamera
    from storage.coverage.clock_steps import FleetStep

__all__ = ["chosen_cameras", "gap_query", "gaps", "print_steps"]


@click.command()
@click.option("--start", type=TIME, required=True, help="ISO 8601 with a zone.")
@click.option("--end", type=TIME, help="ISO 8601 with a zone. [default: now]")
@click.option("--camera", "cameras", multiple=True, help="Only this camera; may be given more than once.")
@click.option("--where", help="Only cameras with these labels, such as district=Tembalang,isp=Telkom.")
@click.option("--cause", "causes", multiple=True, help="Only gaps of this cause; may be given more than once.")
@click.option(
    "--class", "classes", multiple=True, help="Only gaps of this class of causes; may be given more than once."
)
@click.option("--fold-s", type=click.FloatRange(0, 86_400), default=0.0, help="Shorter gaps count as footage.")
@click.option(
    "--format", "format_", type=click.Choice(["text", "json", "csv", "html", "pdf"]), default="text", show_default=True
)
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of html and pdf.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file, instead of standard output.")
@config_option
def gaps(
    start: int,
    end: int | None,
    cameras: tuple[str, ...],
    where: str | None,
    causes: tuple[str, ...],
    classes: tuple[str, ...],
    fold_s: float,
    format_: str,
    lang: str,
    output: Path | None,
    config: Path,
) -> None:
    """Print every gap in a range with its cause, camera by camera."""
    now_us = time.time_ns() // 1000
    query = gap_query(start, end, now_us, cameras, causes, classes, fold_s, where)
    with open_catalogue(config) as (loaded, database), database.read() as conn:
        found = chosen_cameras(conn, query)
        if format_ == "text":
            _print(conn, found, query, loaded.server.zone, now_us)
            return
        pieces = _pieces(conn, found, query, loaded, format_, lang, now_us)
        if output is not None:
            try:
                # Never in the place of another file.
                with new_file(output) as file:
                    file.writelines(pieces)
            except OSError as error:
                raise click.ClickException(f"{output} can't be written: {error.strerror}") from None
            echo(f"{output}: {output.stat().st_size} bytes", err=True)
        elif format_ == "pdf" and sys.stdout.isatty():
            raise click.UsageError("a PDF is no text for a terminal: give --output FILE")
        else:
            raw(pieces)


def gap_query(
    start: int,
    end: int | None,
    now_us: int,
    cameras: tuple[str, ...],
    causes: tuple[str, ...] = (),
    classes: tuple[str, ...] = (),
    fold_s: float = 0.0,
    where: str | None = None,
) -> GapQuery:
    """The checked query.

    Raises:
        click.UsageError: what is wrong.
    """
    from nvr.reports.query import GapQuery
    from storage.catalogue import selection
    from storage.causes import Cause, CauseClass
    from storage.intervals import Interval

    end_us = end if end is not None else now_us
    if end_us <= start:
        raise click.UsageError("the range is empty: --end must be after --start")
    try:
        wanted = frozenset(Cause(name) for name in causes), frozenset(CauseClass(name) for name in classes)
    except ValueError as error:
        known = f"causes are {', '.join(Cause)}; classes are {', '.join(CauseClass)}"
        raise click.UsageError(f"{error}; {known}") from None
    try:
        labels = selection.parse(where or "")
    except selection.SelectionError as error:
        raise click.UsageError(spoken(error)) from None
    return GapQuery(Interval(start, end_us), cameras, (), *wanted, round(fold_s * 1_000_000), where=labels)


def chosen_cameras(conn: sqlite3.Connection, query: GapQuery) -> list[ReportCamera]:
    """The cameras asked for.

    Raises:
        click.ClickException: there is no such camera, or no label of which is asked for.
    """
    from nvr.reports.query import chosen
    from storage.catalogue import selection

    try:
        return chosen(conn, query)
    except selection.SelectionError as error:
        raise click.ClickException(spoken(error)) from None
    except KeyError as error:
        raise click.ClickException(f"there is no camera {error.args[0]}; nvr cameras lists them") from None


def _pieces(
    conn: sqlite3.Connection,
    cameras: list[ReportCamera],
    query: GapQuery,
    loaded: Config,
    format_: str,
    lang: str,
    now_us: int,
) -> Iterator[bytes]:
    from nvr import __version__
    from nvr.reports.document import Reader
    from nvr.reports.formats import FORMATS

    reader = Reader(lang, loaded.server.zone, "nvr gaps", __version__)
    return FORMATS[format_].make(conn, cameras, query, reader, now_us=now_us)


def _print(conn: sqlite3.Connection, cameras: list[ReportCamera], query: GapQuery, zone: str, now_us: int) -> None:
    from nvr.reports.figure_rows import account_rows
    from nvr.reports.listing import Totals
    from nvr.reports.stream import listings
    from nvr.texts import Formats
    from storage.coverage.clock_steps import fleet_steps
    from storage.coverage.fleet_partition import CAUSES

    rows: list[tuple[str, ...]] = [("CAMERA", "START", "END", "SECONDS", "CAUSE", "DETAIL")]
    totals = Totals()
    for listing in listings(conn, cameras, query, now_us=now_us):
        totals.add(listing)
        batch, found = listing.batch, listing.batch.gaps
        is_open = batch.open
        for row, detail in zip(listing.listed.tolist(), batch.details(listing.listed), strict=True):
            start_us, end_us = int(found.start_us[row]), int(found.end_us[row])
            until = "still open" if is_open[row] else when(end_us, zone)
            camera, cause = batch.cameras[int(found.camera[row])], CAUSES[int(found.cause[row])]
            told = _words(msgspec.json.decode(detail))
            rows.append((camera, when(start_us, zone), until, f"{(end_us - start_us) / 1e6:.3f}", cause, told))
    table(rows)
    listed, folded = totals.listed, totals.folded
    echo()
    echo(f"{totals.recorded_us / 1e6:.3f} s recorded, {listed.us / 1e6:.3f} s missing in {listed.gaps} gaps")
    formats = Formats("en", zone)
    echo("; ".join(f"{name.lower()} {length}" for name, length in account_rows(totals.account, formats)))
    print_steps(fleet_steps(conn, totals.members, *query.range), zone)
    if query.fold_us:
        echo(f"{folded.us / 1e6:.3f} s in {folded.gaps} gaps shorter than {query.fold_s:g} s left out")


def print_steps(steps: Sequence[FleetStep], zone: str) -> None:
    """When the server's clock was set."""
    for step in steps:
        at, to = when(step.at_us, zone), when(step.to_us, zone)
        echo(f"the server's clock was set by {step.by_us / 1e6:+.3f} s, from {at} to {to} ({step.cameras} cameras)")


def _words(detail: Mapping[str, Any]) -> str:
    """What a gap's detail says, in one line: the error, or the order's letter and the cause that stays beside it."""
    said = [str(detail[name]) for name in ("error", "letter", "reason") if detail.get(name)]
    if "original_cause" in detail:
        said.append(f"({detail['original_cause']} before)")
    return " ".join(said)
